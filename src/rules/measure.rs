//! [`Facts::of`]: reads the stages' results into facts. Pure.
//!
//! What was not measured stays unknown, also where the stage's type holds a zero for it.

mod source;

use super::Step;
use super::facts::{Facts, Value};
use super::projection::{best_of_each, projections};
use super::vocabulary::Kind;
use crate::classify::{Class, Classification};
use crate::host::Host;
use crate::observe::kind::BlockedKind;
use crate::profile::{DemandShares, Profile};
use crate::target::{CPython, Runtime, Target};
use crate::trial::Trial;
use crate::trial::model::Model;
use crate::trial::task::Task;
use crate::trial::twin::Twin;
use crate::units::{Bytes, Share};
use std::time::Duration;

/// GIL share to which computing counts as releasing the GIL: with it, threads fill five cores. In the study on this
/// kind of machine hashing, compression and NumPy held it for 0 to 5 % and pure Python for 98 to 100 %, so the exact
/// place of the line matters little.
const RELEASED_GIL_SHARE: f64 = 0.2;

/// Cores busy in one process from which the GIL must have been released: holding it, threads share one core, and 0.3
/// is what system calls and start-up add.
const RELEASED_CORES: f64 = 1.3;

/// Waiting for one another below which threads do not take turns at the GIL: two that do wait for half of their time.
/// With it, threads that want a core at once have let the GIL go even where a busy machine gives them only one.
const TAKING_TURNS: f64 = 0.1;

/// What `classify` calls the measure that the border between classes is drawn on.
const OF_CLASS: &str = "waiting, as part of the demand";

/// Every usable CPU busy for longer than this, and one machine is the wrong size: more than half a working day.
const OUTGROWN: Duration = Duration::from_secs(6 * 3600);

/// The first CPython with `InterpreterPoolExecutor`.
const INTERPRETER_POOL: (u8, u8) = (3, 14);

/// The first CPython that can be built without a GIL.
const FREE_THREADING: (u8, u8) = (3, 13);

/// Part of the blocked samples, up to which waiting on several things at once counts as never: two in a hundred are a
/// start or an end caught by chance. Ours.
const NEVER_MULTIPLEXED: f64 = 0.02;

/// Part of the blocked samples in epoll from which a program is taken to wait in its event loop: four of five, since
/// even a loop's program looks up names and reads files outside it. Ours.
const MOSTLY_IN_EPOLL: f64 = 0.8;

/// The fact that holds each model's best speed-up; what is one after another has none.
pub(crate) const SPEEDUPS: [(Model, &str); 6] = [
    (Model::Threads, "threads_speedup"),
    (Model::Processes, "processes_speedup"),
    (Model::Interpreters, "interpreters_speedup"),
    (Model::Asyncio, "asyncio_speedup"),
    (Model::AsyncioThreads, "async_threads_speedup"),
    (Model::AsyncioProcesses, "async_processes_speedup"),
];

impl Facts {
    /// Everything the stages know that rules may ask about.
    pub fn of(
        target: &Target,
        host: &Host,
        profile: &Profile,
        classification: &Classification,
        twin: Option<&Twin>,
        trials: &[Trial],
    ) -> Self {
        let mut facts = Self::default();
        facts.add_host(host);
        facts.add_target(target);
        facts.add_classification(classification);
        facts.add_run(profile);
        facts.add_demand(profile);
        facts.add_class_steps(classification);
        facts.add_gil(target, host, profile);
        facts.add_event_loop(target, profile);
        facts.add_memory(profile);
        facts.add_twin(target, host, profile, twin);
        facts.add_trials(twin, trials);
        facts
    }

    /// What the user's own function tells, beside its profile: all of the work, not only the items that were watched.
    #[must_use]
    pub fn of_task(mut self, task: Option<&Task>, twin: Option<&Twin>) -> Self {
        self.set("task_tried", task.is_some());
        let (Some(task), Some(twin)) = (task, twin) else { return self };
        self.set("picklable", task.unsent.is_none());
        self.set("already_async", task.coroutine);
        // That none was named does not mean that there is none.
        self.set_known("async_library", task.has_async().then_some(true));
        let work = twin.task.total().as_secs_f64() * twin.tasks as f64;
        self.set("work_s", work);
        if let Some(cpus) = self.number("cpus_usable") {
            let fits = self.number("workers_by_memory").is_none_or(|fit| fit >= 1.0);
            self.set("outgrows_machine", !fits || work / cpus > OUTGROWN.as_secs_f64());
        }
        self
    }

