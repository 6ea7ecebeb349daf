//! What each worker was there for: working, coordinating others, or idle.
//!
//! A wait for one's own helpers is not part of the work, and a pool's unused threads did not want anything; both would
//! read as contention. The kernel cannot tell a wait for a lock from a wait for a queue, so this looks at who else was
//! there and at who used the CPU.

use super::worker::WorkerProfile;
use crate::observe::kind::BlockedKind;
use crate::observe::{Observation, Worker};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a worker did in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Did work: its waits are part of the demand.
    #[default]
    Working,
    /// Started or joined others and did next to nothing else: its waits are not part of the demand.
    Coordinating,
    /// Waited all its life for something to do, or only ticked beside those who worked.
    Idle,
}

/// Blocked time that must be waits for others (child, lock, pipe, a client) before a worker may be called coordinating.
const WAITS_FOR_OTHERS: f64 = 0.95;
/// CPU below which a coordinator did "next to nothing", as part of the tree's CPU or of its own life.
const COORDINATORS_CPU: f64 = 0.05;
/// Longest start of a coordinator's life, before its first helper, whose CPU is not held against it: an interpreter
/// that starts up, imports and then joins four sleeping threads used most of that tree's CPU and still only joined.
const SOLO_HEAD: Duration = Duration::from_secs(1);
/// CPU below which a worker had nothing to do, as part of its own life.
const IDLE_CPU: f64 = 0.01;
/// The same as part of the tree's mean CPU per worker: each of 200 threads that take turns at one lock uses 0.5 % of
/// its life and is not idle.
const IDLE_OF_MEAN: f64 = 0.1;
/// CPU of the tree, as part of its own life, beside which a lone quiet thread is a bystander.
const OTHERS_COMPUTE: f64 = 0.5;
/// Ancestors followed at most; a recording may hold a cycle.
const DEPTH: usize = 64;

/// Gives each worker its role. `workers` are the accounts of `observation.workers`, in the same order.
pub(super) fn assign(observation: &Observation, workers: &mut [WorkerProfile]) {
    if workers.len() + usize::try_from(observation.folded.workers).unwrap_or(usize::MAX) <= 1 {
        return;
    }
    let raw = &observation.workers;
    let parents = parents(observation);
    let anyone = Helpers::of(raw.iter(), &parents);
    let tree_cpu = workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + observation.folded.on_cpu;
    let waiting: Vec<bool> =
        raw.iter().zip(&*workers).map(|(raw, worker)| only_waits(raw, worker, &anyone, tree_cpu)).collect();
    let mean_cpu = tree_cpu.as_secs_f64() / workers.len() as f64;
    let bystanders = bystanders(workers, tree_cpu, mean_cpu);
    let working = working(raw, workers, &waiting, &bystanders, &anyone);
    let workers_at_work = raw.iter().zip(&working).filter(|(_, working)| **working).map(|(raw, _)| raw);
    let helpers = Helpers::of(workers_at_work, &parents);
    for (i, worker) in workers.iter_mut().enumerate() {
        worker.role = if working[i] {
            Role::Working
        } else if helpers.overlap(&raw[i]) {
            Role::Coordinating
        } else if bystanders[i] || (quiet(worker, mean_cpu) && queued(worker)) {
            Role::Idle
        } else {
            Role::Working
        };
    }
}

/// Who certainly worked: everyone that did not only wait for others. Where all did, those that were also seen waiting
/// for the outside (a lock convoy of fifty is 98 % lock); failing that, those with nobody to wait for (`cat` below a
/// shell); failing that, everyone, because somebody must have.
fn working(
    raw: &[Worker],
    workers: &[WorkerProfile],
    waiting: &[bool],
    bystanders: &[bool],
    anyone: &Helpers,
) -> Vec<bool> {
    let not_waiting = waiting.iter().zip(bystanders).map(|(waiting, bystander)| !waiting && !bystander).collect();
    let outside = workers.iter().map(|worker| outside(worker) > Duration::ZERO).collect();
    let alone = raw.iter().map(|raw| !anyone.overlap(raw)).collect();
    [not_waiting, outside, alone]
        .into_iter()
        .find(|candidates: &Vec<bool>| candidates.contains(&true))
        .unwrap_or_else(|| vec![true; workers.len()])
}

