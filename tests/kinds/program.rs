//! A small program whose kind of blocking is known.

use concadvise::observe::kind::BlockedKind;

/// What it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    C,
    Python,
}

/// How long it is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// From its start to its end, in one wait.
    Throughout,
    /// Again and again, for a tenth of its life or longer; less, and it says that it cannot be measured here.
    Often,
    /// Never.
    Never,
}

/// One line of the labelled set. Its first thread is the worker that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    pub name: &'static str,
    pub language: Language,
    pub source: &'static str,
    pub kind: BlockedKind,
    pub blocks: Blocks,
}

impl Program {
    pub fn blocks(self, blocks: Blocks) -> Self {
        Self { blocks, ..self }
    }

    pub fn never_blocks(self) -> Self {
        self.blocks(Blocks::Never)
    }
}

/// Blocked on `kind` throughout, in C.
pub fn c(name: &'static str, kind: BlockedKind, source: &'static str) -> Program {
    Program { name, language: Language::C, source, kind, blocks: Blocks::Throughout }
}

/// Blocked on `kind` throughout, in Python.
pub fn python(name: &'static str, kind: BlockedKind, source: &'static str) -> Program {
    Program { language: Language::Python, ..c(name, kind, source) }
}
