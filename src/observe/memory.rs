//! The memory of one process over time, and how often the costly proportional reading may be taken.
//!
//! The resident set is cheap and read whenever the process ran. The proportional and own sets need the kernel to walk
//! every page; between two such walks they are scaled with the resident set.

use super::readings::field_kib;
use crate::units::Bytes;
use std::time::Duration;

/// One walk of all pages.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Walk {
    at: Duration,
    rss: Bytes,
    pss: Bytes,
    uss: Bytes,
}

/// What is known of one process's memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    rss: Bytes,
    peak_rss: Bytes,
    walk: Option<Walk>,
    peak_pss: Option<Bytes>,
    peak_uss: Option<Bytes>,
    ran_since_walk: bool,
}

impl Memory {
    /// The process ran, and this much of it is resident now.
    pub fn see_resident(&mut self, rss: Bytes) {
        self.rss = rss;
        self.ran_since_walk = true;
        self.peak_rss = self.peak_rss.max(rss);
        self.peak_pss = self.peak_pss.max(self.scaled(|walk| walk.pss));
        self.peak_uss = self.peak_uss.max(self.scaled(|walk| walk.uss));
    }

    /// Another program runs in it now, so what was seen tells nothing of its pages.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The kernel remembers this as its highest resident set.
    pub fn see_peak(&mut self, rss: Bytes) {
        self.peak_rss = self.peak_rss.max(rss);
    }

    /// Takes in a `smaps_rollup`; one that lacks its lines (the process is ending) changes nothing.
    pub fn see_walk(&mut self, at: Duration, rollup: &[u8]) {
        let line = |name| field_kib(rollup, name);
        let (Some(rss), Some(pss), Some(clean), Some(dirty)) =
            (line(b"Rss:"), line(b"Pss:"), line(b"Private_Clean:"), line(b"Private_Dirty:"))
        else {
            return;
        };
        self.walk = Some(Walk { at, rss, pss, uss: clean + dirty });
        self.see_resident(rss);
        self.ran_since_walk = false;
    }

    /// What it adds to the tree's memory now: its proportional set where one was read, else its resident set.
    pub fn now(&self) -> Bytes {
        self.scaled(|walk| walk.pss).unwrap_or(self.rss)
    }

    /// Highest resident set.
    pub const fn peak_rss(&self) -> Bytes {
        self.peak_rss
    }

    /// Highest proportional set, and highest memory of its own.
    pub const fn peaks(&self) -> (Option<Bytes>, Option<Bytes>) {
        (self.peak_pss, self.peak_uss)
    }

    /// When its pages were last walked, if it ran since then: the earliest is the next to be walked.
    pub fn wants_walk(&self) -> Option<Duration> {
        match self.walk {
            None => Some(Duration::ZERO),
            Some(walk) => self.ran_since_walk.then_some(walk.at),
        }
    }

    /// The resident set as last seen.
    pub const fn resident(&self) -> Bytes {
        self.rss
    }

    fn scaled(&self, part: impl Fn(&Walk) -> Bytes) -> Option<Bytes> {
        let walk = self.walk.as_ref()?;
        if walk.rss.0 == 0 {
            return Some(part(walk));
        }
        let scaled = u128::from(part(walk).0) * u128::from(self.rss.0) / u128::from(walk.rss.0);
        Some(Bytes(u64::try_from(scaled).unwrap_or(u64::MAX)))
    }
}

/// Walking pages may take this share of the run's time: the target's own memory calls wait meanwhile.
const SHARE: f64 = 0.005;
/// What may be spent before the share has added up, so that a short run is walked once.
const CREDIT: Duration = Duration::from_millis(1);
/// What a walk is expected to cost before one was made: 3.6 ms for 1 GiB (the study before this project).
const PER_GIB: Duration = Duration::from_micros(3600);
/// The least that a walk costs.
const LEAST: Duration = Duration::from_micros(30);
/// Larger processes are never walked: it would hold them up for tens of milliseconds.
const TOO_LARGE: Bytes = Bytes(4 << 30);

/// The budget for walks, over all processes.
#[derive(Debug, Default)]
pub struct Walks {
    spent: Duration,
    free: Duration,
}

