//! The memory of one process over time: what is resident, what is its own, and what it shares.
//!
//! The resident set is cheap and read whenever the process ran. The proportional and own sets need the kernel to walk
//! every page; between two such walks they follow the resident set. How often to walk is `walks`'s, what the processes
//! of a tree take together `sharing`'s.

use super::readings::{field_kib, number, words};
use super::sharing::Holding;
use crate::units::Bytes;
use std::time::Duration;

/// A resident set that changed by less than this part of it is about what it was: far less than what we are asked to
/// tell apart, and a program that computes would be walked again and again for the same answer.
const WORTH_A_WALK: u64 = 32;

/// Resident memory by whether it can be shared with others than copies made by `fork`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// Heap, stacks, data.
    pub anonymous: Bytes,
    /// Files and shared memory.
    pub mapped: Bytes,
}

impl Resident {
    /// `/proc/PID/statm`; `None` when this is not its numbers.
    pub fn parse(statm: &[u8], page: u64) -> Option<Self> {
        let mut words = words(statm).skip(1);
        let (resident, shared) = (number(words.next()?)?, number(words.next()?)?);
        let pages = |count: u64| Bytes(count.saturating_mul(page));
        Some(Self { anonymous: pages(resident.saturating_sub(shared)), mapped: pages(shared) })
    }

    /// Both.
    pub fn all(self) -> Bytes {
        self.anonymous + self.mapped
    }
}

/// One walk of all pages.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Walk {
    at: Duration,
    resident: Resident,
    /// Anonymous memory of its own, and its share of what copies of it made by `fork` still share.
    own: Bytes,
    own_and_share: Bytes,
    /// Its share of files and shared memory, and the part that nobody else has mapped.
    mapped_share: Bytes,
    mapped_alone: Bytes,
}

impl Walk {
    /// `None` when lines are missing: the process is ending. `Pss_Anon` is there from Linux 5.4 on; what was written
    /// stands in for it.
    fn parse(at: Duration, rollup: &[u8]) -> Option<Self> {
        let line = |name| field_kib(rollup, name);
        let (rss, pss) = (line(b"Rss:")?, line(b"Pss:")?);
        let (clean, dirty) = (line(b"Private_Clean:")?, line(b"Private_Dirty:")?);
        let anonymous = line(b"Anonymous:")?.min(rss);
        let own = dirty.min(anonymous);
        let own_and_share = line(b"Pss_Anon:").unwrap_or(own).min(pss).max(own);
        Some(Self {
            at,
            resident: Resident { anonymous, mapped: rss - anonymous },
            own,
            own_and_share,
            mapped_share: pss - own_and_share,
            mapped_alone: clean + dirty - own,
        })
    }
}

/// What is known of one process's memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    born: Duration,
    first: Option<Resident>,
    now: Resident,
    peak_rss: Bytes,
    walk: Option<Walk>,
    peak_pss: Option<Bytes>,
    peak_uss: Option<Bytes>,
    first_uss: Option<Bytes>,
}

impl Memory {
    /// Of a process that was first seen then.
    pub fn of_one_born(born: Duration) -> Self {
        Self { born, ..Self::default() }
    }

    /// The process ran, and this much of it is resident now.
    pub fn see_resident(&mut self, now: Resident) {
        self.now = now;
        self.first.get_or_insert(now);
        self.peak_rss = self.peak_rss.max(now.all());
        let Some(walk) = self.walk else { return };
        let anonymous = |part| grown(part, walk.resident.anonymous, now.anonymous);
        let mapped = |part| scaled(part, walk.resident.mapped, now.mapped);
        self.peak_pss = self.peak_pss.max(Some(anonymous(walk.own_and_share) + mapped(walk.mapped_share)));
        self.peak_uss = self.peak_uss.max(Some(anonymous(walk.own) + mapped(walk.mapped_alone)));
    }

    /// Another program runs in it now, so what was seen tells nothing of its pages.
    pub fn forget(&mut self) {
        *self = Self::of_one_born(self.born);
    }

    /// The kernel remembers this as its highest resident set.
    pub fn see_peak(&mut self, rss: Bytes) {
        self.peak_rss = self.peak_rss.max(rss);
    }

    /// Takes in a `smaps_rollup`; one that lacks its lines (the process is ending) changes nothing.
    pub fn see_walk(&mut self, at: Duration, rollup: &[u8]) {
        let Some(walk) = Walk::parse(at, rollup) else { return };
        self.walk = Some(walk);
        self.see_resident(walk.resident);
        self.first_uss.get_or_insert(walk.own + walk.mapped_alone);
    }

    /// What it adds to the tree's memory now. Until its pages were walked, all of it, or in a copy made by `fork` what
    /// it has taken since it was first seen.
    pub fn holding(&self) -> Holding {
        let Resident { anonymous, mapped } = self.now;
        match &self.walk {
            Some(walk) => {
                let mapped = scaled(walk.mapped_share, walk.resident.mapped, mapped);
                let own = grown(walk.own, walk.resident.anonymous, anonymous);
                Holding { anonymous, mapped, own, mapped_of_copy: mapped }
            }
            None => {
                let first = self.first.unwrap_or_default();
                let (own, mapped_of_copy) = (anonymous - first.anonymous, mapped - first.mapped);
                Holding { anonymous, mapped, own, mapped_of_copy }
            }
        }
    }

    /// Highest resident set.
    pub const fn peak_rss(&self) -> Bytes {
        self.peak_rss
    }

    /// Highest proportional set, and highest memory of its own.
    pub const fn peaks(&self) -> (Option<Bytes>, Option<Bytes>) {
        (self.peak_pss, self.peak_uss)
    }

