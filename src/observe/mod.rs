//! The world → [`Observation`]: one run of a command, watched from outside, raw.
//!
//! The child is held until everything is attached, then released. What the readings mean is `profile`'s;
//! whether the run is a target or a trial is the caller's.

mod account;
mod attach;
mod blocked;
mod capture;
mod clock;
mod counters;
mod descriptors;
mod exit;
mod family;
mod gil;
pub mod histogram;
mod instrument;
pub mod kind;
mod launch;
mod ledger;
mod memory;
mod memory_sets;
mod probe;
mod process;
mod progress;
mod readings;
mod refusal;
mod ring;
mod round;
mod run;
pub mod sampler;
mod sharing;
mod sockets;
mod stacks;
mod subject;
mod switches;
mod syscall;
mod throttle;
pub mod timeline;
mod totals;
mod tree;
mod wait_channel;
mod walks;
mod worker;

pub use attach::attach;
pub use instrument::{Instrument, Works, examine};
pub use launch::Launch;
pub use progress::Progress;
pub use run::observe;
pub use subject::{Refused, may_print_to};

use crate::notice::Notice;
use crate::units::Bytes;
use histogram::Histogram;
use kind::ByKind;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use timeline::Timeline;

/// How a run is started and watched.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What its standard streams are.
    pub stdio: Stdio,
    /// Ended (by the id we hold, with its process group) when it runs longer. Never set for the user's own run.
    pub timeout: Option<Duration>,
    /// What is not looked at, so that its cost or its worth can be compared.
    pub without: Vec<Mechanism>,
    /// Variables that the run has beside ours, or instead of ours of the same name. Never for the user's own run.
    pub environment: Vec<(OsString, OsString)>,
}

/// A way of observing that can be done without: each adds to what `schedstat` and `rusage` tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The kernel's records of every context switch, birth and death (perf).
    Switches,
    /// What blocked workers wait for.
    Kinds,
    /// Who holds CPython's lock.
    Gil,
    /// Which functions a Python program is in.
    Stacks,
    /// Proportional memory.
    Memory,
    /// The counters of kernel and processor (perf).
    Counters,
}

impl Mechanism {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Switches, Self::Kinds, Self::Gil, Self::Stacks, Self::Memory, Self::Counters];

    /// Its word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switches => "switches",
            Self::Kinds => "kinds",
            Self::Gil => "gil",
            Self::Stacks => "stacks",
            Self::Memory => "memory",
            Self::Counters => "counters",
        }
    }
}

/// A run's standard streams.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Stdio {
    /// Ours, untouched: the user's own run.
    #[default]
    Inherit,
    /// A trial's: `input` is written to its standard input, its output is captured (bounded), and it is put in a
    /// process group of its own that dies with us.
    Capture {
        /// All of its standard input.
        input: Vec<u8>,
    },
}

