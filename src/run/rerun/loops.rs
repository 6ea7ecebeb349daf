//! Programs that build no executors: trials of their own function that they call for each item, on the arguments that
//! were recorded in the scouting rerun.

use crate::cli::Options;
use crate::notice::Notice;
use crate::observe::Observation;
use crate::report::recording::{Recording, Tried};
use crate::run::task::{Means, trials};
use crate::run::trials::Enough;
use crate::source::loops::Loops;
use crate::source::program::Program;
use crate::target::{PythonEntry, Runtime, Target};
use crate::trial::python::task::TaskRunner;
use crate::trial::rerun::calls::{self, Chosen};
use crate::trial::rerun::command::Command;
use crate::trial::rerun::injection::{Answers, Part};
use crate::trial::task::Asked;
use std::path::Path;
use std::time::Duration;

/// Where the scouting run took so much longer than the plain one, what it showed is less sure.
const SLOWER: f64 = 1.25;

/// What the scouting rerun is to look for beside executors; `None` when there is nothing to look for.
pub fn part(loops: &Loops) -> Option<Part> {
    (!loops.sites.is_empty()).then(|| (calls::PART, calls::part(loops)))
}

/// What trials of the program's own function told; `Err` says, as a clause, what was looked for in vain. `scouted` is the
/// rerun that had [`part`] in it; what the collector left in `command.injection().folder()` is there until this returns.
///
/// # Errors
/// A clause: what was looked for and not found.
pub fn advise(
    recording: &Recording,
    loops: &Loops,
    command: &Command,
    scouted: &(Observation, Answers),
    options: &Options,
    enough: &Enough,
) -> Result<Tried, String> {
    let Recording { host, target, observation, .. } = recording;
    let vain = |why: String| format!("{}: {why}", calls::looked_for(loops));
    let mut chosen = calls::choose(loops, &scouted.1).map_err(vain)?;
    let slower = scouted.0.wall.div_duration_f64(observation.wall.max(Duration::from_nanos(1)));
    if slower > SLOWER {
        let percent = slower * 100.0;
        chosen.notes.push(format!("The run that measured the calls took {percent:.0} % as long as the one before it."));
    }
    let means = Means {
        host,
        runtime: &target.runtime,
        budget: options.budget,
        quiet: options.quiet,
        // What was recorded lies in this run's folder, and is tried by the interpreter that recorded it.
        asked: None,
        cluster: options.cluster.as_deref(),
        untried: None,
        enough,
    };
    tried(&chosen, command.injection().folder(), &means).map_err(vain)
}

/// The calls for each item in the target's own source; none where it has no source that could be read.
pub fn of(target: &Target) -> Loops {
    let Runtime::CPython(python) = &target.runtime else { return Loops::default() };
    let program = match &python.entry {
        PythonEntry::File(path) => Program::of_script(path),
        PythonEntry::Module(name) => Program::of_module(name, Path::new(".")),
        _ => return Loops::default(),
    };
    Loops::of(&program)
}

fn tried(chosen: &Chosen, folder: &Path, means: &Means) -> Result<Tried, String> {
    let Runtime::CPython(python) = means.runtime else { return Err("the target is no Python program".to_owned()) };
    let asked = Asked {
        function: chosen.function(),
        items: format!("{} of {} recorded calls", chosen.kept, chosen.calls),
        recorded: Some(chosen.recorded(folder)),
        ..Asked::default()
    };
    let runner = TaskRunner::new(&python.executable, &asked, means.host.cpus.usable(), means.enough.launch())?;
    let (_, mut tried) = trials(runner, means, &mut |_, _| {})?;
    if let Some(task) = &mut tried.task {
        let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
        task.origin = Some(chosen.origin(&here));
    }
    tried.notices.extend(chosen.notes.iter().map(|doubt| Notice::TaskDoubt { doubt: doubt.clone() }));
    Ok(tried)
}
