//! What the moments at which a lock was read add up to: how much of the computing was done by its holder. Pure.
//!
//! Wanted is `holding ÷ on a core`. At a moment we see whether the lock is held, and how many threads compute: are on
//! a core, or in the queue for one, which cannot be told apart from outside. Over moments weighted by the time each
//! stands for,
//!
//! ```text
//! held ÷ computing        estimates        (holder's time on a core + in the queue) ÷ (everybody's)
//! ```
//!
//! It is a ratio of what is seen at the same moments, so a program that sleeps nine tenths of its time is known as
//! well per moment of computing as one that never sleeps. Both times of everybody are known exactly (`schedstat`), so
//! only one thing is missing: how long a thread that held the lock stood in the queue. A thread comes there in two
//! ways: its core was taken from it, and then it may hold the lock; or it was woken, and then it does not, because no
//! thread waits while it holds the lock. So of all queueing, the part that the switches were involuntary is taken to
//! have hit whoever computed, holder or not, alike:
//!
//! ```text
//! holding ÷ on a core  =  held ÷ computing × (on a core + queue) ÷ (on a core + involuntary part × queue)
//! ```
//!
//! One thread on a busy machine is preempted and hardly ever woken: the last factor is one, and being preempted costs
//! no accuracy. Four threads that take turns are woken at every turn, and nearly never preempted: the queue, in which
//! they stand beside a holder that computes, is taken out.
//!
//! A thread that blocks while it holds the lock (a page read from disk) does not compute; as long as no thread of the
//! process runs its moments are not counted.

use super::super::GilSamples;
use std::time::Duration;

/// Threads of one process over the stretch before a moment, and at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// The time that it stands for.
    pub span: Duration,
    /// Locks that were held.
    pub held: u32,
    /// Threads that were on a core or in the queue for one.
    pub computing: u32,
    /// The time that all threads were on a core in the stretch.
    pub on_cpu: Duration,
    /// The time that all threads were in the queue in the stretch.
    pub runnable: Duration,
}

/// The moments of one program.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    samples: u32,
    held: u32,
    computing: u32,
    held_for: f64,
    computing_for: f64,
    on_cpu: Duration,
    runnable: Duration,
    handovers: u64,
}

impl Tally {
    /// One more moment.
    pub fn add(&mut self, moment: Moment, handovers: u64) {
        self.samples += 1;
        self.held += u32::from(moment.held > 0);
        self.computing += u32::from(moment.computing > 0);
        let span = moment.span.as_secs_f64();
        self.held_for += span * f64::from(moment.held);
        self.computing_for += span * f64::from(moment.computing);
        self.on_cpu += moment.on_cpu;
        self.runnable += moment.runnable;
        self.handovers += handovers;
    }

    /// A moment in which no thread had run since the one before.
    pub fn rest(&mut self, held: bool) {
        self.samples += 1;
        self.held += u32::from(held);
    }

    /// Whether there was none.
    pub const fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// All of it; `preempted` is the involuntary part of the threads' switches.
    pub fn sum(&self, preempted: f64) -> GilSamples {
        let on_cpu = self.on_cpu.as_secs_f64();
        let queue = self.runnable.as_secs_f64();
        let demanded = if self.computing_for > 0.0 { self.held_for / self.computing_for } else { 0.0 };
        let of_queue = on_cpu + preempted.clamp(0.0, 1.0) * queue;
        let share = if of_queue > 0.0 { demanded * (on_cpu + queue) / of_queue } else { 0.0 };
        GilSamples {
            samples: self.samples,
            held: self.held,
            computing: self.computing,
            holding: self.on_cpu.mul_f64(share.clamp(0.0, 1.0)),
            on_cpu: self.on_cpu,
            handovers: self.handovers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    /// The share of computing by the holder, after moments `(held, computing, on a core, in the queue)` in tenths of a
    /// tick, with this part of the switches involuntary.
    fn check(moments: &[(u32, u32, u32, u32)], preempted: f64, expect: f64) {
        let mut tally = Tally::default();
        for (held, computing, on_cpu, runnable) in moments.iter().copied() {
            let (on_cpu, runnable) = (TICK * on_cpu / 10, TICK * runnable / 10);
            tally.add(Moment { span: TICK, held, computing, on_cpu, runnable }, 0);
        }
        let sum = tally.sum(preempted);
        let share = sum.holding.as_secs_f64() / sum.on_cpu.as_secs_f64();
        assert!((share - expect).abs() < 1e-6, "{share}, not {expect}: {moments:?}, {preempted} involuntary");
        assert_eq!(sum.samples as usize, moments.len());
    }

    #[test]
    fn one_thread_that_never_sleeps_holds_it_for_the_part_of_moments_that_it_is_seen_held() {
        check(&[(1, 1, 10, 0), (0, 1, 10, 0), (1, 1, 10, 0), (1, 1, 10, 0)], 1.0, 0.75);
    }

    #[test]
    fn sleeping_changes_nothing() {
        check(&[(1, 1, 3, 0), (0, 0, 3, 0), (0, 0, 3, 0), (1, 1, 3, 0)], 0.0, 1.0);
    }

    #[test]
    fn a_preempted_holder_is_not_computing() {
        check(&[(1, 1, 5, 5), (0, 1, 5, 5)], 1.0, 0.5);
    }

    #[test]
    fn threads_woken_to_take_turns_stand_in_the_queue_beside_a_holder_that_computes() {
        check(&[(1, 2, 10, 10), (1, 2, 10, 10)], 0.0, 1.0);
    }

    #[test]
    fn two_cores_busy_and_one_lock_is_half_at_most() {
        check(&[(1, 2, 20, 0), (1, 2, 20, 0)], 0.5, 0.5);
    }

    #[test]
    fn nothing_seen_is_no_time_holding() {
        assert_eq!(Tally::default().sum(0.5), GilSamples::default());
        assert!(Tally::default().is_empty());
    }
}