/// All readings of one run, raw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// Whether the run was watched from its start to its own end; one that was attached to, for as long as was asked for.
    pub complete: bool,
    /// The process that was attached to while it ran; `None` when we started it.
    pub attached: Option<i32>,
    /// From release, or from when it was attached to, to the end of the first process or of the watching.
    pub wall: Duration,
    /// How the first process ended; `None` when we stopped before it did, or when it is not our child and the kernel
    /// does not tell.
    pub exit: Option<Exit>,
    /// The part of the run before the first process became its last program by `exec`; `None` when it was one program
    /// throughout, or became another within [`Launch::SHORTEST`].
    pub launch: Option<Launch>,
    /// What the kernel accounted when the tree was reaped.
    pub totals: Totals,
    /// Every worker seen, in order of birth; bounded, the rest is in `folded`.
    pub workers: Vec<Worker>,
    /// Workers that were seen but not kept one by one (past [`Observation::WORKERS_KEPT`]): how many, and their sum.
    pub folded: Folded,
    /// Every process kept, with its memory.
    pub processes: Vec<Process>,
    /// Counters of the whole tree, those that the machine has.
    pub counters: Vec<Counter>,
    /// The Python functions that were seen most, the most seen first; bounded, the rest is in a nameless last one.
    pub functions: Vec<Function>,
    /// Where the program's event loops were.
    pub in_loops: InLoops,
    /// Python processes that have threads of native libraries.
    pub native_threads: Vec<NativeThreads>,
    /// The run over time.
    pub timeline: Timeline,
    /// Highest memory of the processes that were alive together, what `fork` copies share counted once.
    pub peak_memory: Bytes,
    /// Ticks in which a worker was last seen on that processor, by its number.
    pub core_ticks: Vec<u64>,
    /// CPU time that everything else on the machine used during the run; `None` when `/proc/stat` is not readable.
    pub elsewhere_cpu: Option<Duration>,
    /// How well we sampled, and what it cost.
    pub sampling: Sampling,
    /// Standard output and error of a captured run.
    pub output: Option<Output>,
    /// The signal that ended the watching (Ctrl-C), already forwarded to the target unless that was attached to.
    pub interrupted: Option<i32>,
    /// Whether it was ended because it ran longer than [`Settings::timeout`].
    pub timed_out: bool,
    /// Caveats about the quality of these readings.
    pub notices: Vec<Notice>,
}

impl Observation {
    /// Workers kept one by one.
    pub const WORKERS_KEPT: usize = 4096;
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Exact sums over the tree, from `wait4`; includes workers born and dead between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// Times a worker gave up its core to wait.
    pub voluntary_switches: u64,
    /// Times a core was taken from a worker.
    pub involuntary_switches: u64,
    /// Page faults served from memory.
    pub minor_faults: u64,
    /// Page faults that read from disk.
    pub major_faults: u64,
    /// Largest resident set of any one process.
    pub peak_rss: Bytes,
    /// Bytes read from block devices.
    pub read_bytes: Bytes,
    /// Bytes written to block devices.
    pub written_bytes: Bytes,
}

impl Totals {
    /// CPU time, user and system.
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// One OS task (thread or process main thread) of the target's tree, running one program: what a process was before
/// an `exec` is a worker of its own with the same ids, unless it was that for less than [`Launch::SHORTEST`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Worker {
    /// Process.
    pub pid: i32,
    /// Task; equal to `pid` for a process's first thread.
    pub tid: i32,
    /// Process that its process was born from, as first seen.
    pub parent: i32,
    /// Name, escaped nowhere yet: untrusted.
    pub name: String,
    /// When it was first seen, after the target's start.
    pub born: Duration,
    /// When it was last seen alive, after the target's start.
    pub died: Duration,
    /// Exact time on a core.
    pub on_cpu: Duration,
    /// Exact time in the run queue.
    pub runnable: Duration,
    /// Times it was put on a core.
    pub timeslices: u64,
    /// CPU time in user mode, to the kernel's tick.
    pub user: Duration,
    /// CPU time in the kernel, to the kernel's tick.
    pub system: Duration,
    /// Times it gave up its core to wait; `None` when not readable.
    pub voluntary_switches: Option<u64>,
    /// Times its core was taken; `None` when not readable.
    pub involuntary_switches: Option<u64>,
    /// Samples in which it was blocked, by kind. The share of a kind × the exact blocked time is the kind's time.
    pub blocked_ticks: ByKind<u32>,
    /// The same samples by how many things the system call waited on at once, where that could be read.
    pub waited_on: WaitedOn,
    /// Time blocked on block devices, page faults included, as the kernel accounts it, to its tick of 10 ms; `None`
    /// where it does not. File systems that wait for something else (network, FUSE) are not in it.
    pub disk_delay: Option<Duration>,
    /// Lengths of its stretches on a core: each one where its switches were recorded, else means per sampling interval.
    pub bursts: Histogram,
    /// Lengths of its stretches blocked; only where its switches were recorded.
    pub waits: Histogram,
    /// Short-lived processes that its process started, in the record of a process's first thread. They are workers too,
    /// so their time is not to be added to that of the workers.
    pub children: Children,
}

