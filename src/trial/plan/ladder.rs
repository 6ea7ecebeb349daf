//! The worker counts of one model that are worth thinking about, and how fast each could be at best. Pure.
//!
//! Which of them are run is `plan`'s to say.

use crate::host::Host;
use crate::profile::Profile;
use crate::target::{CPython, Runtime};
use crate::trial::cluster::Room;
use crate::trial::model::Model;
use crate::trial::scaling::{rate_bound, saturation};
use crate::trial::twin::TaskDemand;
use crate::units::Bytes;
use std::time::Duration;

/// Threads that wait, at most: more are an event loop's work (domain.md §2, rules 7 and 8), and each takes a stack.
pub(in crate::trial) const MOST_THREADS: usize = 256;
/// Tasks in flight on one event loop, at most.
const MOST_IN_FLIGHT: usize = 1024;
/// Processes or interpreters that wait, at most: for each core, and where there are few cores.
pub(in crate::trial) const MOST_PROCESSES: (usize, usize) = (8, 64);
/// Counts to try first, at most: enough to see what a model can do, few enough to be cheap when it can do nothing.
/// Starting 64 interpreters in three ways would cost more than it tells.
const FIRST_THREADS: usize = 64;
const FIRST_IN_FLIGHT: usize = 256;
const FIRST_PROCESSES: usize = 4;

/// What the machine and the runtime allow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// CPUs for workers that compute.
    pub cpus: usize,
    /// CPUs for workers that wait.
    pub cpus_waiting: usize,
    /// Memory that workers may take together; `None` when not told.
    pub memory: Option<Bytes>,
    /// Memory that a worker with memory of its own takes; 0 when not seen.
    pub per_worker: Bytes,
    /// Whether threads of one process wait for one another's GIL-held computing.
    pub gil: bool,
    /// Whether the event loop runs another function than the one that was watched: what that one demands then bounds no
    /// loop, as an async client may cost a fifth of the sync one.
    pub own_async: bool,
    /// Whether workers of `asyncio+threads` leave their waiting to the loop, as tokio's do; CPython's block.
    pub loop_waits: bool,
    /// The cluster that was named.
    pub cluster: Option<Room>,
}

impl Limits {
    /// As the host, the runtime and the observed run tell.
    pub fn of(host: &Host, runtime: &Runtime, profile: &Profile) -> Self {
        Self {
            cpus: host.cpus.usable(),
            cpus_waiting: host.cpus.usable_waiting(),
            memory: host.memory.usable(),
            per_worker: profile.memory_per_process,
            gil: matches!(runtime, Runtime::CPython(CPython { gil, .. }) if *gil != Some(false)),
            own_async: false,
            loop_waits: !matches!(runtime, Runtime::CPython(_)),
            cluster: None,
        }
    }
}

/// The worker counts of one model, ascending, and the demand at its service centres.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ladder {
    /// Doubling, with the number of CPUs and the highest count that makes sense put in.
    pub counts: Vec<usize>,
    /// The one to try first: where the bound stops growing, or fewer where workers are dear to start.
    pub first: usize,
    /// Workers that memory allows, where that is what ends the ladder.
    pub memory_caps: Option<usize>,
    /// A task's time on a worker of its own.
    total: Duration,
    /// A task's time at the centre that is demanded most.
    largest: Duration,
    /// Whether handing over is done at that centre too: by a thread that needs the GIL, on the loop itself.
    hands_over: bool,
}

