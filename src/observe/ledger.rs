//! The workers and processes that have ended: kept one by one up to a bound, the least of them added up past it.

use super::{Folded, Observation, Process, Worker};
use std::cmp::Reverse;
use std::time::Duration;

/// Sorting out the least is put off until this many are too many, so that each costs little.
const SLACK: usize = Observation::WORKERS_KEPT / 4;
/// The most that a worker may have used beyond what was recorded of it: giving back a few hundred MB.
const MOST_OF_ENDING: Duration = Duration::from_millis(5);

/// What has ended, in bounded memory.
#[derive(Debug, Default)]
pub struct Ledger {
    workers: Vec<Entry>,
    folded: Folded,
    /// Of those added up, how many were only recorded at their end.
    folded_recorded: u64,
    processes: Vec<Process>,
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

    /// Gives CPU time that the kernel accounted to no one that was read, in equal parts, to those whose end was only
    /// recorded: between the records of a switch 3 to 5 µs are lost, and all the work of ending (giving back memory,
    /// closing files) comes after the last record. Not when there is more of it than that explains.
    pub fn share(&mut self, missing: Duration) {
        let recorded = self.folded_recorded + self.workers.iter().filter(|entry| entry.recorded).count() as u64;
        let Ok(recorded) = u32::try_from(recorded) else { return };
        if recorded == 0 || missing / recorded > MOST_OF_ENDING {
            return;
        }
        let part = missing / recorded;
        for entry in self.workers.iter_mut().filter(|entry| entry.recorded) {
            entry.worker.on_cpu += part;
        }
        self.folded.on_cpu += part.saturating_mul(u32::try_from(self.folded_recorded).unwrap_or(u32::MAX));
    }

    fn enter(&mut self, entry: Entry) {
        self.workers.push(entry);
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
        let mut workers: Vec<Worker> = self.workers.into_iter().map(|entry| entry.worker).collect();
        workers.sort_by_key(|worker| (worker.born, worker.pid, worker.tid));
        let born = |process: &Process| {
            let first = workers.iter().position(|worker| worker.pid == process.pid);
            (first.unwrap_or(usize::MAX), process.pid)
        };
        self.processes.sort_by_cached_key(born);
        (workers, self.folded, self.processes)
    }

    /// Adds up the workers past the bound that used the least CPU, the shortest-lived among equals.
    fn fold(&mut self) {
        let kept = Observation::WORKERS_KEPT;
        if self.workers.len() <= kept {
            return;
        }
        self.workers.select_nth_unstable_by_key(kept, |entry| Reverse((entry.worker.on_cpu, entry.worker.lifetime())));
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

    /// CPU time in ms of one that was read and two that were recorded, folded ones included, after sharing.
    fn shared(missing: Duration) -> Vec<u128> {
        let mut ledger = Ledger::default();
        let worker = |pid, ms| Worker { pid, on_cpu: Duration::from_millis(ms), ..Worker::default() };
        ledger.bury(worker(1, 50));
        ledger.bury_recorded(worker(2, 10));
        ledger.bury_recorded(worker(3, 20));
        ledger.share(missing);
        ledger.close().0.iter().map(|worker| worker.on_cpu.as_millis()).collect()
    }

    #[test]
    fn what_was_lost_at_the_end_is_given_to_those_whose_end_nobody_read() {
        assert_eq!(shared(Duration::from_millis(4)), [50, 12, 22]);
        assert_eq!(shared(Duration::ZERO), [50, 10, 20]);
        assert_eq!(shared(Duration::from_millis(100)), [50, 10, 20], "more than ending costs");
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
