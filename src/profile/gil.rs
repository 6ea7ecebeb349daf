//! Who waited for the GIL and how much of the CPU work holds it: as the sampler read it in the interpreter, and where
//! it could not, by its signature.
//!
//! The signature infers; it does not prove. Threads of one CPython process that keep asking for CPU, wait on futexes,
//! and together are given one core and no more are taking turns at the GIL. (Or at a lock of the program's own around
//! pure computing, which no more threads would help either.) Of a process whose lock was read nothing is inferred.

use super::roles::Role;
use super::worker::WorkerProfile;
use crate::observe::kind::BlockedKind;
use crate::observe::{Gil as Seen, Observation, Process};
use crate::units::Share;
use std::collections::BTreeMap;
use std::time::Duration;

/// CPU demand, as part of an equal share, from which a thread counts as contending. A producer at 100 % beside four
/// consumers at 2 % contends with nobody: they wait for its items, not for its lock.
const CONTENDS: f64 = 0.25;
/// Cores that threads taking turns at one lock must at least ask for together. One, less the sampling's coarseness;
/// well below it they wait for something else, such as a holder that sleeps.
const ONE_CORE_LOW: f64 = 0.8;
/// Cores they can at most be given together: one, and what waking up to look at the lock costs (four spinning threads
/// measured 1.08).
const ONE_CORE_HIGH: f64 = 1.15;
/// Cores from which the threads clearly compute beside one another, so the GIL is released.
const BEYOND_ONE_CORE: f64 = 1.3;
/// Part of the contenders' time that must be lock wait. Four spinning threads measured 61 %; two of them wait half.
const LOCK_WAIT: f64 = 0.2;
/// Moments at which a process computes from which its lock counts as read: ten leave the share 16 points either way, which still tells
/// computing that holds it from computing that does not.
const FEWEST_MOMENTS: u32 = 10;
/// Part of the tree's CPU time that must have been judged before a share is told for all of it.
const JUDGED: f64 = 0.5;

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gil {
    /// Whether lock wait was moved to GIL wait.
    pub inferred: bool,
    /// Part of the on-CPU time that holds the GIL; see [`super::Profile::gil_share`].
    pub share: Option<Share>,
}

/// Adds up what was read, process by process, and moves the lock wait of contenders to the GIL where nothing was.
pub(super) fn judge(observation: &Observation, workers: &mut [WorkerProfile]) -> Gil {
    let mut gil = Gil::default();
    let (mut held, mut judged) = (Duration::ZERO, Duration::ZERO);
    for (process, members) in threads_by_process(observation, workers) {
        let share = match measured(process) {
            Some(share) => share,
            None => match infer(observation, workers, &members, &mut gil.inferred) {
                Some(share) => share,
                None => continue,
            },
        };
        let cpu: Duration = members.iter().map(|i| workers[*i].on_cpu).sum();
        held += cpu.mul_f64(share);
        judged += cpu;
    }
    let tree: Duration = workers.iter().map(|worker| worker.on_cpu).sum();
    if judged >= tree.mul_f64(JUDGED) {
        gil.share = Share::of(held, judged);
    }
    gil
}

/// The share that was read.
fn measured(process: &Process) -> Option<f64> {
    match process.gil {
        Seen::Sampled(seen) if seen.computing >= FEWEST_MOMENTS && !seen.on_cpu.is_zero() => {
            Some(seen.holding.as_secs_f64() / seen.on_cpu.as_secs_f64())
        }
        Seen::Sampled(_) | Seen::Absent | Seen::Unread => None,
    }
}

/// The share by the signature, whose lock waits become GIL waits; `None` when there is no signature.
fn infer(
    observation: &Observation,
    workers: &mut [WorkerProfile],
    members: &[usize],
    inferred: &mut bool,
) -> Option<f64> {
    let contenders = contenders(workers, members);
    if contenders.len() < 2 || contenders.iter().any(|i| !workers[*i].blocked_by[BlockedKind::Gil].is_zero()) {
        return None;
    }
    let signs = Signs::of(observation, workers, &contenders);
    if signs.take_turns() {
        *inferred = true;
        for &i in &contenders {
            let kinds = &mut workers[i].blocked_by;
            kinds[BlockedKind::Gil] = std::mem::take(&mut kinds[BlockedKind::Lock]);
        }
        Some(1.0)
    } else if signs.cores >= BEYOND_ONE_CORE {
        Some(held_share(signs.lock_wait, contenders.len()).min(1.0 / signs.cores))
    } else {
        None
    }
}

/// CPython processes and the working threads of each, by index.
fn threads_by_process<'a>(
    observation: &'a Observation,
    workers: &[WorkerProfile],
) -> impl Iterator<Item = (&'a Process, Vec<usize>)> + use<'a> {
    let mut threads: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (i, worker) in workers.iter().enumerate().filter(|(_, worker)| worker.role == Role::Working) {
        threads.entry(worker.pid).or_default().push(i);
    }
    let processes = observation.processes.iter().filter(|process| has_gil(process));
    processes.map(move |process| (process, threads.get(&process.pid).cloned().unwrap_or_default()))
}

/// Whether this is a CPython with its lock. One whose memory could not be read is judged by the name of its executable:
/// `python3.12`, but not the free-threaded build's `python3.13t`.
fn has_gil(process: &Process) -> bool {
    match process.gil {
        Seen::Sampled(_) => return true,
        Seen::Absent => return false,
        Seen::Unread => {}
    }
    let name = process.executable.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.contains("python") && !(name.ends_with('t') && name.contains("3.")))
}