impl Walks {
    /// Whether a process with this resident set may be walked now.
    pub fn allow(&self, at: Duration, rss: Bytes) -> bool {
        let expected = LEAST + PER_GIB.mul_f64(rss.0 as f64 / f64::from(1 << 30));
        at >= self.free && rss <= TOO_LARGE && self.spent + expected <= CREDIT + at.mul_f64(SHARE)
    }

    /// A walk cost this much time.
    pub fn charge(&mut self, at: Duration, cost: Duration) {
        self.spent += cost;
        self.free = at + cost.div_f64(SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLUP: &[u8] = b"5590-7ffd ---p 00000000 00:00 0 [rollup]\nRss:    4000 kB\nPss:    1000 kB\n\
        Pss_Dirty: 500 kB\nShared_Clean: 100 kB\nPrivate_Clean: 300 kB\nPrivate_Dirty: 400 kB\n";

    #[test]
    fn between_walks_the_proportional_set_follows_the_resident_set() {
        let mut memory = Memory::default();
        memory.see_resident(Bytes::from_kib(2000));
        assert_eq!((memory.now(), memory.peaks()), (Bytes::from_kib(2000), (None, None)), "no walk yet");
        memory.see_walk(Duration::ZERO, ROLLUP);
        assert_eq!(memory.now(), Bytes::from_kib(1000));
        memory.see_resident(Bytes::from_kib(8000));
        memory.see_resident(Bytes::from_kib(400));
        assert_eq!(memory.now(), Bytes::from_kib(100));
        assert_eq!(memory.peak_rss(), Bytes::from_kib(8000));
        assert_eq!(memory.peaks(), (Some(Bytes::from_kib(2000)), Some(Bytes::from_kib(1400))));
    }

    #[test]
    fn another_program_has_memory_of_its_own() {
        let mut memory = Memory::default();
        memory.see_walk(Duration::ZERO, ROLLUP);
        memory.forget();
        memory.see_resident(Bytes::from_kib(80));
        assert_eq!((memory.now(), memory.peak_rss()), (Bytes::from_kib(80), Bytes::from_kib(80)));
        assert_eq!(memory.peaks(), (None, None));
    }

    #[test]
    fn a_rollup_without_its_lines_is_not_taken_for_zero() {
        let mut memory = Memory::default();
        memory.see_resident(Bytes::from_kib(2000));
        memory.see_walk(Duration::ZERO, b"Rss:    4000 kB\n");
        assert_eq!((memory.now(), memory.peaks()), (Bytes::from_kib(2000), (None, None)));
    }

    #[test]
    fn only_a_process_that_ran_wants_another_walk() {
        let mut memory = Memory::default();
        assert_eq!(memory.wants_walk(), Some(Duration::ZERO));
        memory.see_walk(Duration::from_secs(2), ROLLUP);
        assert_eq!(memory.wants_walk(), None);
        memory.see_resident(Bytes::from_kib(4000));
        assert_eq!(memory.wants_walk(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn walks_stay_within_their_share_of_the_run() {
        let cost = Duration::from_micros(500);
        let (mut walks, mut spent) = (Walks::default(), Duration::ZERO);
        for at in (0..10_000).map(Duration::from_millis) {
            if walks.allow(at, Bytes(50 << 20)) {
                walks.charge(at, cost);
                spent += cost;
            }
        }
        assert!(spent <= CREDIT + Duration::from_secs(10).mul_f64(SHARE), "{spent:?}");
        assert!(spent >= Duration::from_secs(10).mul_f64(SHARE / 2.0), "{spent:?}");
    }

    #[test]
    fn a_huge_process_is_never_walked_and_a_large_one_not_at_once() {
        let walks = Walks::default();
        assert!(walks.allow(Duration::ZERO, Bytes(50 << 20)));
        assert!(!walks.allow(Duration::ZERO, Bytes(1 << 30)));
        assert!(walks.allow(Duration::from_secs(2), Bytes(1 << 30)));
        assert!(!walks.allow(Duration::from_secs(3600), Bytes(5 << 30)));
    }
}
