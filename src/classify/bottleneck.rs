//! What limits the target: the first of a fixed order of suspects that its evidence confirms.
//!
//! Memory first, because it forbids every remedy that adds workers. Then what no worker can get past: the quota and the
//! cores. Then what workers do to one another: GIL, lock. A run queue that is long although cores were to spare comes
//! after those, because threads woken to look at a lock stand in it too. Then what the waits are for, then children,
//! and last that nothing runs beside anything.
//!
//! Memory bandwidth is claimed where all usable cores are busy and the processor's counters say that they stall for
//! memory. Without such counters, as in most virtual machines, it is never claimed, and the cores are named.

use super::Class;
use super::threshold::{
    CHILD, CORES, DISK, GIL, LOCK, Ledger, MEMORY, MISSES, NETWORK, QUOTA, RUN_QUEUE, SEVERAL, STALLED, TOGETHER, ratio,
};
use crate::host::Host;
use crate::observe::kind::BlockedKind;
use crate::profile::Profile;
use crate::target::{CPython, Runtime};
use crate::units::Share;
use std::time::Duration;

/// What it is limited by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bottleneck {
    /// CPython's lock: several threads share one core's worth.
    Gil,
    /// All usable cores are busy.
    Cores,
    /// A cgroup quota.
    Quota,
    /// Memory.
    Memory,
    /// Memory bandwidth.
    MemoryBandwidth,
    /// Disk.
    Disk,
    /// Network.
    Network,
    /// A lock of the program's own.
    Lock,
    /// Child processes.
    Child,
    /// One worker does everything, one thing after another.
    Serial,
}

impl Bottleneck {
    /// The word in reports and rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gil => "gil",
            Self::Cores => "cores",
            Self::Quota => "quota",
            Self::Memory => "memory",
            Self::MemoryBandwidth => "memory-bandwidth",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Lock => "lock",
            Self::Child => "child",
            Self::Serial => "serial",
        }
    }
}

/// The first suspect that is confirmed; `class` is the class of the point estimate.
pub(super) fn find(
    profile: &Profile,
    runtime: &Runtime,
    host: &Host,
    class: Class,
    ledger: &mut Ledger,
) -> Option<Bottleneck> {
    machine(profile, host, ledger)
        .or_else(|| one_another(profile, runtime, ledger))
        .or_else(|| outside(profile, class, ledger))
        .or_else(|| serial(profile, class, ledger))
}

fn machine(profile: &Profile, host: &Host, ledger: &mut Ledger) -> Option<Bottleneck> {
    let usable = host.memory.usable();
    let memory = usable.and_then(|usable| ratio(profile.peak_memory.0 as f64, usable.0 as f64));
    if ledger.reaches(&MEMORY, memory) {
        return Some(Bottleneck::Memory);
    }
    let cpus = host.cpus.affinity.max(1) as f64;
    if let Some(quota) = host.cpus.quota.as_ref().filter(|quota| quota.cpus < cpus)
        && ledger.reaches(&QUOTA, ratio(profile.cores_busy, quota.cpus))
    {
        return Some(Bottleneck::Quota);
    }
    let busy = ledger.reaches(&CORES, ratio(profile.cores_busy, cpus));
    busy.then(|| if stalled(profile, ledger) { Bottleneck::MemoryBandwidth } else { Bottleneck::Cores })
}

/// Not asked where no counters tell: most machines have none, and the cores are busy all the same.
fn stalled(profile: &Profile, ledger: &mut Ledger) -> bool {
    let Some(stalls) = profile.memory_stalls else { return false };
    ledger.reaches(&STALLED, ratio(1.0, stalls.ipc)) && ledger.reaches(&MISSES, Some(stalls.misses_per_thousand))
}

fn one_another(profile: &Profile, runtime: &Runtime, ledger: &mut Ledger) -> Option<Bottleneck> {
    let (mut gil, mut lock) = (profile.blocked_by[BlockedKind::Gil].get(), profile.blocked_by[BlockedKind::Lock].get());
    if matches!(runtime, Runtime::CPython(CPython { gil: Some(false), .. })) {
        // The profile cannot know that this build has no GIL, so what it took for one is a lock.
        lock += std::mem::take(&mut gil);
    }
    if gil > 0.0 && ledger.reaches(&GIL, Some(gil)) {
        return Some(Bottleneck::Gil);
    }
    if ledger.reaches(&LOCK, profile.blocked.map(|_| lock)) {
        return Some(Bottleneck::Lock);
    }
    ledger.reaches(&RUN_QUEUE, profile.runnable.map(Share::get)).then_some(Bottleneck::Cores)
}

fn outside(profile: &Profile, class: Class, ledger: &mut Ledger) -> Option<Bottleneck> {
    let waiting = profile.demand.waiting().as_secs_f64();
    let of_waits = |time: Duration| ratio(time.as_secs_f64(), waiting);
    let waits = &profile.demand.waits;
    if class == Class::IoBound {
        if ledger.reaches(&DISK, of_waits(waits.disk())) {
            return Some(Bottleneck::Disk);
        }
        if ledger.reaches(&NETWORK, of_waits(waits[BlockedKind::Network])) {
            return Some(Bottleneck::Network);
        }
    }
    let child = profile.blocked.map(|_| profile.blocked_by[BlockedKind::Child].get());
    ledger.reaches(&CHILD, child).then_some(Bottleneck::Child)
}

fn serial(profile: &Profile, class: Class, ledger: &mut Ledger) -> Option<Bottleneck> {
    let several = match class {
        Class::CpuBound => ledger.reaches(&TOGETHER, Some(profile.parallelism)),
        Class::IoBound | Class::Mixed => {
            ledger.reaches(&SEVERAL, Some((profile.today.processes * profile.today.threads) as f64))
        }
        // Nothing was demanded, so nothing is done one after another.
        Class::Inconclusive => return None,
    };
    (!several).then_some(Bottleneck::Serial)
}
