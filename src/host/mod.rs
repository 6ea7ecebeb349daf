//! The machine, as one value read once: usable CPUs, memory and its limits, kernel, and what these rights allow.
//!
//! Everything is parsed from a root folder that is handed in (`/` in production, a captured tree in tests),
//! so no test needs the machine it describes. What a number means for a worker count is left to `recommendation`.

use crate::units::Bytes;
use std::path::{Path, PathBuf};

/// What the target has to run on. A plain value: nothing reads the machine again later.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// Processors and what may be used of them.
    pub cpus: Cpus,
    /// Memory and what may be used of it.
    pub memory: Memory,
    /// Kernel release, e.g. `6.18.44`.
    pub kernel: String,
    /// Machine architecture, e.g. `x86_64`.
    pub arch: String,
    /// What the kernel lets us measure.
    pub rights: Rights,
}

/// Processors: counts, not identities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cpus {
    /// Logical processors that are online.
    pub online: usize,
    /// Logical processors in our affinity mask.
    pub affinity: usize,
    /// The tightest quota of any ancestor cgroup.
    pub quota: Option<CpuQuota>,
    /// Physical cores among the online processors; `None` where the topology is not told.
    pub physical_cores: Option<usize>,
    /// NUMA nodes with processors; at least 1.
    pub numa_nodes: usize,
}

/// A cgroup's limit on CPU-seconds per second. It bounds work, not parallelism.
#[derive(Debug, Clone, PartialEq)]
pub struct CpuQuota {
    /// CPU-seconds per second; may be fractional.
    pub cpus: f64,
    /// The file that set it.
    pub from: PathBuf,
}

impl Cpus {
    /// CPUs for work that computes: min(affinity, quota rounded up), at least 1.
    pub fn usable(&self) -> usize {
        let quota = self.quota.as_ref().map_or(usize::MAX, |quota| quota.cpus.ceil() as usize);
        self.affinity.min(quota).max(1)
    }

    /// CPUs for workers that wait: the affinity alone, because a quota bounds CPU-seconds, not parallelism.
    pub fn usable_waiting(&self) -> usize {
        self.affinity.max(1)
    }

    /// CPU-seconds per second that can be had: min(affinity, quota), fractional.
    pub fn capacity(&self) -> f64 {
        let quota = self.quota.as_ref().map_or(f64::INFINITY, |quota| quota.cpus);
        quota.min(self.affinity.max(1) as f64)
    }

    /// Whether two logical processors share a core anywhere; `None` where the topology is not told.
    pub fn smt(&self) -> Option<bool> {
        self.physical_cores.map(|cores| cores < self.online)
    }
}

/// Memory that may be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Of the machine.
    pub total: Bytes,
    /// Available on the machine without swapping (`MemAvailable`).
    pub available: Bytes,
    /// The tightest cgroup limit among all ancestors.
    pub limit: Option<MemoryLimit>,
}

/// A cgroup's memory limit.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryLimit {
    /// The limit.
    pub bytes: Bytes,
    /// What that cgroup already used when it was read.
    pub used: Bytes,
    /// The file that set it.
    pub from: PathBuf,
}

impl Memory {
    /// What new workers may take: the machine's available memory, or what the tightest cgroup has left.
    pub fn usable(&self) -> Bytes {
        match &self.limit {
            Some(limit) => self.available.min(limit.bytes - limit.used),
            None => self.available,
        }
    }
}

/// What the kernel lets this user measure. `None`: the kernel does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rights {
    /// `/proc/sys/kernel/perf_event_paranoid`.
    pub perf_event_paranoid: Option<i32>,
    /// `/proc/sys/kernel/yama/ptrace_scope`; absent without Yama, which means unrestricted.
    pub ptrace_scope: Option<u32>,
    /// `hidepid=` of the `/proc` mount; 0 when not given.
    pub hidepid: u32,
    /// Whether per-task `schedstat` is there and counting.
    pub schedstat: bool,
}

impl Host {
    /// Reads the host below `root` (`/` for this machine). Missing files leave their field at "not told".
    pub fn read(root: &Path) -> Self {
        let _ = root;
        Self::default()
    }
}
