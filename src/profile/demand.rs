//! The work that had to be done, and how it is shared out today.
//!
//! Waiting for one another and for a core is no work: locks and the GIL are [`Demand::contention`]; joins and children
//! are already in what the others did. A pipe is work when only one process works, because its other end is then
//! outside; between several working processes it is taken to be their own, a wait for one another like a join, and
//! left out of both.

use super::roles::Role;
use super::worker::{Crowd, WorkerProfile};
use crate::observe::kind::{BlockedKind, ByKind};
use crate::observe::{Observation, Totals, Worker};
use crate::units::Share;
use std::collections::BTreeMap;
use std::time::Duration;

/// Part of the CPU time that nobody was seen using from which the kernel's count of waits is taken instead of the
/// workers' own: that many short-lived workers took theirs with them.
const MOSTLY_UNSEEN: f64 = 0.2;

/// The work that had to be done, whoever did it and however it was shared out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Demand {
    /// CPU time of the steady part, summed; includes workers that nobody saw.
    pub cpu: Duration,
    /// Blocked time of working workers on each kind that is work (disk, page fault, network, timer, pipe, other); others are zero.
    /// A pipe is work only when a single process works.
    pub waits: ByKind<Duration>,
    /// Waiting for one another: lock and GIL.
    pub contention: Duration,
    /// Voluntary waits of the working workers: how many pieces the waiting comes in. `None` when not readable.
    pub wait_count: Option<u64>,
}

impl Demand {
    /// All waits together.
    pub fn waiting(&self) -> Duration {
        self.waits.iter().map(|(_, time)| *time).sum()
    }

    /// One worker's time for all of the work, waiting for nobody else.
    pub fn total(&self) -> Duration {
        self.cpu + self.waiting()
    }

    /// Part of the demand that is waiting.
    pub fn wait_share(&self) -> Option<Share> {
        Share::of(self.waiting(), self.total())
    }

    /// Out of what the working workers did. Start-up and shut-down are stretches of computing, so `cut_cpu` is all
    /// that has to come off.
    pub(super) fn of(crowd: &Crowd, cpu: Duration, cut_cpu: Duration, today: Today) -> Self {
        let mut waits = ByKind::default();
        for kind in BlockedKind::ALL.into_iter().filter(|kind| is_work(*kind, today)) {
            waits[kind] = crowd.blocked_by[kind];
        }
        Self {
            cpu: cpu.saturating_sub(cut_cpu),
            waits,
            contention: crowd.blocked_by[BlockedKind::Lock] + crowd.blocked_by[BlockedKind::Gil],
            wait_count: None,
        }
    }
}

/// Whether being blocked on this is part of the work.
pub(super) fn is_work(kind: BlockedKind, today: Today) -> bool {
    match kind {
        BlockedKind::Disk | BlockedKind::PageFault | BlockedKind::Network | BlockedKind::Timer | BlockedKind::Other => {
            true
        }
        BlockedKind::Pipe => today.processes <= 1,
        BlockedKind::Lock | BlockedKind::Gil | BlockedKind::Child | BlockedKind::Idle => false,
    }
}

/// Voluntary switches of the working workers. The kernel's total stands in where it is the better count: for a single
/// working worker whose own was not readable, and where much of the CPU time is of workers that nobody saw.
pub(super) fn wait_count(observation: &Observation, workers: &[WorkerProfile], unseen: Share) -> Option<u64> {
    let kernel = (observation.totals != Totals::default()).then_some(observation.totals.voluntary_switches);
    if unseen.get() > MOSTLY_UNSEEN {
        return kernel;
    }
    let working: Vec<Option<u64>> = at_work(observation, workers).map(|worker| worker.voluntary_switches).collect();
    match working.as_slice() {
        [] => None,
        [None] => kernel,
        several => several.iter().copied().sum(),
    }
}

/// How the target runs its work today, as far as the tree shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Today {
    /// Most processes that did work at the same time.
    pub processes: usize,
    /// Most threads of any one process that did work at the same time.
    pub threads: usize,
}

impl Today {
    /// Counts those alive together, so that a shell's 600 children one after another are one.
    pub(super) fn of(observation: &Observation, workers: &[WorkerProfile], cpu: Duration) -> Self {
        let mut threads: BTreeMap<i32, Vec<(Duration, Duration)>> = BTreeMap::new();
        for worker in at_work(observation, workers) {
            threads.entry(worker.pid).or_default().push((worker.born, worker.died));
        }
        let whole = |lives: &Vec<(Duration, Duration)>| {
            let born = lives.iter().map(|life| life.0).min().unwrap_or_default();
            let died = lives.iter().map(|life| life.1).max().unwrap_or_default();
            (born, died)
        };
        // CPU time was used, so somebody worked even if the run was too short for us to see who.
        let somebody = usize::from(!cpu.is_zero());
        Self {
            processes: most_together(threads.values().map(whole)).max(somebody),
            threads: threads
                .values()
                .map(|lives| most_together(lives.iter().copied()))
                .max()
                .unwrap_or(0)
                .max(somebody),
        }
    }
}

