//! Profile → [`Twin`]: a synthetic task with the demands that were measured. Pure.
//!
//! A twin says what a workload of this shape would do under each model. It is right for CPU work, plain waiting and
//! small-task overhead; what one worker's profile does not show, it cannot show either, and `doubt` says so.

mod doubt;

use super::plan::{RUNS_PER_BUDGET, default_budget};
use crate::host::Host;
use crate::observe::kind::{BlockedKind, ByKind};
use crate::profile::{Demand, Profile, Role, WorkerProfile};
use crate::target::{CPython, Runtime};
use crate::units::{Bytes, Share, human};
use doubt::doubts;
use std::time::Duration;

/// Length of a piece of computing whose units were not seen: what the articles call the least that a process is
/// worth (domain.md §2, rule 3), so that a twin neither invents nor hides dispatch cost.
pub const NOMINAL_TASK: Duration = Duration::from_millis(100);
/// Waiting below this part of the demand is incidental (page-ins, imports): it does not say where tasks begin.
pub const NOTABLE: f64 = 0.05;
/// Waits shorter than this on average are hand-overs and page-ins, not calls to the outside: a loopback round trip
/// and a disk read both cost more.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);
/// Pieces with too short waits are merged until one is this long.
const MERGED_TASK: Duration = Duration::from_millis(1);
/// Task times that must fit in one run: two tasks a worker, with twice as many workers as cores.
const TASKS_PER_RUN: u64 = 4;
/// How the doubt about shortened times begins, so that fitting twice says it once.
const SHORTENED: &str = "all times were divided by";
/// Memory of a bare CPython process, which a trial's worker has anyway: 8 to 11 MB resident in 3.8 to 3.13.
const CPYTHON_BASE: Bytes = Bytes(10 << 20);
/// The same of a bare native process.
const NATIVE_BASE: Bytes = Bytes(2 << 20);

/// A synthetic workload with the measured demands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Twin {
    /// What one task demands.
    pub task: TaskDemand,
    /// How many tasks make up the target's whole work; at least 1.
    pub tasks: u64,
    /// Times in `task` were divided by this to fit the budget; 1 when they are as measured.
    pub compression: f64,
    /// Whether the threads of one process take turns at `task.cpu_held`, as under CPython's GIL.
    pub gil: bool,
    /// Whether the pieces were seen (waits that were counted) or assumed (computing cut at a nominal length).
    pub pieces_seen: bool,
    /// What the twin cannot show, each a sentence.
    pub doubts: Vec<String>,
}

/// What one task demands of a worker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskDemand {
    /// Computing that holds the GIL; in a native runner simply computing.
    pub cpu_held: Duration,
    /// Computing with the GIL released.
    pub cpu_released: Duration,
    /// Waiting, by kind.
    pub waits: ByKind<Duration>,
    /// Memory that a worker touches while it runs one.
    pub memory: Bytes,
    /// Argument, as pickled to a process.
    pub argument: Bytes,
    /// Result, as pickled back.
    pub result: Bytes,
}

impl TaskDemand {
    /// One task's time on a core.
    pub fn cpu(&self) -> Duration {
        self.cpu_held + self.cpu_released
    }

    /// One task's waiting, of every kind.
    pub fn waiting(&self) -> Duration {
        self.waits.iter().map(|(_, time)| *time).sum()
    }

    /// One task's time on a worker of its own.
    pub fn total(&self) -> Duration {
        self.cpu() + self.waiting()
    }

    /// Whether enough of it is waiting that more workers than cores may pay.
    pub fn waits_notably(&self) -> bool {
        self.waiting() > self.total().mul_f64(NOTABLE)
    }

    fn shortened(&self, factor: f64) -> Self {
        Self {
            cpu_held: self.cpu_held.div_f64(factor),
            cpu_released: self.cpu_released.div_f64(factor),
            waits: self.waits.map(|time| time.div_f64(factor)),
            ..self.clone()
        }
    }
}

impl Twin {
    /// The twin of a profiled run, short enough to be raced in [`default_budget`]; `None` when nothing was demanded.
    pub fn of(profile: &Profile, runtime: &Runtime, host: &Host) -> Option<Self> {
        let demand = &profile.demand;
        if demand.total().is_zero() {
            return None;
        }
        let (tasks, pieces_seen) = pieces(demand, waiters(profile));
        let cpu = demand.cpu.div_f64(tasks as f64);
        let held = cpu.mul_f64(held_share(profile, runtime).get());
        let base = if matches!(runtime, Runtime::CPython(_)) { CPYTHON_BASE } else { NATIVE_BASE };
        let task = TaskDemand {
            cpu_held: held,
            cpu_released: cpu.saturating_sub(held),
            waits: demand.waits.map(|time| time.div_f64(tasks as f64)),
            memory: profile.memory_per_process - base,
            argument: Bytes(0),
            result: Bytes(0),
        };
        let doubts = doubts(profile, runtime, host, tasks, pieces_seen);
        let twin = Self { task, tasks, compression: 1.0, gil: takes_turns(runtime), pieces_seen, doubts };
        Some(twin.fit(default_budget(profile.wall)))
    }

