//! Demands to race, from a tenth of a millisecond to a second, and the sweep that would try everything.

use concadvise::observe::kind::BlockedKind;
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::plan::{Limits, Race, default_budget};
use concadvise::trial::twin::{TaskDemand, Twin};
use concadvise::units::Bytes;
use std::time::Duration;

/// One demand, and where it is run.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Milliseconds of computing that hold the GIL.
    pub held: f64,
    /// Milliseconds of computing that do not.
    pub released: f64,
    /// Milliseconds of waiting.
    pub wait: f64,
    pub tasks: u64,
    pub cpus: usize,
    /// Workers with memory of their own that there is room for.
    pub room: usize,
}

pub const fn shape(held: f64, released: f64, wait: f64, tasks: u64, cpus: usize) -> Shape {
    Shape { held, released, wait, tasks, cpus, room: 10_000 }
}

pub const fn tight(shape: Shape, room: usize) -> Shape {
    Shape { room, ..shape }
}

pub const SHAPES: [Shape; 32] = [
    // Computing that holds the GIL.
    shape(0.1, 0.0, 0.0, 3, 2),
    shape(0.1, 0.0, 0.0, 10_000, 2),
    shape(0.1, 0.0, 0.0, 10_000, 64),
    shape(1.0, 0.0, 0.0, 1_000, 8),
    shape(1.0, 0.0, 0.0, 10_000, 8),
    shape(10.0, 0.0, 0.0, 100, 2),
    shape(100.0, 0.0, 0.0, 10, 8),
    shape(100.0, 0.0, 0.0, 100, 1),
    shape(100.0, 0.0, 0.0, 1_000, 64),
    shape(1000.0, 0.0, 0.0, 3, 8),
    shape(1000.0, 0.0, 0.0, 20, 8),
    shape(1000.0, 0.0, 0.0, 10_000, 64),
    tight(shape(100.0, 0.0, 0.0, 1_000, 64), 5),
    tight(shape(100.0, 0.0, 0.0, 100, 8), 1),
    // Computing that does not.
    shape(0.5, 10.0, 0.0, 1_000, 8),
    shape(1.0, 100.0, 0.0, 500, 64),
    shape(50.0, 50.0, 0.0, 200, 8),
    // Waiting.
    shape(0.1, 0.0, 1.0, 10_000, 2),
    shape(0.0, 0.0, 1.0, 100, 1),
    shape(0.1, 0.0, 10.0, 10_000, 8),
    shape(0.1, 0.0, 100.0, 3, 2),
    shape(0.1, 0.0, 100.0, 20, 2),
    shape(0.1, 0.0, 100.0, 200, 1),
    shape(0.1, 0.0, 100.0, 10_000, 8),
    shape(0.0, 0.0, 100.0, 10_000, 64),
    // Both.
    shape(5.0, 0.0, 5.0, 1_000, 8),
    shape(5.0, 0.0, 50.0, 1_000, 8),
    shape(20.0, 0.0, 80.0, 1_000, 64),
    shape(1.0, 9.0, 90.0, 1_000, 8),
    shape(50.0, 0.0, 50.0, 20, 2),
    shape(50.0, 0.0, 50.0, 200, 1),
    tight(shape(20.0, 0.0, 80.0, 1_000, 8), 3),
];

impl Shape {
    pub fn twin(&self) -> Twin {
        let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
        let mut task = TaskDemand { cpu_held: ms(self.held), cpu_released: ms(self.released), ..Default::default() };
        task.waits[BlockedKind::Network] = ms(self.wait);
        Twin { task, tasks: self.tasks, compression: 1.0, gil: true, pieces_seen: true, doubts: Vec::new() }
            .fit(self.budget())
    }

    pub fn limits(&self) -> Limits {
        let memory = Some(Bytes(self.room as u64 * 1000 + 1));
        Limits {
            cpus: self.cpus,
            cpus_waiting: self.cpus,
            memory,
            per_worker: Bytes(1000),
            gil: true,
            own_async: false,
            loop_waits: false,
        }
    }

    pub fn budget(&self) -> Duration {
        let task = self.held + self.released + self.wait;
        default_budget(Duration::from_secs_f64(task * self.tasks as f64 / 1e3))
    }

    /// The race under the budget that this shape gets by default.
    pub fn race(&self) -> Race {
        Race::new(&self.twin(), models(), &StartMethod::ALL, &self.limits(), self.budget())
    }

    /// Some demand between 0.1 ms and 1 s on some machine; the same for the same seed.
    pub fn random(seed: &mut u64) -> Self {
        let mut unit = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let mut between = |low: f64, high: f64| low * (high / low).powf(unit());
        let held = if between(1.0, 8.0) < 5.0 { between(0.1, 1000.0) } else { 0.05 };
        let released = if between(1.0, 8.0) < 2.0 { between(0.1, 1000.0) } else { 0.0 };
        let wait = if between(1.0, 8.0) < 5.0 { between(0.5, 500.0) } else { 0.0 };
        let cpus = [1, 2, 4, 6, 8, 16, 48, 64][between(1.0, 9.0) as usize - 1];
        shape(held, released, wait, between(3.0, 10_000.0) as u64, cpus)
    }

    /// Every setting that makes sense: worker counts by doubling, start methods, chunk sizes by quadrupling.
    pub fn sweep(&self) -> Vec<Setting> {
        let mut sweep = Vec::new();
        for model in Model::ALL.into_iter().filter(|model| *model != Model::Cluster) {
            let multiplies = model.uses_processes() || model == Model::Interpreters;
            let most = match (model, self.wait > 0.0) {
                (Model::Sequential, _) => 1,
                (_, false) | (Model::AsyncioProcesses, _) => 2 * self.cpus,
                (Model::Asyncio, _) => 1024,
                (Model::Processes | Model::Interpreters, _) => 64.max((8 * self.cpus).min(256)),
                _ => 256,
            };
            let most = most.min(self.tasks as usize).min(if multiplies { self.room } else { usize::MAX });
            let mut counts: Vec<usize> = (0..11).map(|power| 1 << power).filter(|n| *n < most).collect();
            counts.push(most);
            let methods: Vec<_> = match model.uses_processes() {
                true => StartMethod::ALL.into_iter().map(Some).collect(),
                false => vec![None],
            };
            let chunks: &[Option<usize>] =
                if model == Model::Processes { &[Some(1), Some(4), Some(16), Some(64), Some(256)] } else { &[None] };
            for workers in counts {
                for start_method in &methods {
                    for chunk_size in chunks {
                        sweep.push(Setting { model, workers, chunk_size: *chunk_size, start_method: *start_method });
                    }
                }
            }
        }
        sweep
    }
}

pub fn models() -> Vec<(Model, Result<(), String>)> {
    let able = |model| if model == Model::Cluster { Err("it needs other machines".to_owned()) } else { Ok(()) };
    Model::ALL.into_iter().map(|model| (model, able(model))).collect()
}
