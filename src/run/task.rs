//! The main job for a function of the user's: watch it one item after another, try it under every model, and tell.
//! Nothing of it is called unless it was named; and whatever it does, there is a report.

use super::advise::{deliver, destination};
use super::elsewhere::free_threaded;
use super::trials::{Enough, joined, line, progress, skipped_of};
use super::{judge, say, schema};
use crate::cli::Advise;
use crate::exit::{Ending, OK, OURS};
use crate::host::Host;
use crate::notice::Notice;
use crate::observe::Observation;
use crate::profile::Profile;
use crate::report::file::{is_stream, writable, write_atomically};
use crate::report::recording::{Recording, Tried};
use crate::report::schema::Document;
use crate::report::toml;
use crate::rules::Rules;
use crate::target::{CPython, PythonEntry, Runtime, Target};
use crate::trial::cluster::Cluster;
use crate::trial::plan::{Limits, Race, default_budget};
use crate::trial::python::task::TaskRunner;
use crate::trial::race::race;
use crate::trial::runner::Runner;
use crate::trial::task::{Asked, Observed, Task};
use crate::trial::twin::Twin;
use crate::trial::{Evidence, Outcome, Trial};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Part of the budget for the observed run.
const SAMPLE: u32 = 8;
/// It lasts this long at least and at most: enough samples to be judged, at the rate that a busy machine allows.
const SAMPLE_LEAST: Duration = Duration::from_millis(1500);
const SAMPLE_MOST: Duration = Duration::from_secs(3);
/// All the tasks one after another count for the default budget up to this, so that it stays below half a minute.
const WORK_MOST: Duration = Duration::from_secs(15);
/// The default budget at least: who names a function waits for the answer, and half a minute is what a dozen settings
/// with their repeats take.
const BUDGET_LEAST: Duration = Duration::from_secs(20);
/// Imports that the default budget has room for beside the tasks: each trial is a new interpreter.
const IMPORTS: u32 = 16;
/// Tasks, one after another, that a budget has room for at least.
const TASKS_LEAST: u32 = 8;

/// `concadvise --task FUNCTION --items ITEMS`.
pub fn task(advise: &Advise, asked: &Asked) -> Ending {
    let options = &advise.options;
    let rules = match super::rules(options.rules.as_deref()) {
        Ok(rules) => rules,
        Err(sentence) => {
            say::block(&format!("{sentence}\nThe function was not run."));
            return Ending::Status(OURS);
        }
    };
    if let Err(sentence) = destination(options).map_or(Ok(()), writable) {
        say::complain(&format!("{sentence} (the function is tried anyway, and the table is printed)"));
    }
    let enough = Enough::watch();
    let host = Host::read(Path::new("/"));
    let word = advise.task.python.clone().map_or_else(|| OsString::from("python3"), PathBuf::into_os_string);
    let mut target = Target::detect(vec![word, OsString::from(&asked.function)], std::env::var_os("PATH").as_deref());
    let measured = measure(advise, asked, &host, &mut target, &rules, &enough);
    let trouble = measured.as_ref().err().cloned();
    let (observation, tried) = measured.unwrap_or_else(|sentence| {
        let task = Task { function: asked.function.clone(), items_named: asked.items.clone(), ..Task::default() };
        (Observation::default(), Tried { task: Some(task), ..skipped_of(Evidence::Task, &sentence) })
    });
    let profile = Profile::of(&observation, &host);
    let read = super::outline::of_function(&asked.function);
    let tried = Tried { notices: tried.notices.into_iter().chain(read.notice).collect(), ..tried };
    let report = judge(Recording { host, target, observation, source: read.outline, tried }, profile, &rules);
    let delivered = deliver(options, &report);
    if let Some(sentence) = &trouble {
        say::complain(sentence);
    }
    match enough.signal() {
        Some(signal) => Ending::Signal(signal),
        None => Ending::Status(if delivered && trouble.is_none() { OK } else { OURS }),
    }
}

/// The observed run and the trials.
fn measure(
    advise: &Advise,
    asked: &Asked,
    host: &Host,
    target: &mut Target,
    rules: &Rules,
    enough: &Enough,
) -> Result<(Observation, Tried), String> {
    let options = &advise.options;
    let named = target.program.clone().unwrap_or_else(|| PathBuf::from(&target.argv[0]));
    let runner = TaskRunner::new(&named, asked, host.cpus.usable(), enough.launch())?;
    target.runtime = Runtime::CPython(interpreter(&runner, asked));
    let untried = options.no_trials.then_some("--no-trials was given");
    let means = Means {
        host,
        runtime: &target.runtime,
        budget: options.budget,
        quiet: options.quiet,
        asked: Some(asked),
        cluster: options.cluster.as_deref(),
        untried,
        enough,
    };
    let mut keep = |observation: &Observation, tried: Tried| {
        // The trials take their time and memory, and may be killed: what is known by now is kept first.
        if let Some(path) = destination(options).filter(|path| !is_stream(path)) {
            let observation = observation.clone();
            let so_far = Recording { host: host.clone(), target: target.clone(), observation, source: None, tried };
            let profile = Profile::of(&so_far.observation, host);
            let mut report = judge(so_far, profile, rules);
            report.complete = false;
            let _ = toml::write(&Document::of(&report))
                .and_then(|text| write_atomically(path, &schema::report(path, &text)));
        }
    };
    trials(runner, &means, &mut keep)
}

