//! The workers and processes that have ended: kept one by one up to a bound, the least of them added up past it. Here
//! short-lived processes are credited to the one that they were born from, too.

mod accounted;

use super::{Children, Folded, Observation, Process, Worker};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// Sorting out the least is put off until this many are too many, so that each costs little.
const SLACK: usize = Observation::WORKERS_KEPT / 4;

/// What has ended, in bounded memory.
#[derive(Debug, Default)]
pub struct Ledger {
    workers: Vec<Entry>,
    folded: Folded,
    /// Of those added up, how many were only recorded at their end.
    folded_recorded: u64,
    processes: Vec<Process>,
    /// Of processes of which a worker has ended, and not yet they themselves.
    lives: BTreeMap<i32, Life>,
    /// What is credited to a process whose first thread has not ended, by its id.
    credits: BTreeMap<i32, Children>,
}

/// What is known of one process by its workers that have ended.
#[derive(Debug)]
struct Life {
    parent: i32,
    born: Duration,
    died: Duration,
    used: Children,
    /// Whether its first thread is among them.
    first: bool,
}

/// A worker, and whether its last moments are known from records of switches alone.
#[derive(Debug)]
struct Entry {
    worker: Worker,
    recorded: bool,
}

impl Ledger {
    /// A worker has ended.
    pub fn bury(&mut self, worker: Worker) {
        self.enter(Entry { worker, recorded: false });
    }

    /// A worker has ended whose last moments are known from records of switches alone.
    pub fn bury_recorded(&mut self, worker: Worker) {
        self.enter(Entry { worker, recorded: true });
    }

    /// CPU time of all.
    pub fn on_cpu(&self) -> Duration {
        self.workers.iter().map(|entry| entry.worker.on_cpu).sum::<Duration>() + self.folded.on_cpu
    }

    fn enter(&mut self, mut entry: Entry) {
        let worker = &mut entry.worker;
        let first = worker.tid == worker.pid;
        if first {
            worker.children.absorb(&self.credits.remove(&worker.pid).unwrap_or_default());
        }
        let Worker { parent, born, died, .. } = *worker;
        let new = Life { parent, born, died, used: Children::default(), first: false };
        let life = self.lives.entry(worker.pid).or_insert(new);
        (life.born, life.died) = (life.born.min(born), life.died.max(died));
        life.used.count += u64::from(first && !std::mem::replace(&mut life.first, true));
        life.used.cpu += worker.on_cpu;
        life.used.absorb(&worker.children);
        self.workers.push(entry);
        if self.workers.len() > Observation::WORKERS_KEPT + SLACK {
            self.fold();
        }
    }

    /// A process has ended, and its workers before it. Past the bound those with the least memory are forgotten: their
    /// CPU time is in their workers, and the kernel's totals cover the rest.
    pub fn retire(&mut self, process: Process) {
        if let Some(mut life) = self.lives.remove(&process.pid) {
            life.used.peak_memory = life.used.peak_memory.max(process.peak_pss.unwrap_or(process.peak_rss));
            self.credit(&life);
        }
        self.processes.push(process);
        if self.processes.len() > Observation::WORKERS_KEPT + SLACK {
            self.trim();
        }
    }

    /// A process has ended that nobody met, but its first thread's records.
    pub fn retire_unmet(&mut self, pid: i32) {
        if let Some(life) = self.lives.remove(&pid) {
            self.credit(&life);
        }
    }

    /// Everything, in order of birth: workers, the sum of those not kept, processes.
    pub fn close(mut self) -> (Vec<Worker>, Folded, Vec<Process>) {
        for life in std::mem::take(&mut self.lives).into_values() {
            self.credit(&life);
        }
        self.fold();
        self.trim();
        self.workers.sort_by_key(|Entry { worker, .. }| (worker.born, worker.pid, worker.tid));
        self.settle();
        let workers: Vec<Worker> = self.workers.into_iter().map(|entry| entry.worker).collect();
        let mut first: BTreeMap<i32, usize> = BTreeMap::new();
        for (place, worker) in workers.iter().enumerate() {
            first.entry(worker.pid).or_insert(place);
        }
        self.processes.sort_by_key(|process| (first.get(&process.pid).copied().unwrap_or(usize::MAX), process.pid));
        (workers, self.folded, self.processes)
    }

