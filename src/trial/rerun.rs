//! Running the user's whole command again, looked into from inside: only where the user asked for it (`--rerun`).
//!
//! `injection` puts a package of ours on the import path of a Python program and reads what it tells; `command` runs
//! the command with it and says what came of that, `output` whether it printed the same. `sites` are the places where
//! the program builds executors, `search` (pure) says which settings of one are worth a run, and [`run_site`] runs them.

pub mod command;
pub mod injection;
pub mod output;
pub mod search;
pub mod sites;

use super::Outcome;
use super::model::Setting;
use command::Command;
use search::Search;
use sites::Site;
use std::time::Duration;

/// What reruns told of a program that builds executors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rerun {
    /// The places where it does, the busiest first.
    pub sites: Vec<Site>,
    /// Whether what it prints was compared with what it prints as it is.
    pub compared: bool,
}

/// Tries settings of one site, one run each, until none is worth one, `budget` is spent, or `interrupted`. `unchanged`
/// are runs of the program as it is so far.
pub fn run_site(
    command: &mut Command,
    site: &mut Site,
    mut search: Search,
    budget: Duration,
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(&Setting, Duration),
) -> Duration {
    let mut spent = Duration::ZERO;
    while let Some(setting) = search.next(budget.saturating_sub(spent)) {
        progress(&setting, spent);
        let knob = (setting != search.found()).then(|| sites::knob(site, &setting));
        let slower = (site.workers / setting.workers.max(1)).max(1);
        let (outcome, took) = command.run(knob, u32::try_from(slower).unwrap_or(u32::MAX));
        if interrupted() {
            break;
        }
        spent += took;
        search.record(setting, outcome);
    }
    site.trials = search.finish();
    spent
}

/// Whether an outcome is a time.
fn ran(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok(measured) if !measured.walls.is_empty())
}