impl Worker {
    /// How long it was seen alive.
    pub fn lifetime(&self) -> Duration {
        self.died.saturating_sub(self.born)
    }

    /// The rest of its life: neither on a core nor in the run queue.
    pub fn blocked(&self) -> Duration {
        self.lifetime().saturating_sub(self.on_cpu + self.runnable)
    }
}

/// Short-lived processes, credited to the one that they were born from; their own short-lived children among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Children {
    /// How many were seen.
    pub count: u64,
    /// Their time on a core.
    pub cpu: Duration,
    /// Highest memory of any one of them: PSS where it was read, else RSS.
    pub peak_memory: Bytes,
}

impl Children {
    /// A process that lives shorter is a command that its parent had run, not a worker to be looked at: starting one
    /// takes a tenth to all of that (7 to 115 ms for a Python pool of two, domain rules).
    pub const SHORT_LIFE: Duration = Duration::from_millis(100);

    /// Adds others.
    pub fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.cpu += other.cpu;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
    }
}

/// Samples of a blocked worker whose system call could be read, by how many things the call waits on. A `select` is
/// not among them: its count of descriptors is only their highest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitedOn {
    /// One thing, or a time. A `poll` of one descriptor is how a library waits with a time limit.
    pub one: u32,
    /// The several descriptors of one `poll`.
    pub several: u32,
    /// Whatever is registered with an epoll, be it only a waker: how event loops wait.
    pub epoll: u32,
}

/// Sum over workers that were not kept one by one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Folded {
    /// How many were seen.
    pub workers: u64,
    /// Their time on a core.
    pub on_cpu: Duration,
    /// Their time in the run queue.
    pub runnable: Duration,
    /// The time they were alive.
    pub alive: Duration,
}

/// One process of the tree. After an `exec` it tells of the new program alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// The process it was born from, as first seen.
    pub parent: i32,
    /// Its executable as last seen; `None` when not readable.
    pub executable: Option<PathBuf>,
    /// The words it was started with, as last seen; empty when not readable.
    pub argv: Vec<OsString>,
    /// Whether an epoll was seen among its first descriptors.
    pub has_epoll: bool,
    /// What its interpreter's lock was seen doing.
    pub gil: Gil,
    /// Highest resident set.
    pub peak_rss: Bytes,
    /// Highest proportional set; `None` when not readable or too costly.
    pub peak_pss: Option<Bytes>,
    /// Highest memory of its own; `None` when not readable or too costly.
    pub peak_uss: Option<Bytes>,
    /// Memory of its own when that was first read, soon after its birth where the budget for it allowed; of a copy
    /// made by `fork` it grows as pages that were shared are written.
    pub first_uss: Option<Bytes>,
    /// Bytes it read from block devices.
    pub read_bytes: Bytes,
    /// Bytes it wrote to block devices.
    pub written_bytes: Bytes,
    /// Page faults that read from disk.
    pub major_faults: u64,
    /// Page faults served from memory.
    pub minor_faults: u64,
    /// CPU time of the children that it waited for, with all that they had waited for, seen by us or not; as last read,
    /// to the kernel's tick.
    pub waited_cpu: Duration,
}

/// A process's global interpreter lock, as read from its memory.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Gil {
    /// Not read: no CPython, or its memory is hidden from us (then a notice says so).
    #[default]
    Unread,
    /// A CPython without one.
    Absent,
    /// A CPython with one.
    Sampled(GilSamples),
}

/// The lock's words, read at each of many moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GilSamples {
    /// Moments.
    pub samples: u32,
    /// Moments at which some thread held it.
    pub held: u32,
    /// Moments at which some thread of the process was on a core or waited for one.
    pub computing: u32,
    /// Time on a core, over the stretches between those moments, of threads that held it.
    pub holding: Duration,
    /// Time on a core of all threads over the same stretches.
    pub on_cpu: Duration,
    /// Times that it went to another thread.
    pub handovers: u64,
}

