//! Native files among those that were named: they are told of by what they are built on, not parsed as Python.
//!
//! Only a file that is named itself is read: a folder holds many, and what they are built on is no finding.

use super::Note;
use crate::target::binary::{self, BinaryFacts};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A native file that was named.
#[derive(Debug)]
pub struct Binary {
    /// As it was named.
    pub path: PathBuf,
    /// What could be told of it.
    pub facts: BinaryFacts,
}

/// What was named, sorted.
pub(super) struct Apart {
    /// Native files.
    pub binaries: Vec<Binary>,
    /// Files and folders for Python.
    pub others: Vec<PathBuf>,
    /// About native files that cannot be told of.
    pub notes: Vec<Note>,
}

/// Takes native files out of what was named, each once.
pub(super) fn apart(named: &[PathBuf]) -> Apart {
    let mut apart = Apart { binaries: Vec::new(), others: Vec::new(), notes: Vec::new() };
    for path in named {
        match instead(path) {
            None => apart.others.push(path.clone()),
            Some(_) if apart.binaries.iter().any(|known| known.path == *path) => {}
            Some(Instead::Binary) => match binary::read(path) {
                Ok(facts) => {
                    if is_python_by_name(path) {
                        let clause = "it is named as Python and is an ELF file; it is told of as that".to_owned();
                        apart.notes.push(Note { path: path.clone(), clause, refused: false });
                    }
                    apart.binaries.push(Binary { path: path.clone(), facts });
                }
                Err(clause) => apart.notes.push(Note { path: path.clone(), clause, refused: true }),
            },
            Some(Instead::Refused(clause)) => {
                apart.notes.push(Note { path: path.clone(), clause, refused: true });
            }
        }
    }
    apart
}

/// A file that is named and is not to be read as Python.
enum Instead {
    Binary,
    Refused(String),
}

fn instead(path: &Path) -> Option<Instead> {
    let metadata = path.metadata().ok()?;
    if metadata.is_dir() {
        return None;
    }
    if !metadata.is_file() {
        // Opening it could wait for ever.
        return Some(Instead::Refused("it is not a regular file".to_owned()));
    }
    if binary::format_of(path).is_some() {
        return Some(Instead::Binary);
    }
    let script = (!is_python_by_name(path)).then(|| interpreter(path)).flatten()?;
    Some(Instead::Refused(format!("it is a script of {script}, and only Python is checked")))
}

fn is_python_by_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| super::files::ENDINGS.iter().any(|known| ending == *known))
}

/// The interpreter that a script's first line names, unless it is a Python.
fn interpreter(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    // Of `/usr/bin/env -S uv run --script` or `/usr/bin/env python3 -u`, any word may be what makes it Python.
    let is_python = ["python", "pypy", "uv ", "uvx ", "pipx", "xonsh", "sage"].iter().any(|name| line.contains(name));
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let named =
        if first.ends_with("/env") { words.find(|word| !word.starts_with('-')).unwrap_or(first) } else { first };
    (!is_python).then(|| named.rsplit('/').next().unwrap_or(named).to_owned())
}
