//! [`Launch`]: what the first process ran before its last program.

use super::Worker;
use super::readings::TICK;
use std::time::Duration;

/// What went before the first process's last program: a shell shim, `env`, a launcher. Raw: whether it was only
/// launching is `profile`'s to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Launch {
    /// The first tick that met the last program, after the target's start: later than the `exec` by less than a
    /// sampling interval.
    pub until: Duration,
    /// Times the tree was read until then.
    pub ticks: u64,
    /// CPU time of the first process and of the children that it had waited for by then, whether or not anybody saw
    /// them. At most: what the kernel tells rounded down to its tick is rounded up here.
    pub cpu: Duration,
}

impl Launch {
    /// A program that is another's within this time was hardly there: the kernel's tick, in which a forked child
    /// becomes what it was forked for. It is then told as one with its successor.
    pub const SHORTEST: Duration = TICK;

    /// The part of its CPU time that none of `workers` was seen using.
    pub(super) fn unseen(&self, workers: &[Worker]) -> Duration {
        let of_it = workers.iter().filter(|worker| worker.died <= self.until);
        self.cpu.saturating_sub(of_it.map(|worker| worker.on_cpu).sum())
    }
}