    fn add_host(&mut self, host: &Host) {
        // An affinity of 0 is a host that was not read, not one without CPUs.
        if host.cpus.affinity > 0 {
            self.set("cpus_usable", host.cpus.usable() as f64);
        }
        self.set_known("cpu_quota", host.cpus.quota.as_ref().map(|quota| quota.cpus));
        self.set_known("numa_nodes", count(host.cpus.numa_nodes));
        self.set_known("smt", host.cpus.smt());
        self.set_known("memory_usable_bytes", host.memory.usable().map(|usable| usable.0 as f64));
    }

    fn add_target(&mut self, target: &Target) {
        self.set("runtime", target.runtime.name());
        let Runtime::CPython(python) = &target.runtime else {
            self.set("free_threaded", false);
            self.set("interpreters_available", false);
            return;
        };
        let version = python.version.map(|(major, minor, _)| (major, minor));
        self.set_known("python_version", version.map(|(major, minor)| (u16::from(major), u16::from(minor))));
        self.set_known("free_threaded", has_gil(python).map(|gil| !gil));
        let by_version = version.map(|version| version >= INTERPRETER_POOL);
        self.set_known("interpreters_available", python.interpreters.or(by_version));
    }

    fn add_classification(&mut self, classification: &Classification) {
        self.set("class", classification.class.name());
        self.set("class_confidence", classification.confidence.get());
        self.set("class_judged", classification.judged());
        match classification.bottleneck {
            Some(bottleneck) => self.set("bottleneck", bottleneck.name()),
            // Nothing was seen to limit it, in a run that showed enough to see it.
            None if classification.class != Class::Inconclusive => self.set("bottleneck", "none"),
            None => {}
        }
    }

    /// The path begins with the class: what it rests on is how the waiting share compares. Of the other comparisons
    /// made there, none moves the border between classes.
    fn add_class_steps(&mut self, classification: &Classification) {
        let Some(wait) = self.number("wait_share") else { return };
        let of_class = classification.evidence.iter().filter(|made| made.measure == OF_CLASS);
        self.class_rests_on = of_class
            .map(|made| Step {
                rule: Step::CLASS.to_owned(),
                fact: "wait_share".to_owned(),
                value: Some(Value::Number(wait).shown(Kind::Share)),
                threshold: format!(">= {}", Kind::Share.show_number(made.threshold)),
                held: Some(wait >= made.threshold),
                flips_at: Some(made.threshold),
            })
            .collect();
    }

    fn add_run(&mut self, profile: &Profile) {
        self.set_known("wall_s", seconds(profile.wall));
        self.set_known("cpu_s", seconds(profile.cpu));
        self.set_known("processes_today", count(profile.today.processes));
        self.set_known("threads_today", count(profile.today.threads));
        let workers = profile.today.processes * profile.today.threads;
        self.set_known("workers_today", count(workers));
        let cpus = self.number("cpus_usable").filter(|_| workers > 0);
        self.set_known("oversubscribed", cpus.map(|cpus| workers as f64 > cpus));
        self.set_known("elsewhere_share", profile.elsewhere.map(Share::get));
        // Without a blocked share nothing was observed, and the table of kinds holds zeros that mean nothing.
        if profile.blocked.is_some() {
            let share = |kind| profile.blocked_by[kind].get();
            self.set("lock_share", share(BlockedKind::Lock));
            self.set("gil_wait_share", share(BlockedKind::Gil));
            self.set("contention_share", (share(BlockedKind::Lock) + share(BlockedKind::Gil)).min(1.0));
        }
        self.set_known("runnable_share", profile.runnable.map(Share::get));
        self.replicate(profile, "runnable_share", |shares| Some(shares.runnable.get()));
        self.replicate(profile, "contention_share", |shares| Some(shares.contention.get()));
    }

