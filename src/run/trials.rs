//! The trials of the main job: what that stage needs from the outside, which is a launcher that notices when the user
//! has had enough, a budget, and a line of progress on a terminal.

use crate::notice::Notice;
use crate::observe::{Observation, observe};
use crate::profile::Profile;
use crate::report::recording::{Recording, Tried};
use crate::sys::signals::Watch;
use crate::trial::model::Setting;
use crate::trial::plan::{Limits, Race, default_budget};
use crate::trial::race::race;
use crate::trial::runner::{Launch, Runner};
use crate::trial::twin::Twin;
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::io::IsTerminal;
use std::rc::Rc;
use std::time::Duration;

/// Signals by which the user says that it is enough.
const ENOUGH: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Tries every model on a twin of what was observed.
pub fn tried(recording: &Recording, profile: &Profile, budget: Option<Duration>, quiet: bool) -> Tried {
    let Recording { host, target, observation, .. } = recording;
    let Some(twin) = Twin::of(profile, &target.runtime, host) else {
        return skipped("the run showed no work that could be tried another way");
    };
    // Held back between two trials; the next one, or the last line here, takes what came meanwhile.
    let mut watch = Watch::new(&ENOUGH).ok();
    let interrupted = Rc::new(Cell::new(None));
    let mut runner = match Runner::for_runtime(&target.runtime, launch(Rc::clone(&interrupted))) {
        Ok(runner) => runner,
        Err(why) => return Tried { twin: Some(twin), ..skipped(&why) },
    };
    let budget = budget.unwrap_or_else(|| default_budget(observation.wall));
    let limits = Limits::of(host, &target.runtime, profile);
    let plan = Race::new(&twin, runner.models(), &runner.start_methods(), &limits, budget);
    let progress = progress(quiet);
    let raced = race(plan, &mut |spec| runner.run(spec), &|| interrupted.get().is_some(), &mut |setting, spent| {
        progress.set_message(line(setting, spent, budget))
    });
    progress.finish_and_clear();
    let late = watch.as_mut().and_then(Watch::take).map(|arrival| arrival.signal);
    let mut notices = raced.notices;
    notices.extend(runner.notices());
    Tried { twin: Some(twin), trials: raced.trials, interrupted: interrupted.get().or(late), notices }
}

/// Why nothing was tried.
pub fn skipped(why: &str) -> Tried {
    Tried { notices: vec![Notice::TrialsSkipped { why: why.to_owned() }], ..Tried::default() }
}

/// Runs a trial under our own observer, and remembers the signal that cut one short.
fn launch(interrupted: Rc<Cell<Option<i32>>>) -> Launch {
    Box::new(move |argv, settings| {
        let observed = observe(argv, settings, &mut |_| ());
        if let Ok(Observation { interrupted: Some(signal), .. }) = &observed {
            interrupted.set(Some(*signal));
        }
        observed
    })
}

/// The target has ended, so the terminal is ours; without one there is nobody to show progress to.
fn progress(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{msg}").unwrap_or(ProgressStyle::default_spinner()))
}

fn line(setting: &Setting, spent: Duration, budget: Duration) -> String {
    let Setting { model, workers, .. } = setting;
    format!("concadvise: trying {model} at {workers} ({:.0} of {:.0} s)", spent.as_secs_f64(), budget.as_secs_f64())
}
