//! One Python file: decoded as its first lines say, and parsed as far as it can be.
//!
//! The only module that knows the parser's crates: others get the syntax tree through [`ast`], and places in lines
//! and columns from [`Source::place`]. What the tree means is left to those who walk it.

use ruff_python_parser::{ParseOptions, Parsed, parse_unchecked};
use ruff_source_file::LineIndex;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use ruff_python_ast as ast;
pub use ruff_text_size::{Ranged, TextRange, TextSize};

/// Longest file that is read. Larger ones are generated, and nobody fixes those by hand.
pub const LONGEST: u64 = 64 << 20;

/// A file, read and parsed.
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    parsed: Parsed<ast::ModModule>,
    lines: LineIndex,
}

/// A place in a file, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Source {
    /// Reads and parses the file at `path`.
    ///
    /// # Errors
    /// A clause that says why it cannot be read, or is no Python text.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|why| format!("it cannot be opened: {why}"))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|why| format!("it cannot be read: {why}"))?;
        if bytes.len() as u64 > LONGEST {
            return Err(format!("it is longer than {} MiB", LONGEST >> 20));
        }
        Self::parse(path, &bytes)
    }

    /// Parses `bytes` as what `path` would hold. What does not parse is left out and told by [`Source::errors`].
    ///
    /// # Errors
    /// A clause, when the bytes are no text.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|why| format!("it is not UTF-8: {why}"))?.to_owned();
        let parsed = parse_unchecked(&text, ParseOptions::from(ruff_python_parser::Mode::Module));
        let parsed = parsed.try_into_module().ok_or("the parser took it for an expression")?;
        let lines = LineIndex::from_source_text(&text);
        Ok(Self { path: path.to_owned(), text, parsed, lines })
    }

    /// Its statements.
    pub fn body(&self) -> &[ast::Stmt] {
        self.parsed.suite()
    }

    /// Where an offset is.
    pub fn place(&self, offset: TextSize) -> Place {
        let at = self.lines.line_column(offset, &self.text);
        Place { line: at.line.get(), column: at.column.get() }
    }

    /// What did not parse, with where.
    pub fn errors(&self) -> impl Iterator<Item = (Place, String)> {
        self.parsed.errors().iter().map(|error| (self.place(error.location.start()), error.error.to_string()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Source {
        Source::parse(Path::new("app.py"), text.as_bytes()).expect("it is text")
    }

    #[test]
    fn what_does_not_parse_is_told_and_the_rest_is_there() {
        let source = parsed("import os\ndef broken(:\n    pass\nfor item in items:\n    fetch(item)\n");
        let (place, _) = source.errors().next().expect("line 2 is wrong");
        assert_eq!(place.line, 2);
        assert!(source.body().iter().any(|statement| statement.is_for_stmt()));
    }

    #[test]
    fn a_place_counts_characters_from_one() {
        let source = parsed("x = 1\nname = 'é'; y = 2\n");
        let last = source.body().last().expect("three statements");
        assert_eq!(source.place(last.start()), Place { line: 2, column: 13 });
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(Source::parse(Path::new("app.py"), b"x = '\xFF'").is_err_and(|why| why.contains("not UTF-8")));
    }
}
