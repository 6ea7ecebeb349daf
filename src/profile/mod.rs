//! Observation → [`Profile`]: what the readings mean. Pure.
//!
//! Splits worker time into on-CPU, runnable and blocked by kind, takes start-up and shut-down off, and finds the
//! *demand*: the work that had to be done, with waiting for one another (GIL, locks, joins, children of the same
//! tree) and for a core taken out. Whether that makes a program CPU- or I/O-bound is `classify`'s to say.

use crate::host::Host;
use crate::observe::Observation;
use crate::observe::kind::ByKind;
use crate::units::{Bytes, Share};
use std::time::Duration;

/// What an observation means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// From release to the end of the first process.
    pub wall: Duration,
    /// CPU time of the whole tree, as the kernel accounted it.
    pub cpu: Duration,
    /// Start-up taken off the steady part (interpreter start, imports).
    pub startup: Duration,
    /// Shut-down taken off the steady part.
    pub shutdown: Duration,
    /// Part of the worker-time on a core; the three shares sum to one. `None` when nothing was observed.
    pub on_cpu: Option<Share>,
    /// Part of the worker-time in the run queue.
    pub runnable: Option<Share>,
    /// Part of the worker-time blocked.
    pub blocked: Option<Share>,
    /// Part of the worker-time blocked on each kind; sums to `blocked`.
    pub blocked_by: ByKind<Share>,
    /// Whether `blocked_by.gil` is inferred from a signature and not read from the interpreter.
    pub gil_inferred: bool,
    /// Part of the on-CPU time spent holding the GIL; `None` when it was not measured and cannot be inferred.
    pub gil_share: Option<Share>,
    /// Average cores busy over the steady part.
    pub cores_busy: f64,
    /// Share of the ticks that each core was seen running the target; by core number.
    pub core_shares: Vec<Share>,
    /// Workers on a core or in the run queue at once: mean over the steady part.
    pub parallelism: f64,
    /// Highest parallelism in any stretch of the steady part.
    pub parallelism_peak: f64,
    /// Highest memory of the whole tree at one time.
    pub peak_memory: Bytes,
    /// Memory that one more worker of each sort costs: the highest of any one process.
    pub memory_per_process: Bytes,
    /// Every worker that was kept.
    pub workers: Vec<WorkerProfile>,
    /// The work itself.
    pub demand: Demand,
    /// Bursts on a core: median and 95th percentile; `None` when too few.
    pub bursts: Option<(Duration, Duration)>,
    /// How the target is run today.
    pub today: Today,
    /// Replicates of the shares of the demand, for confidence; same length each, empty when too few samples.
    pub replicates: Vec<DemandShares>,
    /// Samples that the shares rest on.
    pub samples: u64,
    /// CPU used by everything else, as part of the machine's capacity during the run.
    pub elsewhere: Option<Share>,
}

/// One worker's time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkerProfile {
    /// Process.
    pub pid: i32,
    /// Task.
    pub tid: i32,
    /// Name; untrusted.
    pub name: String,
    /// What it did in the tree.
    pub role: Role,
    /// On a core.
    pub on_cpu: Duration,
    /// In the run queue.
    pub runnable: Duration,
    /// The rest.
    pub blocked: Duration,
    /// Blocked time by kind; sums to `blocked`.
    pub blocked_by: ByKind<Duration>,
    /// Highest memory of its process.
    pub peak_memory: Bytes,
}

/// What a worker did in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Did work: its waits are part of the demand.
    #[default]
    Working,
    /// Started or joined others and did next to nothing else: its waits are not part of the demand.
    Coordinating,
    /// Waited all its life for something to do.
    Idle,
}

/// The work that had to be done, whoever did it and however it was shared out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Demand {
    /// CPU time of the steady part, summed.
    pub cpu: Duration,
    /// Blocked time of working workers on each kind that is work (disk, network, timer, pipe, other); others are zero.
    pub waits: ByKind<Duration>,
    /// Waiting for one another: lock and GIL.
    pub contention: Duration,
    /// Voluntary waits of the working workers: how many pieces the waiting comes in. `None` when not readable.
    pub wait_count: Option<u64>,
}

impl Demand {
    /// All waits together.
    pub fn waiting(&self) -> Duration {
        self.waits.iter().map(|(_, time)| *time).sum()
    }

    /// One worker's time for all of the work, waiting for nobody else.
    pub fn total(&self) -> Duration {
        self.cpu + self.waiting()
    }

    /// Part of the demand that is waiting.
    pub fn wait_share(&self) -> Option<Share> {
        Share::of(self.waiting(), self.total())
    }
}

/// One bootstrap replicate of the demand's shares.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DemandShares {
    /// Part of the demand that is waiting.
    pub wait: Share,
    /// Part of the worker-time that is run-queue wait.
    pub runnable: Share,
    /// Part of the worker-time that is lock and GIL wait.
    pub contention: Share,
}

/// How the target runs its work today, as far as the tree shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Today {
    /// Processes that did work.
    pub processes: usize,
    /// Most threads that did work in any one process.
    pub threads: usize,
}

impl Profile {
    /// Reads the meaning out of one run.
    pub fn of(observation: &Observation, host: &Host) -> Self {
        let _ = (observation, host);
        Self::default()
    }
}