/// One Python function, as often as it was seen: threads are credited to the innermost function of the program's own
/// code, not to what that calls in the standard library or an installed package. A nameless one stands for all those
/// that were not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Function {
    /// Its name; untrusted.
    pub name: String,
    /// Its file; untrusted.
    pub path: PathBuf,
    /// The line that it was in most often.
    pub line: u32,
    /// The function on top of the stack most often, `name (file)`, when that was not this one; untrusted.
    pub inside: Option<String>,
    /// Sightings of a thread in it, waiting or not. One made while sightings were rarer counts for several.
    pub seen: u32,
    /// Those in which the thread was on a core or waiting for one.
    pub active: u32,
    /// Those in which the thread held the GIL.
    pub holding: u32,
}

/// What the stacks of threads that run an event loop showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InLoops {
    /// Sightings of such a thread, whether its loop waited or ran something. One made while sightings were rarer
    /// counts for several.
    pub looks: u32,
    /// Processes that had one.
    pub processes: u32,
    /// The time that one sighting stands for, as it was measured; `None` when nothing was read twice.
    pub each: Option<Duration>,
    /// Lines of the program's own code that ran within a loop, the most seen first; bounded.
    pub lines: Vec<LoopLine>,
}

impl InLoops {
    /// Lines kept; where there are as many, others were seen too.
    pub const LINES_KEPT: usize = 256;
}

/// A line of the program's own code that event loops were seen in: they run nothing else meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoopLine {
    /// Its file; untrusted.
    pub path: PathBuf,
    /// The line.
    pub line: u32,
    /// Sightings in it, or in what it calls.
    pub seen: u32,
    /// Those in which the thread was on a core or waiting for one.
    pub active: u32,
}

/// Threads that native libraries started in a Python process for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NativeThreads {
    /// The process.
    pub pid: i32,
    /// Threads that ran no Python, as often seen.
    pub threads: u32,
    /// Libraries in it that start such: `OpenBLAS`, `OpenMP`.
    pub libraries: Vec<String>,
}

/// One counter of the whole tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// perf's name of it: `task-clock`, `page-faults`, `instructions`.
    pub name: &'static str,
    /// Its value; nanoseconds for clocks, else a count.
    pub value: u64,
}

/// How well the run was sampled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sampling {
    /// Times the tree was read.
    pub ticks: u64,
    /// The shortest and the longest interval the clock was set to.
    pub interval: (Duration, Duration),
    /// How much later than planned the ticks came.
    pub lateness: Histogram,
    /// CPU time that watching cost us.
    pub own_cpu: Duration,
    /// The most memory that we ever had resident.
    pub own_memory: Bytes,
    /// The kernel's records of switches; `None` when there were none to be had.
    pub switches: Option<Switches>,
    /// Times that a process's stacks were asked for, and those without an answer.
    pub stacks: (u64, u64),
}

/// How well the kernel's records of switches were kept up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// Records read.
    pub records: u64,
    /// Records that the kernel had no room for.
    pub lost: u64,
    /// When recording was given up because it would have cost the target too much; `None` when it never was.
    pub until: Option<Duration>,
}

/// What a captured run printed, cut at a bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Why a run could not be watched from its start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command named no file on `PATH`, or its path does not exist.
    #[error("cannot run {command:?}: no such command; check its spelling, or give the path to the file")]
    NotFound {
        /// The command's first word.
        command: OsString,
    },
    /// The file exists but the kernel would not execute it.
    #[error("cannot run {command:?}: {why}")]
    NotExecutable {
        /// The command's first word.
        command: OsString,
        /// What is wrong and what to do about it.
        why: String,
    },
    /// We failed, not the command.
    #[error("could not {doing}: {source}")]
    Ours {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
}
