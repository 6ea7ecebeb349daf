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
use super::stacks::Python;
use super::switches::{HOLD_BACK, Recorder, refusal};
use super::timeline::{Bucket, Timeline};
use super::tree::Tree;
use super::{Folded, Launch, Mechanism, Process, Progress, Switches, Totals, Worker};
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
    /// While switches are recorded.
    recorder: Option<Recorder>,
    /// How that went, once it is over.
    switches: Option<Switches>,
    notices: Vec<Notice>,
    /// What the kernel accounted to all that were reaped, and what the hypervisor kept meanwhile, once that is known.
    accounted: Option<(Duration, Duration)>,
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
    /// Highest memory of the processes alive together, what `fork` copies share counted once.
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
    /// How well the records of switches were kept up with; `None` when there were none.
    pub switches: Option<Switches>,
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
        let mut notices = Vec::new();
        let mut recorder = None;
        if attached.is_none() && round.wants(Mechanism::Switches) {
            match Recorder::attach(root) {
                Ok(attached) => recorder = Some(attached),
                Err(error) => notices.push(refusal(&error)),
            }
        }
        let files = files.saturating_sub(recorder.as_ref().map_or(0, Recorder::files));
        round.delays = accounts_delays();
        round.attached = attached;
        let tree = Tree::new(root, files, &mut round);
        Self {
            zero: Instant::now(),
            tree,
            round,
            clock: Clock::default(),
            recorder,
            switches: None,
            notices,
            accounted: None,
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
        self.round.zero = Some(now);
        if let Some(recorder) = &mut self.recorder {
            recorder.start(time_of(ClockId::CLOCK_MONOTONIC).saturating_sub(now.elapsed()));
        }
        self.own = time_of(ClockId::CLOCK_THREAD_CPUTIME_ID);
        self.round.boot = time_of(ClockId::CLOCK_BOOTTIME).saturating_sub(now.elapsed());
        self.before = machine_busy().map(|machine| (machine, time_of(ClockId::CLOCK_PROCESS_CPUTIME_ID)));
    }

    /// The first process, until now held, runs the target's program now.
    pub fn begins(&mut self) {
        self.tree.begins();
        if self.recorder.is_some() {
            self.round.tracks.begin();
        }
    }

    /// One wake: reads the tree, and returns when it wants to be woken next.
    pub fn tick(&mut self, now: Instant) -> Instant {
        if !self.round.tracks.are_kept() {
            // It was no held process that we attached to, so there is no beginning from which all is recorded.
            self.recorder = None;
        }
        let at = self.since_start(now);
        self.clock.arrive(at);
        let interval = at.saturating_sub(self.round.since);
        if !self.drain(HOLD_BACK) {
            self.end_recording(true);
        }
        self.read(at);
        let own = time_of(ClockId::CLOCK_THREAD_CPUTIME_ID);
        let cost = own.saturating_sub(std::mem::replace(&mut self.own, own));
        let patience = self.recorder.as_ref().map_or(Duration::MAX, |recorder| recorder.patience(interval));
        self.zero + self.clock.next(at, cost).min(at.saturating_add(patience))
    }

    /// Takes in what was recorded; `false` when that costs the target too much.
    fn drain(&mut self, hold_back: Duration) -> bool {
        let Some(recorder) = &mut self.recorder else { return true };
        recorder.drain(time_of(ClockId::CLOCK_MONOTONIC), hold_back, &mut self.round.tracks)
    }

    /// Records end here: because they cost too much, or with the run.
    fn end_recording(&mut self, too_much: bool) {
        let Some(recorder) = self.recorder.take() else { return };
        let until = too_much.then(|| self.since_start(Instant::now()));
        if too_much {
            self.tree.leave_tracks(&mut self.round);
        }
        let (told, notice) = recorder.finish(until);
        self.switches = Some(told);
        self.notices.extend(notice);
    }

    /// What the kernel accounted to all processes of the run, which are reaped by now and left none behind, and the
    /// most that the hypervisor kept of the machine meanwhile.
    pub fn account(&mut self, cpu: Duration, stolen: Duration) {
        self.accounted = Some((cpu, stolen));
    }

    /// What the tree did since this was last asked for.
    pub fn progress(&mut self, now: Instant) -> Progress {
        let lately = std::mem::take(&mut self.lately);
        let (workers, memory) = (self.tree.workers_alive(), self.tree.memory_now());
        Progress { elapsed: self.since_start(now), workers, memory, ..Progress::of(&lately) }
    }

    /// What would show more of a tree that is not our child's, for the notices.
    pub fn remedy(&mut self, remedy: String) {
        self.round.missing.remedy = Some(remedy);
    }

    /// The processes that run Python now, each with its CPU time and the number of its threads.
    pub(super) fn pythons(&self) -> impl Iterator<Item = (Python, Duration, usize)> {
        self.tree.pythons()
    }

    /// `pid`, a child of ours, is a zombie and about to be reaped: takes its last readings while they are there.
    pub fn dying(&mut self, pid: i32, now: Instant) {
        // Whoever is a zombie has had its last record.
        self.drain(Duration::ZERO);
        self.round.advance(self.since_start(now));
        if let Some(cpu) = self.tree.dying(pid, &mut self.round) {
            self.reaped += cpu;
        }
    }

    /// The run is over: reads once more what is still there, and adds everything up.
    pub fn finish(mut self, now: Instant) -> Sampled {
        self.drain(Duration::ZERO);
        self.end_recording(false);
        self.read(self.since_start(now));
        let (alive, reaped) = (self.tree.alive(), self.reaped + self.tree.cpu());
        let launch = self.tree.launch();
        let attached = self.round.attached.is_some();
        let accounts = self.tree.close(&mut self.round);
        let exact = self.switches.is_some_and(|switches| switches.lost == 0 && switches.until.is_none());
        if let Some((accounted, stolen)) = self.accounted.filter(|_| exact && alive == 0) {
            self.round.ledger.agree_with(accounted, stolen);
        }
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
        let mut notices = self.notices;
        notices.extend(missing.into_notices());
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
            switches: self.switches,
            notices,
            alive,
        }
    }

    fn read(&mut self, at: Duration) {
        self.round.begin(at);
        self.tree.read(&mut self.round);
        let memory = self.tree.memory_now();
        self.peak_memory = self.peak_memory.max(memory);
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        let (processes, workers) = (count(self.tree.alive()), count(self.tree.workers_alive()));
        let stretch = Bucket { memory, processes, workers, ..self.round.end() };
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

/// Whether the kernel accounts the time that tasks are blocked on block devices, for tasks born from now on. It has a
/// switch for it since 5.14.
fn accounts_delays() -> bool {
    let mut buffer = [0; 8];
    ProcPath::machine("sys/kernel/task_delayacct").read(&mut buffer).is_ok_and(|bytes| bytes.starts_with(b"1"))
}

/// One of the kernel's clocks; all that are asked for here exist on every Linux.
pub(super) fn time_of(clock: ClockId) -> Duration {
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
