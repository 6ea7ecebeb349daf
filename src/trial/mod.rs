//! Profile + Target → `Vec<Trial>`: really runs each executor model and measures it.
//!
//! `twin` (pure) says what is run, `plan` (pure) in which order and how often, `scaling` (pure) fits the curves,
//! `python` and `native` run one setting each under our own observer, `race` spends the budget. `rerun` runs the user's
//! whole command again, where that was asked for. Which of the models is advised is left to `rules` and
//! `recommendation`.

pub mod model;
pub mod native;
pub mod plan;
pub mod python;
pub mod race;
pub mod rerun;
pub mod runner;
pub mod scaling;
pub mod task;
pub mod twin;

use crate::units::Bytes;
use model::Setting;
use std::time::Duration;

/// One run of one model at one worker count, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What was tried.
    pub setting: Setting,
    /// What was run.
    pub evidence: Evidence,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a trial ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The user's own function.
    Task,
    /// The whole command again.
    Program,
    /// Synthetic tasks with the measured demands.
    Twin,
}

impl Evidence {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Program => "program",
            Self::Twin => "twin",
        }
    }
}

/// What came of a trial. Never a missing row: a model that cannot run says why.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It ran.
    Ok(Measurement),
    /// It cannot apply here, with the reason.
    NotApplicable(String),
    /// It gave other results than the sequential run, or hung.
    Unsafe(String),
    /// It should have run and did not.
    Failed(String),
    /// The race gave it up, with the reason.
    Pruned(String),
}

/// What a trial measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measurement {
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Making the pool, until its workers had answered once.
    pub start: Duration,
    /// Time for all tasks, pool start excluded, of each repeat in order.
    pub walls: Vec<Duration>,
    /// What handing over one empty task costs at this setting.
    pub dispatch: Option<Duration>,
    /// CPU time of the whole trial, as our observer saw it.
    pub cpu: Duration,
    /// Highest memory of the whole trial, as our observer saw it.
    pub peak_memory: Bytes,
}

impl Measurement {
    /// Median time for one task, over the repeats.
    pub fn per_task(&self) -> Duration {
        let mut walls = self.walls.clone();
        walls.sort();
        match walls.get(walls.len().saturating_sub(1) / 2) {
            Some(median) => median.div_f64(self.tasks.max(1) as f64),
            None => Duration::ZERO,
        }
    }

    /// What the target's whole work of `tasks` would take: one start and all the tasks.
    pub fn projected(&self, tasks: u64) -> Duration {
        self.start + self.per_task().mul_f64(tasks as f64)
    }
}
