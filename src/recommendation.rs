//! Decision + trials + Host → [`Recommendation`]: one setting, with reasons, alternatives and doubts. Pure.
//!
//! The simplest admitted model within 5 % of the best, at the fewest workers within 5 % of that model's best, capped
//! by memory and CPUs. How it is shown is `report`'s.

use crate::rules::Step;
use crate::trial::Evidence;
use crate::trial::model::Setting;
use crate::units::{Bytes, Share};

/// The answer with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// Model, workers, chunk size, start method.
    pub setting: Setting,
    /// The worker count as a policy that holds on other machines: `1`, `cpus`, `min(cpus, 8)`, `32`.
    pub policy: String,
    /// What the speed-up was measured on; `None` when no trial ran.
    pub evidence: Option<Evidence>,
    /// Expected speed-up over sequential; `None` when no trial ran.
    pub speedup: Option<Interval>,
    /// Highest memory expected at this setting.
    pub memory: Option<Bytes>,
    /// How sure: the weakest of class, rule and separation of the trials.
    pub confidence: Share,
    /// Why, in one or two sentences.
    pub reason: String,
    /// The path through the tree.
    pub path: Vec<Step>,
    /// What would change the answer, each a sentence.
    pub flips: Vec<String>,
    /// What makes it less sure, each a sentence.
    pub doubts: Vec<String>,
    /// Advice beside the model (vectorise, shared memory, batch), each a sentence.
    pub advice: Vec<String>,
    /// Code to paste.
    pub snippet: String,
    /// Other settings that ran, best first.
    pub alternatives: Vec<Alternative>,
}

/// A value with the range it lies in at 90 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Best estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Another setting and what choosing it would cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alternative {
    /// The setting.
    pub setting: Setting,
    /// Its time over the best time found, minus one.
    pub regret: f64,
}
