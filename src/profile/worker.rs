//! Each worker's exact time, its blocked part shared out over the kinds it was seen blocked on.
//!
//! Nothing is lost on the way: the kinds of a worker sum to its blocked time to the nanosecond. What a worker was
//! there for is `roles`'s; which waits are work is `demand`'s.

use super::children;
use super::roles::Role;
use crate::observe::kind::{BlockedKind, ByKind};
use crate::observe::{Children, Folded, Observation};
use crate::units::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// One worker's time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkerProfile {
    /// Process.
    pub pid: i32,
    /// Task.
    pub tid: i32,
    /// Name; untrusted.
    pub name: String,
    /// What it did in the tree.
    pub role: Role,
    /// On a core.
    pub on_cpu: Duration,
    /// In the run queue.
    pub runnable: Duration,
    /// The rest.
    pub blocked: Duration,
    /// Blocked time by kind; sums to `blocked`.
    pub blocked_by: ByKind<Duration>,
    /// Highest memory of its process: PSS where readable, else RSS.
    pub peak_memory: Bytes,
    /// Short-lived processes that its process started, in the line of a process's first thread. Their time is not to
    /// be added to that of the workers: it is among them, or of workers that nobody saw.
    pub children: Children,
    /// Whether it is of such a short-lived process, and so in the line of another.
    pub credited: bool,
}

impl WorkerProfile {
    /// All of its life.
    pub fn lifetime(&self) -> Duration {
        self.on_cpu + self.runnable + self.blocked
    }

    /// Time on a core or waiting for one.
    pub fn computing(&self) -> Duration {
        self.on_cpu + self.runnable
    }
}

/// Every worker that was kept, in the order of the observation. A worker that was blocked but never caught at it gets
/// the mix of its process, and `Other` where nobody in the process was caught either.
pub(super) fn account(observation: &Observation) -> Vec<WorkerProfile> {
    let mut mixes: BTreeMap<i32, ByKind<u64>> = BTreeMap::new();
    for worker in &observation.workers {
        add_ticks(mixes.entry(worker.pid).or_default(), &worker.blocked_ticks);
    }
    let memory: BTreeMap<i32, Bytes> = observation
        .processes
        .iter()
        .map(|process| (process.pid, process.peak_pss.unwrap_or(process.peak_rss)))
        .collect();
    let account_one = |worker: &crate::observe::Worker| {
        let own = worker.blocked_ticks.map(|ticks| u64::from(*ticks));
        let mix = if seen(&own) { own } else { mixes.get(&worker.pid).copied().unwrap_or_default() };
        WorkerProfile {
            pid: worker.pid,
            tid: worker.tid,
            name: worker.name.clone(),
            role: Role::Working,
            on_cpu: worker.on_cpu,
            runnable: worker.runnable,
            blocked: worker.blocked(),
            blocked_by: split_knowing(worker.blocked(), worker.disk_delay, mix),
            peak_memory: memory.get(&worker.pid).copied().unwrap_or_default(),
            children: Children::default(),
            credited: false,
        }
    };
    let mut accounts: Vec<WorkerProfile> = observation.workers.iter().map(account_one).collect();
    children::credit(observation, &mut accounts);
    accounts
}

/// The time of several workers, added up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Crowd {
    /// On a core.
    pub on_cpu: Duration,
    /// In the run queue.
    pub runnable: Duration,
    /// Blocked, by kind.
    pub blocked_by: ByKind<Duration>,
}

impl Crowd {
    /// Adds one worker.
    pub fn take(&mut self, worker: &WorkerProfile) {
        self.on_cpu += worker.on_cpu;
        self.runnable += worker.runnable;
        for kind in BlockedKind::ALL {
            self.blocked_by[kind] += worker.blocked_by[kind];
        }
    }

    /// Adds the workers that were not kept one by one: what they were blocked on is not known, so they are taken to
    /// have been blocked as those in the crowd were.
    pub fn take_folded(&mut self, folded: &Folded) {
        let mix = self.blocked_by.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let blocked = split(folded.alive.saturating_sub(folded.on_cpu + folded.runnable), &mix);
        self.on_cpu += folded.on_cpu;
        self.runnable += folded.runnable;
        for kind in BlockedKind::ALL {
            self.blocked_by[kind] += blocked[kind];
        }
    }

    /// Blocked on anything.
    pub fn blocked(&self) -> Duration {
        self.blocked_by.iter().map(|(_, time)| *time).sum()
    }

    /// All of its worker-time.
    pub fn total(&self) -> Duration {
        self.on_cpu + self.runnable + self.blocked()
    }
}

/// Shares `whole` out in proportion to `weights`; all of it to `Other` when they are all zero. Rounding is carried
/// along, so the parts sum to the whole.
pub(super) fn split(whole: Duration, weights: &ByKind<u64>) -> ByKind<Duration> {
    let mut parts = ByKind::<Duration>::default();
    let sum: u128 = weights.iter().map(|(_, weight)| u128::from(*weight)).sum();
    if sum == 0 {
        parts[BlockedKind::Other] = whole;
        return parts;
    }
    let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
    let (mut passed, mut given) = (0_u128, 0_u64);
    for (kind, weight) in weights.iter() {
        passed += u128::from(*weight);
        // Each part ends where its cumulative weight falls, so the last one ends exactly at the whole. The division
        // comes last: 64 bits of nanoseconds times a weight below 2^64 fit in 128.
        let end = u64::try_from(u128::from(nanos) * passed.min(u128::from(u64::MAX)) / sum).unwrap_or(nanos);
        parts[kind] = Duration::from_nanos(end - given);
        given = end;
    }
    parts
}

