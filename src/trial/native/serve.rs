//! The native harness's way in: one question from standard input, one answer on standard output.

use super::calibrate::{calibrate, sample_ratio};
use super::demand::{Rates, Work};
use super::executors::{Executor, Ledger, start};
use crate::trial::model::Model;
use crate::trial::runner::wire::{Answer, Calibrated, Done, Question, Trial, Trouble};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long the dispatch of empty tasks is measured: long enough to be told from noise, short enough not to be felt.
const DISPATCH: Duration = Duration::from_millis(30);
const DISPATCH_TASKS_MOST: u64 = 1 << 20;

/// Answers one question. Fails only when the answer cannot be written.
pub fn serve() -> ExitCode {
    let written = match serde_json::from_reader(io::stdin().lock()) {
        Ok(Question::Calibrate) => write(calibrate()),
        Ok(Question::Trial(trial)) => write(run(&trial)),
        Ok(_) => write::<Calibrated>(Err(io::Error::other("only an interpreter can be asked that").into())),
        Err(error) => write::<Calibrated>(Err(io::Error::from(error).into())),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write<T: Serialize>(answer: Result<T, Trouble>) -> io::Result<()> {
    let answer = answer.map_or_else(Answer::Trouble, Answer::Done);
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    io::stdout().lock().write_all(&line)
}

fn run(trial: &Trial) -> Result<Done, Trouble> {
    let rates = Rates::deserialize(&trial.rates).map_err(io::Error::from)?;
    let on_loop = matches!(Model::from_name(&trial.model), Some(Model::Asyncio | Model::AsyncioThreads));
    let work = Work::of(&trial.demand, &rates, on_loop);
    let sample_ratio = sample_ratio(&rates)?;
    let before = Instant::now();
    let mut executor = start(trial, work)?;
    let start_s = before.elapsed().as_secs_f64();
    let walls =
        (0..trial.repeats).map(|_| wall(executor.as_mut(), work, trial.tasks)).collect::<Result<Vec<_>, _>>()?;
    let dispatch = dispatch(executor.as_mut(), work.empty(), (trial.workers * trial.chunk_size) as u64)?;
    Ok(Done {
        start_s,
        walls_s: walls.iter().map(Duration::as_secs_f64).collect(),
        dispatch_s: Some(dispatch),
        pickled_bytes: None,
        sample_ratio: Some(sample_ratio),
    })
}

fn wall(executor: &mut dyn Executor, work: Work, tasks: u64) -> Result<Duration, Trouble> {
    let mut ledger = Ledger::new(work, tasks);
    let before = Instant::now();
    executor.run(work, tasks, &mut ledger)?;
    let wall = before.elapsed();
    ledger.close()?;
    Ok(wall)
}

/// Seconds for one empty task: more of them each time, until they take long enough to be told from noise.
fn dispatch(executor: &mut dyn Executor, empty: Work, mut tasks: u64) -> Result<f64, Trouble> {
    loop {
        let wall = wall(executor, empty, tasks)?;
        if wall >= DISPATCH || tasks >= DISPATCH_TASKS_MOST {
            return Ok(wall.as_secs_f64() / tasks as f64);
        }
        // Straight to the size that should do, as doubling would cost as much again.
        let enough = 1.2 * tasks as f64 * DISPATCH.as_secs_f64() / wall.as_secs_f64().max(1e-9);
        tasks = (enough as u64).clamp(2 * tasks, DISPATCH_TASKS_MOST.max(2 * tasks));
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self { error: "failed".to_owned(), message: error.to_string() }
    }
}
