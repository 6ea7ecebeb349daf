//! The only place where results meet a wire format or a page: TOML, the table, recordings. One file per format.
//!
//! [`Report`] holds the stages' own results; [`schema`] is the same as the file says it, and both the TOML text and
//! the table are made from that, so a report shown again offline reads as it did when it was made. Strings from
//! targets, rules and reports are untrusted and are escaped here. Nothing here decides anything.

pub mod binary;
pub mod escape;
pub mod file;
pub mod fill;
pub mod findings;
pub mod fingerprint;
pub mod instruments;
pub mod json;
pub mod json_schema;
pub mod recording;
pub mod sarif;
pub mod schema;
pub mod table;
pub mod toml;

use crate::classify::Classification;
use crate::notice::Notice;
use crate::profile::Profile;
use crate::recommendation::Recommendation;
use crate::rules::{Decision, Facts};
use recording::Recording;

/// Everything that was found out about one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whether the target ran to its end and every stage after it did its work.
    pub complete: bool,
    /// What was measured, raw.
    pub recording: Recording,
    /// What the run showed.
    pub profile: Profile,
    /// What sort of work it is.
    pub classification: Classification,
    /// The rule that admitted it.
    pub rule: String,
    /// What the rules could ask about, so that a gate can ask other rules the same.
    pub facts: Facts,
    /// Where the walk through the rules ended.
    pub decision: Decision,
    /// [`crate::rules::Rules::hash`] of the rules that were walked.
    pub rules_hash: u64,
    /// The answer.
    pub recommendation: Recommendation,
    /// Every caveat of every stage.
    pub notices: Vec<Notice>,
}
