//! The run over time, in at most [`Timeline::CAPACITY`] buckets: when they are full, neighbours are merged and the
//! bucket becomes twice as long, so a run of any length fits in the same memory.

use super::kind::ByKind;
use crate::units::Bytes;
use std::time::Duration;

/// What the whole tree did in each stretch of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Length of one bucket.
    pub bucket: Duration,
    /// In order of time from the target's start; the last may be shorter than `bucket`.
    pub buckets: Vec<Bucket>,
}

/// Sums over all workers within one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bucket {
    /// Time this bucket really covers.
    pub span: Duration,
    /// On-CPU time of all workers.
    pub on_cpu: Duration,
    /// Run-queue wait of all workers.
    pub runnable: Duration,
    /// Lifetime of all workers: `alive − on_cpu − runnable` is what they were blocked.
    pub alive: Duration,
    /// Blocked samples by kind.
    pub blocked_ticks: ByKind<u32>,
    /// Memory of the tree at its end, what `fork` copies share counted once.
    pub memory: Bytes,
    /// Processes alive at its end; 0 when not told.
    pub processes: u32,
    /// Workers alive at its end.
    pub workers: u32,
}

impl Bucket {
    /// Takes the stretch that follows into this one.
    pub fn absorb(&mut self, other: &Self) {
        self.span += other.span;
        self.on_cpu += other.on_cpu;
        self.runnable += other.runnable;
        self.alive += other.alive;
        for kind in super::kind::BlockedKind::ALL {
            self.blocked_ticks[kind] += other.blocked_ticks[kind];
        }
        (self.memory, self.processes, self.workers) = (other.memory, other.processes, other.workers);
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self { bucket: Duration::from_millis(10), buckets: Vec::with_capacity(Self::CAPACITY) }
    }
}

impl Timeline {
    /// Buckets kept at most.
    pub const CAPACITY: usize = 512;

    /// Adds one tick's stretch at the end, starting a new bucket when the last is full.
    pub fn add(&mut self, stretch: &Bucket) {
        if let Some(last) = self.buckets.last_mut()
            && last.span + stretch.span / 2 < self.bucket
        {
            last.absorb(stretch);
            return;
        }
        if self.buckets.len() == Self::CAPACITY {
            self.halve();
        }
        self.buckets.push(*stretch);
    }

    fn halve(&mut self) {
        let pairs = self.buckets.len() / 2;
        for i in 0..pairs {
            let mut merged = self.buckets[2 * i];
            merged.absorb(&self.buckets[2 * i + 1]);
            self.buckets[i] = merged;
        }
        self.buckets.truncate(pairs);
        self.bucket *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_its_sums_in_bounded_memory() {
        let mut timeline = Timeline::default();
        let stretch = Bucket { span: Duration::from_millis(10), on_cpu: Duration::from_millis(7), ..Bucket::default() };
        for _ in 0..100_000 {
            timeline.add(&stretch);
        }
        assert!(timeline.buckets.len() <= Timeline::CAPACITY);
        let on_cpu: Duration = timeline.buckets.iter().map(|bucket| bucket.on_cpu).sum();
        assert_eq!(on_cpu, Duration::from_millis(700_000));
    }

    #[test]
    fn merged_buckets_tell_how_it_was_at_their_end() {
        let mut timeline = Timeline::default();
        for n in 0..3 * Timeline::CAPACITY as u32 {
            let (memory, span) = (Bytes(u64::from(n)), Duration::from_millis(10));
            timeline.add(&Bucket { span, memory, processes: n, workers: 2 * n, ..Bucket::default() });
        }
        let each = |bucket: &Bucket| (bucket.memory.0, bucket.processes, bucket.workers);
        assert_eq!(timeline.buckets[..2].iter().map(each).collect::<Vec<_>>(), [(3, 3, 6), (7, 7, 14)]);
        let last = 3 * Timeline::CAPACITY as u32 - 1;
        assert_eq!(timeline.buckets.last().map(each), Some((u64::from(last), last, 2 * last)));
    }
}
