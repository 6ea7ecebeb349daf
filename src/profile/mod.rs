//! Observation → [`Profile`]: what the readings mean. Pure.
//!
//! Splits worker time into on-CPU, runnable and blocked by kind, takes start-up and shut-down off, and finds the
//! *demand*: the work that had to be done, with waiting for one another (GIL, locks, joins, children of the same
//! tree) and for a core taken out. Whether that makes a program CPU- or I/O-bound is `classify`'s to say.

mod bandwidth;
mod children;
mod demand;
#[cfg(test)]
pub(crate) mod drawing;
mod gil;
mod held_up;
mod launch;
mod loops;
mod memory;
mod phases;
mod replicates;
mod roles;
#[cfg(test)]
pub(crate) mod tests;
mod worker;

pub use bandwidth::MemoryStalls;
pub use demand::{Demand, Today};
pub use held_up::HeldUp;
pub use loops::Loops;
pub use replicates::DemandShares;
pub use roles::Role;
pub use worker::WorkerProfile;

use crate::host::Host;
use crate::observe::kind::ByKind;
use crate::observe::timeline::Bucket;
use crate::observe::{Launch, Observation};
use crate::units::{Bytes, Share};
use memory::Growth;
use phases::Phases;
use std::time::Duration;
use worker::Crowd;

/// Bursts below which a median says nothing.
const FEWEST_BURSTS: u64 = 10;

/// What an observation means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// From release to the end of the first process.
    pub wall: Duration,
    /// CPU time of the whole tree, as the kernel accounted it; summed over the workers where it did not.
    pub cpu: Duration,
    /// Start-up taken off the steady part (a launcher, interpreter start, imports).
    pub startup: Duration,
    /// Shut-down taken off the steady part.
    pub shutdown: Duration,
    /// Part of the worker-time on a core; the three shares sum to one. `None` when nothing was observed. Worker-time
    /// is that of the working workers, over their own lives; CPU time of workers that nobody saw is in it.
    pub on_cpu: Option<Share>,
    /// Part of the worker-time in the run queue.
    pub runnable: Option<Share>,
    /// Part of the worker-time blocked.
    pub blocked: Option<Share>,
    /// Part of the worker-time blocked on each kind; sums to `blocked`.
    pub blocked_by: ByKind<Share>,
    /// Whether `blocked_by.gil` is inferred from a signature and not read from the interpreter.
    pub gil_inferred: bool,
    /// Part of the on-CPU time spent holding the GIL, as read in the interpreters. Where they could not be read it is
    /// inferred: all of it when threads take turns at one core's worth; when they use clearly more than one core, an
    /// upper estimate: at most 1 / cores, and no more than their lock waits can explain. `None` when neither, and when
    /// less than half of the computing was of processes that have a GIL: a build without it holds none, not 0 %.
    pub gil_share: Option<Share>,
    /// Average cores busy over the steady part.
    pub cores_busy: f64,
    /// Share of the sightings of workers that fell on each core; by core number.
    pub core_shares: Vec<Share>,
    /// Workers on a core or in the run queue at once: mean over the steady part.
    pub parallelism: f64,
    /// Highest parallelism in any stretch of the steady part.
    pub parallelism_peak: f64,
    /// Highest memory of the whole tree at one time.
    pub peak_memory: Bytes,
    /// Memory that one more worker of each sort costs: the larger of the highest of any one process (USS, else PSS,
    /// else RSS) and of what the tree grew by with each process.
    pub memory_per_process: Bytes,
    /// Memory that the tree grew by with each process, by the median slope (Theil–Sen) over the timeline; `None` when
    /// fewer than three numbers of processes were seen, or it did not grow with them.
    pub memory_growth_per_worker: Option<Bytes>,
    /// Bytes per second that the tree grew by in the steady part while its processes stayed as many, by the same; less
    /// than zero when it shrank. A cache that fills, or a leak. `None` when too little was seen.
    pub memory_growth_per_s: Option<f64>,
    /// Median over processes that are copies made by `fork`: memory of their own at its highest, less that at first.
    pub cow_growth: Option<Bytes>,
    /// What the processor's counters say of waiting for memory; `None` where it has none that can be believed.
    pub memory_stalls: Option<MemoryStalls>,
    /// Every worker that was kept.
    pub workers: Vec<WorkerProfile>,
    /// The work itself.
    pub demand: Demand,
    /// Bursts on a core: median and 95th percentile; `None` when too few.
    pub bursts: Option<(Duration, Duration)>,
    /// How the target is run today.
    pub today: Today,
    /// Whether it waits in event loops today; `None` when too few samples tell.
    pub loops: Option<Loops>,
    /// Replicates of the shares of the demand, for confidence; same length each, empty when too few samples.
    pub replicates: Vec<DemandShares>,
    /// Samples that the shares rest on.
    pub samples: u64,
    /// CPU used by everything else, as part of the machine's capacity during the run.
    pub elsewhere: Option<Share>,
}

