//! The machine, as one value read once: usable CPUs, memory and its limits, kernel, and what these rights allow.
//!
//! Everything is parsed from a root folder that is handed in (`/` in production, a captured tree in tests),
//! so no test needs the machine it describes. What a number means for a worker count is left to `recommendation`.

mod cgroup;
mod cpus;
mod memory;
mod mounts;
mod rights;
mod tree;

use crate::notice::Notice;
use crate::units::Bytes;
use cgroup::Cgroups;
use mounts::Mount;
use std::io;
use std::path::{Path, PathBuf};
use tree::Tree;

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
    /// What could not be read, and what stands in for it.
    pub notices: Vec<Notice>,
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
    /// Of the machine; zero when not told.
    pub total: Bytes,
    /// Available on the machine without swapping (`MemAvailable`); zero when not told.
    pub available: Bytes,
    /// The cgroup limit, among all ancestors, that leaves the least.
    pub limit: Option<MemoryLimit>,
}

/// A cgroup's memory limit.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryLimit {
    /// The limit.
    pub bytes: Bytes,
    /// What that cgroup already used when it was read, without the file cache that the kernel would drop first.
    pub used: Bytes,
    /// The file that set it.
    pub from: PathBuf,
}

impl Memory {
    /// What new workers may take: the machine's available memory, or what the tightest cgroup has left. `None` where
    /// neither is told, which bounds nothing and must not read as "no memory".
    pub fn usable(&self) -> Option<Bytes> {
        let machine = (self.total > Bytes(0)).then_some(self.available);
        let cgroup = self.limit.as_ref().map(|limit| limit.bytes - limit.used);
        machine.into_iter().chain(cgroup).min()
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
    /// Reads the host below `root` (`/` for this machine). Never fails: what is missing leaves its field at "not told"
    /// or at the fallback its reader documents, and where that could mislead there is a notice.
    pub fn read(root: &Path) -> Self {
        let tree = Tree::new(root);
        let mut notices = Vec::new();
        let mounts = Mount::read_all(tree).unwrap_or_default();
        let cgroups = match Cgroups::read(tree, &mounts) {
            Ok(cgroups) => Some(cgroups),
            // Without the file the kernel has no cgroups, and so no limits.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                notices.push(unseen_limits("cgroup limits", format!("/proc/self/cgroup could not be read: {error}")));
                None
            }
        };
        let mut chain = |controller, what| {
            let mut chain = cgroups.as_ref()?.chain(controller)?;
            notices.extend(chain.doubt.take().map(|doubt| unseen_limits(what, doubt)));
            Some(chain)
        };
        let cpu = chain("cpu", "the CPU quota");
        let memory = chain("memory", "the memory limit");
        Self {
            cpus: cpus::read(tree, cpu.as_ref(), &mut notices),
            memory: memory::read(tree, memory.as_ref(), &mut notices),
            kernel: kernel(tree),
            arch: tree.value("/proc/sys/kernel/arch").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            rights: rights::read(tree, &mounts),
            notices,
        }
    }
}

/// The release alone, or the third word of `Linux version RELEASE …`; empty when neither is told.
fn kernel(tree: Tree<'_>) -> String {
    let release = tree.value("/proc/sys/kernel/osrelease");
    let longer = || tree.text("/proc/version").ok()?.split_whitespace().nth(2).map(str::to_owned);
    release.or_else(longer).unwrap_or_default()
}

fn unseen_limits(what: &'static str, why: String) -> Notice {
    let remedy = "a limit set there would not be seen; where there is one, count on fewer workers".to_owned();
    Notice::Unavailable { what, why, remedy }
}
