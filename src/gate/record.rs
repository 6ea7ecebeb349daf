//! [`Record`]: what is known of one target at one time, small enough to be committed. Every number has three
//! significant digits, so that the same evidence makes the same bytes and a run compared with itself is equal.

use crate::rules::WorkersRule;
use crate::rules::facts::Value;
use crate::trial::Evidence;
use crate::trial::model::{Model, StartMethod};
use std::collections::BTreeMap;
use std::fmt;

/// One target: what was decided, on what ground, from which signals.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its name, unique in a baseline.
    pub name: String,
    /// The words that ran it, escaped as reports are; of a function, `--task` and `--items` with theirs.
    pub command: Vec<String>,
    /// The answer.
    pub choice: Choice,
    /// What the answer was chosen from.
    pub admitted: Admitted,
    /// What it was measured on and with.
    pub ground: Ground,
    /// Dimensionless measurements, by name: what is compared.
    pub signals: BTreeMap<String, Signal>,
    /// What else rules may ask about, by name: only ever asked again, never compared, for seconds are among it.
    pub facts: BTreeMap<&'static str, Value>,
    /// What each setting that ran gains, in the order of model, workers, chunk size and start method.
    pub points: Vec<Point>,
    /// How near the answer is to another, in order of fact.
    pub margins: Vec<Margin>,
    /// Defects of the source, in order.
    pub findings: BTreeMap<FindingKey, u64>,
}

/// A model with its workers: what is advised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Executor model.
    pub model: Model,
    /// Workers, where it was decided.
    pub workers: u64,
    /// Workers, as it holds on other machines: `cpus`, `min(cpus, 8)`, `32`.
    pub policy: String,
    /// Tasks handed over at a time.
    pub chunk_size: Option<u64>,
    /// How processes start.
    pub start_method: Option<StartMethod>,
}

impl Choice {
    /// One after another.
    pub fn sequential() -> Self {
        Self { model: Model::Sequential, workers: 1, policy: "1".to_owned(), chunk_size: None, start_method: None }
    }

    /// The workers that its policy comes to where that many CPUs are usable. A policy that is not ours leaves the number.
    pub fn workers_on(&self, cpus: u64) -> u64 {
        let inside = self.policy.strip_prefix("min(").and_then(|rest| rest.strip_suffix(')'));
        let part = |part: &str| match part.trim() {
            "cpus" => Some(cpus),
            // How many tasks there are is no policy's to know; the number that was decided holds for them.
            "tasks" => Some(self.workers),
            number => number.parse().ok(),
        };
        let of_policy = match inside.and_then(|inside| inside.split_once(',')) {
            Some((one, other)) => part(one).zip(part(other)).map(|(one, other)| one.min(other)),
            None => part(&self.policy),
        };
        of_policy.unwrap_or(self.workers).max(1)
    }

    /// Whether its workers compute at the same time, so that it needs CPUs to do so.
    pub fn wants_cpus(&self) -> bool {
        self.workers > 1 && self.policy.contains("cpus")
    }
}

impl fmt::Display for Choice {
    /// `processes at 2 (policy cpus)`, as sentences say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.model == Model::Sequential {
            return f.write_str("sequential");
        }
        write!(f, "{} at {}", self.model, self.workers)?;
        let beside = [
            (self.policy != self.workers.to_string()).then(|| self.policy.clone()),
            self.start_method.map(|method| method.name().to_owned()),
            self.chunk_size.filter(|size| *size > 1).map(|size| format!("chunks of {size}")),
        ];
        let beside: Vec<String> = beside.into_iter().flatten().collect();
        if beside.is_empty() { Ok(()) } else { write!(f, " ({})", beside.join(", ")) }
    }
}

/// What the rules left to choose from, and what that was tried on.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The rule that decided.
    pub rule: String,
    /// The models it admits, in its order of preference.
    pub models: Vec<Model>,
    /// How it bounds the workers.
    pub bound: WorkersRule,
    /// What the trials ran; `None` when the rule alone decided.
    pub evidence: Option<Evidence>,
    /// Models that could not be used: unsafe, failing, or of no use to this work; in order.
    pub refused: Vec<Model>,
}

