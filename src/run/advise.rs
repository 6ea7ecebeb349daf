//! The main job, live: run the target, try the models, and tell. The order is the promise: whatever could refuse us
//! is looked at before the target runs, its result is safe before anything of ours runs, and its end is our end.

use super::progress::Live;
use super::trials::{Enough, skipped, tried};
use super::{judge, say, schema};
use crate::cli::{Advise, Options};
use crate::exit::{Ending, NOT_EXECUTABLE, NOT_FOUND, OK, OURS};
use crate::host::Host;
use crate::notice::Notice;
use crate::observe::{self, Settings, observe};
use crate::profile::{Profile, Role};
use crate::report::file::{is_stream, writable, write_atomically};
use crate::report::recording::{Recording, Tried};
use crate::report::schema::Document;
use crate::report::table::{Style, render};
use crate::report::{Report, escape, toml};
use crate::rules::Rules;
use crate::target::{Runtime, Target};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The whole main job.
pub fn advise(advise: &Advise) -> Ending {
    let options = &advise.options;
    let rules = match super::rules(options.rules.as_deref()) {
        Ok(rules) => rules,
        Err(sentence) => {
            say::block(&format!("{sentence}\nThe target was not run."));
            return Ending::Status(OURS);
        }
    };
    let host = Host::read(Path::new("/"));
    let target = Target::detect(advise.argv.clone(), std::env::var_os("PATH").as_deref());
    if let Err(sentence) = destination(options).map_or(Ok(()), writable) {
        say::complain(&format!("{sentence} (the target runs anyway, and the table is printed)"));
    }
    let enough = Enough::watch();
    let settings = Settings { without: options.without.clone(), ..Settings::default() };
    let mut live = Live::of_child(options.quiet);
    let observation = match observe(&target.argv, &settings, &mut |progress| live.show(progress)) {
        Ok(observation) => observation,
        Err(why) => {
            drop(live);
            say::complain(&why.to_string());
            return Ending::Status(match why {
                observe::Error::NotFound { .. } => NOT_FOUND,
                observe::Error::NotExecutable { .. } => NOT_EXECUTABLE,
                observe::Error::Ours { .. } => OURS,
            });
        }
    };
    drop(live);
    let recording = Recording { host, target, observation, source: None, tried: Tried::default() };
    let (report, delivered) = conclude(recording, options, advise.rerun, &rules, &enough);
    ending(&report, delivered)
}

/// From what was watched to the report, delivered; and whether all that was asked for is there.
pub(super) fn conclude(
    mut recording: Recording,
    options: &Options,
    rerun: bool,
    rules: &Rules,
    enough: &Enough,
) -> (Report, bool) {
    let profile = Profile::of(&recording.observation, &recording.host);
    refine(&mut recording, &profile);
    let read = super::outline::of(&recording.target, &recording.observation);
    recording.source = read.outline;
    recording.observation.notices.extend(read.notice);
    let mut report = judge(recording, profile, rules);
    let tried = match untried(options, rerun, &report) {
        Some(why) => skipped(why),
        None => {
            // The trials take their time and memory, and may be killed: what is known by now is kept first.
            report.complete = false;
            let replaceable = destination(options).filter(|path| !is_stream(path));
            let _ = replaceable
                .map(|path| write_atomically(path, &schema::report(path, &toml::write(&Document::of(&report))?)));
            match rerun {
                true => super::rerun::tried(&report.recording, &report.profile, options, enough),
                false => tried(&report.recording, &report.profile, options, enough),
            }
        }
    };
    let Report { mut recording, profile, .. } = report;
    recording.tried = tried;
    let report = judge(recording, profile, rules);
    let delivered = deliver(options, &report);
    (report, delivered)
}

/// The target's own end comes first; a report that is not there must be noticed where the target gives no reason to.
fn ending(report: &Report, delivered: bool) -> Ending {
    let Recording { observation, tried, .. } = &report.recording;
    let stopped = tried.interrupted.or(if observation.exit.is_none() { observation.interrupted } else { None });
    match (stopped, observation.exit.map(Ending::of)) {
        (Some(signal), _) => Ending::Signal(signal),
        (None, Some(end)) if end != Ending::Status(OK) => end,
        (None, Some(end)) if delivered => end,
        (None, _) => Ending::Status(OURS),
    }
}

/// The file that the report goes to; `None` when it goes to standard output.
pub(super) fn destination(options: &Options) -> Option<&Path> {
    (options.output != Path::new("-")).then_some(&options.output)
}

/// Report, table and recording, each even when another fails. Returns whether all that was asked for is there.
pub(super) fn deliver(options: &Options, report: &Report) -> bool {
    let document = Document::of(report);
    let written = toml::write(&document).and_then(|text| match destination(options) {
        Some(path) => write_atomically(path, &schema::report(path, &text)),
        None => say::out(&text),
    });
    let recorded = options.record.as_ref().map_or(Ok(()), |path| write_atomically(path, &report.recording.write()));
    if !options.quiet {
        say::page(&format!("\n{}", render(&document, Style { bold: say::bold() })));
        if let (Ok(()), Some(path)) = (&written, destination(options)) {
            say::page(&format!("\nThe whole report is in {}\n", escape::word(path.as_os_str())));
        }
    }
    for sentence in [&written, &recorded].into_iter().filter_map(|result| result.as_ref().err()) {
        say::complain(sentence);
    }
    written.is_ok() && recorded.is_ok()
}

/// Why no model is to be tried; `None` when they are.
fn untried(options: &Options, rerun: bool, report: &Report) -> Option<&'static str> {
    let observation = &report.recording.observation;
    if options.no_trials {
        Some("--no-trials was given")
    } else if observation.interrupted.is_some() && observation.attached.is_some() {
        Some("the watching was ended early")
    } else if observation.interrupted.is_some() || (observation.exit.is_none() && observation.attached.is_none()) {
        Some("the run was stopped before its end")
    } else if super::failure(observation).is_some() {
        Some("the target failed, and what it showed may not be its work")
    } else if !rerun && !report.classification.judged() {
        Some("the run showed too little for a synthetic workload to stand for it")
    } else {
        None
    }
}

/// Takes in what the run showed: a shell, a shim or a launcher is not what does the work. First what the command became
/// (a Python behind a shim, whatever children it runs), then who did most of the work below it.
fn refine(recording: &mut Recording, profile: &Profile) {
    let Recording { target, observation, .. } = recording;
    let mut work = BTreeMap::<i32, Duration>::new();
    for worker in profile.workers.iter().filter(|worker| worker.role == Role::Working) {
        *work.entry(worker.pid).or_default() += worker.on_cpu + worker.runnable + worker.blocked;
    }
    let first = observation.workers.first().map(|worker| worker.pid);
    let heaviest = work.into_iter().max_by_key(|(_, time)| *time).map(|(pid, _)| pid);
    for pid in first.into_iter().chain(heaviest) {
        let process = observation.processes.iter().find(|process| process.pid == pid);
        if let Some((executable, argv)) =
            process.and_then(|process| Some((process.executable.as_ref()?, &process.argv)))
        {
            target.refine(executable, argv);
        }
    }
    if let Runtime::CPython(python) = &mut target.runtime
        && let Err(why) = python.ask()
    {
        let remedy = "models that need a newer Python are judged by their first trial".to_owned();
        observation.notices.push(Notice::Unavailable {
            what: "the interpreter's version",
            why: why.to_string(),
            remedy,
        });
    }
}
