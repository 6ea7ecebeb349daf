//! How many tasks and repeats a run gets, and what it is expected to cost. Pure.
//!
//! Short enough that a dozen fit in the budget, long enough that filling the pool and the kernel's clock do not show.

use super::ladder::Limits;
use super::lane::Lane;
use super::run::Run;
use crate::trial::Measurement;
use crate::trial::model::{Model, Setting};
use crate::trial::twin::Twin;
use std::time::Duration;

/// A run gets this part of the budget: a dozen runs see every model once and its neighbours.
pub(in crate::trial) const RUNS_PER_BUDGET: u32 = 12;
/// Repeats that a setting near the front must have, and gets at a time.
pub(super) const REPEATS: usize = 3;
/// Repeats of its first run: the lower of two is seldom disturbed.
const FIRST_REPEATS: usize = 2;
/// Repeats of a run whose tasks are too short to time, and repeats in all of a setting that does not settle.
pub(super) const MOST_REPEATS: usize = 12;
/// Below this a repeat is shorter than what a scheduler does to it, so there are more of them.
const SHORT_REPEAT: Duration = Duration::from_millis(10);
/// A longer repeat says no more.
const LONG_REPEAT: Duration = Duration::from_millis(500);
/// Tasks that wait, for each worker, at least: filling and emptying the pool is then at most a quarter of the time.
const ROUNDS: u64 = 4;
/// Tasks for each worker, at least, when more would not fit; enough for tasks that only compute and fill the cores.
const LEAST_ROUNDS: u64 = 2;
/// With fewer rounds than this, a last round that is not full changes the time too much: then all tasks are run.
const ROUNDS_THAT_EVEN_OUT: u64 = 8;
/// A run is ended when it takes this many times what was expected of it, and not before [`LEAST_TIMEOUT`].
const TIMEOUT: u32 = 8;
/// Starting interpreters on a loaded machine takes seconds.
const LEAST_TIMEOUT: Duration = Duration::from_secs(10);

/// What the trials may take unless the user says otherwise: 10 s, or twice the observed run (DESIGN §5).
pub fn default_budget(wall: Duration) -> Duration {
    (wall * 2).max(Duration::from_secs(10))
}

/// What handing over one task is taken to cost before it was measured, so that the first run is not sized as if it
/// were free: about what CPython 3.11 costs on two cores (domain.md §1). Decides nothing else.
fn handing(setting: &Setting) -> Duration {
    match setting.model {
        Model::Sequential => Duration::ZERO,
        Model::Threads | Model::Asyncio | Model::AsyncioThreads => Duration::from_micros(100),
        _ => Duration::from_micros(400) / setting.chunk_size.unwrap_or(1).max(1) as u32,
    }
}

/// Tasks that an event loop keeps waiting at once while workers compute, at least, in either harness.
const LOOP_IN_FLIGHT: u64 = 64;

/// What sizes the runs of one race.
#[derive(Debug)]
pub(super) struct Sizing {
    tasks: u64,
    waits: bool,
    loop_waits: bool,
    /// One task on a worker of its own: no repeat is shorter, however many tasks are in flight.
    alone: Duration,
    /// Time that one run should take.
    run: Duration,
    /// What a run takes besides starting its pool and its tasks, as a sum and a count.
    besides: (Duration, u32),
}

/// The size of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// What all of it is expected to take.
    pub cost: Duration,
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Repeats.
    pub repeats: usize,
}

impl Size {
    /// When a run of this size is given up.
    pub fn timeout(&self) -> Duration {
        (self.cost * TIMEOUT).max(LEAST_TIMEOUT)
    }
}

impl Sizing {
    pub fn new(twin: &Twin, limits: &Limits, budget: Duration) -> Self {
        Self {
            tasks: twin.tasks.max(1),
            waits: twin.task.waits_notably(),
            loop_waits: limits.loop_waits,
            alone: twin.task.total(),
            run: budget / RUNS_PER_BUDGET,
            besides: (Duration::ZERO, 0),
        }
    }

