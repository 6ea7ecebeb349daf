//! What every native executor model has in common: [`Executor`], the [`Ledger`] that checks its answers, and the
//! simplest one, [`Sequential`].
//!
//! | model | a task's waits | its disk waits | its computing |
//! |---|---|---|---|
//! | `sequential` | block | block | inline |
//! | `threads`, `processes` | block the worker | block the worker | in the worker |
//! | `asyncio` (tokio, current thread) | on the loop, `workers` tasks in flight | block the loop | on the loop |
//! | `asyncio+threads` (tokio, multi-thread) | on the loop, `max(64, workers)` in flight | blocking pool | on the workers |

use super::demand::{Answer, Work, hold};
use super::loops::Loop;
use super::processes::Processes;
use super::threads::Threads;
use crate::trial::model::Model;
use crate::trial::runner::wire::{Trial, Trouble};

/// A pool whose workers all exist and have answered. Dropping it ends them.
pub trait Executor {
    /// Runs tasks `0..tasks`, each exactly once; may be called again and again.
    fn run(&mut self, work: Work, tasks: u64, ledger: &mut Ledger) -> Result<(), Trouble>;
}

/// Starts the executor of the trial's model.
pub fn start(trial: &Trial, work: Work) -> Result<Box<dyn Executor>, Trouble> {
    match Model::from_name(&trial.model) {
        Some(Model::Sequential) => Ok(Box::new(Sequential { _held: hold(trial.demand.memory_bytes, 1) })),
        Some(Model::Threads) => Ok(Box::new(Threads::start(trial)?)),
        Some(Model::Processes) => Ok(Box::new(Processes::start(trial, work)?)),
        Some(Model::Asyncio) => Ok(Box::new(Loop::current_thread(trial)?)),
        Some(Model::AsyncioThreads) => Ok(Box::new(Loop::multi_thread(trial)?)),
        _ => Err(Trouble {
            error: Trouble::NOT_APPLICABLE.to_owned(),
            message: format!("the native harness cannot run {}", trial.model),
        }),
    }
}

/// One after another, in this thread.
struct Sequential {
    _held: Vec<Vec<u8>>,
}

impl Executor for Sequential {
    fn run(&mut self, work: Work, tasks: u64, ledger: &mut Ledger) -> Result<(), Trouble> {
        (0..tasks).try_for_each(|index| ledger.take(&work.run(index)))
    }
}

/// Checks each answer as it comes and keeps none of them: results may be large.
pub struct Ledger {
    seen: Vec<bool>,
    result: usize,
    checksum: Option<u64>,
}

impl Ledger {
    /// For one run of `tasks` tasks.
    pub fn new(work: Work, tasks: u64) -> Self {
        Self { seen: vec![false; tasks as usize], result: work.result, checksum: None }
    }

    /// Accepts an answer, once.
    pub fn take(&mut self, answer: &Answer) -> Result<(), Trouble> {
        let checksum = *self.checksum.get_or_insert(answer.checksum);
        if answer.checksum != checksum || answer.result.len() != self.result {
            return Err(Self::wrong(format!("task {} gave another result than the rest", answer.index)));
        }
        match self.seen.get_mut(answer.index as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(Self::wrong(format!("task {} was done twice, or never given", answer.index))),
        }
        Ok(())
    }

    /// Every task must have answered.
    pub fn close(&self) -> Result<(), Trouble> {
        match self.seen.iter().filter(|seen| !**seen).count() {
            0 => Ok(()),
            missing => Err(Self::wrong(format!("{missing} of {} tasks gave no result", self.seen.len()))),
        }
    }

    fn wrong(message: String) -> Trouble {
        Trouble { error: Trouble::WRONG_RESULT.to_owned(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::native::demand::Wait;
    use std::time::Duration;

    const NONE: Wait = Wait { time: Duration::ZERO, every: 0 };
    const WORK: Work = Work { iterations: 3, wait: NONE, disk: NONE, argument: 0, result: 8 };

    fn check(answers: &[Answer], expected: Result<(), &str>) {
        let mut ledger = Ledger::new(WORK, 2);
        let verdict = answers.iter().try_for_each(|answer| ledger.take(answer)).and_then(|()| ledger.close());
        assert_eq!(verdict.map_err(|trouble| trouble.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn every_task_must_answer_once_and_alike() {
        let (first, second) = (WORK.run(0), WORK.run(1));
        let short = Answer { result: vec![0; 7], ..second.clone() };
        let other = Answer { checksum: 0, ..second.clone() };
        check(&[second.clone(), first.clone()], Ok(()));
        check(std::slice::from_ref(&first), Err("1 of 2 tasks gave no result"));
        check(&[first.clone(), first.clone()], Err("task 0 was done twice, or never given"));
        check(&[first.clone(), short], Err("task 1 gave another result than the rest"));
        check(&[first, other], Err("task 1 gave another result than the rest"));
    }
}