impl Profile {
    /// Reads the meaning out of one run.
    pub fn of(observation: &Observation, host: &Host) -> Self {
        let accounts = worker::account(observation);
        match launch::launch(observation, &accounts) {
            Some(launch) => Self::launched(observation, accounts, &launch, host),
            None => Self::of_program(observation, accounts, host),
        }
    }

    /// Of a run that began with launching: the program's profile, in which the launch is no more than start-up.
    fn launched(observation: &Observation, accounts: Vec<WorkerProfile>, launch: &Launch, host: &Host) -> Self {
        let work = launch::without(launch, observation);
        let accounts_of_work = worker::account(&work);
        let mut profile = Self::of_program(&work, accounts_of_work, host);
        let mut of_program = std::mem::take(&mut profile.workers).into_iter();
        for (raw, mut account) in observation.workers.iter().zip(accounts) {
            account.role = Role::Coordinating;
            let other = if launch::is_of(launch, raw) { None } else { of_program.next() };
            profile.workers.push(other.unwrap_or(account));
        }
        let cpu = Cpu::of(observation);
        profile.wall = observation.wall;
        profile.cpu = cpu.accounted();
        profile.startup += launch.until.min(observation.wall);
        profile.elsewhere = elsewhere(observation, host);
        profile
    }

    /// Of a run that is the program's from its start.
    fn of_program(observation: &Observation, mut workers: Vec<WorkerProfile>, host: &Host) -> Self {
        roles::assign(observation, &mut workers);
        let gil = gil::judge(observation, &mut workers);
        let phases = match observation.attached {
            Some(_) => Phases::steady(&observation.timeline),
            None => Phases::find(&observation.timeline, observation.wall),
        };
        let steady = &observation.timeline.buckets[phases.steady.clone()];
        let cpu = Cpu::of(observation);
        let today = Today::of(observation, &workers, cpu.all());
        let crowd = crowd(observation, &workers, cpu.unseen);
        let shares = Shares::of(&crowd);
        let mut demand = Demand::of(&crowd, cpu.all(), phases.cut_cpu, today);
        demand.wait_count = demand::wait_count(observation, &workers, cpu.unseen_share());
        let growth = Growth::of(observation, steady);
        let point = DemandShares {
            wait: demand.wait_share().unwrap_or_default(),
            runnable: shares.runnable.unwrap_or_default(),
            contention: Share::of(demand.contention, crowd.total()).unwrap_or_default(),
        };
        let mut profile = Self {
            wall: observation.wall,
            cpu: cpu.accounted(),
            startup: phases.startup,
            shutdown: phases.shutdown,
            on_cpu: shares.on_cpu,
            runnable: shares.runnable,
            blocked: shares.blocked,
            blocked_by: shares.blocked_by,
            gil_inferred: gil.inferred,
            gil_share: gil.share,
            core_shares: core_shares(&observation.core_ticks),
            peak_memory: memory::peak(observation),
            memory_per_process: memory::per_process(observation, &growth),
            memory_growth_per_worker: growth.per_worker,
            memory_growth_per_s: growth.per_s,
            cow_growth: growth.of_copies,
            memory_stalls: MemoryStalls::of(&observation.counters, cpu.accounted()),
            bursts: bursts(observation, &workers),
            replicates: replicates::replicates(steady, &demand, point, today),
            samples: observation.sampling.ticks.max(looks(observation, &workers)),
            elsewhere: elsewhere(observation, host),
            loops: Loops::of(observation, &workers),
            workers,
            demand,
            today,
            ..Self::default()
        };
        profile.cores_busy = per_second(profile.demand.cpu, profile.steady());
        // CPU time that nobody was seen using is in no bucket, and without a timeline nothing else is known.
        profile.parallelism = mean_parallelism(steady).max(profile.cores_busy);
        profile.parallelism_peak = steady.iter().map(phases::computing).fold(profile.parallelism, f64::max);
        profile
    }

