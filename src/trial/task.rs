//! The user's own function as the work of trials: what was named, what was learned of it, and one task's demand. Pure.
//!
//! `python::task` imports and runs it, `marks` cuts its observed run down to the work. How its trials are raced is
//! `plan`'s, which is given its demand in the form of a twin's.

pub mod marks;

use super::model::{Model, Setting};
use super::twin::{TaskDemand, Twin, held_share, takes_turns};
use crate::observe::kind::BlockedKind;
use crate::profile::Profile;
use crate::target::Runtime;
use crate::units::{Bytes, human};
use std::path::PathBuf;
use std::time::Duration;

/// A task that hangs is told from a slow one by its slowest sequential time, multiplied with this.
const STALLED: u32 = 20;
/// And by no less than this: starting, garbage collection and a busy machine hold up the quickest tasks for seconds.
const STALLED_LEAST: Duration = Duration::from_secs(5);

/// Sending that takes less is measured too coarsely to leave a model out for.
const DEAR: Duration = Duration::from_millis(1);

/// What the user named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `FILE.py:function` or `package.module:function`.
    pub function: String,
    /// An expression, a file, or `module:ITEMS`.
    pub items: String,
    /// Calls that were recorded (`--rerun`): then the two above are only for the reader.
    pub recorded: Option<Recorded>,
    /// The function's async form.
    pub async_function: Option<String>,
    /// Called once in each process that runs tasks, before the first.
    pub setup: Option<String>,
    /// The same, after the last.
    pub teardown: Option<String>,
    /// Whether results may differ.
    pub ignore_results: bool,
}

/// Calls of one function that were recorded when the program ran.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The private folder they lie in.
    pub folder: PathBuf,
    /// How many calls the program made.
    pub calls: u64,
}

/// Where the program makes the calls that were recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    /// The file, relative to the working directory where it lies below; untrusted.
    pub path: String,
    /// The line of the call.
    pub line: u32,
    /// How many calls there were.
    pub calls: u64,
    /// Time of the run in which one was under way.
    pub busy: Duration,
    /// What the reader is told of them, a sentence.
    pub sentence: String,
}

/// The user's function, as far as it is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    /// As the user named it.
    pub function: String,
    /// As the user named them.
    pub items_named: String,
    /// Where its calls were recorded; `None` when the user named it.
    pub origin: Option<Origin>,
    /// The module it is imported as.
    pub module: String,
    /// Its name in that module, dots and all.
    pub attribute: String,
    /// Its async form, where one was named.
    pub async_function: Option<String>,
    /// Whether it is a coroutine function itself.
    pub coroutine: bool,
    /// How many items there are.
    pub items: u64,
    /// Why function, item or result cannot be sent to another process; `None` when they can.
    pub unsent: Option<String>,
    /// An item, as pickled: median of a sample.
    pub argument: Option<Bytes>,
    /// A result, as pickled: median of a sample.
    pub result: Option<Bytes>,
    /// Pickling and unpickling both: median of a sample.
    pub pickle: Option<Duration>,
    /// Time for one task, one after another: mean over the items that were watched.
    pub mean: Duration,
    /// The longest that one task took, one after another.
    pub slowest: Duration,
    /// Threads that its native libraries start in each process; `None` where there are none such.
    pub inner_threads: Option<u64>,
    /// Variables that limit those, which trials of several workers ran with; empty when there was no need.
    pub environment: Vec<String>,
    /// Whether results were compared with the sequential ones.
    pub compared: bool,
}

/// What the observed run told of the work, apart from its profile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// Time for one task, mean over the items.
    pub mean: Duration,
    /// Of which it waited for a core.
    pub runnable: Duration,
    /// CPU time of one task, its children's with it.
    pub cpu: Duration,
    /// CPU time of one task in the process itself.
    pub own_cpu: Duration,
    /// The longest that one task took.
    pub slowest: Duration,
    /// Whether running an item again took next to no time.
    pub remembered: bool,
}

impl Task {
    /// Whether there is a form of it that an event loop can run.
    pub fn has_async(&self) -> bool {
        self.coroutine || self.async_function.is_some()
    }

    /// Why that model cannot run it; `None` when it can.
    pub fn unfit(&self, model: Model) -> Option<String> {
        let name = &self.attribute;
        match model {
            Model::Asyncio if !self.has_async() => Some(format!(
                "{name} is no async def and would block the loop; name its async form with --async-task to compare it"
            )),
            Model::AsyncioThreads | Model::AsyncioProcesses if self.coroutine => {
                Some(format!("{name} is async def, so the loop runs it itself; there is nothing to hand over"))
            }
            Model::Processes | Model::AsyncioProcesses | Model::Interpreters => {
                self.unsent.clone().or_else(|| self.too_dear())
            }
            _ => None,
        }
    }

    /// Why sending costs more than the work. One process pickles every item and unpickles every result, about half of
    /// what both ends do, one after another: when that alone takes longer than the task, no number of workers gains.
    fn too_dear(&self) -> Option<String> {
        let pickle = self.pickle.filter(|time| *time > DEAR && *time > self.mean * 2)?;
        Some(format!(
            "pickling an item and its result there and back takes {}, and the task itself {}, so it cannot gain",
            human(pickle),
            human(self.mean)
        ))
    }

    /// How long no task may end before the model is taken to hang.
    pub fn stalled(&self, setting: &Setting) -> Duration {
        let chunk = u32::try_from(setting.chunk_size.unwrap_or(1).max(1)).unwrap_or(u32::MAX);
        self.slowest.saturating_mul(STALLED).saturating_mul(chunk).max(STALLED_LEAST)
    }