    /// Learns what a run takes besides its pool's start and its tasks: an interpreter's start, calibration.
    pub fn learn(&mut self, measurement: &Measurement, took: Duration) {
        let tasks: Duration = measurement.walls.iter().chain(&measurement.cold).sum();
        self.besides.0 += took.saturating_sub(measurement.start + tasks);
        self.besides.1 += 1;
    }

    /// The size of a run of `setting`. A setting that ran keeps its number of tasks, so that its repeats add up.
    pub fn of(&self, lane: &Lane, setting: &Setting) -> Size {
        let least = lane.least_per_task(setting.workers);
        let nearest = lane.nearest(setting);
        let per_task = nearest.map_or(least + handing(setting), |(workers, ran)| {
            // Fewer workers than ran are slower in proportion at worst.
            let slower = (workers as f64 / setting.workers as f64).max(1.0);
            ran.per_task().mul_f64(slower).max(least)
        });
        let known = lane.runs.iter().find(|run| run.setting == *setting);
        let repeated = known.and_then(Run::measurement).map(|ran| ran.tasks);
        let tasks = repeated.unwrap_or_else(|| {
            // As many as this model's best had, where they fit: filling the pool then weighs the same in both.
            let best = lane.best().and_then(|(run, _)| run.measurement()).map_or(0, |ran| ran.tasks);
            let alike = if per_task.mul_f64(best as f64) <= self.run { best } else { 0 };
            self.tasks(setting, per_task).max(alike)
        });
        let wall = per_task.mul_f64(tasks as f64).max(self.alone);
        let fit = |time: Duration| (time.as_secs_f64() / wall.as_secs_f64().max(1e-9)) as usize;
        let short = fit(SHORT_REPEAT * REPEATS as u32).min(MOST_REPEATS);
        let wanted = match known {
            Some(run) if run.repeats() < REPEATS => REPEATS - run.repeats(),
            Some(_) => REPEATS,
            None if wall >= LONG_REPEAT => 1,
            None => FIRST_REPEATS,
        };
        let repeats = fit(self.run).clamp(1, wanted).max(short);
        let start = nearest.map_or(Duration::ZERO, |(_, ran)| ran.start);
        let besides = self.besides.0 / self.besides.1.max(1);
        Size { cost: besides + start + wall * repeats as u32, tasks, repeats }
    }

    /// Tasks for one repeat: what it has time for, but enough rounds of all workers; all of them when a last round
    /// that is not full would show, or when they fit.
    fn tasks(&self, setting: &Setting, per_task: Duration) -> u64 {
        let fit = |time: Duration| (time.as_secs_f64() / per_task.as_secs_f64().max(1e-9)) as u64;
        // The first run is a look, so it gets half of the time of a run, in all its repeats or at worst in one.
        let look = self.run / 2;
        let fitting = fit((look / REPEATS as u32).min(LONG_REPEAT));
        if setting.workers == 1 {
            return fitting.max(2).min(self.tasks);
        }
        let on_loop = match setting.model {
            Model::AsyncioProcesses => LOOP_IN_FLIGHT,
            Model::AsyncioThreads if self.loop_waits => LOOP_IN_FLIGHT,
            _ => 0,
        };
        let workers = (setting.workers as u64).max(if self.waits { on_loop } else { 0 });
        let at_once = workers * setting.chunk_size.unwrap_or(1) as u64;
        let even = self.tasks <= ROUNDS_THAT_EVEN_OUT * at_once;
        let rounds = if self.waits { ROUNDS } else { LEAST_ROUNDS };
        let enough = if even { self.tasks } else { rounds * at_once };
        let affordable = fit(look).max(LEAST_ROUNDS * at_once);
        fitting.max(enough.min(affordable)).next_multiple_of(at_once).min(self.tasks)
    }
}
