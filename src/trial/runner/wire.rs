//! The messages between us and a harness process: one question on its standard input, one answer on the last line of
//! its standard output, both JSON.
//!
//! The other sides are `harness/concadvise_harness/protocol.py` and `native/serve.rs`. What an answer means for a
//! trial is `harness.rs`'s.

use crate::observe::kind::BlockedKind;
use crate::trial::runner::Spec;
use crate::trial::twin::TaskDemand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a harness is asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Question {
    /// Say what you are and which models you can run.
    Probe,
    /// Find how much work a second holds.
    Calibrate,
    /// Run one setting.
    Trial(Trial),
    /// Say what the user's function is, without calling it.
    TaskProbe {
        /// Which.
        task: TaskWords,
    },
    /// Run it one item after another.
    TaskObserve {
        /// Which.
        task: TaskWords,
        /// For so long.
        sample_s: f64,
    },
    /// Run a few items again, and say whether the answers are the same.
    TaskVerify {
        /// Which.
        task: TaskWords,
    },
}

/// The user's function and how it is to be run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskWords {
    /// A private folder for what one process leaves for the next.
    pub folder: String,
    /// As the user named it.
    pub function: String,
    /// As the user named them.
    pub items: String,
    /// Where its calls were recorded; then function and items are from there.
    pub recorded: Option<RecordedWords>,
    /// As the user named it.
    pub async_function: Option<String>,
    /// As the user named it.
    pub setup: Option<String>,
    /// As the user named it.
    pub teardown: Option<String>,
    /// Set before the user's module is imported.
    pub environment: BTreeMap<String, String>,
    /// Whether results are compared with the sequential ones.
    pub compare: bool,
    /// A trial in which no task ends for so long hangs.
    pub stalled_s: f64,
}

/// Calls that were recorded when the program ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedWords {
    /// The folder they lie in.
    pub folder: String,
    /// How many calls the program made.
    pub calls: u64,
}

/// One setting to run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trial {
    /// `Model::name`.
    pub model: String,
    /// At least 1.
    pub workers: usize,
    /// Tasks handed over at a time; at least 1.
    pub chunk_size: usize,
    /// `StartMethod::name`; the runtime's own default when absent.
    pub start_method: Option<String>,
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Times to run them all.
    pub repeats: usize,
    /// What one task demands.
    pub demand: Demand,
    /// What the harness itself answered at calibration, handed back as it came.
    pub rates: Value,
    /// What is run instead of that demand.
    pub task: Option<TaskWords>,
}

/// What one task demands: seconds and bytes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Demand {
    /// Computing that holds the GIL, where there is one.
    pub cpu_held_s: f64,
    /// Computing that does not.
    pub cpu_released_s: f64,
    /// Waits that an event loop can overlap.
    pub wait_s: f64,
    /// Waits for files, which block an event loop.
    pub disk_s: f64,
    /// Memory held while the task runs.
    pub memory_bytes: u64,
    /// Size of its argument.
    pub argument_bytes: u64,
    /// Size of its result.
    pub result_bytes: u64,
}

impl Trial {
    /// The question that runs `spec`, with the rates of an earlier calibration.
    pub fn new(spec: &Spec, rates: Value) -> Self {
        Self {
            model: spec.setting.model.name().to_owned(),
            workers: spec.setting.workers.max(1),
            chunk_size: spec.setting.chunk_size.unwrap_or(1).max(1),
            start_method: spec.setting.start_method.map(|method| method.name().to_owned()),
            tasks: spec.tasks.max(1),
            repeats: spec.repeats.max(1),
            demand: Demand::of(&spec.task),
            rates,
            task: None,
        }
    }
}

impl Demand {
    /// Waits for one another (lock, GIL) and for children are not part of a task's demand: a trial makes its own.
    fn of(task: &TaskDemand) -> Self {
        use BlockedKind::{Network, Other, Pipe, Timer};
        let overlapping = [Network, Timer, Pipe, Other].map(|kind| task.waits[kind].as_secs_f64());
        Self {
            cpu_held_s: task.cpu_held.as_secs_f64(),
            cpu_released_s: task.cpu_released.as_secs_f64(),
            wait_s: overlapping.iter().sum(),
            disk_s: task.waits.disk().as_secs_f64(),
            memory_bytes: task.memory.0,
            argument_bytes: task.argument.0,
            result_bytes: task.result.0,
        }
    }
}

/// An answer: trouble, or what was asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer<T> {
    /// It could not be done.
    Trouble(Trouble),
    /// It was done.
    Done(T),
}

/// Why a harness could not do what it was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trouble {
    /// `not-applicable`, `wrong-result`, or the name of the error that came up.
    pub error: String,
    /// A sentence or a part of one; may be empty.
    pub message: String,
}