/// Whether the worker did next to nothing but wait for others of the tree.
fn only_waits(raw: &Worker, worker: &WorkerProfile, anyone: &Helpers, tree_cpu: Duration) -> bool {
    let for_others = worker.blocked.saturating_sub(outside(worker));
    let head = anyone.first_born(raw).map_or(Duration::ZERO, |born| born.saturating_sub(raw.born)).min(SOLO_HEAD);
    let cpu = worker.on_cpu.saturating_sub(head);
    let little = |whole: Duration| cpu <= whole.mul_f64(COORDINATORS_CPU);
    !worker.blocked.is_zero()
        && for_others >= worker.blocked.mul_f64(WAITS_FOR_OTHERS)
        && (little(tree_cpu) || little(worker.lifetime()))
}

/// Threads that were only there: a heartbeat, a runtime's monitor, a listener nobody calls. Next to no CPU, beside
/// others that computed, and the only such thread of its process to wait for what it waits for: several are taken for
/// a pool whose work it is to wait.
fn bystanders(workers: &[WorkerProfile], tree_cpu: Duration, mean_cpu: f64) -> Vec<bool> {
    let mut alike: BTreeMap<(i32, BlockedKind), usize> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| quiet(worker, mean_cpu)) {
        *alike.entry((worker.pid, mostly(worker))).or_default() += 1;
    }
    let bystander = |worker: &WorkerProfile| {
        worker.tid != worker.pid
            && quiet(worker, mean_cpu)
            && alike.get(&(worker.pid, mostly(worker))) == Some(&1)
            && tree_cpu >= worker.lifetime().mul_f64(OTHERS_COMPUTE)
    };
    workers.iter().map(bystander).collect()
}

/// Next to no CPU, of its own life and beside the others. Its waits for a core are the machine's doing.
fn quiet(worker: &WorkerProfile, mean_cpu: f64) -> bool {
    worker.on_cpu <= worker.lifetime().mul_f64(IDLE_CPU) && worker.on_cpu.as_secs_f64() <= mean_cpu * IDLE_OF_MEAN
}

/// Waited for something to do, as a pool's threads and a server's do.
fn queued(worker: &WorkerProfile) -> bool {
    let queued: Duration =
        [BlockedKind::Lock, BlockedKind::Pipe, BlockedKind::Idle].into_iter().map(|kind| worker.blocked_by[kind]).sum();
    queued >= worker.blocked.mul_f64(WAITS_FOR_OTHERS)
}

/// What it was blocked on longest.
fn mostly(worker: &WorkerProfile) -> BlockedKind {
    worker.blocked_by.iter().max_by_key(|(_, time)| **time).map_or(BlockedKind::Other, |(kind, _)| kind)
}

/// Blocked time that waited for nobody of the tree.
fn outside(worker: &WorkerProfile) -> Duration {
    [BlockedKind::Disk, BlockedKind::PageFault, BlockedKind::Network, BlockedKind::Timer, BlockedKind::Other]
        .into_iter()
        .map(|kind| worker.blocked_by[kind])
        .sum()
}

/// For each process, the life of those that its first thread may have been waiting for: its other threads and every
/// worker of the processes below it.
struct Helpers(BTreeMap<i32, (Duration, Duration)>);

impl Helpers {
    fn of<'a>(workers: impl Iterator<Item = &'a Worker>, parents: &BTreeMap<i32, i32>) -> Self {
        let mut lives: BTreeMap<i32, (Duration, Duration)> = BTreeMap::new();
        for worker in workers {
            let own = (worker.tid != worker.pid).then_some(worker.pid);
            let above = std::iter::successors(parents.get(&worker.pid), |pid| parents.get(pid)).take(DEPTH);
            for pid in own.into_iter().chain(above.copied().filter(|pid| *pid != worker.pid)) {
                let life = lives.entry(pid).or_insert((worker.born, worker.died));
                *life = (life.0.min(worker.born), life.1.max(worker.died));
            }
        }
        Self(lives)
    }

    /// When the first of them was born, for a process's first thread.
    fn first_born(&self, worker: &Worker) -> Option<Duration> {
        if worker.tid != worker.pid {
            return None;
        }
        self.0.get(&worker.pid).map(|(born, _)| *born)
    }

    /// Whether any of them lived beside this worker; never for a thread that is not its process's first.
    fn overlap(&self, worker: &Worker) -> bool {
        worker.tid == worker.pid
            && self.0.get(&worker.pid).is_some_and(|(born, died)| *born <= worker.died && *died >= worker.born)
    }
}

