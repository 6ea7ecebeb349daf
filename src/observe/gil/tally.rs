//! What the moments at which a lock was read add up to: how much of the computing was done by its holder. Pure.
//!
//! Wanted is `holding ÷ on a core`, in CPU time. A moment tells whether the lock is held; how often a moment should
//! count depends on who was on a core just then, and there are two ways to know that.
//!
//! **Where switches are recorded** it is known exactly, a tick later. Over moments weighted by the time that each
//! stands for,
//!
//! ```text
//! holding ÷ on a core  =  moments with a holder on a core ÷ threads on a core, summed over all moments
//! ```
//!
//! The interpreter names the holder. Where that is not understood: a thread never waits while it holds the lock, except
//! for a page, so the holder is one of those on a core or whose core was taken, any of them alike. A holder whose core
//! was taken computes nothing and counts for nothing, so a busy machine makes for fewer moments, and hardly for wrong
//! ones: there the sampler takes the core from the target to look at it, which it is given a little sooner at the end
//! of a system call than elsewhere (2 to 3 points at a load of five a core).
//!
//! **Where they are not**, a thread on a core and one in the queue for one look alike from outside, and
//!
//! ```text
//! held ÷ computing        estimates        (holder's time on a core + in the queue) ÷ (everybody's)
//! ```
//!
//! Both times of everybody are known exactly (`schedstat`), so what is missing is how long a holder stood in the queue.
//! A thread comes there in two ways: its core was taken from it, and then it may hold the lock; or it was woken, and
//! then it does not. So of all queueing, the part that the switches were involuntary is taken to have hit whoever
//! computed, holder or not, alike:
//!
//! ```text
//! holding ÷ on a core  =  held ÷ computing × (on a core + queue) ÷ (on a core + involuntary part × queue)
//! ```
//!
//! One thread on a busy machine is preempted and hardly ever woken: the last factor is one. Four threads that take
//! turns are woken at every turn: the queue, in which they stand beside a holder that computes, is taken out. A kernel
//! prefers to take cores at the end of system calls, so that on a busy machine the queue looks like whatever state a
//! program makes its calls in; this is what the records of switches mend.
//!
//! Both are ratios of what is seen at the same moments, so a program that sleeps nine tenths of its time is known as
//! well per moment of computing as one that never sleeps.

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

/// How a thread stood at a moment, by the records of its switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// On a core.
    OnCore,
    /// Its core had been taken from it.
    Queued,
    /// It waited, for whatever.
    Away,
    /// Not recorded.
    Unknown,
}

/// The moments of one program.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    samples: u32,
    /// Those at which it was read.
    looked: u32,
    held: u32,
    computing: u32,
    held_for: f64,
    computing_for: f64,
    on_cpu: Duration,
    runnable: Duration,
    handovers: u64,
    last: Last,
    exact: Exact,
}

/// The last moment, until it is known how the threads stood at it.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    span: f64,
    /// Locks held by threads that are not among those that stood anyhow so far.
    held: u32,
    /// Of the threads on a core, those that hold one.
    holding: u32,
    on_core: u32,
    queued: u32,
}

/// Moments at which it is known how the threads stood.
#[derive(Debug, Clone, Copy, Default)]
struct Exact {
    known: u32,
    /// Those with a thread on a core.
    computing: u32,
    holding_for: f64,
    on_core_for: f64,
}

/// Part of the moments that must be known exactly, before only those count.
const MOSTLY: f64 = 0.5;

impl Tally {
    /// One more moment.
    pub fn add(&mut self, moment: Moment, handovers: u64) {
        self.samples += 1;
        self.looked += 1;
        self.held += u32::from(moment.held > 0);
        self.computing += u32::from(moment.computing > 0);
        let span = moment.span.as_secs_f64();
        self.held_for += span * f64::from(moment.held);
        self.computing_for += span * f64::from(moment.computing);
        self.on_cpu += moment.on_cpu;
        self.runnable += moment.runnable;
        self.handovers += handovers;
        self.last = Last { span, held: moment.held, ..Last::default() };
    }

    /// How one more thread stood at the last moment, and whether it is known to have held a lock.
    pub fn stood(&mut self, around: Around, holds: bool) {
        if holds {
            self.last.held = self.last.held.saturating_sub(1);
            self.last.holding += u32::from(around == Around::OnCore);
        }
        match around {
            Around::OnCore => self.last.on_core += 1,
            Around::Queued => self.last.queued += 1,
            // One that was not there yet, or whose record was lost, among many others that are known.
            Around::Away | Around::Unknown => {}
        }
    }

