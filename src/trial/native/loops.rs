//! `asyncio` and `asyncio+threads`: tokio's two event loops.

use super::demand::{Answer, Work, hold};
use super::executors::{Executor, Ledger};
use crate::trial::runner::wire::{Trial, Trouble};
use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

/// Tasks in flight on the multi-threaded loop: enough to keep its workers fed while others wait, and still a bound.
/// The Python package has the same for `asyncio+processes`.
const IN_FLIGHT: usize = 64;

/// An event loop, with the bound on its tasks.
pub struct Loop {
    runtime: Runtime,
    in_flight: usize,
    /// Where there are several workers, a wait for a file is handed to a thread that may block.
    blocking_pool: bool,
    _held: Vec<Vec<u8>>,
}

impl Loop {
    /// All on this thread.
    pub fn current_thread(trial: &Trial) -> Result<Self, Trouble> {
        Ok(Self {
            runtime: Builder::new_current_thread().enable_time().build()?,
            in_flight: trial.workers,
            blocking_pool: false,
            _held: hold(trial.demand.memory_bytes, trial.workers),
        })
    }

    /// On `workers` threads; returns when all of them run.
    pub fn multi_thread(trial: &Trial) -> Result<Self, Trouble> {
        let (sender, here) = channel();
        let sender = Mutex::new(sender);
        let runtime = Builder::new_multi_thread()
            .worker_threads(trial.workers)
            .enable_time()
            .on_thread_start(move || {
                // Threads of the blocking pool report too, later, when nobody listens any more.
                let _ = sender.lock().unwrap_or_else(PoisonError::into_inner).send(());
            })
            .build()?;
        for _ in 0..trial.workers {
            here.recv().map_err(io::Error::other)?;
        }
        let in_flight = trial.workers.max(IN_FLIGHT);
        Ok(Self { runtime, in_flight, blocking_pool: true, _held: hold(trial.demand.memory_bytes, trial.workers) })
    }
}

impl Executor for Loop {
    fn run(&mut self, work: Work, tasks: u64, ledger: &mut Ledger) -> Result<(), Trouble> {
        let blocking_pool = self.blocking_pool;
        let bound = Arc::new(Semaphore::new(self.in_flight));
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            for index in 0..tasks {
                let permit = Arc::clone(&bound).acquire_owned().await.map_err(io::Error::other)?;
                while let Some(answer) = running.try_join_next() {
                    ledger.take(&answer.map_err(io::Error::other)?)?;
                }
                running.spawn(async move {
                    let answer = one(work, index, blocking_pool).await;
                    drop(permit);
                    answer
                });
            }
            while let Some(answer) = running.join_next().await {
                ledger.take(&answer.map_err(io::Error::other)?)?;
            }
            Ok(())
        })
    }
}

async fn one(work: Work, index: u64, blocking_pool: bool) -> Answer {
    if let Some(time) = work.wait.due(index) {
        tokio::time::sleep(time).await;
    }
    match work.disk.due(index) {
        Some(time) if blocking_pool => {
            // Fails only when the loop is being taken down.
            let _ = spawn_blocking(move || std::thread::sleep(time)).await;
        }
        Some(time) => std::thread::sleep(time),
        None => {}
    }
    work.compute(index)
}
