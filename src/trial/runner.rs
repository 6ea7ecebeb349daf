//! Runs one setting of one model on a twin, by a harness process under our own observer: [`Runner`].
//!
//! `python` and `native` say which process that is and what it can run, `runner::harness` speaks with it. Which
//! settings are worth running, and when to stop, is `plan`'s and `race`'s.

pub mod harness;
pub mod wire;

use crate::notice::Notice;
use crate::observe::{self, Observation, Settings};
use crate::target::Runtime;
use crate::trial::Outcome;
use crate::trial::cluster::Cluster;
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::native::Native;
use crate::trial::python::Python;
use crate::trial::python::task::TaskRunner;
use crate::trial::twin::TaskDemand;
use std::ffi::OsString;
use std::time::Duration;

/// Why there is no `cluster` unless one is named.
pub(super) const NO_CLUSTER: &str = "no cluster was named; the work is tried on this machine alone";

/// One run to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// What is tried.
    pub setting: Setting,
    /// What one task demands.
    pub task: TaskDemand,
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Times all the tasks are run, on one pool.
    pub repeats: usize,
    /// The run is stopped, and has failed, when it takes longer.
    pub timeout: Duration,
}

/// How well a harness hits the demands it is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// On-CPU time measured over asked, for computing that holds the GIL.
    pub held_ratio: f64,
    /// The same for computing that does not.
    pub released_ratio: f64,
    /// How much longer than told a short sleep lasts here; already taken off every wait.
    pub sleep_overhead: Duration,
}

impl Calibration {
    /// Of the two ratios the one farther from 1.
    pub fn ratio(&self) -> f64 {
        if (self.held_ratio - 1.0).abs() >= (self.released_ratio - 1.0).abs() {
            self.held_ratio
        } else {
            self.released_ratio
        }
    }
}

/// How a harness process is run to its end: under our own observer, or by a test's own answer.
pub type Launch = Box<dyn FnMut(&[OsString], &Settings) -> Result<Observation, observe::Error>>;

/// Runs twins the way the target's runtime would.
pub enum Runner {
    /// By the target's own interpreter.
    Python(Python),
    /// By this very program.
    Native(Native),
    /// No twin but the user's own function, by the interpreter that was chosen for it.
    Task(Box<TaskRunner>),
}

impl Runner {
    /// Python for a CPython target (by the target's own interpreter), else native.
    ///
    /// # Errors
    /// A sentence, when the interpreter does not run or is too old, or our own program cannot be found.
    pub fn for_runtime(runtime: &Runtime, launch: Launch) -> Result<Self, String> {
        match runtime {
            Runtime::CPython(python) => Python::new(&python.executable, launch).map(Self::Python),
            _ => match std::env::current_exe() {
                Ok(exe) => Ok(Self::Native(Native::new(exe, launch))),
                Err(error) => Err(format!(
                    "cannot run native trials: the path of this program could not be read: {error}; is /proc mounted?"
                )),
            },
        }
    }

    /// Makes the model `cluster` run on the Dask scheduler at `address`, and tells what there is of it.
    ///
    /// # Errors
    /// A sentence, which is then also why the model cannot apply.
    pub fn join(&mut self, address: &str) -> Result<Cluster, String> {
        match self {
            Self::Python(python) => python.join(address),
            Self::Task(task) => task.join(address),
            Self::Native(native) => native.join(),
        }
    }

    /// Every model, simplest first, with the reason for each that cannot apply here.
    pub fn models(&self) -> Vec<(Model, Result<(), String>)> {
        Model::ALL.into_iter().map(|model| (model, self.available(model))).collect()
    }

    /// Start methods that exist here, cheapest first; empty when process pools do not work.
    pub fn start_methods(&self) -> Vec<StartMethod> {
        match self {
            Self::Python(python) => python.start_methods(),
            Self::Native(native) => native.start_methods(),
            Self::Task(task) => task.start_methods(),
        }
    }

    /// Runs one setting to its end, or to `spec.timeout`. Never panics; trouble is an [`Outcome`].
    pub fn run(&mut self, spec: &Spec) -> Outcome {
        if let Err(reason) = self.available(spec.setting.model) {
            return Outcome::NotApplicable(reason);
        }
        match self {
            Self::Task(task) => task.run(spec),
            _ => self.harness().run(spec),
        }
    }

    /// How well the demands are hit. Measured once, at the first call or the first run.
    ///
    /// # Errors
    /// A sentence, when the harness cannot be run.
    pub fn calibration(&mut self) -> Result<Calibration, String> {
        self.harness().calibration()
    }

    /// Caveats that hold for every trial run so far.
    pub fn notices(&self) -> Vec<Notice> {
        match self {
            Self::Python(python) => python.harness.notices(),
            Self::Native(native) => native.harness.notices(),
            Self::Task(_) => Vec::new(),
        }
    }

    fn available(&self, model: Model) -> Result<(), String> {
        match (self, model) {
            (Self::Python(python), model) => python.available(model),
            (Self::Native(native), model) => native.available(model),
            (Self::Task(task), model) => task.available(model),
        }
    }

    fn harness(&mut self) -> &mut harness::Harness {
        match self {
            Self::Python(python) => &mut python.harness,
            Self::Native(native) => &mut native.harness,
            Self::Task(task) => task.harness(),
        }
    }
}
