//! What was tried, as the report's rows: speed-ups all over the same sequential time.

use super::super::recording::Tried;
use super::{known, rounded, said, schema, seconds, start_method};
use crate::rules::projection::projections;
use crate::trial::model::Setting;
use crate::trial::twin::Twin;
use crate::trial::{Outcome, Trial};

/// The trials, and after them those under other interpreters, with speed-ups over the same sequential time.
pub(super) fn trials(tried: &Tried) -> Vec<schema::Trial> {
    let twin = tried.twin.as_ref();
    let free = twin.map(|twin| Twin { gil: false, ..twin.clone() });
    let sequential = projections(twin, &tried.trials).into_iter().find(|tried| tried.setting == Setting::SEQUENTIAL);
    let sequential = sequential.map(|tried| tried.seconds);
    let mut all = rows(&tried.trials, twin, sequential);
    for other in &tried.elsewhere {
        let there = rows(&other.trials, free.as_ref(), sequential).into_iter();
        all.extend(there.map(|row| schema::Trial { interpreter: Some(said(&other.interpreter)), ..row }));
    }
    all
}

pub(super) fn rows(trials: &[Trial], twin: Option<&Twin>, sequential: Option<f64>) -> Vec<schema::Trial> {
    // The times that the recommendation was made from, so that the page and the advice cannot disagree.
    let tried = projections(twin, trials);
    let projected = |setting: &Setting| tried.iter().find(|tried| tried.setting == *setting);
    let row = |trial: &Trial| {
        let (outcome, reason, measured) = match &trial.outcome {
            Outcome::Ok(measured) => ("ok", None, Some(measured)),
            Outcome::NotApplicable(reason) => ("not-applicable", Some(reason), None),
            Outcome::Unsafe(reason) => ("unsafe", Some(reason), None),
            Outcome::Failed(reason) => ("failed", Some(reason), None),
            Outcome::Pruned(reason) => ("pruned", Some(reason), None),
        };
        let projection = measured.and_then(|_| projected(&trial.setting));
        let wall = projection.map(|projection| projection.seconds);
        let over =
            |seconds: Option<&f64>| sequential.zip(seconds).and_then(|(sequential, at)| rounded(sequential / at));
        schema::Trial {
            site: None,
            model: trial.setting.model.name().to_owned(),
            interpreter: None,
            workers: trial.setting.workers as u64,
            chunk_size: trial.setting.chunk_size.map(|size| size as u64),
            start_method: start_method(&trial.setting),
            evidence: trial.evidence.name().to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.map(|reason| said(reason)),
            wall_s: wall.and_then(rounded),
            speedup: over(wall.as_ref()),
            speedup_low: over(projection.and_then(|projection| projection.repeats.last())),
            speedup_high: over(projection.and_then(|projection| projection.repeats.first())),
            peak_memory_bytes: measured.and_then(|measured| known(measured.peak_memory)),
            start_s: measured.map(|measured| seconds(measured.start)),
            per_task_s: measured.map(|measured| seconds(measured.per_task())),
            dispatch_s: measured.and_then(|measured| measured.dispatch).map(seconds),
            cpu_s: measured.map(|measured| seconds(measured.cpu)),
            repeats: measured.map(|measured| measured.repeats() as u64),
            tasks: measured.map(|measured| measured.tasks),
        }
    };
    trials.iter().map(row).collect()
}
