//! Verdicts as people and programs read them: one file for each format. Everything from targets, reports and baselines
//! is escaped here, for what it goes to; nothing is decided.

pub mod human;

use super::verdict::{Judgement, Verdict};

/// What a gate says of all targets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// In order of name.
    pub judgements: Vec<Judgement>,
    /// Caveats that are of no one target.
    pub notes: Vec<String>,
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

    /// How many there are of each verdict, the worst first: `1 changed, 2 unchanged`.
    pub fn counts(&self) -> String {
        let count = |verdict: Verdict| self.judgements.iter().filter(|judged| judged.verdict == verdict).count();
        let some =
            Verdict::ALL.into_iter().rev().map(|verdict| (verdict, count(verdict))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = some.map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
        if counts.is_empty() { "no targets".to_owned() } else { counts.join(", ") }
    }
}
