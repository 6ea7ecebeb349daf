//! All files together: which there are, what each says, and what only their calls of one another show.
//!
//! Files are walked in parallel, each by itself, and only their findings and summaries are kept, so memory is bounded
//! by the files in flight. A file with none of the words that a finding needs is not parsed, unless a coroutine calls
//! into it. `files` finds them, `binaries` tells of native ones that were named, `summary` keeps what others need to know of one, `graph` joins the summaries.

mod binaries;
mod check;
pub mod files;
pub mod graph;
mod passed_by;
pub mod summary;
#[cfg(test)]
mod tests;

pub use binaries::Binary;
pub use check::{Checked, check, check_bytes, check_without, on_wide_stacks};

use std::path::PathBuf;

/// Something about a file that a reader should know, and that is no finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file or folder.
    pub path: PathBuf,
    /// What, as a clause about it.
    pub clause: String,
    /// Whether it was named by the caller and could not be read at all.
    pub refused: bool,
}