impl Ladder {
    /// The ladder of `model` for `tasks` tasks; why there is none when memory has no room for two workers.
    pub fn of(model: Model, task: &TaskDemand, tasks: u64, limits: &Limits) -> Result<Self, String> {
        let (total, largest) = bounds(model, task, limits);
        let hands_over = match model {
            Model::Asyncio => true,
            Model::Threads | Model::AsyncioThreads => limits.gil,
            _ => false,
        };
        let tasks = usize::try_from(tasks).unwrap_or(usize::MAX).max(1);
        let sensible = most(model, task, limits).min(tasks);
        let fits = match limits.memory {
            Some(memory) if multiplies_memory(model) && limits.per_worker > Bytes(0) => {
                usize::try_from(memory.0 / limits.per_worker.0).unwrap_or(usize::MAX)
            }
            _ => usize::MAX,
        };
        if let (Model::Cluster, Some(each)) = (model, limits.cluster.and_then(|room| room.memory_each))
            && each < limits.per_worker
        {
            return Err(format!("a worker takes {} and one of the cluster's may take {each}", limits.per_worker));
        }
        if fits < 2 && sensible >= 2 {
            return Err(format!(
                "a worker takes {} and {} may be used, so there is no room for two",
                limits.per_worker,
                limits.memory.unwrap_or_default()
            ));
        }
        let cap = sensible.min(fits).max(1);
        let mut counts: Vec<usize> = std::iter::successors(Some(2), |n: &usize| n.checked_mul(2))
            .take_while(|n| *n < cap)
            .chain([limits.cpus, cap])
            .filter(|n| (2.min(cap)..=cap).contains(n))
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let mut ladder =
            Self { counts, first: cap, memory_caps: (fits < sensible).then_some(fits), total, largest, hands_over };
        ladder.first = ladder.at_least(saturation(total, largest).min(first_most(model, limits) as f64) as usize);
        Ok(ladder)
    }

    /// The least time that `workers` of this model need for one task, on average, when handing one over takes
    /// `dispatch`: no run can beat it.
    pub fn least_per_task(&self, workers: usize, dispatch: Duration) -> Duration {
        let largest = if self.hands_over { self.largest + dispatch } else { self.largest.max(dispatch) };
        let rate = rate_bound(workers as f64, self.total, largest);
        if rate.is_finite() && rate > 0.0 { Duration::from_secs_f64(1.0 / rate) } else { Duration::ZERO }
    }

    /// Leaves out the counts at which all workers together would take more than `memory`, going by what `workers` of
    /// them `used` and what one took `alone`.
    pub fn stop_where_memory_ends(&mut self, workers: usize, alone: Bytes, used: Bytes, memory: Bytes) {
        let each = used.0.saturating_sub(alone.0) / workers.max(1) as u64;
        if each == 0 {
            return;
        }
        let fits = usize::try_from(memory.0.saturating_sub(alone.0) / each).unwrap_or(usize::MAX).max(1);
        let before = self.counts.len();
        self.counts.retain(|count| *count <= fits.max(workers));
        if self.counts.len() < before {
            self.memory_caps = Some(self.memory_caps.unwrap_or(usize::MAX).min(fits));
        }
    }

    /// The count below `workers`.
    pub fn below(&self, workers: usize) -> Option<usize> {
        self.counts.iter().rev().copied().find(|n| *n < workers)
    }

    /// The count above `workers`.
    pub fn above(&self, workers: usize) -> Option<usize> {
        self.counts.iter().copied().find(|n| *n > workers)
    }

    fn at_least(&self, workers: usize) -> usize {
        self.counts.iter().copied().find(|n| *n >= workers).or(self.counts.last().copied()).unwrap_or(1)
    }
}

/// Whether each worker of a model has memory of its own.
pub(super) const fn multiplies_memory(model: Model) -> bool {
    model.uses_processes() || matches!(model, Model::Interpreters)
}

/// A task's time on a worker of its own, and at the centre that is demanded most: D and D_max of
/// [`rate_bound`]. Kept optimistic (every core of the affinity mask, no overhead) because it is used to rule settings
/// out.
pub fn bounds(model: Model, task: &TaskDemand, limits: &Limits) -> (Duration, Duration) {
    let cores = task.cpu().div_f64(limits.cpus_waiting.max(limits.cpus).max(1) as f64);
    let lock = if limits.gil { task.cpu_held } else { Duration::ZERO };
    // No event loop has file I/O of its own: waiting for a disk blocks it.
    let blocking = task.cpu() + task.waits.disk();
    match model {
        Model::Sequential => (task.total(), task.total()),
        Model::Asyncio if limits.own_async => (task.total(), Duration::ZERO),
        Model::Asyncio => (task.total(), blocking),
        // Their workers compute; the loop waits, for any number of tasks.
        Model::AsyncioProcesses => (blocking, cores),
        Model::AsyncioThreads if limits.loop_waits => (task.cpu(), cores),
        Model::Threads | Model::AsyncioThreads => (task.total(), cores.max(lock)),
        Model::Processes | Model::Interpreters => (task.total(), cores),
        Model::Cluster => (task.total(), task.cpu().div_f64(threads(limits) as f64)),
    }
}

