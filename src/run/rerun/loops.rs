//! The hook for programs that build no executors: trials of the function that they call most. Nothing yet.

use crate::observe::Observation;
use crate::profile::Profile;
use crate::report::recording::{Recording, Tried};
use crate::run::trials::Enough;
use crate::trial::rerun::command::Command;
use crate::trial::rerun::injection::{Answers, Part};
use std::time::Duration;

/// What the scouting rerun is to look for beside executors; `None` when there is nothing to look for.
pub fn part(_recording: &Recording, _profile: &Profile) -> Option<Part> {
    None
}

/// What trials of the program's own function told; `Err` says, as a clause, what was looked for in vain. `scouted` is the
/// rerun that had [`part`] in it; what the collector left in `command.injection().folder()` is there until this returns.
///
/// # Errors
/// A clause: what was looked for and not found.
pub fn advise(
    _recording: &Recording,
    _profile: &Profile,
    _command: &Command,
    _scouted: &(Observation, Answers),
    _budget: Option<Duration>,
    _quiet: bool,
    _enough: &Enough,
) -> Result<Tried, String> {
    Err("loops that call a function of its own for many items".to_owned())
}
