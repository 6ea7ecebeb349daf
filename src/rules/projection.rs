//! [`Projection`]: what a trial promises for the target's whole work. Used for facts and for the choice.
//!
//! Everything is in seconds as `f64`, because trials of a stretched or compressed twin can promise times that a
//! `Duration` could not be multiplied to.

use crate::trial::model::{Model, Setting};
use crate::trial::twin::Twin;
use crate::trial::{Evidence, Measurement, Outcome, Trial};
use crate::units::Bytes;
use std::time::Duration;

/// Part of a task that holds the GIL from which it is clear that threads cannot gain.
const CLEARLY_HELD: f64 = 0.9;

/// A setting that ran, and the time it would take for all of the work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Projection {
    pub setting: Setting,
    pub evidence: Evidence,
    /// From the median repeat.
    pub seconds: f64,
    /// From each repeat, sorted; at least one.
    pub repeats: Vec<f64>,
    pub start: f64,
    pub dispatch: Option<f64>,
    pub peak_memory: Bytes,
}

/// The settings that ran, of the strongest evidence among them only: times of the user's own function and of a twin
/// are not times of the same thing.
pub(crate) fn projections(twin: Option<&Twin>, trials: &[Trial]) -> Vec<Projection> {
    let ran = |trial: &Trial| matches!(&trial.outcome, Outcome::Ok(measured) if measured.repeats() > 0);
    let strongest = [Evidence::Task, Evidence::Program, Evidence::Twin]
        .into_iter()
        .find(|evidence| trials.iter().any(|trial| trial.evidence == *evidence && ran(trial)));
    let measured = trials.iter().filter(|trial| Some(trial.evidence) == strongest).filter_map(|trial| {
        let Outcome::Ok(measured) = &trial.outcome else { return None };
        Some((trial, measured))
    });
    let work = Work::of(twin, strongest, measured.clone());
    measured.filter_map(|(trial, measured)| work.project(trial, measured)).collect()
}

/// The shortest of each model, in the order of `Model::ALL`.
pub(crate) fn best_of_each(projections: &[Projection]) -> Vec<&Projection> {
    Model::ALL
        .iter()
        .filter_map(|model| best(projections.iter().filter(|tried| tried.setting.model == *model)))
        .collect()
}

/// The shortest.
pub(crate) fn best<'a>(projections: impl IntoIterator<Item = &'a Projection>) -> Option<&'a Projection> {
    projections.into_iter().min_by(|left, right| left.seconds.total_cmp(&right.seconds))
}

/// All of the work, as trials of one sort of evidence stand for it.
struct Work {
    tasks: f64,
    /// What a trial's time per task is multiplied with, because the twin's tasks were made shorter.
    stretch: f64,
    /// One task's time on a worker of its own: no pool is shorter than its busiest worker's tasks one after another.
    alone: f64,
    /// One task's time where all workers take turns, by model.
    turns: Turns,
}

/// Seconds of one task at the most demanded place that all workers of a model share, however many they are: the GIL
/// for threads, the one thread of an event loop for its coroutines. X(N) ≤ 1/D_max (Denning & Buzen 1978) holds on
/// every machine, so a trial that says otherwise met a noisy moment, and the bound is believed instead.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    threads: f64,
    event_loop: f64,
}

impl Turns {
    /// `scale` is what the twin's demands are multiplied with to give the time that they took here.
    fn of(twin: &Twin, scale: f64) -> Self {
        let held = if twin.gil { twin.task.cpu_held } else { Duration::ZERO };
        Self { threads: held.as_secs_f64() * scale, event_loop: twin.task.cpu().as_secs_f64() * scale }
    }

    fn at(self, model: Model) -> f64 {
        match model {
            Model::Threads | Model::AsyncioThreads => self.threads,
            Model::Asyncio => self.event_loop,
            _ => 0.0,
        }
    }
}