fn most(model: Model, task: &TaskDemand, limits: &Limits) -> usize {
    if model == Model::Cluster {
        return threads(limits);
    }
    // One step past the cores, to show that it does not pay.
    let computing = 2 * limits.cpus.max(1);
    let waiting = match model {
        Model::Sequential | Model::Cluster => return 1,
        Model::AsyncioThreads if limits.loop_waits => computing,
        Model::Threads | Model::AsyncioThreads => MOST_THREADS,
        Model::Asyncio => MOST_IN_FLIGHT,
        Model::Processes | Model::Interpreters => {
            (MOST_PROCESSES.0 * limits.cpus_waiting).max(MOST_PROCESSES.1).min(MOST_THREADS)
        }
        Model::AsyncioProcesses => computing,
    };
    if task.waits_notably() { waiting.max(computing) } else { computing }
}

/// Tasks that a cluster runs at once.
fn threads(limits: &Limits) -> usize {
    limits.cluster.map_or(1, |room| room.threads).max(1)
}

fn first_most(model: Model, limits: &Limits) -> usize {
    match model {
        Model::Threads | Model::AsyncioThreads => FIRST_THREADS.max(limits.cpus),
        Model::Asyncio => FIRST_IN_FLIGHT,
        // They are there already, so a first look at many costs no more than one at few.
        Model::Cluster => FIRST_THREADS,
        _ => FIRST_PROCESSES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::kind::BlockedKind;

    fn task(cpu_ms: u64, wait_ms: u64) -> TaskDemand {
        let mut task = TaskDemand { cpu_held: Duration::from_millis(cpu_ms), ..TaskDemand::default() };
        task.waits[BlockedKind::Network] = Duration::from_millis(wait_ms);
        task
    }

    fn limits(cpus: usize) -> Limits {
        Limits {
            cpus,
            cpus_waiting: cpus,
            memory: None,
            per_worker: Bytes(0),
            gil: true,
            own_async: false,
            loop_waits: false,
            cluster: None,
        }
    }

    fn check(model: Model, task: &TaskDemand, tasks: u64, cpus: usize, counts: &[usize], first: usize) {
        let ladder = Ladder::of(model, task, tasks, &limits(cpus)).expect("no memory limit");
        assert_eq!((ladder.counts.as_slice(), ladder.first), (counts, first), "{model} {tasks} tasks, {cpus} CPUs");
    }

    #[test]
    fn computing_goes_one_step_past_the_cores_and_waiting_far() {
        check(Model::Sequential, &task(100, 0), 1000, 8, &[1], 1);
        check(Model::Processes, &task(100, 0), 1000, 1, &[2], 2);
        check(Model::Processes, &task(100, 0), 1000, 6, &[2, 4, 6, 8, 12], 4);
        check(Model::Threads, &task(0, 100), 1000, 2, &[2, 4, 8, 16, 32, 64, 128, 256], 64);
        check(Model::Asyncio, &task(10, 90), 1000, 8, &[2, 4, 8, 16, 32, 64, 128, 256, 512, 1000], 16);
    }

    #[test]
    fn limits_come_from_host_runtime_and_profile_and_what_is_not_told_is_unknown() {
        let mut host = Host::default();
        host.cpus.affinity = 8;
        host.cpus.quota = Some(crate::host::CpuQuota { cpus: 1.5, from: "cpu.max".into() });
        let profile = Profile { memory_per_process: Bytes(7), ..Profile::default() };
        let native = Limits::of(&host, &Runtime::Other, &profile);
        let expected = Limits {
            cpus: 2,
            cpus_waiting: 8,
            memory: None,
            per_worker: Bytes(7),
            gil: false,
            own_async: false,
            loop_waits: true,
            cluster: None,
        };
        assert_eq!(native, expected);
        host.memory.total = Bytes(100);
        host.memory.available = Bytes(60);
        assert_eq!(Limits::of(&host, &Runtime::Other, &profile).memory, Some(Bytes(60)));
    }

    #[test]
    fn there_are_never_more_workers_than_tasks() {
        check(Model::Threads, &task(0, 100), 1, 8, &[1], 1);
        check(Model::Threads, &task(0, 100), 3, 8, &[2, 3], 3);
        check(Model::Processes, &task(100, 0), 10, 8, &[2, 4, 8, 10], 4);
    }

    #[test]
    fn memory_ends_the_ladder_of_workers_that_multiply_it() {
        let tight = Limits { memory: Some(Bytes(5 << 30)), per_worker: Bytes(1 << 30), ..limits(8) };
        let ladder = Ladder::of(Model::Processes, &task(100, 0), 100, &tight).expect("five fit");
        assert_eq!((ladder.counts.as_slice(), ladder.memory_caps), ([2, 4, 5].as_slice(), Some(5)));
        let threads = Ladder::of(Model::Threads, &task(100, 0), 100, &tight).expect("threads share");
        assert_eq!(threads.memory_caps, None);
        let full = Limits { memory: Some(Bytes(1 << 30)), ..tight };
        assert!(Ladder::of(Model::Interpreters, &task(100, 0), 100, &full).is_err());
    }

    #[test]
    fn what_workers_were_seen_to_take_ends_the_ladder_before_they_take_it_all() {
        let mut ladder = Ladder::of(Model::Threads, &task(0, 100), 1000, &limits(2)).expect("no memory limit");
        // Two took 300 MiB more than one: 16 would take 2.4 GiB.
        ladder.stop_where_memory_ends(2, Bytes(100 << 20), Bytes(400 << 20), Bytes(1 << 30));
        assert_eq!((ladder.counts.as_slice(), ladder.memory_caps), ([2, 4].as_slice(), Some(6)));
        ladder.stop_where_memory_ends(4, Bytes(100 << 20), Bytes(90 << 20), Bytes(1 << 30));
        assert_eq!(ladder.counts, [2, 4], "less than one took tells nothing");
    }

    #[test]
    fn a_cluster_has_as_many_tasks_in_flight_as_threads_and_its_own_memory() {
        let room = Room { threads: 6, memory_each: Some(Bytes(4 << 30)) };
        let joined = Limits { cluster: Some(room), per_worker: Bytes(1 << 30), memory: Some(Bytes(1)), ..limits(2) };
        let ladder = Ladder::of(Model::Cluster, &task(100, 0), 100, &joined).expect("its memory is not this machine's");
        assert_eq!((ladder.counts.as_slice(), ladder.first), ([2, 4, 6].as_slice(), 6));
        let large = Limits { per_worker: Bytes(5 << 30), ..joined };
        assert!(Ladder::of(Model::Cluster, &task(100, 0), 100, &large).is_err());
    }

    #[test]
    fn what_waits_on_the_loop_needs_no_workers() {
        let tokio = Limits { gil: false, loop_waits: true, ..limits(4) };
        let ladder = Ladder::of(Model::AsyncioThreads, &task(10, 90), 1000, &tokio).expect("no memory limit");
        assert_eq!((ladder.counts.as_slice(), ladder.first), ([2, 4, 8].as_slice(), 4));
        let mut disk = task(10, 0);
        disk.waits[BlockedKind::Disk] = Duration::from_millis(90);
        check(Model::AsyncioProcesses, &disk, 1000, 2, &[2, 4], 4);
        let ladder = Ladder::of(Model::Asyncio, &disk, 1000, &limits(4)).expect("no memory limit");
        assert_eq!(ladder.least_per_task(1000, Duration::ZERO), Duration::from_millis(100), "a disk blocks the loop");
    }

    #[test]
    fn what_the_sync_function_demands_bounds_no_async_one() {
        let own = Limits { own_async: true, ..limits(2) };
        let ladder = |model| Ladder::of(model, &task(50, 50), 100, &own).expect("no memory limit");
        assert_eq!((ladder(Model::Asyncio).first, ladder(Model::Threads).first), (100, 2));
        assert_eq!(ladder(Model::Asyncio).least_per_task(100, Duration::ZERO), Duration::from_millis(1));
    }

    #[test]
    fn the_gil_bounds_threads_and_not_processes() {
        let ladder = |model| Ladder::of(model, &task(100, 0), 1000, &limits(8)).expect("no memory limit");
        assert_eq!(ladder(Model::Threads).least_per_task(8, Duration::ZERO), Duration::from_millis(100));
        assert_eq!(ladder(Model::Processes).least_per_task(8, Duration::ZERO), Duration::from_micros(12_500));
        assert_eq!(ladder(Model::Processes).least_per_task(2, Duration::ZERO), Duration::from_millis(50));
    }
}
