//! The trials of the main job: what that stage needs from the outside, which is a launcher that notices when the user
//! has had enough, a budget, and a line of progress on a terminal.

use crate::notice::Notice;
use crate::observe::observe;
use crate::profile::Profile;
use crate::report::recording::{Recording, Tried};
use crate::sys::signals::Watch;
use crate::trial::model::{Model, Setting};
use crate::trial::plan::{Limits, Race, default_budget};
use crate::trial::race::race;
use crate::trial::runner::{Launch, Runner};
use crate::trial::twin::Twin;
use crate::trial::{Evidence, Outcome, Trial};
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::signal::Signal;
use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::rc::Rc;
use std::time::Duration;

/// Signals by which the user says that it is enough.
const ENOUGH: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Tries every model on a twin of what was observed.
pub fn tried(
    recording: &Recording,
    profile: &Profile,
    budget: Option<Duration>,
    quiet: bool,
    enough: &Enough,
) -> Tried {
    let Recording { host, target, observation, .. } = recording;
    let Some(twin) = Twin::of(profile, &target.runtime, host) else {
        return skipped("the run showed no work that could be tried another way");
    };
    let mut runner = match Runner::for_runtime(&target.runtime, enough.launch()) {
        Ok(runner) => runner,
        Err(why) => return Tried { twin: Some(twin), ..skipped(&why) },
    };
    let budget = budget.unwrap_or_else(|| default_budget(observation.wall));
    let twin = twin.fit(budget);
    let limits = Limits::of(host, &target.runtime, profile);
    let plan = Race::new(&twin, runner.models(), &runner.start_methods(), &limits, budget);
    let progress = progress(quiet);
    let raced = race(plan, &mut |spec| runner.run(spec), &|| enough.signal().is_some(), &mut |setting, spent| {
        progress.set_message(line(setting, spent, budget))
    });
    progress.finish_and_clear();
    let mut notices = raced.notices;
    notices.extend(runner.notices());
    Tried { twin: Some(twin), trials: raced.trials, interrupted: enough.signal(), notices, ..Tried::default() }
}

/// Why nothing was tried: once for the reader, and once for each model, because no model's row is ever missing.
pub fn skipped(why: &str) -> Tried {
    skipped_of(Evidence::Twin, why)
}

/// The same for trials that would have been of something else.
pub fn skipped_of(evidence: Evidence, why: &str) -> Tried {
    let row = |model| Trial {
        setting: Setting { model, ..Setting::SEQUENTIAL },
        evidence,
        outcome: Outcome::Pruned(why.to_owned()),
    };
    let notices = vec![Notice::TrialsSkipped { why: why.to_owned() }];
    Tried { trials: Model::ALL.map(row).to_vec(), notices, ..Tried::default() }
}

/// Whether the user has had enough: a signal came while nothing ran, or the observer took one during a trial. While it
/// lives no such signal ends us, so that a report is written to its end; one that nobody took acts when it is dropped.
pub struct Enough {
    taken: Rc<Cell<Option<i32>>>,
    /// `None` when the kernel gives no more descriptors: then a signal ends us as it would any program.
    watch: Option<RefCell<Watch>>,
}

impl Enough {
    /// From now on.
    pub fn watch() -> Self {
        Self { taken: Rc::default(), watch: Watch::new(&ENOUGH).ok().map(RefCell::new) }
    }

    /// The signal, once there is one.
    pub fn signal(&self) -> Option<i32> {
        if let (None, Some(watch)) = (self.taken.get(), &self.watch) {
            self.taken.set(watch.borrow_mut().take().map(|arrival| arrival.signal));
        }
        self.taken.get()
    }

    /// Runs a trial under our own observer, and remembers the signal that cut one short.
    pub fn launch(&self) -> Launch {
        let taken = Rc::clone(&self.taken);
        Box::new(move |argv, settings| {
            let observation = observe(argv, settings, &mut |_| ())?;
            taken.set(taken.get().or(observation.interrupted));
            Ok(observation)
        })
    }
}

/// The target has ended, so the terminal is ours; without one there is nobody to show progress to.
pub fn progress(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{msg}").unwrap_or(ProgressStyle::default_spinner()))
}

/// What is tried now, for that line.
pub fn line(setting: &Setting, spent: Duration, budget: Duration) -> String {
    let Setting { model, workers, .. } = setting;
    format!("concadvise: trying {model} at {workers} ({:.0} of {:.0} s)", spent.as_secs_f64(), budget.as_secs_f64())
}