fn parents(observation: &Observation) -> BTreeMap<i32, i32> {
    let by_worker = observation.workers.iter().map(|worker| (worker.pid, worker.parent));
    let by_process = observation.processes.iter().map(|process| (process.pid, process.parent));
    by_worker.chain(by_process).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::drawing::draw;

    fn check(drawing: &str, expect: &[Role]) {
        let observation = draw(drawing);
        let mut workers = super::super::worker::account(&observation);
        assign(&observation, &mut workers);
        let roles: Vec<Role> = workers.iter().map(|worker| worker.role).collect();
        assert_eq!(roles, expect, "{drawing}");
    }

    #[test]
    fn a_single_worker_works_even_if_it_only_waits_for_a_pipe() {
        check("cat: (p)x100", &[Role::Working]);
    }

    #[test]
    fn a_shell_that_waits_for_its_child_coordinates() {
        check("sh/main: #(c)x99\nsleep/main: .(t)x99", &[Role::Coordinating, Role::Working]);
    }

    #[test]
    fn a_shell_that_waits_for_a_reader_of_standard_input_coordinates() {
        check("sh/main: #(c)x99\ncat/main: .(p)x99", &[Role::Coordinating, Role::Working]);
    }

    #[test]
    fn a_main_thread_that_starts_up_and_joins_sleepers_coordinates() {
        check(
            "python3/main: ###(l)x97\npython3/a: ...(t)x97\npython3/b: ...(t)x97",
            &[Role::Coordinating, Role::Working, Role::Working],
        );
    }

    #[test]
    fn a_parent_above_a_parent_coordinates_too() {
        let mut observation = draw("sh/main: #(c)x99\nmake/main: .#(c)x98\ncc/main: ..(#)x98");
        observation.workers[2].parent = observation.workers[1].pid;
        observation.processes[2].parent = observation.workers[1].pid;
        let mut workers = super::super::worker::account(&observation);
        assign(&observation, &mut workers);
        let roles: Vec<Role> = workers.iter().map(|worker| worker.role).collect();
        assert_eq!(roles, [Role::Coordinating, Role::Coordinating, Role::Working]);
    }

    #[test]
    fn a_pool_thread_with_nothing_to_do_is_idle() {
        check("app/main: (##nn)x50\napp/pool: (l)x200", &[Role::Working, Role::Idle]);
    }

    #[test]
    fn a_server_s_thread_without_a_client_is_idle_and_its_acceptor_coordinates() {
        check(
            "app/main: #(i)x199\napp/busy: .(##ni)x50\napp/free: .(i)x199",
            &[Role::Coordinating, Role::Working, Role::Idle],
        );
    }

    #[test]
    fn a_lone_heartbeat_beside_computing_is_idle() {
        check("app/main: (#)x200\napp/heartbeat: (t)x200", &[Role::Working, Role::Idle]);
    }

    #[test]
    fn several_that_wait_beside_computing_work() {
        let fetch = "app/fetch: (n)x200";
        check(&format!("app/main: (#)x200\n{fetch}\n{fetch}"), &[Role::Working; 3]);
    }

    #[test]
    fn a_lone_waiter_that_nobody_computes_beside_works() {
        check("app/main: ##(l)x198\napp/fetch: ..(n)x198", &[Role::Coordinating, Role::Working]);
    }

    #[test]
    fn a_main_thread_that_computes_beside_its_helpers_works() {
        check("app/main: (#l)x50\napp/helper: (#t)x50", &[Role::Working, Role::Working]);
    }

    #[test]
    fn threads_that_take_turns_at_a_lock_all_work() {
        let turns: Vec<String> =
            (0..40).map(|i| format!("app/{i}: .{}t{}", "l".repeat(i * 2), "l".repeat(79 - i * 2))).collect();
        let mut expect = vec![Role::Coordinating];
        expect.resize(41, Role::Working);
        check(&format!("app/main: #(l)x80\n{}", turns.join("\n")), &expect);
    }

    #[test]
    fn a_cycle_of_parents_ends() {
        let mut observation = draw("a/main: #(c)x9\nb/main: #(c)x9");
        observation.workers[0].parent = observation.workers[1].pid;
        observation.processes[0].parent = observation.workers[1].pid;
        let mut workers = super::super::worker::account(&observation);
        assign(&observation, &mut workers);
        assert!(workers.iter().any(|worker| worker.role == Role::Working));
    }
}
