//! The source's findings beside what the run showed: confirmed with what they cost, found harmless, or as they were;
//! and those that only a run can show (`executors`). Pure. What cannot be known is not claimed.

mod executors;

pub use executors::codes as codes_of_runs;

use super::Recommendation;
use crate::classify::Classification;
use crate::host::Host;
use crate::observe::Observation;
use crate::profile::{HeldUp, Profile};
use crate::source::finding::{Evidence, Level};
use crate::source::outline::{Outline, SourceFinding};
use crate::target::Target;
use crate::trial::rerun::Rerun;
use crate::units::human;
use executors::Run;
use std::path::{Path, PathBuf};

/// A finding with what the run says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedFinding {
    /// Its code.
    pub code: String,
    /// How much it matters, as far as is known now.
    pub level: Level,
    /// The file, relative to the folder the program was run in where it lies below.
    pub path: PathBuf,
    /// The line.
    pub line: u32,
    /// The function or class around it.
    pub qualified_name: Option<String>,
    /// What is wrong, and what the run says of it, as a sentence without its full stop.
    pub message: String,
    /// What it stands on.
    pub evidence: Evidence,
    /// What the run says of it.
    pub standing: Standing,
}

/// What a run says of a finding; in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It did cost something.
    Confirmed,
    /// Nothing.
    Open,
    /// It was measured, and did not matter.
    Harmless,
}

/// What a run is, for those who compare the source with it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The machine.
    pub host: &'a Host,
    /// What was run.
    pub target: &'a Target,
    /// The run.
    pub observation: &'a Observation,
    /// What it means.
    pub profile: &'a Profile,
    /// What sort of work it is.
    pub classification: &'a Classification,
    /// What reruns told.
    pub rerun: Option<&'a Rerun>,
}

impl Recommendation {
    /// The same recommendation with the findings of the program's source; unchanged where that was not read.
    #[must_use]
    pub fn of_findings(mut self, outline: Option<&Outline>, seen: Seen<'_>) -> Self {
        let Some(outline) = outline else { return self };
        let mut findings: Vec<JoinedFinding> =
            outline.findings.iter().map(|finding| joined(finding, &outline.folder, seen)).collect();
        findings.extend(executors::judged(&Run { outline, seen, answer: &self }));
        let order = |finding: &JoinedFinding| (finding.standing, std::cmp::Reverse(finding.level));
        findings.sort_by(|one, other| {
            let place = |finding: &JoinedFinding| (finding.path.clone(), finding.line, finding.code.clone());
            order(one).cmp(&order(other)).then_with(|| place(one).cmp(&place(other)))
        });
        self.doubts.extend(self.setting.model.uses_processes().then(|| unsent(outline)).flatten());
        self.findings = findings;
        self
    }
}

fn joined(finding: &SourceFinding, folder: &Path, seen: Seen<'_>) -> JoinedFinding {
    let SourceFinding { code, level, path, lines, qualified_name, message } = finding;
    let held_up = match HeldUp::CODES.contains(&code.as_str()) {
        true => HeldUp::by(seen.observation, folder, path, *lines),
        false => HeldUp::Unknown,
    };
    let (level, message, standing) = match held_up {
        HeldUp::For(cost) => {
            let cost = format!("{message}; line {} blocked the loop for about {} in this run", lines.0, human(cost));
            (raised(*level), cost, Standing::Confirmed)
        }
        HeldUp::AtMost(most) => {
            let bound = format!("{message}; in this run it took less than {}, under 1 % of it", human(most));
            (Level::Info, bound, Standing::Harmless)
        }
        HeldUp::Unknown => (*level, message.clone(), Standing::Open),
    };
    JoinedFinding {
        code: code.clone(),
        level,
        path: below(path, folder),
        line: lines.0,
        qualified_name: qualified_name.clone(),
        message,
        evidence: if standing == Standing::Open { Evidence::Source } else { Evidence::Run },
        standing,
    }
}

/// One level up; an error stays one.
fn raised(level: Level) -> Level {
    let above = Level::ALL.into_iter().find(|other| *other > level);
    above.unwrap_or(level)
}

fn below(path: &Path, folder: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_owned()
}

/// What stands in the way of handing the program's tasks to processes.
fn unsent(outline: &Outline) -> Option<String> {
    let first = outline.unsent.first()?;
    let place = format!("{}:{}", below(&first.path, &outline.folder).display(), first.line);
    let more = match outline.unsent.len() {
        1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    Some(format!("{place} hands {} to its threads{more}: it cannot be sent to a process as it is", first.what))
}

#[cfg(test)]
mod tests;
