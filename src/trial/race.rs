//! Runs a [`Race`] against the clock until it is over, the budget is spent, or the user has had enough.
//!
//! Which setting is next is `plan`'s; how one is run is handed in, so that a mock can answer without a clock.

use super::model::Setting;
use super::plan::Race;
use super::runner::Spec;
use super::{Outcome, Trial};
use crate::notice::Notice;
use std::time::{Duration, Instant};

/// What came of a race.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Raced {
    /// A row for every setting that was run and for every model that was not, simplest model first.
    pub trials: Vec<Trial>,
    /// Settings that were planned and not run.
    pub skipped: usize,
    /// What there is to be careful about.
    pub notices: Vec<Notice>,
    /// What all of it took.
    pub spent: Duration,
}

/// Runs the race. `run` runs one setting; `interrupted` is asked before each run and after it, when a run that was
/// cut short is thrown away; `progress` hears what is about to run and how much time is gone.
pub fn race(
    mut plan: Race,
    run: &mut dyn FnMut(&Spec) -> Outcome,
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(&Setting, Duration),
) -> Raced {
    let start = Instant::now();
    while let Some(spec) = plan.next(start.elapsed()) {
        if interrupted() {
            plan.interrupt();
            break;
        }
        progress(&spec.setting, start.elapsed());
        let before = Instant::now();
        let outcome = run(&spec);
        if interrupted() {
            plan.interrupt();
            break;
        }
        plan.record(&spec, outcome, before.elapsed());
    }
    let notices = plan.notices();
    let (trials, skipped) = plan.finish();
    Raced { trials, skipped, notices, spent: start.elapsed() }
}