    /// The same work with all its times divided so that a run of a few tasks takes a dozenth of `budget`. What a
    /// model costs to start and to hand over does not shrink with it, so speed-ups come out too low, never too high.
    /// To be called when the user's budget is smaller than the default.
    #[must_use]
    pub fn fit(mut self, budget: Duration) -> Self {
        let run = (budget / RUNS_PER_BUDGET).max(Duration::from_millis(20));
        let few = self.tasks.clamp(1, TASKS_PER_RUN) as f64;
        let factor = self.task.total().as_secs_f64() * few / run.as_secs_f64();
        if factor > 1.0 {
            let measured = self.task.total().mul_f64(self.compression);
            self.task = self.task.shortened(factor);
            self.compression *= factor;
            self.doubts.retain(|doubt| !doubt.starts_with(SHORTENED));
            self.doubts.push(format!(
                "{SHORTENED} {:.1} so that tasks of {} can be raced within {}; what a model costs to start did not \
                 shrink with them, so the speed-ups are rather too low",
                self.compression,
                human(measured),
                human(budget)
            ));
        }
        self
    }
}

/// Workers that waited for the outside at all: each of them was given at least one piece of the waiting.
fn waiters(profile: &Profile) -> u64 {
    let waited = |worker: &&WorkerProfile| {
        let for_others = [BlockedKind::Lock, BlockedKind::Gil, BlockedKind::Child, BlockedKind::Idle]
            .map(|kind| worker.blocked_by[kind]);
        worker.role == Role::Working && worker.blocked > for_others.iter().sum::<Duration>() + SHORTEST_WAIT
    };
    profile.workers.iter().filter(waited).count() as u64
}

/// How many tasks the work is, and whether that was seen.
fn pieces(demand: &Demand, waiters: u64) -> (u64, bool) {
    let total = demand.total();
    let nominal = ((total.as_secs_f64() / NOMINAL_TASK.as_secs_f64()).round() as u64).max(1);
    let notable = demand.wait_share().is_some_and(|share| share.get() >= NOTABLE);
    // Workers that mostly waited for one another gave up their cores for that, so their count tells of no task.
    let (true, Some(count), true) = (notable, demand.wait_count, demand.contention <= demand.waiting()) else {
        return (nominal, false);
    };
    // A worker gives up its core once more than it waits, to end; counted, that would make two tasks of one long sleep.
    // Where it came too late to be seen, one task in a worker's many is lost, but never a worker's only one.
    let count = count.saturating_sub(waiters).max(waiters).max(1);
    if demand.waiting().div_f64(count as f64) >= SHORTEST_WAIT {
        return (count, true);
    }
    let merged = (total.as_secs_f64() / MERGED_TASK.as_secs_f64()) as u64;
    (merged.clamp(1, count), false)
}

/// The part of the computing that another thread of the process has to wait for.
pub(super) fn held_share(profile: &Profile, runtime: &Runtime) -> Share {
    match runtime {
        Runtime::CPython(CPython { gil: Some(false), .. }) => Share::ZERO,
        Runtime::CPython(_) => profile.gil_share.unwrap_or(Share::ONE),
        _ => Share::ONE,
    }
}

