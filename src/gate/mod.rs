//! (baseline, current) → verdict: did this change of the code change the advice? Pure; compares decisions and
//! dimensionless signals, never seconds.
//!
//! [`Baseline`] is what is committed: a [`record::Record`] for each named target. `current` reads a report into the
//! same, with what is true of that run only. `replay` asks the rules again, under other rules or on another machine, so
//! that `judge` can tell drift of the code from drift of rules or machine, and comes to a [`verdict`]. `weigh` weighs
//! another answer: `doubt` says how near the old one lies, `gain` what changing would be worth; `together` says what
//! several runs come to, `findings` which defects are new, `pairs` what runs of two commits in turn say, `changed` which
//! lines a pull request changed, `pairing` which target a report is of, `difference` what accepting it would change.
//! `wire` is the only place that knows the formats of the files, `show` those for people and programs; reading and
//! writing files, running targets and printing are `run`'s.

pub mod changed;
pub mod current;
pub mod difference;
mod doubt;
mod findings;
pub mod gain;
pub mod judge;
pub mod pairing;
pub mod pairs;
pub mod policy;
pub mod record;
mod replay;
pub mod show;
mod together;
pub mod verdict;
mod weigh;
pub mod wire;

#[cfg(test)]
mod tests;

use record::Record;

/// What was accepted: one record for each target, in order of name; no two of one name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    targets: Vec<Record>,
}

impl Baseline {
    /// Those records; of two with one name the later.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut baseline = Self::default();
        records.into_iter().for_each(|record| baseline.accept(record));
        baseline
    }

    /// In order of name.
    pub fn targets(&self) -> &[Record] {
        &self.targets
    }

    /// The target of that name.
    pub fn target(&self, name: &str) -> Option<&Record> {
        self.targets.iter().find(|target| target.name == name)
    }

    /// Takes a record in, in the place of the one of its name.
    pub fn accept(&mut self, record: Record) {
        match self.targets.binary_search_by(|target| target.name.cmp(&record.name)) {
            Ok(place) => self.targets[place] = record,
            Err(place) => self.targets.insert(place, record),
        }
    }

    /// Drops the targets that are not among `names`, and says which they were.
    pub fn prune(&mut self, names: &[&str]) -> Vec<String> {
        let gone = |target: &&Record| !names.contains(&target.name.as_str());
        let pruned = self.targets.iter().filter(gone).map(|target| target.name.clone()).collect();
        self.targets.retain(|target| names.contains(&target.name.as_str()));
        pruned
    }
}
