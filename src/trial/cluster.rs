//! A Dask cluster that the user named: where it is and what there is of it. Pure.
//!
//! Asking it is `python`'s, running tasks on it the harness's; nothing is started there, and nothing stays.

use crate::units::Bytes;

/// What the scheduler told of its workers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// As the user named it: `tcp://HOST:PORT`.
    pub address: String,
    /// Worker processes.
    pub workers: usize,
    /// Their threads: tasks that run at once.
    pub threads: usize,
    /// Machines that they are on.
    pub hosts: usize,
    /// Memory that the smallest of its workers may take; `None` when one has no limit.
    pub memory_each: Option<Bytes>,
}

impl Cluster {
    /// What bounds the number of tasks in flight there.
    pub fn room(&self) -> Room {
        Room { threads: self.threads, memory_each: self.memory_each }
    }
}

/// What bounds the number of tasks in flight on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Tasks that run at once.
    pub threads: usize,
    /// Memory that one worker may take; `None` when not told.
    pub memory_each: Option<Bytes>,
}
