//! The harness for targets that are not CPython: this very program, run again with a hidden word.
//!
//! [`Native`] is our side of it; `native/` is the other side, which [`serve`] enters. What is asked and what the
//! answers mean is `runner`'s.

mod calibrate;
mod demand;
mod executors;
mod loops;
mod processes;
mod serve;
mod threads;

pub use serve::serve;

use super::cluster::Cluster;
use super::model::{Model, StartMethod};
use super::runner::harness::Harness;
use super::runner::{Launch, NO_CLUSTER};
use std::path::PathBuf;

/// First argument that makes this program a harness.
pub const HIDDEN_WORD: &str = "__twin";

/// Why a cluster that was named is not tried.
const NOT_OF_PYTHON: &str = "a Dask cluster runs Python functions, and this target is not run by CPython";

/// This program as a harness.
pub struct Native {
    pub(super) harness: Harness,
    refuses_cluster: bool,
}

impl Native {
    /// `exe` is this program's own file, wherever it lies.
    pub fn new(exe: PathBuf, launch: Launch) -> Self {
        Self { harness: Harness::new(vec![exe.into(), HIDDEN_WORD.into()], launch), refuses_cluster: false }
    }

    pub(super) fn available(&self, model: Model) -> Result<(), String> {
        match model {
            Model::Sequential | Model::Threads | Model::Processes | Model::Asyncio | Model::AsyncioThreads => Ok(()),
            Model::Interpreters => Err("sub-interpreters are CPython's, and this target is not run by it".to_owned()),
            Model::AsyncioProcesses => {
                Err("no lock keeps a native program's threads from computing at once, so beside \
                                            an event loop asyncio+threads does the same without copying"
                    .to_owned())
            }
            Model::Cluster if self.refuses_cluster => Err(NOT_OF_PYTHON.to_owned()),
            Model::Cluster => Err(NO_CLUSTER.to_owned()),
        }
    }

    /// No cluster of Dask's runs what is not Python.
    pub(super) fn join(&mut self) -> Result<Cluster, String> {
        self.refuses_cluster = true;
        Err(NOT_OF_PYTHON.to_owned())
    }

    pub(super) fn start_methods(&self) -> Vec<StartMethod> {
        vec![StartMethod::Fork]
    }
}
