//! One defect that source shows, with its place. The catalogue says what each code means; detectors find; reports show.

use super::catalogue::Entry;
use super::python::{Place, Ranged, Source, TextRange};
use super::suppress::Noqa;
use std::path::PathBuf;

/// How much a finding matters, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; whether it matters only a measurement can say.
    Info,
    /// Most likely costs time, errors or results.
    Warning,
    /// Fails, or loses results, when it runs.
    Error,
}

impl Level {
    /// In order.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// As reports and catalogue files say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The source alone.
    Source,
    /// The source, confirmed by a run that was watched.
    Run,
}

impl Evidence {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Source, Self::Run];

    /// As reports and catalogue files say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Run => "run",
        }
    }
}

/// A finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is.
    pub entry: &'static Entry,
    /// How much it matters here.
    pub level: Level,
    /// The file, as it was named or found.
    pub path: PathBuf,
    /// Where.
    pub spot: Spot,
    /// The function or class around it, as `Client.fetch`; `None` at the file's own level.
    pub qualified_name: Option<String>,
    /// What is wrong here, as a sentence without its full stop.
    pub message: String,
    /// What it stands on.
    pub evidence: Evidence,
    /// What leads from the place to the defect, in order; empty where the place is the defect.
    pub chain: Vec<Step>,
    /// How to mend it, where that is known to be right.
    pub fix: Option<Fix>,
}

/// A step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What happens there.
    pub what: String,
}

/// A change of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as a sentence without its full stop.
    pub what: String,
    /// Whether it never changes what the program does, but for the defect.
    pub safe: bool,
    /// Ranges of the file's text and what takes their place, in order and apart from each other.
    pub edits: Vec<(TextRange, String)>,
}

/// A place, with what is needed to show it when the file is no longer in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its first character.
    pub start: Place,
    /// Past its last character.
    pub end: Place,
    /// A notebook's cell.
    pub cell: Option<usize>,
    /// Its first line, without the end; cut where it is very long.
    pub line: String,
    /// What a comment on its first or last line suppresses.
    pub noqa: Option<Noqa>,
    /// Where the fix's edits begin and end, in their order; empty where there is none.
    pub edits: Vec<(Place, Place)>,
}

/// Longest line that is kept to be shown, in characters: those of people are shorter.
const LONGEST_LINE: usize = 400;

impl Spot {
    /// Of a range of a file.
    pub fn of(source: &Source, range: TextRange) -> Self {
        let first = source.line_at(range.start());
        let last = source.line_at(range.end());
        Self {
            start: source.place(range.start()),
            end: source.place(range.end()),
            cell: source.cell(range.start()),
            line: first.chars().take(LONGEST_LINE).collect(),
            noqa: Noqa::either(Noqa::on_either(first, last), source.noqa().cloned()),
            edits: Vec::new(),
        }
    }

    /// The same with the places of a fix's edits.
    pub fn with_edits(self, source: &Source, fix: Option<&Fix>) -> Self {
        let place = |range: &TextRange| (source.place(range.start()), source.place(range.end()));
        Self { edits: fix.iter().flat_map(|fix| &fix.edits).map(|(range, _)| place(range)).collect(), ..self }
    }
}

/// What a detector found; the walk makes a [`Finding`] of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where.
    pub range: TextRange,
    /// What is wrong there, as a sentence without its full stop.
    pub message: String,
    /// How much it matters here, where that is not the catalogue's level.
    pub level: Option<Level>,
    /// How to mend it.
    pub fix: Option<Fix>,
}

impl Found {
    /// Something wrong at a node.
    pub fn at(node: &impl Ranged, message: impl Into<String>) -> Self {
        Self { range: node.range(), message: message.into(), level: None, fix: None }
    }

    /// The same at another level.
    pub fn level(self, level: Level) -> Self {
        Self { level: Some(level), ..self }
    }

    /// The same with a way to mend it.
    pub fn fix(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }

    /// The same with a way to mend it, where there is one.
    pub fn fix_if(self, fix: Option<Fix>) -> Self {
        Self { fix, ..self }
    }
}
