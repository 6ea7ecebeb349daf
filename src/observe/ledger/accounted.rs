//! What was recorded of workers is made to agree with what the kernel accounted, as far as there is a known reason for
//! the difference. What is left of it is for `Totals` to say.

use super::Ledger;
use std::time::Duration;

/// The most that a worker may have used beyond what was recorded of it: giving back a few hundred MB.
const MOST_OF_ENDING: Duration = Duration::from_millis(5);

impl Ledger {
    /// The kernel accounted this much to all of them, and the hypervisor kept up to `stolen` of the machine meanwhile.
    pub fn agree_with(&mut self, accounted: Duration, stolen: Duration) {
        let seen = self.on_cpu();
        match seen.checked_sub(accounted) {
            Some(excess) if excess <= stolen => self.take_back(excess),
            Some(_) => {}
            None => self.share(accounted.saturating_sub(seen)),
        }
    }

    /// Gives CPU time that the kernel accounted to no one that was read, in equal parts, to those whose end was only
    /// recorded: between the records of a switch 3 to 5 µs are lost, and all the work of ending (giving back memory,
    /// closing files) comes after the last record. Not when there is more of it than that explains.
    fn share(&mut self, missing: Duration) {
        let recorded = self.folded_recorded + self.workers.iter().filter(|entry| entry.recorded).count() as u64;
        let Ok(recorded) = u32::try_from(recorded) else { return };
        if recorded == 0 || missing / recorded > MOST_OF_ENDING {
            return;
        }
        let part = missing / recorded;
        for entry in self.workers.iter_mut().filter(|entry| entry.recorded) {
            entry.worker.on_cpu += part;
        }
        // Where ends are recorded, those of short-lived processes are.
        let with_children = self.workers.iter_mut().map(|entry| &mut entry.worker.children);
        for children in with_children.chain(self.credits.values_mut()) {
            children.cpu += part.saturating_mul(u32::try_from(children.count).unwrap_or(u32::MAX));
        }
        self.folded.on_cpu += part.saturating_mul(u32::try_from(self.folded_recorded).unwrap_or(u32::MAX));
    }

    /// A record of a switch tells the clock's time, and while the hypervisor runs somebody else in the middle of a
    /// burst the clock goes on: the kernel does not account that, so neither do we. Whose bursts it was is unknown:
    /// each gives in proportion to what was recorded of it, and was ready to run instead.
    fn take_back(&mut self, excess: Duration) {
        let recorded: Duration =
            self.workers.iter().filter(|entry| entry.recorded).map(|entry| entry.worker.on_cpu).sum();
        if recorded < excess || recorded.is_zero() {
            return;
        }
        let share = excess.as_secs_f64() / recorded.as_secs_f64();
        for entry in self.workers.iter_mut().filter(|entry| entry.recorded) {
            let part = entry.worker.on_cpu.mul_f64(share).min(entry.worker.on_cpu);
            entry.worker.on_cpu -= part;
            entry.worker.runnable += part;
        }
        let with_children = self.workers.iter_mut().map(|entry| &mut entry.worker.children);
        for children in with_children.chain(self.credits.values_mut()) {
            children.cpu = children.cpu.mul_f64(1.0 - share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Worker;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// CPU time in ms of one that was read and two that were recorded, 80 ms in all, when it is settled.
    fn check(accounted: u64, stolen: u64, expected: [u128; 3], why: &str) {
        let mut ledger = Ledger::default();
        let worker = |pid, on_cpu| Worker { pid, on_cpu: ms(on_cpu), ..Worker::default() };
        ledger.bury(worker(1, 50));
        ledger.bury_recorded(worker(2, 10));
        ledger.bury_recorded(worker(3, 20));
        ledger.agree_with(ms(accounted), ms(stolen));
        let (workers, ..) = ledger.close();
        assert_eq!(workers.iter().map(|worker| worker.on_cpu.as_millis()).collect::<Vec<_>>(), expected, "{why}");
        let ready: Duration = workers.iter().map(|worker| worker.runnable).sum();
        let on_cpu: Duration = workers.iter().map(|worker| worker.on_cpu).sum();
        assert_eq!(ready, ms(80).saturating_sub(on_cpu), "what is taken back was readiness to run: {why}");
    }

    #[test]
    fn what_was_lost_at_the_end_is_given_to_those_whose_end_nobody_read() {
        check(84, 0, [50, 12, 22], "the work of ending");
        check(80, 0, [50, 10, 20], "nothing is missing");
        check(180, 0, [50, 10, 20], "more than ending costs");
    }

    #[test]
    fn what_the_hypervisor_kept_is_taken_back_from_those_whose_bursts_were_only_recorded() {
        check(74, 6, [50, 8, 16], "in proportion");
        check(74, 100, [50, 8, 16], "others of the machine lost the rest");
        check(74, 5, [50, 10, 20], "more than was stolen has another reason, and is said");
        check(40, 100, [50, 10, 20], "more than was recorded cannot come from it");
    }
}
