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
