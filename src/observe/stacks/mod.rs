//! Which function, at which line, each thread of the target's Python processes is in: stacks read from outside now
//! and then, by a thread of its own, because one reading may take milliseconds and the tick must not be late.
//!
//! The tick says which processes run Python ([`Stacks::tell`]); the thread attaches, reads and adds up, on a budget of
//! its own; [`Stacks::finish`] takes what it has. The target is never stopped. How much of the time the GIL is held
//! is told far more cheaply and exactly elsewhere; this gives it names.

mod activity;
mod credit;
mod in_loops;
mod natives;
mod pace;
mod reader;
mod tally;
mod watch;

use super::sampler::Sampler;
use super::{InLoops, NativeThreads};
use crate::notice::Notice;
use nix::sys::signal::{SigSet, SigmaskHow};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tally::Tally;

/// How often the thread is told which processes there are; what is younger is not looked at anyway.
const TELL: Duration = Duration::from_millis(50);
/// A process with more threads is not read: one reading takes 0.1 ms a thread (18 ms for 200, over 100 ms for 1,000),
/// and attaching more than that.
const MOST_THREADS: usize = 64;
/// The longest that the end of a run waits for the thread to end its step. Attaching to a process cannot be
/// interrupted and takes longer; then the thread is left to end by itself, and its last step is lost.
const LAST_STEP: Duration = Duration::from_millis(5);

/// A process that runs Python, as the tick saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Python {
    /// Its id.
    pub pid: i32,
    /// Where its stack begins: another after each `exec`, the parent's after a `fork` alone, when all else in its
    /// memory is where it is in the parent, too.
    pub image: u64,
}

/// The tick's end of it.
#[derive(Debug)]
pub struct Stacks {
    wanted: bool,
    told: Option<Instant>,
    /// A process that has too many threads to be read, and how many.
    crowded: Option<(i32, usize)>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Seen {
    /// The functions.
    pub functions: Tally,
    /// Where event loops were.
    in_loops: in_loops::Tally,
    /// Threads without a Python stack.
    natives: natives::Tally,
    /// When the first and the last reading was that gave anything, and for how many readings those after the first
    /// stand.
    read: Option<(Duration, Duration, u32)>,
    /// Times that a process's stacks were asked for.
    pub asked: u64,
    /// Those without an answer although the process was there.
    pub failed: u64,
    /// CPU time of the thread.
    pub own_cpu: Duration,
    /// Why the functions of some process are not among them.
    pub notice: Option<Notice>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Each with the CPU time that it has used.
    pythons: Vec<(Python, Duration)>,
    /// How many threads each has.
    threads: HashMap<i32, usize>,
    seen: Seen,
    done: bool,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Notes that a reading that stands for `weight` of them gave something.
    fn was_read(&mut self, now: Duration, weight: u32) {
        self.read = Some(match self.read {
            Some((first, _, readings)) => (first, now, readings.saturating_add(weight)),
            None => (now, now, 0),
        });
    }

    /// Where event loops were. What a sighting stands for is measured: a busy machine reads less often than planned.
    pub fn in_loops(&mut self) -> InLoops {
        let each =
            self.read.filter(|(.., readings)| *readings > 0).map(|(first, last, readings)| (last - first) / readings);
        std::mem::take(&mut self.in_loops).into_in_loops(each)
    }
}

impl Seen {
    /// Threads that native libraries started.
    pub fn native_threads(&mut self) -> Vec<NativeThreads> {
        std::mem::take(&mut self.natives).into_native_threads()
    }
}

impl Stacks {
    /// Nothing is started before there is a process that runs Python, and nothing at all unless `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, told: None, crowded: None, shared: Arc::default(), thread: None }
    }

    /// Says which processes run Python now. Costs next to nothing when said too often.
    pub fn tell(&mut self, now: Instant, sampler: &Sampler) {
        let lately = self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL);
        if !self.wanted || lately {
            return;
        }
        self.told = Some(now);
        let (read, crowded): (Vec<_>, Vec<_>) = sampler.pythons().partition(|(_, _, threads)| *threads <= MOST_THREADS);
        self.crowded = crowded.first().map(|(python, _, threads)| (python.pid, *threads)).or(self.crowded);
        let threads = read.iter().map(|(python, _, threads)| (python.pid, *threads)).collect();
        let pythons: Vec<_> = read.into_iter().map(|(python, cpu, _)| (python, cpu)).collect();
        if self.thread.is_none() {
            if pythons.is_empty() {
                return;
            }
            self.start();
        }
        // Where the thread is just adding up, the next tick is soon enough.
        if let Ok(mut state) = self.shared.state.try_lock() {
            (state.pythons, state.threads) = (pythons, threads);
        }
    }

    /// The run is over: the thread should end.
    pub fn stop(&self) {
        self.shared.over.store(true, Ordering::Relaxed);
        drop(self.shared.lock());
        self.shared.changed.notify_all();
    }

    /// What was seen. Waits a moment for the thread to have ended.
    pub fn finish(self) -> Seen {
        self.stop();
        let state = self.shared.lock();
        let crowded = self.crowded.map(|(pid, threads)| reader::Failure::Crowded(threads).notice(pid));
        if self.thread.is_none() {
            return Seen { notice: crowded, ..Seen::default() };
        }
        let waited = self.shared.changed.wait_timeout_while(state, LAST_STEP, |state| !state.done);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let seen = std::mem::take(&mut state.seen);
        Seen { notice: seen.notice.clone().or(crowded), ..seen }
    }

    /// The thread takes no signals: they belong to the first one.
    fn start(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mask_before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
        let started = thread::Builder::new().name("stacks".to_owned()).spawn(move || watch::watch(&shared));
        if let Ok(mask) = mask_before {
            // It was the thread's mask before, so the kernel takes it.
            let _ = mask.thread_set_mask();
        }
        match started {
            Ok(thread) => self.thread = Some(thread),
            Err(_) => self.wanted = false,
        }
    }
}
