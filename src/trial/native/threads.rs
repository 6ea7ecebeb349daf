//! `threads`: OS threads over one shared queue.

use super::demand::{Answer, Work, hold};
use super::executors::{Executor, Ledger};
use crate::trial::runner::wire::{Trial, Trouble};
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Tasks that are handed over together.
type Chunk = (Work, Range<u64>);

/// A pool of threads.
pub struct Threads {
    chunk: u64,
    /// Dropped first, so that the threads end.
    chunks: Option<SyncSender<Chunk>>,
    answers: Receiver<Vec<Answer>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Returns when every thread has its memory and has said so.
    pub fn start(trial: &Trial) -> Result<Self, Trouble> {
        // One queued for each that is running.
        let (chunks, queue) = sync_channel(trial.workers);
        let (sender, answers) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let memory = trial.demand.memory_bytes;
        let mut pool = Self { chunk: trial.chunk_size as u64, chunks: Some(chunks), answers, threads: Vec::new() };
        for _ in 0..trial.workers {
            let (queue, sender) = (Arc::clone(&queue), sender.clone());
            let thread = Builder::new().spawn(move || {
                let _held = hold(memory, 1);
                let here = sender.send(Vec::new());
                if here.is_ok() {
                    work_off(&queue, &sender);
                }
            })?;
            pool.threads.push(thread);
        }
        for _ in 0..trial.workers {
            pool.answer()?;
        }
        Ok(pool)
    }

    fn answer(&self) -> Result<Vec<Answer>, Trouble> {
        self.answers.recv().map_err(|_| io::Error::other("all worker threads are gone").into())
    }
}

fn work_off(queue: &Mutex<Receiver<Chunk>>, answers: &Sender<Vec<Answer>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((work, indices)) = next else { return };
        if answers.send(indices.map(|index| work.run(index)).collect()).is_err() {
            return;
        }
    }
}

impl Executor for Threads {
    fn run(&mut self, work: Work, tasks: u64, ledger: &mut Ledger) -> Result<(), Trouble> {
        let gone = || Trouble::from(io::Error::other("all worker threads are gone"));
        let mut outstanding = 0;
        let mut first = 0;
        while first < tasks || outstanding > 0 {
            if first < tasks {
                let end = (first + self.chunk).min(tasks);
                self.chunks.as_ref().ok_or_else(gone)?.send((work, first..end)).map_err(|_| gone())?;
                first = end;
                outstanding += 1;
            }
            // Wait for answers only once there is nothing left to hand over.
            let ready = if first < tasks { self.answers.try_recv().ok() } else { Some(self.answer()?) };
            if let Some(answers) = ready {
                outstanding -= 1;
                answers.iter().try_for_each(|answer| ledger.take(answer))?;
            }
        }
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.chunks = None;
        for thread in self.threads.drain(..) {
            // One that panicked has lost its tasks, which the ledger misses.
            let _ = thread.join();
        }
    }
}
