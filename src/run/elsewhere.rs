//! The user's own function under a free-threaded CPython that is on this machine, where threads are held up by the
//! GIL: a look beside the race, with a part of its budget, because changing the interpreter is the larger change.

use super::trials::Enough;
use crate::trial::elsewhere::Elsewhere;
use crate::trial::model::{Model, Setting};
use crate::trial::python::free_threaded;
use crate::trial::python::task::TaskRunner;
use crate::trial::runner::{Runner, Spec};
use crate::trial::task::Asked;
use crate::trial::twin::Twin;
use crate::trial::{Evidence, Outcome, Trial};
use std::path::PathBuf;
use std::time::Duration;

/// A part of a task that holds the GIL from which threads without one could gain what is worth a look.
const HELD: f64 = 0.2;
/// Part of the budget for each of its runs: the observed one, one after another, and threads.
const RUN: u32 = 16;
const RUN_LEAST: Duration = Duration::from_millis(200);
const REPEATS: usize = 2;

/// What came of it; `None` where there is no such interpreter, or nothing to gain.
pub(super) fn free_threaded(
    asked: &Asked,
    twin: &Twin,
    cpus: usize,
    budget: Duration,
    enough: &Enough,
) -> Option<Elsewhere> {
    let held = twin.task.cpu_held.as_secs_f64() >= HELD * twin.task.total().as_secs_f64();
    if !twin.gil || !held || cpus < 2 || enough.signal().is_some() {
        return None;
    }
    let home = |name: &str, below: &str| std::env::var_os(name).map(|folder| PathBuf::from(folder).join(below));
    let pyenv = home("PYENV_ROOT", "").or_else(|| home("HOME", ".pyenv"));
    let interpreter = free_threaded::newest(std::env::var_os("PATH").as_deref(), pyenv.as_deref())?;
    let mut found = Elsewhere {
        interpreter: interpreter.display().to_string(),
        version: interpreter.file_name()?.to_string_lossy().trim_start_matches("python").to_owned(),
        trials: Vec::new(),
    };
    let row = |setting, outcome| Trial { setting, evidence: Evidence::Task, outcome };
    let threads = Setting { model: Model::Threads, workers: cpus, ..Setting::SEQUENTIAL };
    let mut task = match TaskRunner::new(&interpreter, asked, cpus, enough.launch()) {
        Ok(task) => task,
        Err(why) => {
            found.trials.push(row(threads, Outcome::NotApplicable(why)));
            return Some(found);
        }
    };
    let (_, (major, minor, _), gil) = task.interpreter();
    found.version = format!("{major}.{minor}t");
    if gil {
        let why =
            format!("importing {} there turns the GIL on, as what is not made for its absence does", asked.function);
        found.trials.push(row(threads, Outcome::NotApplicable(why)));
        return Some(found);
    }
    let run = (budget / RUN).max(RUN_LEAST);
    let mean = match task.observe(run, budget) {
        Ok((_, observed)) => observed.mean.max(Duration::from_nanos(1)),
        Err(why) => {
            found.trials.push(row(threads, Outcome::Failed(why)));
            return Some(found);
        }
    };
    let fit = run.div_duration_f64(mean) as u64;
    let tasks = fit.max(2 * cpus as u64).min(twin.tasks.max(1));
    let mut runner = Runner::Task(Box::new(task));
    for setting in [Setting::SEQUENTIAL, threads] {
        let spec = Spec { setting, task: twin.task.clone(), tasks, repeats: REPEATS, timeout: budget };
        let outcome = runner.run(&spec);
        if enough.signal().is_some() {
            return None;
        }
        found.trials.push(row(setting, outcome));
    }
    Some(found)
}