impl Work {
    fn of<'a>(
        twin: Option<&Twin>,
        evidence: Option<Evidence>,
        mut measured: impl Iterator<Item = (&'a Trial, &'a Measurement)>,
    ) -> Self {
        match twin {
            Some(twin) if evidence == Some(Evidence::Twin) => {
                let stretch = if twin.compression.is_finite() { twin.compression.max(1.0) } else { 1.0 };
                let demanded = twin.task.total().as_secs_f64() * stretch;
                let sequential = measured.find(|(trial, _)| trial.setting.model == Model::Sequential);
                let sequential = sequential.map(|(_, measured)| measured.per_task().as_secs_f64() * stretch);
                let alone = sequential.map_or(demanded, |sequential| sequential.min(demanded));
                let slowed = sequential.filter(|_| demanded > 0.0).map_or(1.0, |sequential| sequential / demanded);
                Self {
                    tasks: twin.tasks.max(1) as f64,
                    stretch,
                    alone: if twin.pieces_seen { alone } else { 0.0 },
                    turns: Turns::of(twin, stretch * slowed),
                }
            }
            // The user's own function: a subset of its items stands for all of them.
            Some(twin) if evidence == Some(Evidence::Task) => {
                let sequential = measured.find(|(trial, _)| trial.setting.model == Model::Sequential);
                let per_task = sequential.map_or(0.0, |(_, measured)| measured.per_task().as_secs_f64());
                let (held, total) = (twin.task.cpu_held.as_secs_f64(), twin.task.total().as_secs_f64());
                // Only where it is clear: a share that was read a little too high must not hide what was measured.
                let clear = twin.gil && held >= CLEARLY_HELD * total && total > 0.0;
                let threads = if clear { per_task.min(total) * held / total } else { 0.0 };
                let turns = Turns { threads, event_loop: 0.0 };
                Self { tasks: twin.tasks.max(1) as f64, stretch: 1.0, alone: 0.0, turns }
            }
            // The user's own command: what was run is the work itself.
            _ => {
                let tasks = measured.map(|(_, measured)| measured.tasks).max().unwrap_or(1);
                Self { tasks: tasks.max(1) as f64, stretch: 1.0, alone: 0.0, turns: Turns::default() }
            }
        }
    }

    fn project(&self, trial: &Trial, measured: &Measurement) -> Option<Projection> {
        let (start, before) = (measured.start.as_secs_f64(), measured.before().as_secs_f64());
        let rounds = (self.tasks / trial.setting.workers.max(1) as f64).ceil();
        let shortest = match trial.setting.model {
            Model::Sequential => 0.0,
            model => (rounds * self.alone).max(self.tasks * self.turns.at(model)),
        };
        let whole = |wall: f64| {
            let per_task = wall / measured.tasks.max(1) as f64;
            before + (per_task * self.tasks * self.stretch).max(shortest)
        };
        // A repeat that took no time did not happen.
        let walls = measured.steady().iter().filter(|wall| !wall.is_zero());
        let mut repeats: Vec<f64> = walls.map(|wall| whole(wall.as_secs_f64())).collect();
        repeats.retain(|seconds| seconds.is_finite());
        repeats.sort_by(f64::total_cmp);
        let &seconds = repeats.get(repeats.len().saturating_sub(1) / 2)?;
        Some(Projection {
            setting: trial.setting,
            evidence: trial.evidence,
            seconds,
            repeats,
            start,
            dispatch: measured.dispatch.map(|cost| cost.as_secs_f64()),
            peak_memory: measured.peak_memory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::twin::TaskDemand;

    #[test]
    fn a_noisy_moment_does_not_let_threads_share_the_gil() {
        let task = TaskDemand { cpu_held: Duration::from_millis(100), ..TaskDemand::default() };
        let twin = Twin { task, tasks: 10, compression: 1.0, gil: true, ..Twin::default() };
        let trial = |model, workers, task_ms: u64| Trial {
            setting: Setting { model, workers, ..Setting::SEQUENTIAL },
            evidence: Evidence::Twin,
            outcome: Outcome::Ok(Measurement {
                tasks: 10,
                walls: vec![Duration::from_millis(10 * task_ms)],
                ..Measurement::default()
            }),
        };
        // The sequential run met a busy neighbour and the threads did not.
        let trials = [
            trial(Model::Sequential, 1, 150),
            trial(Model::Threads, 2, 110),
            trial(Model::Asyncio, 2, 140),
            trial(Model::Processes, 2, 120),
        ];
        let seconds = |twin: &Twin| -> Vec<f64> {
            let tried = projections(Some(twin), &trials);
            tried.iter().map(|tried| (tried.seconds * 1e3).round() / 1e3).collect()
        };
        assert_eq!(seconds(&twin), [1.5, 1.5, 1.5, 1.2]);
        assert_eq!(seconds(&Twin { gil: false, ..twin }), [1.5, 1.1, 1.5, 1.2]);
    }
}
