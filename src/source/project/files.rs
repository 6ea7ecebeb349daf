//! Which files there are: what was named, and all Python below the folders that were, as `.gitignore` files allow.
//!
//! Virtual environments, installed packages and hidden folders are left out unless they are named themselves. Links
//! are not followed, so that circles of them have no end to miss.

use super::Note;
use crate::source::globs::Globs;
use ignore::{DirEntry, WalkBuilder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Endings of files that hold Python to be checked. Stubs (`.pyi`) run nothing.
pub(super) const ENDINGS: [&str; 3] = ["py", "pyw", "ipynb"];

/// Folders of other people's code.
const FOREIGN: [&str; 4] = ["site-packages", "node_modules", "__pycache__", "__pypackages__"];

/// Files to check, in order of their paths, and what is to be told of those that cannot be. What `excluded` covers is
/// left out of folders, not of what was named.
pub fn find(named: &[PathBuf], excluded: &Globs) -> (Vec<PathBuf>, Vec<Note>) {
    let mut files = BTreeSet::new();
    let mut notes = Vec::new();
    for path in named {
        match path.metadata() {
            Err(why) => {
                notes.push(Note { path: path.clone(), clause: format!("it cannot be read: {why}"), refused: true })
            }
            Ok(is) if is.is_dir() => below(path, excluded, &mut files, &mut notes),
            Ok(_) => drop(files.insert(path.clone())),
        }
    }
    notes.sort();
    (files.into_iter().collect(), notes)
}

fn below(folder: &Path, excluded: &Globs, files: &mut BTreeSet<PathBuf>, notes: &mut Vec<Note>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let mut walk = WalkBuilder::new(folder);
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // Who names a folder that is excluded wants it looked at.
    let excluded = if excluded.cover(&real, true) { Globs::none() } else { excluded.clone() };
    let named = folder.to_owned();
    let is_excluded = move |entry: &DirEntry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        entry.path().strip_prefix(&named).is_ok_and(|rest| excluded.cover(&real.join(rest), is_folder))
    };
    walk.follow_links(false)
        .require_git(false)
        .filter_entry(move |entry| entry.depth() == 0 || !is_foreign(entry) && !is_excluded(entry));
    walk.threads(std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4));
    walk.build_parallel().run(|| {
        Box::new(|entry| {
            if let Ok(mut found) = found.lock() {
                match entry {
                    Ok(entry) if is_python(&entry) => found.0.push(entry.into_path()),
                    Ok(_) => {}
                    Err(why) => found.1.push(note(folder, &why)),
                }
            }
            ignore::WalkState::Continue
        })
    });
    if let Ok((paths, refused)) = found.into_inner() {
        files.extend(paths);
        notes.extend(refused);
    }
}

fn is_python(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
        && entry.path().extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

fn is_foreign(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
        && (FOREIGN.iter().any(|name| entry.file_name() == *name) || entry.path().join("pyvenv.cfg").exists())
}

fn note(folder: &Path, why: &ignore::Error) -> Note {
    fn path_of(why: &ignore::Error) -> Option<&Path> {
        match why {
            ignore::Error::WithPath { path, .. } => Some(path),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
            _ => None,
        }
    }
    let path = path_of(why).unwrap_or(folder).to_owned();
    let reason = why.io_error().map_or_else(|| why.to_string(), ToString::to_string);
    let refused = path == folder;
    Note { path, clause: format!("it cannot be read: {reason}"), refused }
}
