//! Which defects of the source are new, and which are gone. Lines do not count: they move.

use super::current::Current;
use super::record::{FindingKey, Record};
use crate::source::finding::Level;

/// Errors of which there are more than in the baseline, each with how many more.
pub(super) fn new_errors(baseline: &Record, current: &Current) -> Vec<(FindingKey, u64)> {
    let error = |key: &&FindingKey| {
        current.findings.iter().any(|found| found.level == Level::Error.name() && found.key() == **key)
    };
    let more = |key: &FindingKey| current.record.findings.get(key).copied().unwrap_or(0);
    let known = |key: &FindingKey| baseline.findings.get(key).copied().unwrap_or(0);
    let keys = current.record.findings.keys().filter(error);
    keys.map(|key| (key.clone(), more(key).saturating_sub(known(key)))).filter(|(_, more)| *more > 0).collect()
}

/// Defects of which there are fewer than in the baseline.
pub(super) fn gone(baseline: &Record, current: &Current) -> Vec<FindingKey> {
    let fewer = |(key, count): &(&FindingKey, &u64)| current.record.findings.get(*key).copied().unwrap_or(0) < **count;
    baseline.findings.iter().filter(fewer).map(|(key, _)| key.clone()).collect()
}
