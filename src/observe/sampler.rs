//! The sampler: one thread's whole way of watching a tree of workers through `/proc`, one wake at a time.
//!
//! It is told when time passes, and answers when it wants to be woken next; waiting, reaping and signals are the
//! caller's. Needs the caller to be the subreaper of the tree, or descendants are lost whose parent dies before they
//! are found.

use super::clock::Clock;
use super::histogram::Histogram;
use super::probe::ProcPath;
use super::readings::busy;
use super::round::Round;
use super::timeline::{Bucket, Timeline};
use super::tree::Tree;
use super::{Folded, Launch, Mechanism, Process, Progress, Totals, Worker};
use crate::notice::Notice;
use crate::units::Bytes;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Watches one tree of workers.
#[derive(Debug)]
pub struct Sampler {
    zero: Instant,
    tree: Tree,
    round: Round,
    clock: Clock,
    timeline: Timeline,
    peak_memory: Bytes,
    /// What the tree did since progress was last told.
    lately: Bucket,
    /// CPU time of processes that we saw reaped, with all that they had reaped.
    reaped: Duration,
    /// CPU time of the whole machine, and ours, at the start.
    before: Option<(Duration, Duration)>,
    /// CPU time of this thread when the last tick ended.
    own: Duration,
    /// Last, so that the limit is lowered only after the files are closed.
    _limit: RaisedLimit,
}

/// All that was sampled of one run.
#[derive(Debug, Default)]
pub struct Sampled {
    /// What went before the first process's last program.
    pub launch: Option<Launch>,
    /// The sums over a tree that others reap; nothing of one that was started by us, whom the kernel tells exactly.
    pub totals: Totals,
    /// Every worker kept, in order of birth.
    pub workers: Vec<Worker>,
    /// The sum of the workers not kept.
    pub folded: Folded,
    /// Every process kept, in order of birth.
    pub processes: Vec<Process>,
    /// The run over time.
    pub timeline: Timeline,
    /// Highest sum of memory over the processes alive together.
    pub peak_memory: Bytes,
    /// Ticks in which a worker was last seen on that processor, by its number.
    pub core_ticks: Vec<u64>,
    /// CPU time that everything else on the machine used; `None` when `/proc/stat` is not readable.
    pub elsewhere_cpu: Option<Duration>,
    /// Times the tree was read.
    pub ticks: u64,
    /// The shortest and the longest interval the clock was set to.
    pub interval: (Duration, Duration),
    /// How much later than planned the ticks came.
    pub lateness: Histogram,
    /// Caveats about the quality of these readings.
    pub notices: Vec<Notice>,
    /// Processes of the tree still alive at the end.
    pub alive: usize,
}

impl Sampler {
    /// Attaches to `root`: the held (not yet released) first process. Raises our own limit of open files until
    /// [`Sampler::finish`] or the drop, so nothing else should be forked meanwhile. What is in `without` is not looked at.
    pub fn new(root: i32, without: &[Mechanism]) -> Self {
        Self::of(root, without, None)
    }

    /// Attaches to `root`, which runs already, with all that is below it: now is time zero.
    pub fn attach(root: i32, without: &[Mechanism]) -> Self {
        let zero = Instant::now();
        // Whoever is found at first has run before.
        let mut sampler = Self::of(root, without, Some(Duration::MAX));
        sampler.start(zero);
        sampler.round.attached = Some(sampler.round.boot);
        sampler
    }

    fn of(root: i32, without: &[Mechanism], attached: Option<Duration>) -> Self {
        let (limit, files) = RaisedLimit::raise();
        let mut round = Round::default();
        round.without = without.to_vec();
        round.attached = attached;
        let tree = Tree::new(root, files, &mut round);
        Self {
            zero: Instant::now(),
            tree,
            round,
            clock: Clock::default(),
            timeline: Timeline::default(),
            peak_memory: Bytes::default(),
            lately: Bucket::default(),
            reaped: Duration::ZERO,
            before: None,
            own: Duration::ZERO,
            _limit: limit,
        }
    }

    /// The first process is released now: time zero.
    pub fn start(&mut self, now: Instant) {
        self.zero = now;
        self.own = time_of(ClockId::CLOCK_THREAD_CPUTIME_ID);
        self.round.boot = time_of(ClockId::CLOCK_BOOTTIME).saturating_sub(now.elapsed());
        self.before = machine_busy().map(|machine| (machine, time_of(ClockId::CLOCK_PROCESS_CPUTIME_ID)));
    }

    /// The first process, until now held, runs the target's program now.
    pub fn begins(&mut self) {
        self.tree.begins();
    }

