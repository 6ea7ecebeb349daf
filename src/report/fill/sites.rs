//! What reruns told, as the report's tables: the places that build executors, and their trials.

use super::schema;
use super::{count, rounded, said, seconds, share, start_method};
use crate::recommendation::{Interval, Recommendation, SiteAdvice};
use crate::rules::projection::projections;
use crate::trial::model::Setting;
use crate::trial::rerun::Rerun;
use crate::trial::rerun::sites::Site;
use crate::trial::task::Task;

/// A row for each place, with its advice.
pub(super) fn sites(rerun: Option<&Rerun>, advised: &[SiteAdvice]) -> Vec<schema::Site> {
    let sites = rerun.map(|rerun| rerun.sites.as_slice()).unwrap_or_default();
    sites.iter().zip(advised).map(|(site, advice)| row(site, advice)).collect()
}

fn row(site: &Site, advice: &SiteAdvice) -> schema::Site {
    let part = |interval: Option<Interval>, end: fn(Interval) -> f64| interval.map(end).and_then(rounded);
    let (over_one, over_now) = (advice.speedup, advice.speedup_now);
    let tried = over_now.is_some();
    schema::Site {
        path: said(&site.path),
        line: site.line,
        executor: said(&site.executor),
        workers_found: site.workers as u64,
        model: advice.setting.model.name().to_owned(),
        workers: advice.setting.workers as u64,
        chunk_size: advice.setting.chunk_size.map(|size| size as u64),
        start_method: start_method(&advice.setting),
        speedup: part(over_one, |interval| interval.value),
        speedup_low: part(over_one, |interval| interval.low),
        speedup_high: part(over_one, |interval| interval.high),
        speedup_now: part(over_now, |interval| interval.value),
        speedup_now_low: part(over_now, |interval| interval.low),
        speedup_now_high: part(over_now, |interval| interval.high),
        evidence: tried.then(|| "program".to_owned()),
        confidence: tried.then(|| share(advice.confidence)),
        reason: said(&advice.reason),
        built: count(site.built),
        tasks: count(site.tasks),
        busy_s: seconds(site.busy),
    }
}

/// A row for the calls that were recorded, where there is no executor yet.
pub(super) fn of_calls(task: &Task, advice: &Recommendation) -> Option<schema::Site> {
    let origin = task.origin.as_ref()?;
    let part = |end: fn(Interval) -> f64| advice.speedup.map(end).and_then(rounded);
    Some(schema::Site {
        path: said(&origin.path),
        line: origin.line,
        executor: "none".to_owned(),
        workers_found: 1,
        model: advice.setting.model.name().to_owned(),
        workers: advice.setting.workers as u64,
        chunk_size: advice.setting.chunk_size.map(|size| size as u64),
        start_method: start_method(&advice.setting),
        speedup: part(|interval| interval.value),
        speedup_low: part(|interval| interval.low),
        speedup_high: part(|interval| interval.high),
        speedup_now: None,
        speedup_now_low: None,
        speedup_now_high: None,
        evidence: Some("task".to_owned()),
        confidence: Some(share(advice.confidence)),
        reason: said(&advice.reason),
        built: 0,
        tasks: count(origin.calls),
        busy_s: seconds(origin.busy),
    })
}

/// The trials of all places, each told by its own.
pub(super) fn trials(rerun: Option<&Rerun>) -> Vec<schema::Trial> {
    let sites = rerun.map(|rerun| rerun.sites.as_slice()).unwrap_or_default();
    let of_site = |site: &Site| {
        let place = said(&site.place());
        let sequential = projections(None, &site.trials).into_iter().find(|tried| tried.setting == Setting::SEQUENTIAL);
        let trials = super::trials::rows(&site.trials, None, sequential.map(|tried| tried.seconds));
        trials.into_iter().map(move |trial| schema::Trial { site: Some(place.clone()), ..trial })
    };
    sites.iter().flat_map(of_site).collect()
}