    /// Memory of its own at its first walk.
    pub const fn first_uss(&self) -> Option<Bytes> {
        self.first_uss
    }

    /// Since when it waits for its pages to be walked: its last walk, or its birth. Not at all when what is resident is
    /// about what it was, and nothing is shared that others may have given up.
    pub fn waits_for_walk(&self) -> Option<Duration> {
        match self.walk {
            None => Some(self.born),
            Some(walk) => {
                let (before, now) = (walk.resident.all(), self.now.all());
                let changed = before.0.abs_diff(now.0) > before.0 / WORTH_A_WALK;
                (changed || walk.own_and_share > walk.own).then_some(walk.at)
            }
        }
    }

    /// The resident set as last seen.
    pub fn resident(&self) -> Bytes {
        self.now.all()
    }
}

/// `part` of `whole`, when that has become `now`: what was taken since is the process's own, what was given up was in
/// proportion.
fn grown(part: Bytes, whole: Bytes, now: Bytes) -> Bytes {
    if now >= whole { part + (now - whole) } else { scaled(part, whole, now) }
}

/// `part` of `whole`, when that has become `now`.
fn scaled(part: Bytes, whole: Bytes, now: Bytes) -> Bytes {
    if whole.0 == 0 {
        return part;
    }
    let scaled = u128::from(part.0) * u128::from(now.0) / u128::from(whole.0);
    Bytes(u64::try_from(scaled).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLUP: &[u8] = b"5590-7ffd ---p 00000000 00:00 0 [rollup]\nRss:    4000 kB\nPss:    1000 kB\n\
        Pss_Dirty: 500 kB\nPss_Anon: 600 kB\nPss_File: 400 kB\nShared_Clean: 100 kB\nPrivate_Clean: 100 kB\n\
        Private_Dirty: 400 kB\nAnonymous: 2000 kB\n";

    fn kib(anonymous: u64, mapped: u64) -> Resident {
        Resident { anonymous: Bytes::from_kib(anonymous), mapped: Bytes::from_kib(mapped) }
    }

    fn check(memory: &Memory, pss: Option<u64>, uss: Option<u64>, rss: u64) {
        assert_eq!(memory.peaks(), (pss.map(Bytes::from_kib), uss.map(Bytes::from_kib)), "{memory:?}");
        assert_eq!(memory.peak_rss(), Bytes::from_kib(rss), "{memory:?}");
    }

    #[test]
    fn statm_tells_what_is_resident() {
        assert_eq!(Resident::parse(b"9000 1500 500 7 0 800 0\n", 4096), Some(kib(4000, 2000)));
        assert_eq!(Resident::parse(b"9000 1500", 4096), None);
    }

    #[test]
    fn between_walks_what_is_taken_is_its_own_and_what_is_given_up_is_in_proportion() {
        let mut memory = Memory::default();
        memory.see_resident(kib(2000, 2000));
        check(&memory, None, None, 4000);
        memory.see_walk(Duration::ZERO, ROLLUP);
        check(&memory, Some(1000), Some(500), 4000);
        memory.see_resident(kib(2300, 2000));
        check(&memory, Some(1300), Some(800), 4300);
        memory.see_resident(kib(2000, 4000));
        check(&memory, Some(1400), Some(800), 6000);
        memory.see_resident(kib(1000, 2000));
        assert_eq!(memory.holding().own, Bytes::from_kib(200));
        assert_eq!(memory.first_uss(), Some(Bytes::from_kib(500)));
    }

    #[test]
    fn another_program_has_memory_of_its_own() {
        let mut memory = Memory::default();
        memory.see_walk(Duration::ZERO, ROLLUP);
        memory.forget();
        memory.see_resident(kib(80, 0));
        check(&memory, None, None, 80);
        assert_eq!((memory.first_uss(), memory.resident()), (None, Bytes::from_kib(80)));
    }

    #[test]
    fn a_rollup_without_its_lines_is_not_taken_for_zero() {
        let mut memory = Memory::default();
        memory.see_resident(kib(2000, 0));
        memory.see_walk(Duration::ZERO, b"Rss:    4000 kB\n");
        check(&memory, None, None, 2000);
    }

    #[test]
    fn a_kernel_that_does_not_tell_anonymous_shares_is_understood() {
        let old: Vec<u8> = ROLLUP
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| !line.starts_with(b"Pss_"))
            .flatten()
            .copied()
            .collect();
        let mut memory = Memory::default();
        memory.see_walk(Duration::ZERO, &old);
        check(&memory, Some(1000), Some(500), 4000);
    }

    #[test]
    fn who_shares_or_changed_waits_for_another_walk_from_the_last_one_on() {
        let alone: Vec<u8> = String::from_utf8_lossy(ROLLUP).replace("Pss_Anon: 600", "Pss_Anon: 400").into_bytes();
        let second = Duration::from_secs;
        let mut memory = Memory::of_one_born(second(1));
        assert_eq!(memory.waits_for_walk(), Some(second(1)));
        memory.see_walk(second(2), ROLLUP);
        assert_eq!(memory.waits_for_walk(), Some(second(2)), "a sibling may end, and leave it what they shared");
        memory.see_walk(second(3), &alone);
        assert_eq!(memory.waits_for_walk(), None);
        memory.see_resident(kib(1000, 3020));
        assert_eq!(memory.waits_for_walk(), None);
        memory.see_resident(kib(5000, 0));
        assert_eq!(memory.waits_for_walk(), Some(second(3)));
    }
}
