//! How often the pages of a process may be walked, which the kernel does at the cost of the process's own memory calls.
//!
//! What a walk tells is `memory`'s, whose turn it is `tree`'s.

use crate::units::Bytes;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Walking pages may take this share of a core: the target's own memory calls wait meanwhile.
const SHARE: f64 = 0.005;
/// What may be spent before the share has added up, so that a short run is walked once.
const CREDIT: Duration = Duration::from_millis(1);
/// What a walk is expected to cost before one was made; with pages of 4 KiB 3.6 ms (the study before this project) to
/// 21 ms (200 MiB at 4.2 ms, a virtual machine under load) were measured.
const PER_GIB: Duration = Duration::from_millis(10);
/// The least that a walk costs.
const LEAST: Duration = Duration::from_micros(30);
/// Processes whose walk would take longer are never walked: it would hold them up.
const LONGEST: Duration = Duration::from_millis(40);
/// Smaller ones do not tell what a large one costs.
const TELLING: Bytes = Bytes(16 << 20);

/// The budget for walks, over all processes.
#[derive(Debug)]
pub struct Walks {
    spent: Duration,
    free: Duration,
    per_gib: Duration,
}

impl Default for Walks {
    fn default() -> Self {
        Self { spent: Duration::ZERO, free: Duration::ZERO, per_gib: PER_GIB }
    }
}

impl Walks {
    /// Whether a process with this resident set may ever be walked.
    pub fn bears(&self, rss: Bytes) -> bool {
        self.expected(rss) <= LONGEST
    }

    /// Whether a process with this resident set may be walked now.
    pub fn allow(&self, at: Duration, rss: Bytes) -> bool {
        at >= self.free && self.bears(rss) && self.spent + self.expected(rss) <= CREDIT + at.mul_f64(SHARE)
    }

    /// A walk of this resident set cost us this much CPU time.
    pub fn charge(&mut self, at: Duration, rss: Bytes, cost: Duration) {
        self.spent += cost;
        self.free = at + cost.div_f64(SHARE);
        if rss >= TELLING {
            self.per_gib = cost.div_f64(gib(rss));
        }
    }

    /// CPU time that this thread has used: waiting for a core costs the target nothing.
    pub fn clock() -> Duration {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
    }

    fn expected(&self, rss: Bytes) -> Duration {
        LEAST + self.per_gib.mul_f64(gib(rss))
    }
}

fn gib(bytes: Bytes) -> f64 {
    bytes.0 as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_stay_within_their_share_of_the_run() {
        let cost = Duration::from_micros(500);
        let (mut walks, mut spent) = (Walks::default(), Duration::ZERO);
        for at in (0..10_000).map(Duration::from_millis) {
            if walks.allow(at, Bytes(50 << 20)) {
                walks.charge(at, Bytes(50 << 20), cost);
                spent += cost;
            }
        }
        assert!(spent <= CREDIT + Duration::from_secs(10).mul_f64(SHARE), "{spent:?}");
        assert!(spent >= Duration::from_secs(10).mul_f64(SHARE / 2.0), "{spent:?}");
    }

    #[test]
    fn a_huge_process_is_never_walked_and_a_large_one_not_at_once() {
        let mut walks = Walks::default();
        assert!(walks.allow(Duration::ZERO, Bytes(50 << 20)));
        assert!(!walks.allow(Duration::ZERO, Bytes(1 << 30)));
        assert!(walks.allow(Duration::from_secs(3), Bytes(1 << 30)));
        assert!(!walks.allow(Duration::from_secs(3600), Bytes(5 << 30)));
        // What they really cost is learned from those that were made.
        walks.charge(Duration::ZERO, Bytes(1 << 30), Duration::from_millis(4));
        assert!(walks.allow(Duration::from_secs(3600), Bytes(5 << 30)));
        walks.charge(Duration::ZERO, Bytes(1 << 20), Duration::from_millis(4));
        assert!(walks.bears(Bytes(5 << 30)), "a small one says nothing of a large one");
    }

    #[test]
    fn a_large_process_is_walked_beside_a_hundred_small_ones() {
        // Oldest first, as the tree does it: whoever waits longest is waited for.
        let mut sizes = [Bytes(10 << 20); 101];
        sizes[50] = Bytes(1 << 30);
        let (mut walks, mut last, mut count) = (Walks::default(), [Duration::ZERO; 101], [0; 101]);
        for at in (1..60_000).map(Duration::from_millis) {
            let next = (0..sizes.len()).min_by_key(|i| last[*i]).expect("there are some");
            if walks.allow(at, sizes[next]) {
                walks.charge(at, sizes[next], LEAST + PER_GIB.mul_f64(gib(sizes[next])));
                (last[next], count[next]) = (at, count[next] + 1);
            }
        }
        assert!(count.iter().all(|walked| *walked >= 5), "{count:?}");
    }
}
