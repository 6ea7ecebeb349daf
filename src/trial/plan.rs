//! Which setting to run next, and when to stop: a race, as a state machine. Pure: it is told what a run took.
//!
//! 1. *Reference*: sequential, so that every speed-up has something to be compared with.
//! 2. *Survey*: every model that can run, at one worker count; every start method.
//! 3. *Climb*: more and fewer workers, larger chunks, for the models that are near the front or that could still win,
//!    most promising first. A setting that could not beat the best by 5 % even at its bound is not run.
//! 4. *Settle*: repeats, until it is clear which model is the simplest within 5 % of the best.
//! 5. *Closing*: sequential again, which tells whether the machine itself changed meanwhile.
//!
//! What a setting is worth running for is `lane`'s, which counts there are `ladder`'s; running is `race`'s.

mod ladder;
mod lane;
mod run;
mod sizing;

use super::model::{Model, Setting, StartMethod};
use super::runner::Spec;
use super::twin::{TaskDemand, Twin};
use super::{Evidence, Outcome, Trial};
use crate::notice::Notice;
use crate::units::Bytes;
use ladder::{Ladder, multiplies_memory};
use lane::Lane;
use run::Run;
use sizing::{MOST_REPEATS, REPEATS, Sizing};
use std::cmp::Ordering;
use std::time::Duration;

pub use ladder::{Limits, bounds};
pub(super) use ladder::{MOST_PROCESSES, MOST_THREADS};
pub(super) use lane::{CHUNKS_PER_WORKER, GAIN};
pub(super) use sizing::RUNS_PER_BUDGET;
pub use sizing::default_budget;

/// Near the front: within this of the best time.
pub(super) const NEAR: f64 = 1.2;
/// Sequential runs at the start and at the end that differ by more mean that the machine changed.
const DRIFT: f64 = 0.10;

/// Why the race is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Separated,
    Budget,
    Interrupted,
}

/// The race: what was run, and what to run next.
#[derive(Debug)]
pub struct Race {
    task: TaskDemand,
    tasks: u64,
    budget: Duration,
    sizing: Sizing,
    lanes: Vec<Lane>,
    /// Models that cannot run, with the reason.
    refused: Vec<Trial>,
    per_worker: Bytes,
    /// Memory that all workers may take together.
    memory: Option<Bytes>,
    /// What one worker alone took, as measured.
    alone: Bytes,
    evidence: Evidence,
    /// Time for a task of the first and of the closing sequential run.
    reference: (Option<Duration>, Option<Duration>),
    closing: bool,
    end: Option<End>,
    skipped: usize,
}

impl Race {
    /// A race of `twin` among `models`, each with the reason where it cannot run; models that are not named are not
    /// there. `start_methods` are those of process workers, cheapest or safest first.
    pub fn new(
        twin: &Twin,
        models: Vec<(Model, Result<(), String>)>,
        start_methods: &[StartMethod],
        limits: &Limits,
        budget: Duration,
    ) -> Self {
        let mut race = Self {
            task: twin.task.clone(),
            tasks: twin.tasks.max(1),
            budget,
            sizing: Sizing::new(twin, limits, budget),
            lanes: Vec::new(),
            refused: Vec::new(),
            per_worker: limits.per_worker,
            memory: limits.memory,
            alone: Bytes(0),
            evidence: Evidence::Twin,
            reference: (None, None),
            closing: false,
            end: None,
            skipped: 0,
        };
        for model in Model::ALL {
            let able = models
                .iter()
                .find(|(named, _)| *named == model)
                .map_or_else(|| Err("no runner on this machine runs this model".to_owned()), |(_, able)| able.clone());
            match able.and_then(|()| Ladder::of(model, &race.task, race.tasks, limits)) {
                Ok(ladder) => {
                    // One model compares the start methods for all.
                    let compared = race.lane(Model::Processes).is_some();
                    let methods = match start_methods {
                        [first, ..] if model.uses_processes() && compared => vec![Some(*first)],
                        [_, ..] if model.uses_processes() => start_methods.iter().copied().map(Some).collect(),
                        _ => vec![None],
                    };
                    race.lanes.push(Lane::new(model, ladder, race.tasks, methods));
                }
                Err(reason) => race.refused.push(trial(model, Outcome::NotApplicable(reason))),
            }
        }
        race
    }

    /// The same race, of the user's own function instead of a twin with its demand.
    #[must_use]
    pub fn of_task(self) -> Self {
        Self { evidence: Evidence::Task, ..self }
    }

