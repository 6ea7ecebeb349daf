//! Profile → [`Twin`]: a synthetic task with the demands that were measured, and the doubts about it. Pure.
//!
//! A twin says what a workload of this shape would do under each model. It is right for CPU work, plain waiting and
//! small-task overhead; what one worker's profile does not show, it cannot show either, and says so as a doubt.

use crate::observe::kind::ByKind;
use crate::units::Bytes;
use std::time::Duration;

/// A synthetic workload with the measured demands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Twin {
    /// What one task demands.
    pub task: TaskDemand,
    /// How many tasks make up the target's whole work; at least 1.
    pub tasks: u64,
    /// Times in `task` were divided by this to fit the budget; 1 when they are as measured.
    pub compression: f64,
    /// Whether the pieces were seen (waits that were counted) or assumed (computing cut at a nominal length).
    pub pieces_seen: bool,
    /// What the twin cannot show, each a sentence.
    pub doubts: Vec<String>,
}

/// What one task demands of a worker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskDemand {
    /// Computing that holds the GIL; in a native runner simply computing.
    pub cpu_held: Duration,
    /// Computing with the GIL released.
    pub cpu_released: Duration,
    /// Waiting, by kind.
    pub waits: ByKind<Duration>,
    /// Memory that a worker touches while it runs one.
    pub memory: Bytes,
    /// Argument, as pickled to a process.
    pub argument: Bytes,
    /// Result, as pickled back.
    pub result: Bytes,
}

impl TaskDemand {
    /// One task's time on a worker of its own.
    pub fn total(&self) -> Duration {
        self.cpu_held + self.cpu_released + self.waits.iter().map(|(_, time)| *time).sum::<Duration>()
    }
}
