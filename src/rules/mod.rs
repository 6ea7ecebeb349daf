//! Facts → [`Decision`]: the decision tree, kept as data in `rules/*.toml`, walked once per replicate. Pure but for
//! `load`, which reads rule files at the edge.
//!
//! A rule admits models and names a worker policy; which of the admitted ones is fastest is the trials' to say and
//! `recommendation`'s to combine.

use crate::trial::model::Model;
use crate::units::Share;

/// Where the walk ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The rule's id.
    pub rule: String,
    /// Models it admits, in the rule's order of preference.
    pub admit: Vec<Model>,
    /// How the number of workers is bounded.
    pub workers: WorkersRule,
    /// Why, as the rule file says it.
    pub reason: String,
    /// Every comparison on the way, in order.
    pub path: Vec<Step>,
    /// Share of the replicates whose walk ended at the same rule.
    pub confidence: Share,
    /// Rules that could not be decided, with the fact that was unknown: the decision is provisional when not empty.
    pub undecided: Vec<(String, String)>,
    /// Advice of the rule that is not a model (vectorise, shared memory, batch), as sentences.
    pub advice: Vec<String>,
}

/// How a rule bounds the number of workers; within it the trials choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkersRule {
    /// One.
    One,
    /// At most the CPUs usable for computing.
    Cpus,
    /// As many as the trials found worth it, past the CPUs.
    Waits,
}

/// One comparison on the path.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rule it belongs to.
    pub rule: String,
    /// The fact that was asked for.
    pub fact: String,
    /// What it was, as shown; `None` when unknown.
    pub value: Option<String>,
    /// What it was compared with, with its operator: `>= 0.60`.
    pub threshold: String,
    /// Whether the comparison held; `None` when the fact is unknown.
    pub held: Option<bool>,
    /// The value at which the comparison turns over, for numbers.
    pub flips_at: Option<f64>,
}
