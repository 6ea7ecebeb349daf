//! Profile + Target → `Vec<Trial>`: really runs each executor model and measures it.
//!
//! `twin` (pure) says what is run, `plan` (pure) in which order and how often, `scaling` (pure) has the laws that
//! `curve` (pure) fits to what ran, `python` and `native` run one setting each under our own observer, `race` spends
//! the budget. `rerun` runs the user's whole command again, where that was asked for. Which of the models is advised is
//! left to `rules` and `recommendation`.

pub mod cluster;
pub mod curve;
pub mod elsewhere;
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
    /// Every kind of evidence.
    pub const ALL: [Self; 3] = [Self::Task, Self::Program, Self::Twin];

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

/// A first repeat that took up to this part longer than the others was no colder than they: repeats vary as much.
const COLDER: f64 = 0.1;

/// What a trial measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measurement {
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Making the pool, until its workers had answered once.
    pub start: Duration,
    /// Time for all tasks, pool start excluded, of each repeat in order.
    pub walls: Vec<Duration>,
    /// The same of the first repeat on each new pool, where tasks are the user's own: a worker's first task may open
    /// a connection or load a library, which the user's own run pays for once, too.
    pub cold: Vec<Duration>,
    /// What handing over one empty task costs at this setting.
    pub dispatch: Option<Duration>,
    /// CPU time of the whole trial, as our observer saw it.
    pub cpu: Duration,
    /// Highest memory of the whole trial, as our observer saw it.
    pub peak_memory: Bytes,
}

impl Measurement {
    /// Repeats in all.
    pub fn repeats(&self) -> usize {
        self.walls.len() + self.cold.len()
    }

    /// Takes in another run of the same setting and as many tasks; its start is the caller's to weigh.
    pub fn absorb(&mut self, other: Self) {
        self.walls.extend(other.walls);
        self.cold.extend(other.cold);
        self.dispatch = other.dispatch.or(self.dispatch);
        self.cpu += other.cpu;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
    }

    /// The repeats that tell how fast tasks go on: all but the first on each pool, or those where there are no others.
    pub fn steady(&self) -> &[Duration] {
        if self.walls.is_empty() { &self.cold } else { &self.walls }
    }

    /// Median time for one task, over the steady repeats.
    pub fn per_task(&self) -> Duration {
        median(self.steady()).div_f64(self.tasks.max(1) as f64)
    }

    /// What the workers' first tasks take beyond that, once for all of the work; zero where it was not seen apart.
    pub fn warm_up(&self) -> Duration {
        let (cold, steady) = (median(&self.cold), median(&self.walls));
        if self.walls.is_empty() || cold <= steady.mul_f64(1.0 + COLDER) { Duration::ZERO } else { cold - steady }
    }

    /// What comes before the steady part.
    pub fn before(&self) -> Duration {
        self.start + self.warm_up()
    }

    /// What the target's whole work of `tasks` would take: one start, one warm-up and all the tasks.
    pub fn projected(&self, tasks: u64) -> Duration {
        self.before() + self.per_task().mul_f64(tasks as f64)
    }
}

/// The lower one of an even number; zero of none.
fn median(walls: &[Duration]) -> Duration {
    let mut walls = walls.to_vec();
    walls.sort();
    walls.get(walls.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cold_first_repeat_is_paid_once_and_a_slightly_slower_one_is_none() {
        let ms = Duration::from_millis;
        for (cold, walls, projected) in [
            (vec![], vec![100, 120], 10 + 1000),
            (vec![400], vec![100, 120], 10 + 300 + 1000),
            (vec![105], vec![100, 120], 10 + 1000),
            (vec![400, 600], vec![], 10 + 4000),
            (vec![50], vec![100], 10 + 1000),
        ] {
            let times = |walls: &[u64]| walls.iter().map(|wall| ms(*wall)).collect::<Vec<_>>();
            let (cold, walls) = (times(&cold), times(&walls));
            let measured = Measurement { tasks: 5, start: ms(10), cold, walls, ..Measurement::default() };
            assert_eq!(measured.projected(50), ms(projected), "{measured:?}");
        }
    }
}