fn at_work<'a>(observation: &'a Observation, workers: &'a [WorkerProfile]) -> impl Iterator<Item = &'a Worker> {
    let both = observation.workers.iter().zip(workers);
    both.filter(|(_, worker)| worker.role == Role::Working).map(|(raw, _)| raw)
}

/// Most of these lives that overlap anywhere. One that ends where another begins does not overlap it.
fn most_together(lives: impl Iterator<Item = (Duration, Duration)>) -> usize {
    let mut events: Vec<(Duration, i32)> = Vec::new();
    for (born, died) in lives {
        // Seen once is alive for a moment, or it would end before it began.
        events.extend([(born, 1), (died.max(born + Duration::from_nanos(1)), -1)]);
    }
    events.sort_unstable();
    let alive = events.iter().scan(0, |alive, (_, change)| {
        *alive += change;
        Some(*alive)
    });
    usize::try_from(alive.max().unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::profile::Profile;
    use crate::profile::drawing::{CELL, draw};

    fn check(drawing: &str, cpu: u32, waits: &[(BlockedKind, u32)], contention: u32) {
        let demand = Profile::of(&draw(drawing), &Host::default()).demand;
        assert_eq!(demand.cpu, CELL * cpu, "cpu of {drawing}");
        for kind in BlockedKind::ALL {
            let cells = waits.iter().find(|(k, _)| *k == kind).map_or(0, |(_, cells)| *cells);
            assert_eq!(demand.waits[kind], CELL * cells, "{} of {drawing}", kind.name());
        }
        assert_eq!(demand.contention, CELL * contention, "contention of {drawing}");
    }

    #[test]
    fn a_wait_for_a_child_is_the_child_s_work() {
        check("sh/main: #(c)x99\nsleep/main: .(t)x99", 0, &[(BlockedKind::Timer, 99)], 0);
    }

    #[test]
    fn waits_for_a_lock_are_contention() {
        let lines = "a: ttttllll(ttttllll)x5\nb: llllttttt(llllttt)x1(l)x3t(lllltttt)x3";
        let observation = draw(lines);
        let locked: u32 = observation.workers.iter().map(|worker| worker.blocked_ticks[BlockedKind::Lock]).sum();
        let slept: u32 = observation.workers.iter().map(|worker| worker.blocked_ticks[BlockedKind::Timer]).sum();
        check(lines, 0, &[(BlockedKind::Timer, slept)], locked);
    }

    #[test]
    fn a_pipe_to_the_outside_is_work() {
        check("sort: (#pp)x20", 20, &[(BlockedKind::Pipe, 40)], 0);
    }

    #[test]
    fn a_pipe_between_processes_is_waiting_for_one_another() {
        check("cat/main: (#pp)x20\nxz/main: (p##)x20", 60, &[], 0);
    }

    #[test]
    fn start_up_is_not_demand() {
        check("main: ###(t)x97", 0, &[(BlockedKind::Timer, 97)], 0);
    }

    #[test]
    fn cpu_of_workers_that_nobody_saw_is_demand() {
        let mut observation = draw("sh: (#ccc)x50");
        observation.totals.system += CELL * 140;
        observation.totals.voluntary_switches = 1200;
        let profile = Profile::of(&observation, &Host::default());
        assert_eq!(profile.demand.cpu, CELL * 190);
        assert_eq!(profile.demand.wait_count, Some(1200));
        assert_eq!(profile.today, Today { processes: 1, threads: 1 });
    }

    #[test]
    fn waits_are_counted_only_where_every_worker_s_were_readable() {
        let mut observation = draw("a: (#t)x20\nb: (tt#)x20");
        let count = |observation: &Observation| Profile::of(observation, &Host::default()).demand.wait_count;
        assert_eq!(count(&observation), Some(40));
        observation.workers[1].voluntary_switches = None;
        assert_eq!(count(&observation), None);
    }

    #[test]
    fn children_one_after_another_are_one_process_at_work() {
        let profile =
            Profile::of(&draw("sh/main: #(c)x30\na/main: .(#)x10\nb/main: ...........(#)x10"), &Host::default());
        assert_eq!(profile.today, Today { processes: 1, threads: 1 });
    }

    #[test]
    fn children_beside_one_another_are_several() {
        let profile =
            Profile::of(&draw("sh/main: #(c)x30\na/x: .(#)x10\na/y: .(#)x10\nb/main: .(#)x10"), &Host::default());
        assert_eq!(profile.today, Today { processes: 2, threads: 2 });
    }
}
