//! What a gate says of a target, and with what reasons. How it comes to that is `judge`'s.

use super::gain::Gain;
use super::policy::Policy;
use super::record::{Choice, FindingKey};
use crate::report::schema::Finding;

/// What a gate says of a target, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The same answer, or one that is as good.
    Unchanged,
    /// The same answer, and something is better than it was.
    Improved,
    /// Worth a look: rules or machine drifted, or the effect is small.
    Warn,
    /// The two cannot be compared.
    Incomparable,
    /// It cannot be told; the old answer stands.
    Inconclusive,
    /// The change of the code changed the answer.
    Changed,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 6] =
        [Self::Unchanged, Self::Improved, Self::Warn, Self::Incomparable, Self::Inconclusive, Self::Changed];

    /// The word in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Improved => "improved",
            Self::Warn => "warn",
            Self::Incomparable => "incomparable",
            Self::Inconclusive => "inconclusive",
            Self::Changed => "changed",
        }
    }
}

/// What drifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// The target, or what it works on.
    Code,
    /// The decision tree.
    Rules,
    /// The machine or the interpreter.
    Machine,
}

impl Drift {
    /// The word in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Rules => "rules",
            Self::Machine => "machine",
        }
    }
}

/// A signal whose old and new range have nothing in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Its name.
    pub signal: String,
    /// In the baseline.
    pub before: f64,
    /// Now.
    pub after: f64,
}

/// The verdict on one target with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Its name.
    pub target: String,
    /// What the gate says.
    pub verdict: Verdict,
    /// What the verdict may do.
    pub policy: Policy,
    /// The answer in the baseline.
    pub before: Choice,
    /// The answer now.
    pub after: Choice,
    /// What drifted, in order.
    pub drift: Vec<Drift>,
    /// What the new answer gains over the old one now; `None` when they are one, or it was not measured.
    pub gain: Option<Gain>,
    /// Why, each a sentence without its full stop.
    pub reasons: Vec<String>,
    /// What to do, each a sentence without its full stop.
    pub todo: Vec<String>,
    /// Signals that moved, the furthest first.
    pub moved: Vec<Moved>,
    /// Errors that are new, with their lines.
    pub new_errors: Vec<Finding>,
    /// Defects that are gone.
    pub gone: Vec<FindingKey>,
    /// How the target failed, where it did.
    pub failed: Option<String>,
    /// Runs that it rests on.
    pub runs: usize,
    /// Whether another run may tell what this one cannot, or confirm it.
    pub run_again: bool,
}

impl Judgement {
    /// Whether it fails the gate.
    pub fn fails(&self) -> bool {
        self.verdict == Verdict::Changed && self.policy == Policy::Fail
    }
}
