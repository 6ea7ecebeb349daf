//! One Python file: decoded as its first lines say, and parsed as far as it can be.
//!
//! The only module, with those below it, that knows the parser's crates: others get the syntax tree through [`ast`],
//! and places in lines and columns from [`Source::place`]. What the tree means is left to those who walk it; that it
//! can be walked on any thread's stack is seen to here.

mod decode;
mod legacy;
mod nesting;
mod notebook;

use super::suppress::Noqa;
use nesting::DEEPEST;
use notebook::Cell;
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_cells_unchecked, parse_unchecked};
use ruff_source_file::LineIndex;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use ruff_python_ast as ast;
pub use ruff_text_size::{Ranged, TextRange, TextSize};

/// Longest file that is read. Larger ones are generated, and nobody fixes those by hand.
pub const LONGEST: u64 = 64 << 20;

/// A file, read and parsed.
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text; of a notebook, its code cells one after another.
    pub text: String,
    parsed: Parsed<ast::ModModule>,
    lines: LineIndex,
    /// Of a notebook, never empty there; empty for any other file.
    cells: Vec<Cell>,
    noqa: OnceLock<Option<Noqa>>,
}

/// A place in a file, both from 1; the column counts characters. In a notebook the line is the cell's own.
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
        Self::parse(path, &bytes(path)?)
    }

    /// Parses `bytes` as what `path` would hold. What does not parse is left out and told by [`Source::errors`].
    ///
    /// # Errors
    /// A clause, when the bytes are no text, or nest deeper than any program.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        let text = decode::decode(bytes)?;
        let is_notebook = path.extension().is_some_and(|extension| extension == "ipynb");
        let (text, cells) = if is_notebook {
            let book = notebook::read(&text)?;
            (book.text, book.cells)
        } else {
            (text.into_owned(), Vec::new())
        };
        if let Some(depth) = nesting::refuse_text(&text) {
            return Err(too_deep(depth));
        }
        let parsed = parse(&text, &cells)?;
        let depth = nesting::depth(parsed.tokens().iter().map(|token| token.kind()));
        if depth > DEEPEST {
            drop_deep(parsed);
            return Err(too_deep(depth));
        }
        let lines = LineIndex::from_source_text(&text);
        Ok(Self { path: path.to_owned(), text, parsed, lines, cells, noqa: OnceLock::new() })
    }

    /// Its statements.
    pub fn body(&self) -> &[ast::Stmt] {
        self.parsed.suite()
    }

    /// Where an offset is.
    pub fn place(&self, offset: TextSize) -> Place {
        let at = self.lines.line_column(offset, &self.text);
        let before = self.cell_at(offset).map_or(0, |cell| cell.lines_before);
        Place { line: at.line.get() - before, column: at.column.get() }
    }

    /// Number of the notebook's cell that an offset is in, counted over all cells from 1; `None` in any other file.
    pub fn cell(&self, offset: TextSize) -> Option<usize> {
        self.cell_at(offset).map(|cell| cell.number)
    }

    /// Whether it is a notebook.
    pub fn is_notebook(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Text of an expression, a statement, or anything else with a range.
    pub fn text_of(&self, what: &impl Ranged) -> &str {
        &self.text[what.range()]
    }

    /// The line that an offset is in, without its end.
    pub fn line_at(&self, offset: TextSize) -> &str {
        let at = offset.to_usize().min(self.text.len());
        let start = self.text[..at].rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let end = self.text[at..].find(['\n', '\r']).map_or(self.text.len(), |end| at + end);
        &self.text[start..end]
    }

    /// What comments suppress in all of the file; looked for when it is asked first.
    pub fn noqa(&self) -> Option<&Noqa> {
        let find = || {
            let any = self.text.contains("noqa") || self.text.contains("NOQA");
            any.then(|| Noqa::in_file(self.own_line_comments())).flatten()
        };
        self.noqa.get_or_init(find).as_ref()
    }

    /// Where strings are that go over several lines, f-strings and t-strings as wholes.
    pub fn long_strings(&self) -> Vec<TextRange> {
        use ast::token::TokenKind;
        let mut all = Vec::new();
        let mut open: Vec<TextSize> = Vec::new();
        for token in self.parsed.tokens().iter() {
            match token.kind() {
                TokenKind::String => all.push(token.range()),
                TokenKind::FStringStart | TokenKind::TStringStart => open.push(token.start()),
                TokenKind::FStringEnd | TokenKind::TStringEnd => {
                    all.extend(open.pop().map(|start| TextRange::new(start, token.end())));
                }
                _ => {}
            }
        }
        all.retain(|string| self.text_of(string).contains(['\n', '\r']));
        all
    }

    /// Comments with nothing before them on their line.
    fn own_line_comments(&self) -> impl Iterator<Item = &str> {
        let comments = self.parsed.tokens().iter().filter(|token| token.kind() == ast::token::TokenKind::Comment);
        comments
            .filter(|token| self.line_at(token.start()).trim_start().starts_with('#'))
            .map(|token| self.text_of(token))
    }

    /// What did not parse, with where.
    pub fn errors(&self) -> impl Iterator<Item = (Place, String)> {
        self.parsed.errors().iter().map(|error| (self.place(error.location.start()), error.error.to_string()))
    }

    /// Whether it does not parse because it is written for Python 2. What its tree says is then not worth reading.
    pub fn is_python_2(&self) -> bool {
        let newer = self.parsed.unsupported_syntax_errors().iter().map(|error| error.range.start());
        let wrong = self.parsed.errors().iter().map(|error| error.location.start());
        legacy::is_python_2(wrong.chain(newer).map(|offset| self.line_at(offset)))
    }

    fn cell_at(&self, offset: TextSize) -> Option<&Cell> {
        let past = self.cells.partition_point(|cell| cell.start <= offset.to_usize());
        past.checked_sub(1).and_then(|last| self.cells.get(last))
    }
}