    fn credit(&mut self, life: &Life) {
        if life.died.saturating_sub(life.born) < Children::SHORT_LIFE {
            self.credits.entry(life.parent).or_default().absorb(&life.used);
        }
    }

    /// Credits those whose parent's first thread ended before them, be that parent short-lived itself. Who was born
    /// from nobody that we kept is credited to nobody, and keeps a line of its own.
    fn settle(&mut self) {
        for (pid, children) in std::mem::take(&mut self.credits) {
            let mut place = self.first_thread(pid);
            let mut earliest = self.workers.len();
            while let Some(at) = place.filter(|at| *at < earliest) {
                let worker = &mut self.workers[at].worker;
                worker.children.absorb(&children);
                // A parent is born before its child, so this ends.
                earliest = at;
                let (is_short, parent) = (worker.lifetime() < Children::SHORT_LIFE, worker.parent);
                place = if is_short { self.first_thread(parent) } else { None };
            }
        }
    }

    /// The record of a process's first thread, in its last program.
    fn first_thread(&self, pid: i32) -> Option<usize> {
        self.workers.iter().rposition(|Entry { worker, .. }| worker.pid == pid && worker.tid == pid)
    }

    /// Adds up the workers past the bound that used the least CPU, the shortest-lived among equals; not those that others
    /// are credited to.
    fn fold(&mut self) {
        let kept = Observation::WORKERS_KEPT;
        if self.workers.len() <= kept {
            return;
        }
        let weight = |worker: &Worker| (worker.children.count > 0, worker.on_cpu, worker.lifetime());
        self.workers.select_nth_unstable_by_key(kept, |entry| Reverse(weight(&entry.worker)));
        for Entry { worker, recorded } in self.workers.drain(kept..) {
            self.folded_recorded += u64::from(recorded);
            self.folded.workers += 1;
            self.folded.on_cpu += worker.on_cpu;
            self.folded.runnable += worker.runnable;
            self.folded.alive += worker.lifetime();
        }
    }