    fn add_demand(&mut self, profile: &Profile) {
        let demand = &profile.demand;
        let Some(wait) = demand.wait_share() else { return };
        self.set_known("work_s", seconds(demand.total()));
        let steady = profile.steady();
        self.set_known("at_once_today", seconds(steady).map(|steady| demand.total().as_secs_f64() / steady));
        self.set("wait_share", wait.get());
        self.set("cpu_share", 1.0 - wait.get());
        self.replicate(profile, "wait_share", |shares| Some(shares.wait.get()));
        self.replicate(profile, "cpu_share", |shares| Some(1.0 - shares.wait.get()));
        // A page that has to be read in waits for the disk as a read does.
        let mut waits = demand.waits;
        (waits[BlockedKind::Disk], waits[BlockedKind::PageFault]) = (waits.disk(), Duration::ZERO);
        let share = |kind| Share::of(waits[kind], demand.total()).map(Share::get);
        self.set_known("disk_share", share(BlockedKind::Disk));
        self.set_known("network_share", share(BlockedKind::Network));
        let longest = waits.iter().max_by_key(|(_, time)| **time).filter(|(_, time)| !time.is_zero());
        self.set_known("dominant_wait", longest.map(|(kind, _)| kind.name()));
        self.set_known("wait_count", demand.wait_count.map(|count| count as f64));
    }

    fn add_gil(&mut self, target: &Target, host: &Host, profile: &Profile) {
        let Runtime::CPython(python) = &target.runtime else { return };
        if has_gil(python) == Some(false) {
            return;
        }
        let held = profile.gil_share.map(Share::get);
        self.set_known("gil_share", held);
        self.set_known("gil_demand", held.map(|held| held * host.cpus.capacity()));
        let one_process = profile.today.processes == 1;
        let waits = self.number("contention_share").is_none_or(|share| share >= TAKING_TURNS);
        let at_once = one_process && profile.today.threads > 1 && profile.parallelism > RELEASED_CORES && !waits;
        let released = match held {
            _ if one_process && profile.cores_busy > RELEASED_CORES => Some(true),
            Some(held) => Some(held <= RELEASED_GIL_SHARE),
            None => at_once.then_some(true),
        };
        self.set_known("releases_gil", released);
    }

    /// asyncio and what is built like it waits in epoll, with nothing but a timer too. One that blocks inside its
    /// coroutines hardly ever waits there, so an epoll that is open and not waited in leaves it unknown; so does a
    /// `poll` of several, which pools wait in as well.
    fn add_event_loop(&mut self, target: &Target, profile: &Profile) {
        let (Runtime::CPython(_), Some(loops)) = (&target.runtime, profile.loops) else { return };
        if loops.epoll.get() >= MOSTLY_IN_EPOLL {
            self.set("already_async", true);
        } else if !loops.any && loops.multiplexed.get() <= NEVER_MULTIPLEXED {
            self.set("already_async", false);
        }
    }

    fn add_memory(&mut self, profile: &Profile) {
        let each = profile.memory_per_process;
        if each > Bytes(0) {
            self.set("memory_per_worker_bytes", each.0 as f64);
        }
        let (Some(usable), Some(each)) = (self.number("memory_usable_bytes"), self.number("memory_per_worker_bytes"))
        else {
            return;
        };
        let fit = (usable / each).floor();
        self.set("workers_by_memory", fit);
        let Some(cpus) = self.number("cpus_usable") else { return };
        self.set("memory_tight", fit < cpus);
        let busy = self.number("work_s").map(|work| work / cpus > OUTGROWN.as_secs_f64());
        self.set_known("outgrows_machine", if fit < 1.0 { Some(true) } else { busy });
    }