/// Whether the threads of one process wait for one another's computing.
pub(super) fn takes_turns(runtime: &Runtime) -> bool {
    matches!(runtime, Runtime::CPython(python) if python.gil != Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::PythonEntry;

    fn ms(ms: f64) -> Duration {
        Duration::from_secs_f64(ms / 1e3)
    }

    fn python() -> Runtime {
        Runtime::CPython(CPython { gil: Some(true), ..CPython::new("python3".into(), PythonEntry::Code) })
    }

    fn profile(cpu: f64, timer: f64, wait_count: u64) -> Profile {
        let mut profile = Profile { wall: ms(cpu + timer), ..Profile::default() };
        profile.demand.cpu = ms(cpu);
        profile.demand.waits[BlockedKind::Timer] = ms(timer);
        profile.demand.wait_count = Some(wait_count);
        profile.workers = vec![WorkerProfile { blocked: ms(timer), ..WorkerProfile::default() }];
        profile
    }

    fn twin(profile: &Profile) -> Twin {
        Twin::of(profile, &python(), &Host::default()).expect("something is demanded")
    }

    #[test]
    fn the_pieces_are_the_waits_and_only_where_waiting_is_notable() {
        // CPU and waiting in ms, voluntary switches; tasks, and whether they were seen.
        for (cpu, wait, count, tasks, seen) in [
            (100.0, 1000.0, 51, 50, true),       // fifty calls, and one switch to end
            (1.0, 2000.0, 2, 1, true),           // one long sleep
            (3000.0, 0.0, 0, 30, false),         // computing: nominal pieces
            (3000.0, 20.0, 500, 30, false),      // computing with page-ins
            (20.0, 0.0, 0, 1, false),            // less than a nominal piece
            (500.0, 500.0, 20_001, 1000, false), // 50 µs a wait: merged to a millisecond
        ] {
            let twin = twin(&profile(cpu, wait, count));
            assert_eq!((twin.tasks, twin.pieces_seen), (tasks, seen), "{cpu} {wait} {count}");
        }
    }

    #[test]
    fn each_worker_that_waited_did_at_least_one_piece() {
        let mut profile = profile(10.0, 1800.0, 13);
        let sleeper = WorkerProfile { blocked: ms(150.0), ..WorkerProfile::default() };
        profile.workers = vec![sleeper; 12];
        assert_eq!((twin(&profile).tasks, twin(&profile).pieces_seen), (12, true));
    }

    #[test]
    fn the_tasks_together_demand_what_was_demanded() {
        let twin = twin(&profile(300.0, 700.0, 101));
        let sum = |time: Duration| time.as_secs_f64() * twin.tasks as f64 * twin.compression;
        assert!((sum(twin.task.cpu()) - 0.3).abs() < 1e-6);
        assert!((sum(twin.task.waits[BlockedKind::Timer]) - 0.7).abs() < 1e-6);
    }

    #[test]
    fn nothing_demanded_has_no_twin() {
        assert_eq!(Twin::of(&Profile::default(), &python(), &Host::default()), None);
    }

    #[test]
    fn switches_of_workers_that_waited_for_one_another_are_no_pieces() {
        let mut contended = profile(1000.0, 200.0, 40_000);
        contended.demand.contention = ms(3000.0);
        assert_eq!((twin(&contended).tasks, twin(&contended).pieces_seen), (12, false));
    }

    #[test]
    fn computing_is_split_by_what_the_interpreter_showed() {
        let free = CPython { gil: Some(false), ..CPython::new("python3.13t".into(), PythonEntry::Code) };
        for (runtime, gil_share, held) in [
            (python(), Share::new(0.25), 0.25),
            (python(), None, 1.0),
            (Runtime::CPython(free), None, 0.0),
            (Runtime::Native(Default::default()), None, 1.0),
        ] {
            let mut profile = profile(1000.0, 0.0, 0);
            profile.gil_share = gil_share;
            let twin = Twin::of(&profile, &runtime, &Host::default()).expect("something is demanded");
            let got = twin.task.cpu_held.as_secs_f64() / twin.task.cpu().as_secs_f64();
            assert!((got - held).abs() < 1e-6, "{runtime:?}: {got}");
        }
    }

    #[test]
    fn a_long_wait_is_shortened_to_fit_a_race_and_said_so() {
        let long = twin(&profile(0.0, 60_000.0, 3));
        assert!(long.compression > 1.0);
        assert!((long.task.total().as_secs_f64() * long.compression - 30.0).abs() < 1e-3);
        assert!(long.task.total() * 2 <= default_budget(ms(60_000.0)) / RUNS_PER_BUDGET + ms(0.1));
        assert!(long.doubts.iter().any(|doubt| doubt.contains("divided")));
        let longer = long.compression;
        let again = long.fit(ms(1000.0));
        assert!(again.compression > longer);
        assert_eq!(again.doubts.iter().filter(|doubt| doubt.contains("divided")).count(), 1);
        let short = twin(&profile(0.0, 1000.0, 101));
        assert!((short.compression - 1.0).abs() < f64::EPSILON && short.doubts.is_empty());
    }

    #[test]
    fn memory_is_what_a_worker_has_above_a_bare_interpreter() {
        let mut heavy = profile(1000.0, 0.0, 0);
        heavy.memory_per_process = Bytes(110 << 20);
        assert_eq!(twin(&heavy).task.memory, Bytes(100 << 20));
    }
}
