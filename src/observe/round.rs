//! One tick's purse and basket: what reading the tree may still spend in this tick, and what it has brought home.

use super::Mechanism;
use super::gil::{Extents, Images};
use super::ledger::Ledger;
use super::readings::TICK;
use super::sockets::Sockets;
use super::switches::Tracks;
use super::timeline::Bucket;
use crate::notice::Notice;
use std::path::Path;
use std::time::{Duration, Instant};

/// Workers found running whose core is looked up in one tick; far more than are really on a core at once.
const CORES_LOOKED_UP: u32 = 64;
/// Workers and processes whose details (name, switches, I/O) are read in one tick; the others' turn comes later.
const DETAILED: u32 = 64;
/// Workers whose switches are recorded that are read in one tick, about; records know the times of all, so this only
/// samples what they wait for, and a thousand that stir cost no more than these.
const RECORDED_READ: u32 = 64;

/// Handed down the tree at each tick.
#[derive(Debug, Default)]
pub struct Round {
    /// When this tick is, since the target's start.
    pub at: Duration,
    /// When the tick before it was.
    pub since: Duration,
    /// The target's start, by our clock.
    pub zero: Option<Instant>,
    /// Whether there is but one core for us and the target together.
    pub one_core: bool,
    /// The target's start, since boot.
    pub boot: Duration,
    /// Who was started before this time since boot ran before it was attached to, and what it did until it is found is
    /// not of the run. `None` where the run begins with its first process.
    pub attached: Option<Duration>,
    /// How many ticks there were, this one included.
    pub ticks: u64,
    /// How many more files may be kept open.
    pub files: usize,
    /// What the tree did since the tick before.
    pub stretch: Bucket,
    /// What has ended.
    pub ledger: Ledger,
    /// What the kernel's records tell of the living.
    pub tracks: Tracks,
    /// On which cores the tree was seen.
    pub cores: Cores,
    /// What could not be read.
    pub missing: Missing,
    /// The sockets that anyone waited on.
    pub sockets: Sockets,
    /// Whether the kernel accounts the time that tasks are blocked on block devices.
    pub delays: bool,
    /// Of the process that is being read, the memory of its interpreter's locks.
    pub locks: Extents,
    /// The files that were looked at for an interpreter.
    pub images: Images,
    /// What is not to be looked at.
    pub without: Vec<Mechanism>,
    lookups: u32,
    details: u32,
    /// Recorded workers that there was reason to read in this tick, and of how many one is read.
    stirred: u32,
    stride: u32,
}

impl Round {
    /// Something is read between two ticks.
    pub fn advance(&mut self, at: Duration) {
        self.at = at.max(self.since);
    }

    /// The time since the target's start, which has gone on since the tick began.
    pub fn now(&self) -> Duration {
        self.zero.map_or(self.at, |zero| zero.elapsed())
    }

    /// A new tick begins.
    pub fn begin(&mut self, at: Duration) {
        self.advance(at);
        self.ticks += 1;
        self.stride = self.stirred.div_ceil(RECORDED_READ).max(1);
        self.stirred = 0;
        self.lookups = CORES_LOOKED_UP;
        self.details = DETAILED;
        self.cores.begin();
    }

    /// The tick is over: what the tree did in it.
    pub fn end(&mut self) -> Bucket {
        self.stretch.span = self.at - self.since;
        self.since = self.at;
        std::mem::take(&mut self.stretch)
    }

    /// Whether whoever was started then, since boot, ran before it was attached to.
    pub fn ran_before(&self, start: Duration) -> bool {
        self.attached.is_some_and(|attached| start + TICK <= attached)
    }

    /// Whether this is to be looked at.
    pub fn wants(&self, mechanism: Mechanism) -> bool {
        !self.without.contains(&mechanism)
    }

    /// Whether one more file may be kept open.
    pub fn may_keep(&mut self) -> bool {
        let any = self.files > 0;
        self.files = self.files.saturating_sub(1);
        any
    }

    /// Whether this one of the recorded workers that stirred is read in this tick: of many in order one in a stride, and
    /// in the next tick others.
    pub const fn may_read(&mut self) -> bool {
        self.stirred += 1;
        let stride = if self.stride == 0 { 1 } else { self.stride as u64 };
        (self.stirred as u64 + self.ticks).is_multiple_of(stride)
    }

    /// Whether one more core may be looked up in this tick.
    pub fn may_look_up(&mut self) -> bool {
        take(&mut self.lookups)
    }

    /// Whether one more worker's or process's details may be read in this tick.
    pub fn may_detail(&mut self) -> bool {
        take(&mut self.details)
    }
}

fn take(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

/// When the details of one worker or process are due: soon after birth, then at doubling ages, so that those of one
/// who dies unannounced are at most half its life old; at last once a second.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    due: Duration,
    gap: Duration,
}

impl Cadence {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    /// First due soon after `at`.
    pub fn from(at: Duration) -> Self {
        Self { due: at + Self::FIRST, gap: Self::FIRST }
    }

    /// Whether they are due.
    pub fn is_due(&self, at: Duration) -> bool {
        at >= self.due
    }

    /// They were read.
    pub fn done(&mut self, at: Duration) {
        self.due = at + self.gap;
        self.gap = (self.gap * 2).min(Self::LONGEST);
    }
}