    /// Whether workers together would start more inner threads than there are CPUs.
    pub fn oversubscribes(&self, setting: &Setting, cpus: usize) -> bool {
        let inner = self.inner_threads.unwrap_or(1);
        setting.workers > 1 && inner > 1 && inner.saturating_mul(setting.workers as u64) > cpus as u64
    }

    /// One task's demand in the form that trials are planned by: how much is computing from the kernel's accounts, what
    /// the rest waits for from the profile.
    pub fn demand(&self, observed: &Observed, profile: &Profile, runtime: &Runtime) -> Twin {
        let total = observed.mean.saturating_sub(observed.runnable);
        // Native code may use several cores at once; a task still takes no longer than it takes.
        let cpu = observed.cpu.min(total);
        let held = observed.own_cpu.min(cpu).mul_f64(held_share(profile, runtime).get());
        let waiting = total.saturating_sub(cpu);
        let seen = profile.demand.waiting();
        let mut waits = profile.demand.waits.map(|time| match seen.is_zero() {
            true => Duration::ZERO,
            false => waiting.mul_f64(time.as_secs_f64() / seen.as_secs_f64()),
        });
        if seen.is_zero() {
            waits[BlockedKind::Other] = waiting;
        }
        let task = TaskDemand {
            cpu_held: held,
            cpu_released: cpu.saturating_sub(held),
            waits,
            memory: Bytes(0),
            argument: self.argument.unwrap_or_default(),
            result: self.result.unwrap_or_default(),
        };
        Twin {
            task,
            tasks: self.items.max(1),
            compression: 1.0,
            gil: takes_turns(runtime),
            pieces_seen: true,
            doubts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{CPython, PythonEntry};

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn a_task_hangs_only_when_even_its_slowest_would_have_ended_long_ago() {
        let task = Task { slowest: ms(1000), ..Task::default() };
        assert_eq!(task.stalled(&Setting::SEQUENTIAL), ms(20_000));
        assert_eq!(task.stalled(&Setting { chunk_size: Some(3), ..Setting::SEQUENTIAL }), ms(60_000));
        assert_eq!(Task::default().stalled(&Setting::SEQUENTIAL), ms(5000));
    }

    #[test]
    fn inner_threads_are_too_many_only_with_several_workers() {
        let blas = Task { inner_threads: Some(4), ..Task::default() };
        let at = |workers| Setting { workers, ..Setting::SEQUENTIAL };
        assert!(!blas.oversubscribes(&at(1), 4) && blas.oversubscribes(&at(2), 4) && !blas.oversubscribes(&at(2), 8));
        assert!(!Task::default().oversubscribes(&at(64), 4));
    }

    #[test]
    fn a_model_that_cannot_run_it_says_why() {
        let plain = Task { attribute: "fetch".into(), ..Task::default() };
        let refused = |task: &Task| -> Vec<Model> {
            Model::ALL.into_iter().filter(|model| task.unfit(*model).is_some()).collect()
        };
        use Model::{Asyncio, AsyncioProcesses, AsyncioThreads, Interpreters, Processes};
        assert_eq!(refused(&plain), [Asyncio]);
        assert_eq!(refused(&Task { async_function: Some("a".into()), ..plain.clone() }), []);
        assert_eq!(refused(&Task { coroutine: true, ..plain.clone() }), [AsyncioThreads, AsyncioProcesses]);
        let unsent = Task { unsent: Some("a lambda".into()), ..plain };
        assert_eq!(refused(&unsent), [Asyncio, Processes, Interpreters, AsyncioProcesses]);
    }

    #[test]
    fn what_is_dearer_to_send_than_to_do_is_not_sent() {
        for (pickle, mean, sent) in [(100, 1, false), (100, 40, false), (100, 60, true), (1, 0, true)] {
            let task = Task { pickle: Some(ms(pickle)), mean: ms(mean), ..Task::default() };
            assert_eq!(task.unfit(Model::Processes).is_none(), sent, "{pickle} ms to send, {mean} ms to do");
            assert_eq!(task.unfit(Model::Threads), None);
        }
    }

    #[test]
    fn computing_is_what_the_kernel_accounted_and_the_rest_waits_for_what_was_seen() {
        let python = Runtime::CPython(CPython::new("python3".into(), PythonEntry::Code));
        let mut profile = Profile::default();
        profile.demand.waits[BlockedKind::Network] = ms(3000);
        profile.demand.waits[BlockedKind::Disk] = ms(1000);
        let observed = Observed { mean: ms(100), cpu: ms(20), own_cpu: ms(20), ..Observed::default() };
        let twin = Task { items: 7, ..Task::default() }.demand(&observed, &profile, &python);
        assert_eq!((twin.tasks, twin.task.cpu()), (7, ms(20)));
        assert_eq!((twin.task.waits[BlockedKind::Network], twin.task.waits[BlockedKind::Disk]), (ms(60), ms(20)));
        let unseen = Task::default().demand(&observed, &Profile::default(), &python);
        assert_eq!(unseen.task.waits[BlockedKind::Other], ms(80));
        let busy = Observed { mean: ms(150), runnable: ms(50), ..observed };
        assert_eq!(Task::default().demand(&busy, &profile, &python).task, twin.task, "a core's queue is no demand");
        let native = Observed { cpu: ms(400), ..observed };
        assert_eq!(Task::default().demand(&native, &profile, &python).task.total(), ms(100));
    }
}