/// Those that ask for a fair part of the process's CPU.
fn contenders(workers: &[WorkerProfile], members: &[usize]) -> Vec<usize> {
    let asked: Duration = members.iter().map(|i| workers[*i].computing()).sum();
    let fair = asked.div_f64(members.len().max(1) as f64);
    members.iter().copied().filter(|i| workers[*i].computing() > fair.mul_f64(CONTENDS)).collect()
}

/// What the contenders of one process did together while any of them was alive.
struct Signs {
    /// Cores they were given.
    cores: f64,
    /// Cores they were given or waited for.
    asked: f64,
    /// Part of their time that was lock wait.
    lock_wait: f64,
}

impl Signs {
    fn of(observation: &Observation, workers: &[WorkerProfile], contenders: &[usize]) -> Self {
        let raw = || contenders.iter().map(|i| &observation.workers[*i]);
        let born = raw().map(|worker| worker.born).min().unwrap_or_default();
        let died = raw().map(|worker| worker.died).max().unwrap_or_default();
        let window = died.saturating_sub(born);
        let sum =
            |time: fn(&WorkerProfile) -> Duration| contenders.iter().map(|i| time(&workers[*i])).sum::<Duration>();
        let part = |time: Duration, whole: Duration| {
            if whole.is_zero() { 0.0 } else { time.as_secs_f64() / whole.as_secs_f64() }
        };
        Self {
            cores: part(sum(|worker| worker.on_cpu), window),
            asked: part(sum(WorkerProfile::computing), window),
            lock_wait: part(sum(|worker| worker.blocked_by[BlockedKind::Lock]), sum(WorkerProfile::lifetime)),
        }
    }

    fn take_turns(&self) -> bool {
        self.lock_wait >= LOCK_WAIT && self.asked >= ONE_CORE_LOW && self.cores <= ONE_CORE_HIGH
    }
}

/// The share of its computing for which each of `threads` would have to hold one lock, to spend `lock_wait` of its
/// time waiting for it: the interactive closed queue with one server, solved by mean value analysis (Reiser &
/// Lavenberg 1980; the model of Denning & Buzen 1978), inverted by bisection. All lock wait is taken for GIL wait, so
/// this leans high.
fn held_share(lock_wait: f64, threads: usize) -> f64 {
    let wait_at = |held: f64| {
        let (mut queue, mut response) = (0.0, held);
        for n in 1..=threads {
            response = held * (1.0 + queue);
            queue = n as f64 * response / (response + 1.0 - held);
        }
        (response - held) / (response + 1.0 - held)
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if wait_at(middle) < lock_wait { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::profile::drawing::draw;

    /// Four threads, each a quarter turn behind the one before.
    fn four(process: &str, turn: &str) -> String {
        let cells: Vec<char> = turn.chars().collect();
        let line = |i: usize| {
            let from = i * cells.len() / 4;
            let turn: String = cells[from..].iter().chain(&cells[..from]).collect();
            format!("{process}/t{i}: ..({turn})x25\n")
        };
        format!("{process}/main: ##({})x25\n", "l".repeat(cells.len())) + &(0..4).map(line).collect::<String>()
    }

    fn check(drawing: &str, inferred: bool, share: Option<std::ops::RangeInclusive<f64>>) {
        let profile = Profile::of(&draw(drawing), &crate::host::Host::default());
        assert_eq!(profile.gil_inferred, inferred, "{drawing}");
        assert_eq!(!inferred, profile.blocked_by[BlockedKind::Gil] == Share::ZERO, "{drawing}");
        match (share, profile.gil_share) {
            (None, None) => {}
            (Some(range), Some(share)) if range.contains(&share.get()) => {}
            (want, got) => panic!("want a GIL share of {want:?}, got {got:?}: {drawing}"),
        }
    }

    #[test]
    fn four_threads_on_one_core_s_worth_wait_for_the_gil() {
        check(&four("python3.11", "##rlllll"), true, Some(1.0..=1.0));
    }

    #[test]
    fn the_same_threads_in_a_native_program_wait_for_a_lock() {
        check(&four("app", "##rlllll"), false, None);
    }

    #[test]
    fn the_same_threads_in_a_free_threaded_build_wait_for_a_lock() {
        check(&four("python3.13t", "##rlllll"), false, None);
    }

    #[test]
    fn threads_that_wait_for_a_sleeping_lock_holder_do_not_wait_for_the_gil() {
        check(&four("python3.11", "ttllllll"), false, None);
    }

    #[test]
    fn threads_that_use_two_cores_without_lock_waits_release_the_gil() {
        check(&four("python3.11", "####rrrr"), false, Some(0.0..=0.05));
    }

    #[test]
    fn threads_that_use_more_than_a_core_with_lock_waits_hold_it_for_part_of_the_time() {
        check(&four("python3.11", "####llll"), false, Some(0.3..=0.5));
    }

    #[test]
    fn consumers_that_wait_for_one_busy_producer_do_not_wait_for_the_gil() {
        let consumer = ".(llllllllllllllllllllllll#)x8\n";
        let lines = format!("python3/main: (#)x201\npython3/a: {consumer}python3/b: {consumer}");
        check(&lines, false, None);
    }

    #[test]
    fn gil_waits_that_were_read_from_the_interpreter_stay_as_they_are() {
        let profile = Profile::of(&draw(&four("python3.11", "##rggggg")), &crate::host::Host::default());
        assert!(!profile.gil_inferred);
        assert!(profile.blocked_by[BlockedKind::Gil].get() > 0.5);
    }

    #[test]
    fn the_queue_s_ends_are_known() {
        // Two threads that hold the lock all the time they compute each wait half their life.
        assert!((held_share(0.5, 2) - 1.0).abs() < 1e-6);
        assert!(held_share(0.0, 2) < 1e-6);
    }
}
