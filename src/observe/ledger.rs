//! The workers and processes that have ended: kept one by one up to a bound, the least of them added up past it.

use super::{Folded, Observation, Process, Worker};
use std::cmp::Reverse;

/// Sorting out the least is put off until this many are too many, so that each costs little.
const SLACK: usize = Observation::WORKERS_KEPT / 4;

/// What has ended, in bounded memory.
#[derive(Debug, Default)]
pub struct Ledger {
    workers: Vec<Worker>,
    folded: Folded,
    processes: Vec<Process>,
}

impl Ledger {
    /// A worker has ended.
    pub fn bury(&mut self, worker: Worker) {
        self.workers.push(worker);
        if self.workers.len() > Observation::WORKERS_KEPT + SLACK {
            self.fold();
        }
    }

    /// A process has ended. Past the bound those with the least memory are forgotten: their CPU time is in their
    /// workers, and the kernel's totals cover the rest.
    pub fn retire(&mut self, process: Process) {
        self.processes.push(process);
        if self.processes.len() > Observation::WORKERS_KEPT + SLACK {
            self.trim();
        }
    }

    /// Everything, in order of birth: workers, the sum of those not kept, processes.
    pub fn close(mut self) -> (Vec<Worker>, Folded, Vec<Process>) {
        self.fold();
        self.trim();
        self.workers.sort_by_key(|worker| (worker.born, worker.pid, worker.tid));
        let born = |process: &Process| {
            let first = self.workers.iter().position(|worker| worker.pid == process.pid);
            (first.unwrap_or(usize::MAX), process.pid)
        };
        self.processes.sort_by_cached_key(born);
        (self.workers, self.folded, self.processes)
    }

    /// Adds up the workers past the bound that used the least CPU, the shortest-lived among equals.
    fn fold(&mut self) {
        let kept = Observation::WORKERS_KEPT;
        if self.workers.len() <= kept {
            return;
        }
        self.workers.select_nth_unstable_by_key(kept, |worker| Reverse((worker.on_cpu, worker.lifetime())));
        for worker in self.workers.drain(kept..) {
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
    use std::time::Duration;

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
}