impl Trouble {
    /// The model does not exist here.
    pub const NOT_APPLICABLE: &str = "not-applicable";
    /// A task was lost, done twice, or answered otherwise than the rest.
    pub const WRONG_RESULT: &str = "wrong-result";
    /// No task ended any more.
    pub const DEADLOCK: &str = "deadlock";
    /// What the user named cannot be used.
    pub const UNUSABLE: &str = "Unusable";
    /// The user's setup or teardown raised.
    pub const SETUP_FAILED: &str = "SetupFailed";
    /// Errors whose message needs no name before it.
    pub const SENTENCES: [&str; 4] = [Self::NOT_APPLICABLE, Self::UNUSABLE, Self::SETUP_FAILED, Self::DEADLOCK];
}

/// Answer to [`Question::Probe`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Probed {
    /// `sys.implementation.name`.
    pub implementation: String,
    /// Of the interpreter.
    pub version: (u8, u8, u8),
    /// Whether there is a GIL, and it is on.
    pub gil: bool,
    /// The interpreter's own file: behind a launcher script it is another than was started.
    pub executable: Option<String>,
    /// Models by name, with the reason for each that cannot run.
    pub models: Vec<(String, Option<String>)>,
    /// By name, as `multiprocessing` lists them.
    pub start_methods: Vec<String>,
}

/// Answer to [`Question::Calibrate`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Calibrated {
    /// On-CPU time measured over asked, for computing that holds the GIL.
    pub held_ratio: f64,
    /// The same for computing that does not.
    pub released_ratio: f64,
    /// How much longer than told a short sleep lasts.
    pub sleep_overhead_s: f64,
    /// For the harness itself; to be handed back with every trial.
    pub rates: Value,
}

/// Answer to [`Question::Trial`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    /// Making the pool, until all workers had answered.
    pub start_s: f64,
    /// All tasks, once per repeat.
    pub walls_s: Vec<f64>,
    /// One empty task with the same payload.
    pub dispatch_s: Option<f64>,
    /// What one task is on its way there and back; nothing where nothing is pickled.
    pub pickled_bytes: Option<u64>,
    /// On-CPU time measured over asked, in this very trial.
    pub sample_ratio: Option<f64>,
}

/// Answer to [`Question::TaskProbe`].
#[derive(Debug, Serialize, Deserialize)]
pub struct TaskProbed {
    /// The module it is imported as.
    pub module: String,
    /// Its name in that module.
    pub attribute: String,
    /// Whether it is a coroutine function.
    pub coroutine: bool,
    /// How many items there are.
    pub items: u64,
    /// Why it or an item cannot be sent to another process.
    pub unsent: Option<String>,
    /// Importing it and making its items.
    pub import_s: f64,
    /// Threads that native libraries start in each process.
    pub inner_threads: Option<u64>,
    /// Caveats, each a clause.
    pub notes: Vec<String>,
}

/// Answer to [`Question::TaskObserve`].
#[derive(Debug, Serialize, Deserialize)]
pub struct TaskObserved {
    /// Before the first task.
    pub begun: TaskMark,
    /// After the last.
    pub ended: TaskMark,
    /// The monotonic clock at the end of it all.
    pub exiting: f64,
    /// Time between the marks.
    pub wall_s: f64,
    /// Tasks run between the marks.
    pub done: u64,
    /// Different items among them.
    pub items: u64,
    /// Time for one, mean over the items.
    pub mean_s: f64,
    /// The longest.
    pub slowest_s: f64,
    /// Whether running all of them again took much less.
    pub remembered: bool,
    /// Items that raised, of how many.
    pub raised: (u64, u64),
    /// The first of them, and what it raised.
    pub first_raised: Option<(u64, String)>,
}

/// A point in the life of a harness's main thread.
#[derive(Debug, Serialize, Deserialize)]
pub struct TaskMark {
    /// On the monotonic clock.
    pub at_s: f64,
    /// Time on a core.
    pub on_cpu_ns: u64,
    /// Time in the run queue.
    pub runnable_ns: u64,
    /// CPU time in user mode, ended children's with it.
    pub user_s: f64,
    /// The same in the kernel.
    pub system_s: f64,
    /// CPU time of the process alone.
    pub own_s: f64,
    /// Times it gave up its core.
    pub switches: u64,
}

/// Answer to [`Question::TaskVerify`].
#[derive(Debug, Serialize, Deserialize)]
pub struct TaskVerified {
    /// The first item that another process answered otherwise: its number, that answer, and the one before.
    pub other: Option<(u64, String, String)>,
    /// The first item that the same process answered otherwise when it was asked again.
    pub changed: Option<u64>,
    /// Whether no two results can be compared.
    pub untold: bool,
    /// What its calls change beside giving results, a noun; told of recorded calls only.
    pub changes: Option<String>,
    /// Whether any call gave a result at all.
    pub returns: bool,
    /// Why a result cannot be sent from another process.
    pub unsent: Option<String>,
    /// An item as pickled.
    pub argument_bytes: Option<u64>,
    /// A result as pickled.
    pub result_bytes: Option<u64>,
    /// Pickling and unpickling both.
    pub pickle_s: Option<f64>,
}