/// The bytes of the file at `path`.
///
/// # Errors
/// A clause that says why it cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|why| format!("it cannot be opened: {why}"))?;
    // One more than it has, so that the end is seen without making room for what does not follow.
    let length = file.metadata().map_or(0, |file| file.len()).min(LONGEST) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|why| format!("it cannot be read: {why}"))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} MiB", LONGEST >> 20));
    }
    Ok(bytes)
}

/// The bytes of `text` as the file whose bytes are `like` has its own: in the same encoding, and with a byte order mark
/// where that has one.
///
/// # Errors
/// A clause that says why it cannot be written so.
pub fn encode(text: &str, like: &[u8]) -> Result<Vec<u8>, String> {
    decode::encode(text, like)
}

fn parse(text: &str, cells: &[Cell]) -> Result<Parsed<ast::ModModule>, String> {
    if cells.is_empty() {
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        return parsed.try_into_module().ok_or_else(|| "the parser took it for an expression".to_owned());
    }
    let size = |offset: usize| TextSize::try_from(offset).map_err(|_| "it is longer than 4 GiB".to_owned());
    let range = |cell: &Cell| Ok(TextRange::new(size(cell.start)?, size(cell.end)?));
    let ranges: Vec<_> = cells.iter().map(range).collect::<Result<_, String>>()?;
    Ok(parse_cells_unchecked(text, ranges, &ParseOptions::from(Mode::Ipython)))
}

fn too_deep(depth: usize) -> String {
    format!("it nests {depth} levels deep, and nothing deeper than {DEEPEST} is looked at")
}

/// Drops a tree that is too deep for this thread's stack: on one of a size that holds it, as what is parsed at all is
/// bounded in depth. Where there is no such thread to be had the tree is leaked, which harms less than a crash.
fn drop_deep(parsed: Parsed<ast::ModModule>) {
    const STACK: usize = 256 << 20;
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(parsed)));
    let theirs = slot.clone();
    let empty = move || drop(theirs.lock().map(|mut parsed| parsed.take()));
    if std::thread::Builder::new().stack_size(STACK).spawn(empty).map(|thread| thread.join()).is_err() {
        std::mem::forget(slot);
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
        assert!(!source.is_python_2());
    }

    #[test]
    fn a_place_counts_characters_from_one() {
        let source = parsed("x = 1\nname = 'é'; y = 2\n");
        let last = source.body().last().expect("three statements");
        assert_eq!(source.place(last.start()), Place { line: 2, column: 13 });
    }

    #[test]
    fn python_2_is_known_by_what_does_not_parse() {
        for text in ["import os\nprint 'x'\n", "try:\n    f()\nexcept ValueError, e:\n    pass\n", "raise A, 'b'\n"] {
            assert!(parsed(text).is_python_2(), "{text}");
        }
        for text in ["print('x')\n", "try:\n    f()\nexcept (A, B):\n    pass\n", "x = (\n", "match = 1\nasync = 2\n"] {
            assert!(!parsed(text).is_python_2(), "{text}");
        }
    }

    #[test]
    fn a_place_in_a_notebook_is_the_cells_own_and_cells_do_not_spoil_each_other() {
        let text = r##"{"cells": [
            {"cell_type": "code", "source": ["x = 1\n", "x = (\n"]},
            {"cell_type": "markdown", "source": ["# Title"]},
            {"cell_type": "code", "source": ["%matplotlib inline\n", "import time\n", "y = 2"]}
        ]}"##;
        let source = Source::parse(Path::new("app.ipynb"), text.as_bytes()).expect("it is a notebook");
        let last = source.body().last().expect("statements");
        assert_eq!(source.text_of(last), "y = 2");
        assert_eq!((source.cell(last.start()), source.place(last.start())), (Some(3), Place { line: 3, column: 1 }));
        assert_eq!(source.errors().next().map(|(place, _)| place.line), Some(2));
    }

    #[test]
    fn nothing_overflows_the_stack() {
        let deep = |levels: usize| {
            [
                "(".repeat(levels) + &")".repeat(levels),
                "[".repeat(levels),
                "x = ".to_owned() + &"-".repeat(levels) + "1",
                "a".to_owned() + &".b".repeat(levels),
                "a".to_owned() + &" + a".repeat(levels),
                "not ".repeat(levels) + "a",
                "lambda: ".repeat(levels) + "a",
                "a if b else ".repeat(levels) + "c",
                "f'{".repeat(levels),
            ]
        };
        for text in deep(100_000).iter().chain(&deep(3_000)) {
            let refusal = Source::parse(Path::new("deep.py"), text.as_bytes()).expect_err("it nests too deep");
            assert!(refusal.contains("levels deep"), "{refusal}");
        }
        let indented: String = (0..2_000).map(|level| " ".repeat(level) + "if x:\n").collect();
        assert!(Source::parse(Path::new("deep.py"), indented.as_bytes()).is_err());
        for text in deep(90) {
            assert!(Source::parse(Path::new("deep.py"), text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_generated_and_long_is_read_within_bounds() {
        // Long enough to be looked at before it is parsed; what is longer than `LONGEST` is refused unread.
        let long = format!("TABLE = [{}]\n", "(1, 'a', f(x)), ".repeat(100_000));
        assert_eq!(parsed(&long).body().len(), 1);
    }
}