    /// It is known of all threads how they stood at the last moment.
    pub fn settle(&mut self) {
        let Last { span, held, holding, on_core, queued } = std::mem::take(&mut self.last);
        self.exact.known += 1;
        if on_core == 0 {
            return;
        }
        let there = f64::from(on_core) / f64::from(on_core + queued);
        self.exact.computing += 1;
        self.exact.holding_for += span * (f64::from(holding) + f64::from(held.min(on_core + queued)) * there);
        self.exact.on_core_for += span * f64::from(on_core);
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
        let exact = self.exact.known > 0 && f64::from(self.exact.known) >= MOSTLY * f64::from(self.looked);
        let share = if exact { self.exact.share() } else { self.estimate(preempted.clamp(0.0, 1.0)) };
        GilSamples {
            samples: self.samples,
            held: self.held,
            computing: if exact { self.exact.computing } else { self.computing },
            holding: self.on_cpu.mul_f64(share.clamp(0.0, 1.0)),
            on_cpu: self.on_cpu,
            handovers: self.handovers,
        }
    }

    fn estimate(&self, preempted: f64) -> f64 {
        let (on_cpu, queue) = (self.on_cpu.as_secs_f64(), self.runnable.as_secs_f64());
        let demanded = if self.computing_for > 0.0 { self.held_for / self.computing_for } else { 0.0 };
        let of_holder = on_cpu + preempted * queue;
        if of_holder > 0.0 { demanded * (on_cpu + queue) / of_holder } else { 0.0 }
    }
}

impl Exact {
    fn share(&self) -> f64 {
        if self.on_core_for > 0.0 { self.holding_for / self.on_core_for } else { 0.0 }
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

    /// The same of moments `(held, how each thread stood)`, by the records.
    fn check_exact(moments: &[(u32, &[Around])], expect: f64) {
        let mut tally = Tally::default();
        for (held, threads) in moments {
            let computing = threads.iter().filter(|thread| **thread != Around::Away).count() as u32;
            tally.add(Moment { span: TICK, held: *held, computing, on_cpu: TICK, runnable: TICK }, 0);
            threads.iter().for_each(|thread| tally.stood(*thread, false));
            tally.settle();
        }
        let sum = tally.sum(1.0);
        let share = sum.holding.as_secs_f64() / sum.on_cpu.as_secs_f64();
        assert!((share - expect).abs() < 1e-6, "{share}, not {expect}: {moments:?}");
    }

    #[test]
    fn with_records_only_a_holder_that_is_on_a_core_counts() {
        use Around::{Away, OnCore, Queued};
        check_exact(&[(1, &[OnCore]), (0, &[OnCore])], 0.5);
        // Always caught holding it when its core is taken, and half of the time when it computes.
        check_exact(&[(1, &[OnCore]), (1, &[Queued]), (0, &[OnCore]), (1, &[Queued])], 0.5);
        check_exact(&[(1, &[OnCore, Away, Away]), (1, &[Away, OnCore, Away])], 1.0);
        check_exact(&[(1, &[OnCore, OnCore])], 0.5);
        check_exact(&[(1, &[OnCore, Queued]), (1, &[OnCore, Queued])], 0.5);
    }

    #[test]
    fn a_holder_that_is_named_counts_when_it_is_on_a_core_whoever_else_is() {
        let check = |holder, other, expect: f64| {
            let mut tally = Tally::default();
            tally.add(Moment { span: TICK, held: 1, computing: 2, on_cpu: TICK, runnable: TICK }, 0);
            tally.stood(other, false);
            tally.stood(holder, true);
            tally.settle();
            assert_eq!(tally.sum(1.0).holding, TICK.mul_f64(expect), "holder {holder:?}, other {other:?}");
        };
        check(Around::OnCore, Around::Queued, 1.0);
        check(Around::Queued, Around::OnCore, 0.0);
        check(Around::OnCore, Around::OnCore, 0.5);
    }

    #[test]
    fn few_moments_with_records_are_no_match_for_many_without() {
        let mut tally = Tally::default();
        for i in 0..10 {
            tally.add(Moment { span: TICK, held: 1, computing: 1, on_cpu: TICK, runnable: Duration::ZERO }, 0);
            if i == 0 {
                tally.stood(Around::OnCore, false);
                tally.settle();
            }
        }
        assert_eq!(tally.sum(0.0).computing, 10);
    }

    #[test]
    fn nothing_seen_is_no_time_holding() {
        assert_eq!(Tally::default().sum(0.5), GilSamples::default());
        assert!(Tally::default().is_empty());
    }
}