    /// The run without start-up and shut-down.
    pub fn steady(&self) -> Duration {
        self.wall.saturating_sub(self.startup + self.shutdown)
    }
}

/// Times that a working worker was caught blocked. A tree of a thousand threads is read seldom, but each time a
/// thousand of them say what they wait for.
fn looks(observation: &Observation, workers: &[WorkerProfile]) -> u64 {
    let both = observation.workers.iter().zip(workers);
    let working = both.filter(|(_, worker)| worker.role == Role::Working);
    working.flat_map(|(raw, _)| raw.blocked_ticks.iter().map(|(_, ticks)| u64::from(*ticks))).sum()
}

/// CPU time by who knows of it.
struct Cpu {
    /// As the kernel accounted it; zero when it never got to.
    kernel: Duration,
    /// Summed over the workers that were seen.
    seen: Duration,
    /// Accounted by the kernel and not seen: workers born and dead between two samples.
    unseen: Duration,
}

impl Cpu {
    fn of(observation: &Observation) -> Self {
        let kernel = observation.totals.cpu();
        let seen = observation.workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + observation.folded.on_cpu;
        Self { kernel, seen, unseen: kernel.saturating_sub(seen) }
    }

    /// All that anybody knows of. More than the kernel's when processes were left behind, because those are not reaped.
    fn all(&self) -> Duration {
        self.seen + self.unseen
    }

    /// By the kernel, or where it did not, by us.
    fn accounted(&self) -> Duration {
        if self.kernel.is_zero() { self.seen } else { self.kernel }
    }

    fn unseen_share(&self) -> Share {
        Share::of(self.unseen, self.all()).unwrap_or_default()
    }
}

/// The time of the working workers, of those not kept one by one, and the CPU time of those that nobody saw.
fn crowd(observation: &Observation, workers: &[WorkerProfile], unseen: Duration) -> Crowd {
    let mut crowd = Crowd::default();
    workers.iter().filter(|worker| worker.role == Role::Working).for_each(|worker| crowd.take(worker));
    crowd.take_folded(&observation.folded);
    crowd.on_cpu += unseen;
    crowd
}

/// The crowd's time as parts of its whole.
struct Shares {
    on_cpu: Option<Share>,
    runnable: Option<Share>,
    blocked: Option<Share>,
    blocked_by: ByKind<Share>,
}

impl Shares {
    fn of(crowd: &Crowd) -> Self {
        let total = crowd.total();
        Self {
            on_cpu: Share::of(crowd.on_cpu, total),
            runnable: Share::of(crowd.runnable, total),
            blocked: Share::of(crowd.blocked(), total),
            blocked_by: crowd.blocked_by.map(|time| Share::of(*time, total).unwrap_or_default()),
        }
    }
}

fn per_second(time: Duration, of: Duration) -> f64 {
    if of.is_zero() { 0.0 } else { time.as_secs_f64() / of.as_secs_f64() }
}

fn mean_parallelism(steady: &[Bucket]) -> f64 {
    let spans: f64 = steady.iter().map(|bucket| bucket.span.as_secs_f64()).sum();
    let at_once: f64 = steady.iter().map(|bucket| phases::computing(bucket) * bucket.span.as_secs_f64()).sum();
    if spans > 0.0 { at_once / spans } else { 0.0 }
}

fn core_shares(ticks: &[u64]) -> Vec<Share> {
    let all = ticks.iter().map(|ticks| *ticks as f64).sum::<f64>().max(1.0);
    ticks.iter().map(|ticks| Share::new(*ticks as f64 / all).unwrap_or_default()).collect()
}

fn bursts(observation: &Observation, workers: &[WorkerProfile]) -> Option<(Duration, Duration)> {
    let mut all = crate::observe::histogram::Histogram::default();
    let both = observation.workers.iter().zip(workers);
    both.filter(|(_, worker)| worker.role == Role::Working).for_each(|(raw, _)| all.merge(&raw.bursts));
    if all.total() < FEWEST_BURSTS {
        return None;
    }
    all.quantile(0.5).zip(all.quantile(0.95))
}

fn elsewhere(observation: &Observation, host: &Host) -> Option<Share> {
    let machine = observation.wall.as_secs_f64() * host.cpus.online as f64;
    observation.elsewhere_cpu.filter(|_| machine > 0.0).and_then(|cpu| Share::new(cpu.as_secs_f64() / machine))
}