    fn add_twin(&mut self, target: &Target, host: &Host, profile: &Profile, twin: Option<&Twin>) {
        let seen = twin.filter(|twin| twin.pieces_seen);
        if let Some(twin) = twin {
            self.set("tasks_seen", twin.pieces_seen);
            // A pickle is never empty: 0 bytes means that none was recorded.
            self.set_known("payload_bytes", Some(twin.task.argument.0 as f64).filter(|bytes| *bytes > 0.0));
            self.set_known("result_bytes", Some(twin.task.result.0 as f64).filter(|bytes| *bytes > 0.0));
        }
        if let Some(twin) = seen {
            let cpu = twin.task.cpu_held + twin.task.cpu_released;
            self.set("tasks", twin.tasks as f64);
            self.set("task_s", twin.task.total().as_secs_f64() * twin.compression);
            self.set("task_cpu_s", cpu.as_secs_f64() * twin.compression);
        }
        let pieces = seen.map(|twin| twin.tasks).or(profile.demand.wait_count.filter(|count| *count > 0));
        let most = pieces.map_or(f64::INFINITY, |pieces| pieces as f64);
        let gil = match &target.runtime {
            Runtime::CPython(python) if has_gil(python) != Some(false) => {
                // Where the twin knows how the computing divides, so do we; else it is all taken to hold the GIL.
                let of_twin = twin.and_then(|twin| {
                    let computing = twin.task.cpu_held + twin.task.cpu_released;
                    Share::of(twin.task.cpu_held, computing)
                });
                profile.gil_share.or(of_twin).unwrap_or(Share::ONE).get()
            }
            _ => 0.0,
        };
        let wanted = |wait: f64| concurrency(wait, gil, host.cpus.capacity()).min(most);
        if let Some(wait) = self.number("wait_share") {
            self.set("concurrency_wanted", wanted(wait));
            self.replicate(profile, "concurrency_wanted", |shares| Some(wanted(shares.wait.get())));
        }
    }

    fn add_trials(&mut self, twin: Option<&Twin>, trials: &[Trial]) {
        let tried = projections(twin, trials);
        let best = best_of_each(&tried);
        let sequential = best.iter().find(|tried| tried.setting.model == Model::Sequential);
        for (model, name) in SPEEDUPS {
            let of_model = best.iter().find(|tried| tried.setting.model == model);
            if let (Some(sequential), Some(of_model)) = (sequential, of_model) {
                self.set(name, sequential.seconds / of_model.seconds);
            }
        }
        let cheapest = |model, cost: fn(&super::projection::Projection) -> Option<f64>| {
            tried.iter().filter(|tried| tried.setting.model == model).filter_map(cost).min_by(f64::total_cmp)
        };
        self.set_known("threads_start_s", cheapest(Model::Threads, |tried| Some(tried.start)));
        self.set_known("processes_start_s", cheapest(Model::Processes, |tried| Some(tried.start)));
        if let (Some(cost), Some(task)) = (cheapest(Model::Processes, |tried| tried.dispatch), self.number("task_s")) {
            self.set("dispatch_share", cost / task);
        }
    }

    /// Gives a fact that is known its replicates.
    fn replicate(&mut self, profile: &Profile, name: &str, of: impl Fn(&DemandShares) -> Option<f64>) {
        let replicates: Option<Vec<_>> =
            profile.replicates.iter().map(|shares| of(shares).map(Value::Number)).collect();
        self.set_replicates(name, replicates.unwrap_or_default());
    }
}

/// Tasks in flight past which nothing is gained, for tasks that wait for `wait` of their time: Little's law at the
/// asymptotic bound of a closed queueing network (Denning & Buzen 1978), N = 1 / max(D of the GIL, D of the CPUs), with
/// demands in parts of a task's time. Without a GIL it is Goetz's cores × (1 + wait/compute) (*Java Concurrency in
/// Practice*, 8.2). In whole tasks; infinite for work that only waits.
fn concurrency(wait: f64, gil_share: f64, cpus: f64) -> f64 {
    let compute = 1.0 - wait;
    let tasks = 1.0 / (compute * gil_share).max(compute / cpus);
    // A rounding error of the division is not one more task.
    (tasks * (1.0 - 1e-9)).ceil()
}

/// Whether that CPython has a GIL; `None` when it was not asked and could be built either way.
fn has_gil(python: &CPython) -> Option<bool> {
    let old = python.version.is_some_and(|(major, minor, _)| (major, minor) < FREE_THREADING);
    python.gil.or(old.then_some(true))
}

/// `None` for a zero, which in these counts means that nothing was seen.
fn count(seen: usize) -> Option<f64> {
    (seen > 0).then_some(seen as f64)
}

/// `None` for a zero: nothing that ran took no time.
fn seconds(time: Duration) -> Option<f64> {
    (!time.is_zero()).then_some(time.as_secs_f64())
}

#[cfg(test)]
mod tests;