/// What trials of a function need beside it.
pub(super) struct Means<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The interpreter.
    pub runtime: &'a Runtime,
    /// The time that they may take, where the user said so.
    pub budget: Option<Duration>,
    /// Whether progress is shown to nobody.
    pub quiet: bool,
    /// What the user named, so that it can be tried by another interpreter too.
    pub asked: Option<&'a Asked>,
    /// The cluster that the user named.
    pub cluster: Option<&'a str>,
    /// Why no model is to be tried; then the function is only watched.
    pub untried: Option<&'static str>,
    /// Whether the user has had enough.
    pub enough: &'a Enough,
}

/// The function one task after another, watched; then by every model. `keep` gets what is known before those.
///
/// # Errors
/// A sentence, when it could not be run one task after another.
pub(super) fn trials(
    mut runner: TaskRunner,
    means: &Means,
    keep: &mut dyn FnMut(&Observation, Tried),
) -> Result<(Observation, Tried), String> {
    let Means { host, runtime, quiet, enough, .. } = *means;
    let budget = means.budget.unwrap_or_else(|| default_budget(Duration::ZERO));
    let sample = (budget / SAMPLE).clamp(SAMPLE_LEAST, SAMPLE_MOST);
    let (observation, observed) = runner.observe(sample, budget)?;
    let profile = Profile::of(&observation, host);
    let twin = runner.task().demand(&observed, &profile, runtime);
    let mut tried = Tried {
        twin: Some(twin.clone()),
        task: Some(runner.task().clone()),
        ..skipped_of(Evidence::Task, means.untried.unwrap_or("they were not finished"))
    };
    tried.notices.extend(doubts(&runner));
    if means.untried.is_some() {
        return Ok((observation, tried));
    }
    keep(&observation, tried);
    let budget = means.budget.unwrap_or_else(|| default_budget_of(&observed, &twin) + runner.import() * IMPORTS);
    let own_async = runner.task().async_function.is_some();
    let function = runner.task().function.clone();
    let mut runner = Runner::Task(Box::new(runner));
    let (cluster, not_tried) = joined(&mut runner, means.cluster);
    let room = cluster.as_ref().map(Cluster::room);
    let limits = Limits { own_async, cluster: room, ..Limits::of(host, runtime, &profile) };
    let plan = Race::new(&twin, runner.models(), &runner.start_methods(), &limits, budget).of_task();
    let bar = progress(quiet);
    let raced = race(plan, &mut |spec| runner.run(spec), &|| enough.signal().is_some(), &mut |setting, spent| {
        bar.set_message(line(setting, spent, budget))
    });
    bar.finish_and_clear();
    let Runner::Task(mut runner) = runner else { return Err("the trials lost their function".to_owned()) };
    if let (Some(best), None) = (fastest(&raced.trials), enough.signal()) {
        runner.compare_limits(best, &twin.task, budget);
    }
    let elsewhere = means.asked.and_then(|asked| free_threaded(asked, &twin, host.cpus.usable(), budget, enough));
    let mut notices = raced.notices;
    notices.extend(doubts(&runner));
    notices.extend(not_tried);
    if raced.trials.iter().all(|trial| !matches!(trial.outcome, Outcome::Ok(_))) && enough.signal().is_none() {
        notices.push(Notice::TaskDoubt { doubt: format!("no model could run {function}") });
    }
    let tried = Tried {
        twin: Some(twin),
        task: Some(runner.task().clone()),
        cluster,
        elsewhere: elsewhere.into_iter().collect(),
        trials: raced.trials,
        interrupted: enough.signal(),
        notices,
        ..Tried::default()
    };
    Ok((observation, tried))
}

/// Of the settings with several workers that may be advised, the one that ran fastest.
fn fastest(trials: &[Trial]) -> Option<&Trial> {
    let several = trials.iter().filter(|trial| trial.setting.workers > 1 && trial.setting.model.is_pool());
    let ran = several.filter_map(|trial| match &trial.outcome {
        Outcome::Ok(measured) => Some((trial, measured.per_task())),
        _ => None,
    });
    ran.min_by_key(|(_, time)| *time).map(|(trial, _)| trial)
}

fn doubts(runner: &TaskRunner) -> impl Iterator<Item = Notice> {
    runner.notes().iter().map(|doubt| Notice::TaskDoubt { doubt: doubt.clone() })
}

/// Twice all of the work where that is short, and room for the longest look at tasks that are long.
fn default_budget_of(observed: &Observed, twin: &Twin) -> Duration {
    let all = observed.mean.mul_f64(twin.tasks as f64).min(WORK_MOST);
    default_budget(all).max(BUDGET_LEAST).max(observed.mean * TASKS_LEAST)
}

fn interpreter(runner: &TaskRunner, asked: &Asked) -> CPython {
    let (executable, version, gil) = runner.interpreter();
    let place = asked.function.rsplit_once(':').map_or(asked.function.as_str(), |(place, _)| place);
    let entry = match place.ends_with(".py") {
        true => PythonEntry::File(place.into()),
        false => PythonEntry::Module(place.to_owned()),
    };
    CPython { version: Some(version), gil: Some(gil), ..CPython::new(executable, entry) }
}