    fn trim(&mut self) {
        let kept = Observation::WORKERS_KEPT;
        if self.processes.len() > kept {
            self.processes.select_nth_unstable_by_key(kept, |process| Reverse(process.peak_rss));
            self.processes.truncate(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    #[test]
    fn past_the_bound_the_workers_with_the_least_cpu_are_added_up() {
        let mut ledger = Ledger::default();
        let total = 3 * Observation::WORKERS_KEPT as u64;
        for i in 0..total {
            // Scattered, so that the order of death does not help.
            let on_cpu = Duration::from_micros(i * 7919 % total);
            ledger.bury(Worker { tid: i as i32, on_cpu, died: Duration::from_millis(1), ..Worker::default() });
            assert!(ledger.workers.len() <= Observation::WORKERS_KEPT + SLACK);
        }
        let (workers, folded, _) = ledger.close();
        assert_eq!(workers.len() as u64 + folded.workers, total);
        assert_eq!(folded.alive, Duration::from_millis(folded.workers));
        let least_kept = workers.iter().map(|worker| worker.on_cpu).min();
        assert_eq!(least_kept, Some(Duration::from_micros(total - workers.len() as u64)));
        let sum: Duration = workers.iter().map(|worker| worker.on_cpu).sum();
        assert_eq!(sum + folded.on_cpu, Duration::from_micros(total * (total - 1) / 2));
    }

    #[test]
    fn the_kept_are_listed_by_birth() {
        let mut ledger = Ledger::default();
        for (pid, born) in [(7, 30), (9, 10), (8, 20)] {
            ledger.bury(Worker { pid, tid: pid, born: Duration::from_millis(born), ..Worker::default() });
            ledger.retire(Process { pid, ..Process::default() });
        }
        let (workers, folded, processes) = ledger.close();
        assert_eq!(workers.iter().map(|worker| worker.pid).collect::<Vec<_>>(), [9, 8, 7]);
        assert_eq!(processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [9, 8, 7]);
        assert_eq!(folded, Folded::default());
    }

    /// A process of one thread ends that lived this many milliseconds and computed for one.
    fn end(ledger: &mut Ledger, pid: i32, parent: i32, lived: u64) {
        let (on_cpu, died) = (Duration::from_millis(1), Duration::from_millis(lived));
        ledger.bury(Worker { pid, tid: pid, parent, on_cpu, died, ..Worker::default() });
        ledger.retire(Process { pid, parent, peak_rss: Bytes(pid.unsigned_abs().into()), ..Process::default() });
    }

    fn check(ends: &[(i32, i32, u64)], of: i32, count: u64, largest: u64) {
        let mut ledger = Ledger::default();
        ends.iter().for_each(|(pid, parent, lived)| end(&mut ledger, *pid, *parent, *lived));
        let (workers, ..) = ledger.close();
        let parent = workers.iter().find(|worker| worker.pid == of).expect("it is kept");
        let cpu = Duration::from_millis(count);
        assert_eq!(parent.children, Children { count, cpu, peak_memory: Bytes(largest) }, "{ends:?}");
    }

    #[test]
    fn short_lived_processes_are_credited_to_the_one_they_were_born_from() {
        check(&[(8, 7, 5), (9, 7, 99), (7, 1, 500)], 7, 2, 9);
        check(&[(8, 7, 100), (7, 1, 500)], 7, 0, 0);
        check(&[(8, 3, 5), (7, 1, 500)], 7, 0, 0);
    }

    #[test]
    fn the_children_of_a_short_lived_child_are_its_parent_s_too() {
        check(&[(9, 8, 5), (8, 7, 50), (7, 1, 500)], 7, 2, 9);
        // Whoever ends first.
        check(&[(8, 7, 5), (7, 1, 500), (9, 7, 50)], 7, 2, 9);
        check(&[(8, 7, 50), (9, 8, 5), (7, 1, 500)], 7, 2, 9);
    }

    #[test]
    fn a_program_s_children_are_not_those_of_the_one_that_it_becomes() {
        let mut ledger = Ledger::default();
        let worker = |born, died| {
            let (born, died) = (Duration::from_millis(born), Duration::from_millis(died));
            Worker { pid: 7, tid: 7, parent: 1, born, died, ..Worker::default() }
        };
        end(&mut ledger, 8, 7, 5);
        ledger.bury(worker(0, 300));
        end(&mut ledger, 9, 7, 5);
        end(&mut ledger, 10, 7, 5);
        ledger.bury(worker(300, 400));
        ledger.retire(Process { pid: 7, ..Process::default() });
        let (workers, ..) = ledger.close();
        let counts: Vec<u64> =
            workers.iter().filter(|worker| worker.pid == 7).map(|worker| worker.children.count).collect();
        assert_eq!(counts, [1, 2]);
    }

    #[test]
    fn a_hundred_thousand_children_of_one_process_are_credited_in_bounded_memory() {
        let mut ledger = Ledger::default();
        for pid in 100..100_100 {
            end(&mut ledger, pid, 7, 2);
            assert!(ledger.lives.is_empty() && ledger.credits.len() == 1);
        }
        end(&mut ledger, 7, 1, 60_000);
        let (workers, folded, _) = ledger.close();
        let parent = workers.iter().find(|worker| worker.pid == 7).expect("it is kept");
        assert_eq!(parent.children.count, 100_000);
        assert_eq!(workers.len() as u64 + folded.workers, 100_001);
    }
}