    /// One wake: reads the tree, and returns when it wants to be woken next.
    pub fn tick(&mut self, now: Instant) -> Instant {
        let at = self.since_start(now);
        self.clock.arrive(at);
        self.read(at);
        let own = time_of(ClockId::CLOCK_THREAD_CPUTIME_ID);
        let cost = own.saturating_sub(std::mem::replace(&mut self.own, own));
        self.zero + self.clock.next(at, cost)
    }

    /// What the tree did since this was last asked for.
    pub fn progress(&mut self, now: Instant) -> Progress {
        let lately = std::mem::take(&mut self.lately);
        let (workers, memory) = (self.tree.workers(), self.tree.memory_now());
        Progress { elapsed: self.since_start(now), workers, memory, ..Progress::of(&lately) }
    }

    /// What would show more of a tree that is not our child's, for the notices.
    pub fn remedy(&mut self, remedy: String) {
        self.round.missing.remedy = Some(remedy);
    }

    /// `pid`, a child of ours, is a zombie and about to be reaped: takes its last readings while they are there.
    pub fn dying(&mut self, pid: i32, now: Instant) {
        self.round.advance(self.since_start(now));
        if let Some(cpu) = self.tree.dying(pid, &mut self.round) {
            self.reaped += cpu;
        }
    }

    /// The run is over: reads once more what is still there, and adds everything up.
    pub fn finish(mut self, now: Instant) -> Sampled {
        self.read(self.since_start(now));
        let (alive, reaped) = (self.tree.alive(), self.reaped + self.tree.cpu());
        let launch = self.tree.launch();
        let attached = self.round.attached.is_some();
        let accounts = self.tree.close(&mut self.round);
        let Round { ledger, cores, missing, .. } = self.round;
        let (workers, folded, processes) = ledger.close();
        // What was reaped tells of workers that nobody saw, what was seen of those that nobody waited for.
        let seen = workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + folded.on_cpu;
        let unseen = if attached { accounts.unseen(seen) } else { Duration::ZERO };
        let totals = if attached { Totals::of_seen(&workers, &folded, &processes, unseen) } else { Totals::default() };
        let reaped = if attached { seen + unseen } else { reaped };
        let elsewhere_cpu = self.before.zip(machine_busy()).map(|((machine, ours), machine_now)| {
            let ours = time_of(ClockId::CLOCK_PROCESS_CPUTIME_ID).saturating_sub(ours);
            machine_now.saturating_sub(machine).saturating_sub(seen.max(reaped) + ours)
        });
        let mut notices: Vec<Notice> = missing.into_notices().collect();
        let (ticks, interval) = (self.clock.ticks(), self.clock.interval());
        let lateness = self.clock.into_lateness();
        if let Some(lateness) = lateness.quantile(0.95).filter(|late| *late > interval.1) {
            notices.push(Notice::SampledLate { lateness });
        }
        if folded.workers > 0 {
            notices.push(Notice::WorkersFolded { workers: folded.workers });
        }
        Sampled {
            launch,
            totals,
            workers,
            folded,
            processes,
            timeline: self.timeline,
            peak_memory: self.peak_memory,
            core_ticks: cores.ticks(),
            elsewhere_cpu,
            ticks,
            interval,
            lateness,
            notices,
            alive,
        }
    }

    fn read(&mut self, at: Duration) {
        self.round.begin(at);
        self.tree.read(&mut self.round);
        self.peak_memory = self.peak_memory.max(self.tree.memory_now());
        let stretch = self.round.end();
        self.lately.absorb(&stretch);
        self.timeline.add(&stretch);
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.zero)
    }
}

/// CPU time of the whole machine since boot.
fn machine_busy() -> Option<Duration> {
    let mut buffer = [0; 256];
    busy(ProcPath::machine("stat").read(&mut buffer).ok()?)
}

/// One of the kernel's clocks; all that are asked for here exist on every Linux.
fn time_of(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// Our limit of open files, raised as far as we may and lowered again on drop: whoever we fork later must not
/// inherit it.
#[derive(Debug)]
struct RaisedLimit {
    before: Option<(u64, u64)>,
}

impl RaisedLimit {
    /// More files than that are never kept open, however many are allowed.
    const MOST: u64 = 1 << 16;

    /// The guard, and how many files may now be open.
    fn raise() -> (Self, usize) {
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return (Self { before: None }, 0) };
        let wanted = hard.min(Self::MOST);
        let raised = wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
        let files = if raised { wanted } else { soft };
        (Self { before: raised.then_some((soft, hard)) }, usize::try_from(files).unwrap_or(usize::MAX))
    }
}

impl Drop for RaisedLimit {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.before {
            // Lowering always succeeds; if it ever did not, later children would merely be allowed more files.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        }
    }
}
