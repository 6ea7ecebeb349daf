//! The files of one machine, below the root they were captured at: `/` itself, or a folder in a test.
//!
//! Paths are written as the machine has them (`/proc/meminfo`); what a file means is its reader's.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A machine's files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree<'a> {
    root: &'a Path,
}

impl<'a> Tree<'a> {
    pub(super) const fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// Where the machine's `path` lies here.
    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The whole file, any bytes: mount points and cgroup names need not be UTF-8.
    pub(super) fn bytes(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        std::fs::read(self.at(path.as_ref()))
    }

    /// The whole file as text; what is not UTF-8 is replaced, so that one odd name does not cost the rest.
    pub(super) fn text(&self, path: impl AsRef<Path>) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(path)?).into_owned())
    }

    /// A file that holds one value; `None` when it is absent or holds something else.
    pub(super) fn value<T: FromStr>(&self, path: impl AsRef<Path>) -> Option<T> {
        self.text(path).ok()?.trim().parse().ok()
    }

    /// A file that sets one limit: `Ok(None)` when it is absent, for then nothing is limited there. The error is a
    /// clause that goes after the file's name.
    pub(super) fn setting(&self, path: &Path) -> Result<Option<String>, String> {
        match self.text(path) {
            Ok(text) if text.trim().is_empty() => Err("is empty".to_owned()),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("could not be read: {error}")),
        }
    }

    /// Whether `path` is a folder on the machine.
    pub(super) fn has_folder(&self, path: &Path) -> bool {
        self.at(path).is_dir()
    }

    /// Names in a folder, sorted; none when there is no such folder.
    pub(super) fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(path.as_ref())).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}
