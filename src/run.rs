//! What each command does: the only file, with its folder, that names every stage and puts them in a row.
//!
//! [`judge`] is the part of the main job that needs no clock and no machine. The live path in `advise` measures and
//! then judges; [`replay`] judges what was measured before, so that a golden test exercises the same lines.

mod advise;
mod attach;
mod check;
mod doctor;
mod elsewhere;
mod gate;
mod look;
mod outline;
mod progress;
mod rerun;
mod say;
mod schema;
mod task;
mod trials;

use crate::classify::{Class, Classification, classify};
use crate::cli::{Advise, Cli, Command};
use crate::exit::Ending;
use crate::notice::Notice;
use crate::observe::{Exit, Observation};
use crate::profile::Profile;
use crate::recommendation::{Seen, recommend};
use crate::report::Report;
use crate::report::recording::Recording;
use crate::rules::{Facts, Rules};
use crate::trial::model::Model;
use std::path::Path;

/// Does what was asked for, and says how this process is to end.
pub fn run(cli: &Cli) -> Ending {
    match &cli.command {
        None => main_job(&cli.advise),
        Some(Command::Advise(options)) => main_job(options),
        Some(Command::Attach(options)) => attach::attach(options),
        Some(Command::Report(options)) => look::report(options),
        Some(Command::Check(options)) => check::check(options),
        Some(Command::Gate(options)) => gate::gate(options),
        Some(Command::Doctor(options)) => doctor::doctor(options),
        Some(Command::Rules(options)) => look::rules(options),
        Some(Command::Explain { id }) => look::explain(id),
        Some(Command::Schema { file }) => schema::schema(*file),
        Some(Command::Completions { shell }) => look::completions(*shell),
        Some(Command::Man) => look::man(),
    }
}

fn main_job(options: &Advise) -> Ending {
    match options.task.asked() {
        Some(asked) => task::task(options, &asked),
        None => advise::advise(options),
    }
}

/// Prints help, or why a command line makes no sense.
pub fn refuse(refusal: &crate::cli::Refusal) -> Ending {
    if refusal.asked_for {
        let _ = say::out(&refusal.text);
    } else {
        say::block(&refusal.text);
    }
    Ending::Status(refusal.status)
}

/// The rules in force: the built-in ones, with those of a folder over them.
fn rules(dir: Option<&Path>) -> Result<Rules, String> {
    dir.map_or_else(|| Ok(Rules::embedded()), |dir| Rules::load(dir).map_err(|why| why.to_string()))
}

/// Works out again what a recording means.
pub fn replay(recording: Recording, rules: &Rules) -> Report {
    let profile = Profile::of(&recording.observation, &recording.host);
    judge(recording, profile, rules)
}

/// From what was measured to the answer: class, facts, the walk through the rules, the recommendation. Pure.
pub fn judge(recording: Recording, profile: Profile, rules: &Rules) -> Report {
    let Recording { host, target, observation, source, tried } = &recording;
    let mut classification = classify(&profile, &target.runtime, host);
    let mut notices = [host.notices.as_slice(), &observation.notices].concat();
    if failure(observation).is_some() {
        give_up(&mut classification);
    }
    notices.extend(tried.notices.iter().cloned());
    notices.extend(tried.interrupted.map(|signal| Notice::TrialsInterrupted { signal }));
    let (twin, trials) = (tried.twin.as_ref(), tried.trials.as_slice());
    let facts = Facts::of(target, host, &profile, &classification, twin, trials).of_task(tried.task.as_ref(), twin);
    let facts = facts.of_source(source.as_ref(), observation);
    // A rule admits a cluster where cores or memory are lacking; without one it is no choice.
    let decision = match tried.cluster {
        Some(_) => rules.decide(&facts),
        None => rules.without(Model::Cluster).decide(&facts),
    };
    let recommendation = recommend(&decision, &facts, host, &profile, target, twin, trials).of_task(
        tried.task.as_ref(),
        twin,
        host.cpus.usable(),
    );
    let recommendation = recommendation
        .of_cluster(tried.cluster.as_ref(), host, profile.memory_per_process)
        .of_elsewhere(&tried.elsewhere, twin, trials)
        .of_sites(tried.rerun.as_ref(), host.cpus.usable());
    let rerun = tried.rerun.as_ref();
    let seen = Seen { host, target, observation, profile: &profile, classification: &classification, rerun };
    let recommendation = recommendation.of_findings(source.as_ref(), seen);
    let undecided = decision.undecided.iter().cloned();
    notices.extend(undecided.map(|(rule, fact)| Notice::UndecidableRule { rule, fact }));
    let complete = observation.complete && observation.interrupted.is_none() && tried.interrupted.is_none();
    Report {
        complete,
        recording,
        profile,
        classification,
        rule: decision.rule.clone(),
        facts,
        decision,
        rules_hash: rules.hash(),
        recommendation,
        notices,
    }
}

/// How the target failed; `None` when it succeeded, or still runs. One that we passed a signal on to was stopped.
fn failure(observation: &Observation) -> Option<Exit> {
    observation.exit.filter(|exit| observation.interrupted.is_none() && *exit != Exit::Code(0))
}

/// A target that failed may have shown its failing and not its work: nothing is concluded from it.
fn give_up(classification: &mut Classification) {
    classification.class = Class::Inconclusive;
    classification.bottleneck = None;
    classification.settle = Some("run it where it succeeds".to_owned());
}