impl Admitted {
    /// Whether the program's own times decided, whatever sort of work it is.
    pub fn own_times(&self) -> bool {
        matches!(self.evidence, Some(Evidence::Task | Evidence::Program)) && self.models != [Model::Sequential]
    }
}

/// The machine, the interpreter, the tool and its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// The concadvise that measured it.
    pub tool_version: String,
    /// [`crate::rules::Rules::hash`] of the rules that decided.
    pub rules: u64,
    /// Machine architecture.
    pub arch: String,
    /// `cpython`, `native`, `script`, `other`.
    pub runtime: String,
    /// The interpreter's version.
    pub version: Option<String>,
    /// Whether the interpreter has a global lock.
    pub gil: Option<bool>,
    /// Facts about machine and interpreter, by name.
    pub facts: BTreeMap<&'static str, Value>,
}

impl Ground {
    /// A number among its facts.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.facts.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// CPUs usable for computing; 1 when unknown, since a run had at least that.
    pub fn cpus(&self) -> u64 {
        self.number("cpus_usable").map_or(1, |cpus| cpus as u64).max(1)
    }

    /// CPU-seconds per second: the quota where there is one.
    pub fn capacity(&self) -> f64 {
        let cpus = self.cpus() as f64;
        self.number("cpu_quota").map_or(cpus, |quota| quota.min(cpus))
    }

    /// Whether it has as much to compute with.
    pub fn is_as_large(&self, other: &Self) -> bool {
        self.cpus() == other.cpus() && (self.capacity() - other.capacity()).abs() <= 0.05 * other.capacity()
    }
}

/// A dimensionless measurement and, where it was resampled, the interval it lies in at 90 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// Best estimate.
    pub value: f64,
    /// Both ends.
    pub interval: Option<(f64, f64)>,
}

/// A setting that ran: its time as a ratio, so that it means something elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Executor model.
    pub model: Model,
    /// Workers.
    pub workers: u64,
    /// Tasks handed over at a time.
    pub chunk_size: Option<u64>,
    /// How processes start.
    pub start_method: Option<StartMethod>,
    /// Speed-up over one task after another.
    pub speedup: f64,
    /// Lower end of the range that it would be measured in again.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How far a fact is from the value at which another rule would decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    /// The fact.
    pub fact: String,
    /// The rule that turns over; `class` for what the class rests on.
    pub rule: String,
    /// Where.
    pub flips_at: f64,
    /// How far that is: in points of a share, else as part of `flips_at`.
    pub distance: f64,
}

/// A defect by what stays when lines move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingKey {
    /// `CON101`.
    pub code: String,
    /// The file.
    pub path: String,
    /// The function or class around it; empty at the file's own level.
    pub qualified_name: String,
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.code, self.path)?;
        if self.qualified_name.is_empty() { Ok(()) } else { write!(f, ", {}", self.qualified_name) }
    }
}

/// To three significant digits: what a committed number needs, and what two runs of the same may share.
pub fn rounded(number: f64) -> Option<f64> {
    format!("{number:.2e}").parse().ok().filter(|number: &f64| number.is_finite()).map(|number| number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_worked_out_where_it_is_to_hold() {
        for (policy, workers, cpus, expected) in [
            ("cpus", 2, 8, 8),
            ("min(cpus, 4)", 4, 2, 2),
            ("min(cpus, 4)", 4, 8, 4),
            ("min(tasks, 19)", 19, 2, 19),
            ("min(cpus, tasks)", 3, 8, 3),
            ("32", 32, 2, 32),
            ("1", 1, 8, 1),
            ("what?", 5, 8, 5),
            ("0", 1, 8, 1),
        ] {
            let choice = Choice { policy: policy.to_owned(), workers, ..Choice::sequential() };
            assert_eq!(choice.workers_on(cpus), expected, "{policy} on {cpus}");
        }
    }

    #[test]
    fn three_digits_are_kept() {
        for (number, kept) in [(1.77257, Some(1.77)), (0.00123456, Some(0.001_23)), (-0.0, Some(0.0)), (f64::NAN, None)]
        {
            assert_eq!(rounded(number), kept, "{number}");
        }
    }
}
