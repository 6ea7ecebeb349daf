//! A machine that answers without a clock: what a run takes is worked out from service centres (GIL, cores, the
//! parent's dispatching) with fixed start and dispatch costs, and a little noise that is the same on every run.

use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::runner::Spec;
use concadvise::trial::twin::TaskDemand;
use concadvise::trial::{Measurement, Outcome};
use std::time::Duration;

/// What every run costs besides its pool and its tasks: an interpreter's start and the calibration, in seconds.
const BESIDES: f64 = 0.06;

pub struct Machine {
    pub cpus: usize,
    pub gil: bool,
    /// Relative, to both sides.
    pub noise: f64,
    /// A model that fails whenever it is run with at least so many workers.
    pub fails: Option<(Model, usize)>,
    /// Every run from this one on takes 1.5 times as long.
    pub slow_from: usize,
    pub runs: usize,
}

impl Machine {
    pub fn new(cpus: usize, gil: bool) -> Self {
        Self { cpus, gil, noise: 0.02, fails: None, slow_from: usize::MAX, runs: 0 }
    }

    /// Runs a spec: what came of it, and what all of it took.
    pub fn run(&mut self, spec: &Spec) -> (Outcome, Duration) {
        self.runs += 1;
        let setting = &spec.setting;
        if self.fails.is_some_and(|(model, workers)| setting.model == model && setting.workers >= workers) {
            return (Outcome::Failed("can't start new thread".into()), seconds(BESIDES));
        }
        let slow = if self.runs >= self.slow_from { 1.5 } else { 1.0 };
        let wall = self.wall(setting, &spec.task, spec.tasks) * slow;
        let walls: Vec<_> = (0..spec.repeats).map(|repeat| seconds(wall * self.jitter(setting, repeat))).collect();
        let start = seconds(start(setting));
        let took = seconds(BESIDES) + start + walls.iter().sum::<Duration>();
        let dispatch = Some(seconds(dispatch(setting)));
        (Outcome::Ok(Measurement { tasks: spec.tasks, start, walls, dispatch, ..Measurement::default() }), took)
    }

    /// What the whole work truly takes, in seconds.
    pub fn truth(&self, setting: &Setting, task: &TaskDemand, tasks: u64) -> f64 {
        start(setting) + self.wall(setting, task, tasks)
    }

    /// What a run of an exhaustive sweep takes, in seconds: three repeats of enough tasks.
    pub fn cost(&self, setting: &Setting, task: &TaskDemand, tasks: u64) -> f64 {
        let at_once = (setting.workers * setting.chunk_size.unwrap_or(1)) as f64;
        let per_task = self.wall(setting, task, tasks) / tasks as f64;
        let enough = (4.0 * at_once).max(0.25 / per_task).min(tasks as f64);
        BESIDES + start(setting) + 3.0 * self.wall(setting, task, enough.ceil() as u64)
    }

    fn wall(&self, setting: &Setting, task: &TaskDemand, tasks: u64) -> f64 {
        let (n, workers) = (tasks as f64, setting.workers as f64);
        let (cpu, wait) = (task.cpu().as_secs_f64(), task.waiting().as_secs_f64());
        let handing = dispatch(setting);
        // Workers beyond the cores switch: a little more CPU for each doubling.
        let crowd = (workers / self.cpus as f64).max(1.0).log2();
        let cpu = cpu * (1.0 + 0.01 * crowd);
        let alone = cpu + wait + handing;
        let cores = (cpu + handing) / self.cpus as f64;
        let held = if self.gil { task.cpu_held.as_secs_f64() * (1.0 + 0.02 * crowd) } else { 0.0 };
        let one_at_a_time = match setting.model {
            Model::Sequential => return n * (cpu + wait),
            Model::Threads | Model::AsyncioThreads => handing + held,
            Model::Asyncio => handing + cpu,
            _ => handing,
        };
        let chunk = setting.chunk_size.unwrap_or(1) as f64;
        let rounds = (n / chunk / workers).ceil() * chunk;
        // Its workers only compute, the loop waits for many tasks at once.
        let by_workers = match setting.model {
            Model::AsyncioProcesses => (rounds * cpu + wait).max((n / workers.max(64.0)).ceil() * (cpu + wait)),
            _ => rounds * (cpu + wait),
        };
        let largest = one_at_a_time.max(cores);
        by_workers.max(n * largest + (alone - largest).max(0.0))
    }

    fn jitter(&self, setting: &Setting, repeat: usize) -> f64 {
        let mut seed = (self.runs * 31 + repeat * 7 + setting.workers * 131 + setting.model as usize * 1031) as u64;
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^= seed >> 29;
        }
        1.0 + self.noise * ((seed % 2001) as f64 / 1000.0 - 1.0)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Making the pool, in seconds: domain.md §1 and what lies between.
fn start(setting: &Setting) -> f64 {
    let workers = setting.workers as f64;
    let processes = match setting.start_method {
        Some(StartMethod::Forkserver) => 0.030 + 0.008 * workers,
        Some(StartMethod::Spawn) => 0.015 + 0.050 * workers,
        _ => 0.0035 * workers,
    };
    match setting.model {
        Model::Sequential => 0.0,
        Model::Threads => 0.000_2 * workers,
        Model::Asyncio => 0.000_14,
        Model::AsyncioThreads => 0.000_5 + 0.000_2 * workers,
        Model::Interpreters => 0.012 * workers,
        Model::Processes => processes,
        Model::AsyncioProcesses => 0.001 + processes,
        Model::Cluster => 5.0,
    }
}

/// Handing over one task, in seconds.
fn dispatch(setting: &Setting) -> f64 {
    match setting.model {
        Model::Sequential => 0.0,
        Model::Asyncio => 0.000_015,
        Model::Threads | Model::AsyncioThreads => 0.000_05,
        Model::Interpreters => 0.000_2,
        Model::Processes => 0.000_003 + 0.000_15 / setting.chunk_size.unwrap_or(1) as f64,
        Model::AsyncioProcesses => 0.000_4,
        Model::Cluster => 0.005,
    }
}
