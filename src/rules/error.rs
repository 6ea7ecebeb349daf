//! Why a rule set was refused: always file, line, field, and the nearest valid name where there is one.

use std::path::{Path, PathBuf};

/// A rule file, or a folder of them, that could not be used. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or folder could not be read.
    #[error("cannot read rules from {}: {why}; give --rules a folder of .toml rule files", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// What the kernel said.
        why: String,
    },
    /// The folder holds no rule file, so that naming it was a mistake.
    #[error("no rule file in {}: a rule file's name ends in .toml", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A rule file says something that it must not.
    #[error("{}:{line}: {problem}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong and, where known, what was meant.
        problem: String,
    },
}

impl Error {
    pub(super) fn refused(file: &Path, line: usize, problem: impl Into<String>) -> Self {
        Self::Refused { file: file.to_owned(), line, problem: problem.into() }
    }
}

/// Longest piece of a rule file that is repeated in a sentence.
const QUOTED: usize = 64;

/// A word of a rule file for use in a sentence: cut short, and with nothing in it that a terminal would obey.
pub(crate) fn quoted(word: &str) -> String {
    let mut shown: String = word.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if word.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
