//! The CPU time of a tree that is watched from some moment on, by the kernel's own sums. A tree that is not ours is
//! reaped by others, so nothing is handed to us at its end; but a parent that waits for a child is credited with all
//! that the child ever used, and what it is credited with beyond the children that were seen is of children that
//! nobody saw.
//!
//! How exact the sums are is the kernel's tick; what was seen of a worker is told exactly by `worker`.

use super::Totals;
use super::readings::{Stat, TICK};
use super::{Folded, Process, Worker};
use crate::units::Bytes;
use std::time::Duration;

/// What the kernel counts for one process, to the tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    /// CPU time of its threads, ended ones too.
    own: Duration,
    /// CPU time of the children that it waited for.
    reaped: Duration,
}

/// One process's CPU time: what it had used when the watching began, and what it has by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    before: Sums,
    now: Sums,
    /// What its children that were seen have used in their lives: it has been, or will be, credited with that.
    claimed: Duration,
}

impl Account {
    /// Takes in what the kernel says now.
    pub fn see(&mut self, stat: &Stat<'_>) {
        self.now = Sums { own: stat.user + stat.system, reaped: stat.reaped };
    }

    /// Whatever it used until now is not of the run.
    pub fn begin(&mut self) {
        self.before = self.now;
    }

    /// CPU time since then of its own threads and of all that it was credited with.
    pub fn cpu(&self) -> Duration {
        self.own() + self.reaped()
    }

    /// The part of it that it was credited with.
    pub fn reaped(&self) -> Duration {
        self.now.reaped.saturating_sub(self.before.reaped)
    }

    fn own(&self) -> Duration {
        self.now.own.saturating_sub(self.before.own)
    }

    /// A child of it is gone, of which the kernel counted so much.
    fn claim(&mut self, of_child: Duration) {
        self.claimed += of_child;
    }

    /// What whoever waited for it was credited with, including children of it whose end it did not live to show.
    fn legacy(&self) -> Duration {
        self.now.own + self.now.reaped + self.claimed.saturating_sub(self.reaped())
    }

    /// What it was credited with that is of no child that was seen.
    fn unseen(&self) -> Duration {
        self.reaped().saturating_sub(self.claimed)
    }
}

/// The sums of a tree's processes that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accounts {
    processes: u32,
    own: Duration,
    unseen: Duration,
}

impl Accounts {
    /// A process is gone; `heir` is the one that waited for it, when that is one of the tree.
    pub fn close(&mut self, account: &Account, heir: Option<&mut Account>) {
        self.processes += 1;
        self.own += account.own();
        self.unseen += account.unseen();
        if let Some(heir) = heir {
            heir.claim(account.legacy());
        }
    }

    /// CPU time beyond the `seen` of all workers, who are told exactly: of children that nobody saw, and of threads
    /// that nobody saw where the ticks of their processes say more than rounding explains.
    pub fn unseen(&self, seen: Duration) -> Duration {
        let rounding = 2 * TICK * self.processes;
        let threads = self.own.saturating_sub(seen);
        self.unseen + if threads > rounding { threads } else { Duration::ZERO }
    }
}

impl Totals {
    /// The sums over a tree that others reap: what was seen of it, and CPU time that was `unseen`. How CPU time divides
    /// into user and system is as the workers' ticks say.
    pub(super) fn of_seen(workers: &[Worker], folded: &Folded, processes: &[Process], unseen: Duration) -> Self {
        let sum = |part: fn(&Worker) -> Duration| workers.iter().map(part).sum::<Duration>();
        let cpu = sum(|worker| worker.on_cpu) + folded.on_cpu + unseen;
        let (user, system) = (sum(|worker| worker.user), sum(|worker| worker.system));
        let of_user = if system.is_zero() { 1.0 } else { user.div_duration_f64(user + system) };
        let user = cpu.mul_f64(of_user);
        let bytes = |part: fn(&Process) -> Bytes| processes.iter().map(part).sum::<Bytes>();
        Self {
            user,
            system: cpu.saturating_sub(user),
            voluntary_switches: workers.iter().filter_map(|worker| worker.voluntary_switches).sum(),
            involuntary_switches: workers.iter().filter_map(|worker| worker.involuntary_switches).sum(),
            minor_faults: processes.iter().map(|process| process.minor_faults).sum(),
            major_faults: processes.iter().map(|process| process.major_faults).sum(),
            peak_rss: processes.iter().map(|process| process.peak_rss).max().unwrap_or_default(),
            read_bytes: bytes(|process| process.read_bytes),
            written_bytes: bytes(|process| process.written_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// An account that stood at `before` when the watching began and stands at `now`: own and reaped, in milliseconds.
    fn account(before: (u64, u64), now: (u64, u64)) -> Account {
        let sums = |(own, reaped)| Sums { own: ms(own), reaped: ms(reaped) };
        Account { before: sums(before), now: sums(now), claimed: Duration::ZERO }
    }

    #[test]
    fn what_a_child_used_before_the_watching_is_not_taken_for_children_that_nobody_saw() {
        // The child had used 10 s before and uses one more; then its parent waits for it.
        let (child, mut parent) = (account((10_000, 0), (11_000, 0)), account((50, 0), (50, 11_000)));
        let mut accounts = Accounts::default();
        accounts.close(&child, Some(&mut parent));
        accounts.close(&parent, None);
        assert_eq!((accounts.own, accounts.unseen(ms(1000))), (ms(1000), Duration::ZERO));
    }

    #[test]
    fn children_that_nobody_saw_show_in_what_their_parent_is_credited_with() {
        let mut accounts = Accounts::default();
        accounts.close(&account((0, 300), (50, 800)), None);
        assert_eq!(accounts.unseen(ms(50)), ms(500));
    }

    #[test]
    fn a_parent_that_is_gone_with_its_child_hands_the_claim_on() {
        // The parent waited for the child and ended before it was read again: the grandparent shows both.
        let (child, mut parent, mut first) = (account((0, 0), (400, 0)), account((0, 0), (30, 0)), Account::default());
        let mut accounts = Accounts::default();
        accounts.close(&child, Some(&mut parent));
        accounts.close(&parent, Some(&mut first));
        first.now.reaped = ms(430);
        accounts.close(&first, None);
        assert_eq!(accounts.unseen(ms(430)), Duration::ZERO);
    }

    #[test]
    fn a_child_that_nobody_waits_for_takes_nothing_away() {
        let mut parent = account((0, 0), (20, 0));
        let mut accounts = Accounts::default();
        accounts.close(&account((0, 0), (400, 0)), Some(&mut parent));
        accounts.close(&parent, None);
        assert_eq!(accounts.unseen(ms(420)), Duration::ZERO);
    }

    #[test]
    fn threads_that_nobody_saw_are_told_from_rounding() {
        let mut accounts = Accounts::default();
        accounts.close(&account((0, 0), (500, 0)), None);
        assert_eq!(accounts.unseen(ms(490)), Duration::ZERO);
        assert_eq!(accounts.unseen(ms(300)), ms(200));
    }
}