/// Ticks in which the tree was seen on each core.
#[derive(Debug, Default)]
pub struct Cores {
    tick: u64,
    seen: Vec<(u64, u64)>,
}

impl Cores {
    /// More cores than any machine has: a number past it is not believed.
    const MOST: usize = 1 << 16;

    fn begin(&mut self) {
        self.tick += 1;
    }

    /// Someone was seen on this core; counted once a tick.
    pub fn see(&mut self, core: usize) {
        if core >= Self::MOST {
            return;
        }
        if core >= self.seen.len() {
            self.seen.resize(core + 1, (0, 0));
        }
        let (last, ticks) = &mut self.seen[core];
        if *last != self.tick {
            *last = self.tick;
            *ticks += 1;
        }
    }

    /// By core number.
    pub fn ticks(&self) -> Vec<u64> {
        self.seen.iter().map(|(_, ticks)| *ticks).collect()
    }
}

/// Something that a run may hide from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// The target's first process, from its start on.
    Target,
    /// `schedstat`.
    Schedstat,
    /// `syscall`.
    Syscall,
    /// `children`.
    Children,
    /// `io`.
    Io,
    /// `smaps_rollup`.
    Rollup,
    /// The interpreter's lock, in `mem`.
    Gil,
}

/// What could not be read, each with the first reason met.
#[derive(Debug, Default)]
pub struct Missing {
    noted: Vec<(Hidden, String)>,
    /// What would show more of a target that is not our child; `None` where it is.
    pub remedy: Option<String>,
}

impl Missing {
    /// Takes down why `hidden` could not be read; only the first time costs anything.
    pub fn note(&mut self, hidden: Hidden, path: &Path, why: &dyn std::fmt::Display) {
        if self.noted.iter().all(|(known, _)| *known != hidden) {
            self.noted.push((hidden, format!("{}: {why}", path.display())));
        }
    }

    /// As notices.
    pub fn into_notices(self) -> impl Iterator<Item = Notice> {
        self.noted.into_iter().map(move |(hidden, why)| {
            let (what, remedy) = hidden.words();
            let attached = self.remedy.clone().filter(|_| hidden.needs_rights());
            Notice::Unavailable { what, why, remedy: attached.unwrap_or_else(|| remedy.to_owned()) }
        })
    }
}

impl Hidden {
    /// Whether it is there, and only a matter of who asks.
    const fn needs_rights(self) -> bool {
        matches!(self, Self::Syscall | Self::Io | Self::Rollup)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Target => (
                "the target's process",
                "it changed its user while /proc is mounted with hidepid; run concadvise as that user or as root",
            ),
            Self::Schedstat => (
                "exact on-CPU and run-queue time (schedstat)",
                "CPU time is known to 10 ms and run-queue wait not at all; use a kernel with CONFIG_SCHED_INFO",
            ),
            Self::Syscall => (
                "the system call that a worker is blocked in",
                "kinds of blocking are told from the kernel function or the state alone; to see more, run concadvise as \
                 the target's user or as root, and set kernel.yama.ptrace_scope to 0 or 1",
            ),
            Self::Children => (
                "the children of a process",
                "workers in other processes of the target are not seen; use a kernel with CONFIG_PROC_CHILDREN",
            ),
            Self::Io => (
                "the bytes a process reads and writes on block devices",
                "they are counted as none; run concadvise as the target's user or as root",
            ),
            Self::Rollup => (
                "proportional memory (PSS)",
                "resident memory is used, which counts shared pages once for each process; run concadvise as the \
                 target's user or as root",
            ),
            Self::Gil => (
                "who holds Python's GIL",
                "it is inferred from how the threads wait; to have it measured, run concadvise as the target's user or as \
                 root, and set kernel.yama.ptrace_scope to 0 or 1",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_counted_once_a_tick() {
        let mut round = Round::default();
        for seen in [&[0usize, 2, 2][..], &[2], &[]] {
            round.begin(Duration::ZERO);
            seen.iter().for_each(|core| round.cores.see(*core));
        }
        round.cores.see(usize::MAX);
        assert_eq!(round.cores.ticks(), [1, 0, 2]);
    }

    #[test]
    fn details_are_never_older_than_half_a_short_life() {
        let mut cadence = Cadence::from(Duration::ZERO);
        let mut last = Duration::ZERO;
        for at in (0..10_000).map(Duration::from_millis) {
            if cadence.is_due(at) {
                cadence.done(at);
                last = at;
            }
            let bound = (at / 2).clamp(Cadence::FIRST, Cadence::LONGEST);
            assert!(at - last <= bound, "at {at:?} they are of {last:?}");
        }
    }

    #[test]
    fn each_hidden_thing_is_noted_once() {
        let mut missing = Missing::default();
        for _ in 0..3 {
            missing.note(Hidden::Io, Path::new("/proc/1/io"), &"denied");
        }
        missing.note(Hidden::Syscall, Path::new("/proc/1/syscall"), &"denied");
        let notices: Vec<String> = missing.into_notices().map(|notice| notice.to_string()).collect();
        assert_eq!(notices.len(), 2);
        assert!(notices[0].contains("/proc/1/io: denied"), "{notices:?}");
    }
}
