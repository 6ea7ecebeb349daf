//! What the trials of one model say together: its rate by number of workers, a law fitted to it with the error of the
//! fit, and the rate that no number of workers can pass. Pure.
//!
//! The laws are `scaling`'s. A curve explains a choice and shows where it was not measured; the choice itself is made
//! among settings that ran.

use super::model::Model;
use super::plan::{Limits, bounds};
use super::scaling::{Usl, rate_bound, saturation};
use super::twin::Twin;
use super::{Outcome, Trial};
use std::collections::BTreeMap;

/// Worker counts that a fit needs, one of them 1: fewer are fitted without an error, which shows nothing.
const COUNTS: usize = 3;

/// One model's rate by number of workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The model.
    pub model: Model,
    /// (workers, tasks a second without the pool's start), ascending, the best of each count; the first is one worker,
    /// as the sequential trials ran.
    pub points: Vec<(usize, f64)>,
    /// What was fitted to them.
    pub usl: Usl,
    /// (workers from which it no longer grows, tasks a second): the asymptotic bound of what one task demands; `None`
    /// where nothing bounds it.
    pub bound: Option<(f64, f64)>,
}

/// The curve of every model that ran at enough worker counts, simplest model first.
pub fn curves(twin: Option<&Twin>, limits: &Limits, trials: &[Trial]) -> Vec<Curve> {
    let rates = rates(trials);
    let Some(alone) = rates.get(&Model::Sequential).and_then(|rates| rates.get(&1)).copied() else { return Vec::new() };
    let curve = |(model, mut rates): (Model, BTreeMap<usize, f64>)| {
        rates.insert(1, alone);
        // A loop beside a pool has more in flight than the pool has workers: its count says too little.
        if rates.len() < COUNTS || matches!(model, Model::AsyncioThreads | Model::AsyncioProcesses) {
            return None;
        }
        let points: Vec<(usize, f64)> = rates.into_iter().collect();
        let usl = Usl::fit(&points.iter().map(|(workers, rate)| (*workers as f64, *rate)).collect::<Vec<_>>())?;
        let bound = twin.and_then(|twin| {
            let (total, largest) = bounds(model, &twin.task, limits);
            let saturated = saturation(total, largest);
            saturated.is_finite().then(|| (saturated, rate_bound(saturated, total, largest)))
        });
        Some(Curve { model, points, usl, bound })
    };
    rates.into_iter().filter_map(curve).collect()
}

/// By model and number of workers, the highest rate.
fn rates(trials: &[Trial]) -> BTreeMap<Model, BTreeMap<usize, f64>> {
    let mut rates = BTreeMap::<Model, BTreeMap<usize, f64>>::new();
    for trial in trials {
        let Outcome::Ok(measured) = &trial.outcome else { continue };
        let rate = 1.0 / measured.per_task().as_secs_f64();
        if rate.is_finite() {
            let best = rates.entry(trial.setting.model).or_default().entry(trial.setting.workers).or_default();
            *best = best.max(rate);
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::model::Setting;
    use crate::trial::twin::TaskDemand;
    use crate::trial::{Evidence, Measurement};
    use std::time::Duration;

    fn ran(model: Model, workers: usize, per_task_ms: u64) -> Trial {
        Trial {
            setting: Setting { model, workers, ..Setting::SEQUENTIAL },
            evidence: Evidence::Twin,
            outcome: Outcome::Ok(Measurement {
                tasks: 10,
                walls: vec![Duration::from_millis(per_task_ms * 10)],
                ..Measurement::default()
            }),
        }
    }

    fn threads(counts: &[(usize, u64)]) -> Vec<Trial> {
        let threads = counts.iter().map(|(workers, ms)| ran(Model::Threads, *workers, *ms));
        [ran(Model::Sequential, 1, 100)].into_iter().chain(threads).collect()
    }

    #[test]
    fn a_curve_needs_more_counts_than_its_law_has_parameters() {
        let limits = Limits { cpus: 2, ..Limits::default() };
        assert_eq!(curves(None, &limits, &threads(&[(2, 50)])), []);
        assert_eq!(curves(None, &limits, &threads(&[(2, 50), (4, 25)])).len(), 1);
        assert_eq!(curves(None, &limits, &threads(&[(2, 50), (4, 25), (8, 13)])[1..]), [], "one worker is unknown");
    }

    #[test]
    fn the_best_of_a_count_is_its_point_and_the_bound_is_of_what_a_task_demands() {
        let task = TaskDemand { cpu_held: Duration::from_millis(20), ..TaskDemand::default() };
        let mut twin = Twin { task, tasks: 10, compression: 1.0, gil: true, ..Twin::default() };
        twin.task.waits[crate::observe::kind::BlockedKind::Network] = Duration::from_millis(80);
        let limits = Limits { cpus: 2, cpus_waiting: 2, gil: true, ..Limits::default() };
        let trials = threads(&[(2, 60), (2, 50), (4, 25), (8, 20)]);
        let found = curves(Some(&twin), &limits, &trials);
        let [curve] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(curve.points, [(1, 10.0), (2, 20.0), (4, 40.0), (8, 50.0)]);
        assert_eq!(curve.bound, Some((5.0, 50.0)), "the GIL is held for a fifth of a task");
        assert!(curve.usl.error < 0.2 && curve.usl.measured_to == 8.0, "{curve:?}");
    }
}