/// As [`split`], where the kernel may have accounted the time that was blocked on block devices: that is exact for the
/// disk and page faults together, which share it by their weights, and the other kinds share the rest. Where the
/// kernel's account says nothing it may be that the files are not on a block device, and the weights decide alone; as
/// they do of the rest where nothing else was seen.
fn split_knowing(whole: Duration, disk: Option<Duration>, weights: ByKind<u64>) -> ByKind<Duration> {
    let mut others = weights;
    let mut disks = ByKind::<u64>::default();
    for kind in [BlockedKind::Disk, BlockedKind::PageFault] {
        disks[kind] = std::mem::take(&mut others[kind]);
    }
    let disk = disk.unwrap_or_default().min(whole);
    if disk.is_zero() || (seen(&disks) && !seen(&others)) {
        return split(whole, &weights);
    }
    if !seen(&disks) {
        disks[BlockedKind::Disk] = 1;
    }
    let (mut parts, of_disks) = (split(whole - disk, &others), split(disk, &disks));
    for kind in BlockedKind::ALL {
        parts[kind] += of_disks[kind];
    }
    parts
}

fn add_ticks(sum: &mut ByKind<u64>, ticks: &ByKind<u32>) {
    for (kind, ticks) in ticks.iter() {
        sum[kind] += u64::from(*ticks);
    }
}

fn seen(ticks: &ByKind<u64>) -> bool {
    ticks.iter().any(|(_, ticks)| *ticks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Worker;
    use proptest::prelude::*;

    fn worker(pid: i32, tid: i32, ticks: &[(BlockedKind, u32)]) -> Worker {
        let mut worker = Worker { pid, tid, died: Duration::from_millis(1_000), ..Worker::default() };
        worker.on_cpu = Duration::from_millis(400);
        for &(kind, ticks) in ticks {
            worker.blocked_ticks[kind] = ticks;
        }
        worker
    }

    fn check(workers: Vec<Worker>, tid: i32, expect: &[(BlockedKind, u64)]) {
        let accounts = account(&Observation { workers, ..Observation::default() });
        let account = accounts.iter().find(|account| account.tid == tid).expect("the worker is listed");
        for kind in BlockedKind::ALL {
            let ms = expect.iter().find(|(k, _)| *k == kind).map_or(0, |(_, ms)| *ms);
            assert_eq!(account.blocked_by[kind], Duration::from_millis(ms), "{}", kind.name());
        }
    }

    #[test]
    fn blocked_time_follows_the_ticks_of_each_kind() {
        let ticks = [(BlockedKind::Disk, 1), (BlockedKind::Timer, 2)];
        check(vec![worker(1, 1, &ticks)], 1, &[(BlockedKind::Disk, 200), (BlockedKind::Timer, 400)]);
    }

    #[test]
    fn a_worker_never_caught_blocked_gets_its_process_s_mix() {
        let workers = vec![worker(1, 1, &[(BlockedKind::Network, 9)]), worker(1, 2, &[])];
        check(workers, 2, &[(BlockedKind::Network, 600)]);
    }

    #[test]
    fn blocked_time_nobody_was_caught_at_is_other() {
        let workers = vec![worker(1, 1, &[(BlockedKind::Network, 9)]), worker(7, 7, &[])];
        check(workers, 7, &[(BlockedKind::Other, 600)]);
    }

    #[test]
    fn the_kernel_s_account_of_the_disk_is_exact_and_the_other_kinds_share_the_rest() {
        use BlockedKind::{Disk, Network, Other, PageFault, Timer};
        let accounted = |ms, ticks: &[(BlockedKind, u32)], expect: &[(BlockedKind, u64)]| {
            let disk_delay = Some(Duration::from_millis(ms));
            check(vec![Worker { disk_delay, ..worker(1, 1, ticks) }], 1, expect);
        };
        accounted(90, &[(Disk, 2), (PageFault, 1), (Timer, 3)], &[(Disk, 60), (PageFault, 30), (Timer, 510)]);
        accounted(90, &[(Network, 2), (Timer, 1)], &[(Disk, 90), (Network, 340), (Timer, 170)]);
        // Longer than it was blocked in all: the kernel's tick.
        accounted(610, &[(Timer, 1)], &[(Disk, 600)]);
        // Not a block device, or nothing else to give the rest to.
        accounted(0, &[(Disk, 1), (Timer, 1)], &[(Disk, 300), (Timer, 300)]);
        accounted(90, &[(Disk, 2), (PageFault, 1)], &[(Disk, 400), (PageFault, 200)]);
        // Never caught at anything.
        accounted(90, &[], &[(Disk, 90), (Other, 510)]);
    }

    proptest! {
        #[test]
        fn the_kinds_sum_to_the_blocked_time(whole in 0..u64::MAX, weights in prop::array::uniform10(0..u64::MAX / 10)) {
            let mut table = ByKind::<u64>::default();
            for (kind, weight) in BlockedKind::ALL.into_iter().zip(weights) {
                table[kind] = weight;
            }
            let parts = split(Duration::from_nanos(whole), &table);
            prop_assert_eq!(parts.iter().map(|(_, part)| *part).sum::<Duration>(), Duration::from_nanos(whole));
        }
    }
}
