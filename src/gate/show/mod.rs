//! Verdicts as people and programs read them: one file for each format. Everything from targets, reports and baselines
//! is escaped here, for what it goes to; nothing is decided.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;

use super::changed::ChangedLines;
use super::verdict::{Judgement, Verdict};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[cfg(test)]
mod tests;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal and a log.
    Human,
    /// For `$GITHUB_STEP_SUMMARY` and comments.
    Markdown,
    /// Annotations of GitHub's runner.
    Github,
    /// One document, for programs.
    Json,
    /// Test results, as most CI systems read them.
    Junit,
    /// What code scanning services and editors read.
    Sarif,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Human, Self::Markdown, Self::Github, Self::Json, Self::Junit, Self::Sarif];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The text, ended by a line end. Only a person's has colours.
    pub fn render(self, outcome: &Outcome, colours: bool) -> String {
        match self {
            Self::Human => human::render(outcome, colours),
            Self::Markdown => markdown::render(outcome),
            Self::Github => github::render(outcome),
            Self::Json => json::render(outcome),
            Self::Junit => junit::render(outcome),
            Self::Sarif => sarif::render(outcome),
        }
    }
}

/// What a gate says of all targets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// In order of name.
    pub judgements: Vec<Judgement>,
    /// Caveats that are of no one target.
    pub notes: Vec<String>,
    /// Which lines the pull request changed, where that is known.
    pub changed: Option<ChangedLines>,
    /// Where the baseline lies, for formats that point at a line.
    pub place: Place,
}

/// Where a baseline lies, and its targets in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// The folder that paths are told from: where we were started.
    pub base: PathBuf,
    /// The baseline's path.
    pub path: PathBuf,
    /// The line of each target, as [`crate::gate::wire::lines`] finds it.
    pub lines: BTreeMap<String, usize>,
}

impl Outcome {
    /// Whether any target fails the gate.
    pub fn fails(&self) -> bool {
        self.judgements.iter().any(Judgement::fails)
    }

    /// Whether any target could not be told or compared.
    pub fn open(&self) -> bool {
        let open = |judged: &Judgement| matches!(judged.verdict, Verdict::Inconclusive | Verdict::Incomparable);
        self.judgements.iter().any(open)
    }

    /// The worst verdict; `None` without targets.
    pub fn worst(&self) -> Option<Verdict> {
        self.judgements.iter().map(|judged| judged.verdict).max()
    }

    /// How many there are of each verdict, the worst first: `1 changed, 2 unchanged`.
    pub fn counts(&self) -> String {
        let count = |verdict: Verdict| self.judgements.iter().filter(|judged| judged.verdict == verdict).count();
        let some =
            Verdict::ALL.into_iter().rev().map(|verdict| (verdict, count(verdict))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = some.map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
        if counts.is_empty() { "no targets".to_owned() } else { counts.join(", ") }
    }
}