    /// The next run, when `spent` of the budget is gone; `None` when the race is over. A run that is expected not to
    /// fit in what is left is skipped, so the budget is exceeded by one run at most.
    pub fn next(&mut self, spent: Duration) -> Option<Spec> {
        if self.end == Some(End::Interrupted) || self.closing {
            return None;
        }
        let closing = self.closing_run();
        let left = self.budget.saturating_sub(spent);
        if self.end.is_none() {
            let reserve = closing.as_ref().map_or(Duration::ZERO, |(_, cost)| *cost);
            match self.pick(left.saturating_sub(reserve)) {
                Ok(setting) => return self.spec(setting),
                Err(skipped) => {
                    self.skipped = skipped;
                    self.end = Some(if skipped > 0 { End::Budget } else { End::Separated });
                }
            }
        }
        self.closing = true;
        closing.map(|(spec, _)| spec).filter(|_| left > Duration::ZERO)
    }

    /// Takes in what came of a run and how long all of it took.
    pub fn record(&mut self, spec: &Spec, outcome: Outcome, took: Duration) {
        if let Outcome::Ok(measurement) = &outcome {
            self.sizing.learn(measurement, took);
            if spec.setting.model == Model::Sequential {
                self.alone = measurement.peak_memory;
                let seen = if self.closing { &mut self.reference.1 } else { &mut self.reference.0 };
                *seen = Some(measurement.per_task());
            }
        } else if self.closing {
            // The reference ran once already; its second run failing must not cost every speed-up.
            return;
        }
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.model == spec.setting.model) {
            let used = if let Outcome::Ok(measurement) = &outcome { measurement.peak_memory } else { Bytes(0) };
            lane.record(spec.setting, outcome);
            if let Some(memory) = self.memory {
                lane.ladder.stop_where_memory_ends(spec.setting.workers, self.alone, used, memory);
            }
        }
        self.share_start_method();
    }

    /// No more runs: the user stopped us.
    pub fn interrupt(&mut self) {
        self.end = Some(End::Interrupted);
    }

    /// What the race itself gives reason to be careful about.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(ratio) = self.drift().filter(|ratio| (ratio - 1.0).abs() > DRIFT) {
            notices.push(Notice::Drifted { ratio });
        }
        if let Some(workers) = self.lanes.iter().find_map(|lane| lane.ladder.memory_caps) {
            notices.push(Notice::MemoryCaps { workers, per_worker: self.per_worker });
        }
        if self.end == Some(End::Budget) {
            notices.push(Notice::BudgetSpent { skipped: self.skipped });
        }
        notices
    }

    /// Time of the closing sequential run over that of the first; `None` until both ran.
    pub fn drift(&self) -> Option<f64> {
        let (first, closing) = (self.reference.0?, self.reference.1?);
        (!first.is_zero()).then(|| closing.as_secs_f64() / first.as_secs_f64())
    }

    /// A row for every setting that was run and for every model that was not, simplest model first, and how many
    /// settings were planned but not run.
    pub fn finish(self) -> (Vec<Trial>, usize) {
        let reason = match self.end {
            Some(End::Interrupted) => "the trials were interrupted before it ran",
            _ => "the trial budget was spent before it could run",
        };
        let mut rows = self.refused;
        for lane in self.lanes {
            if lane.runs.is_empty() {
                let pruned = trial(lane.model, Outcome::Pruned(reason.to_owned()));
                rows.push(Trial { setting: lane.setting(lane.ladder.first), ..pruned });
            }
            let row = |run: Run| Trial { setting: run.setting, evidence: Evidence::Twin, outcome: run.outcome };
            rows.extend(lane.runs.into_iter().map(row));
        }
        rows.sort_by_key(|Trial { setting, .. }| {
            (setting.model, setting.workers, setting.start_method, setting.chunk_size)
        });
        rows.iter_mut().for_each(|row| row.evidence = self.evidence);
        (rows, self.skipped)
    }

    /// The first setting, in the order of the phases, that is expected to fit in what is left; else how many do not.
    fn pick(&self, left: Duration) -> Result<Setting, usize> {
        let reference = self.lanes.first().filter(|lane| lane.model == Model::Sequential && lane.runs.is_empty());
        if let Some(lane) = reference {
            return Ok(lane.setting(1));
        }
        let (first, later) = self.survey();
        let (climb, settle) = (self.climb(), self.settle());
        let cost = |setting: &Setting| Some(self.sizing.of(self.lane(setting.model)?, setting).cost);
        let fits = |setting: &&Setting| cost(setting).is_some_and(|cost| cost <= left);
        let mut planned = first.iter().chain(&climb).chain(&settle).chain(&later);
        let all = planned.clone().count();
        // One that does not fit does not keep a cheaper one from being run.
        planned.find(fits).copied().ok_or(all)
    }

    /// First looks at each model, then at other start methods; those of models that are out of the race come later.
    fn survey(&self) -> (Vec<Setting>, Vec<Setting>) {
        let races = |lane: &Lane| self.races(lane);
        let contends = |lane: &&Lane| races(lane) && self.leader().is_none_or(|(_, best)| lane.contends(best));
        let (new, seen): (Vec<&Lane>, Vec<&Lane>) =
            self.lanes.iter().partition(|lane| lane.runs.is_empty() && races(lane));
        let (in_race, out): (Vec<&Lane>, Vec<&Lane>) = seen.into_iter().partition(contends);
        let settings = |lanes: Vec<&Lane>| lanes.into_iter().filter_map(Lane::survey).collect();
        (settings(new.into_iter().chain(in_race).collect()), settings(out))
    }

    /// One more repeat of the reference, and its cost.
    fn closing_run(&self) -> Option<(Spec, Duration)> {
        self.reference.0?;
        let spec = self.spec(Setting::SEQUENTIAL)?;
        let cost = self.sizing.of(self.lane(Model::Sequential)?, &spec.setting).cost;
        // Of the user's own tasks the first repeat is a cold one, and only the next compares with the reference.
        let least = if self.evidence == Evidence::Task { 2 } else { 1 };
        let repeats = spec.repeats.div_ceil(REPEATS).max(least);
        Some((Spec { repeats, ..spec }, cost.mul_f64(repeats as f64 / spec.repeats as f64)))
    }

    /// Whether a lane is raced, and not only looked at once: around the user's own function, an event loop with a pool
    /// beside it does what the pool does alone, and costs more.
    fn races(&self, lane: &Lane) -> bool {
        self.evidence != Evidence::Task || !matches!(lane.model, Model::AsyncioThreads | Model::AsyncioProcesses)
    }

    /// One setting of each lane that has one worth running, the most promising first.
    fn climb(&self) -> Vec<Setting> {
        let Some((leader, best)) = self.leader() else { return Vec::new() };
        let candidate = |lane: &Lane| {
            let near = lane.best()?.1 <= best.mul_f64(NEAR);
            lane.candidate(best, near, lane.model == leader)
        };
        let mut candidates: Vec<_> = self.lanes.iter().filter(|lane| self.races(lane)).filter_map(candidate).collect();
        candidates.sort_by_key(|candidate| (!candidate.wins, candidate.optimistic));
        candidates.into_iter().map(|candidate| candidate.setting).collect()
    }

    /// The setting that most needs a repeat, until it is clear which model is the simplest within 5 % of the best:
    /// models are asked in that order, and past the first that surely is one, no other matters.
    fn settle(&self) -> Option<Setting> {
        let (leader, best) = self.leader()?;
        let (front, _) = self.lane(leader)?.best()?;
        for lane in self.lanes.iter().filter(|lane| self.races(lane)) {
            let Some((run, time)) = lane.best().filter(|(_, time)| *time <= best.mul_f64(NEAR)) else { continue };
            let ratio = time.as_secs_f64() / best.as_secs_f64().max(1e-12);
            let noise = front.noise().hypot(run.noise());
            let few = front.repeats().min(run.repeats()) < REPEATS;
            let open = match lane.model.cmp(&leader) {
                Ordering::Less => few || (ratio - 1.0 - GAIN).abs() <= noise,
                Ordering::Equal => few,
                // Only one that is in truth more than 5 % faster would be chosen over a simpler leader.
                Ordering::Greater => ratio * (1.0 - noise) < 1.0 - GAIN,
            };
            let needy = if run.repeats() < front.repeats() { run } else { front };
            if open && needy.repeats() < MOST_REPEATS {
                return Some(needy.setting);
            }
            if lane.model < leader && ratio <= 1.0 + GAIN {
                return None;
            }
        }
        None
    }

    fn leader(&self) -> Option<(Model, Duration)> {
        let raced = self.lanes.iter().filter(|lane| self.races(lane));
        let times = raced.filter_map(|lane| Some((lane.model, lane.best()?.1)));
        times.min_by_key(|(_, time)| *time)
    }

    fn lane(&self, model: Model) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.model == model)
    }

    /// Once a pool of processes has shown which start method is cheapest, every other model with processes uses it.
    fn share_start_method(&mut self) {
        if self.evidence == Evidence::Task {
            return;
        }
        let Some(chosen) = self.lane(Model::Processes).and_then(Lane::chosen_start_method) else { return };
        let others = self.lanes.iter_mut().filter(|lane| lane.model != Model::Processes && lane.model.uses_processes());
        others.for_each(|lane| lane.use_start_method(chosen));
    }

    fn spec(&self, setting: Setting) -> Option<Spec> {
        let size = self.sizing.of(self.lane(setting.model)?, &setting);
        let mut task = self.task.clone();
        if !multiplies_memory(setting.model) {
            // Workers of one process share what the process was seen to use.
            task.memory = Bytes(task.memory.0 / setting.workers.max(1) as u64);
        }
        Some(Spec { setting, task, tasks: size.tasks, repeats: size.repeats, timeout: size.timeout() })
    }
}

fn trial(model: Model, outcome: Outcome) -> Trial {
    Trial { setting: Setting { model, ..Setting::SEQUENTIAL }, evidence: Evidence::Twin, outcome }
}
