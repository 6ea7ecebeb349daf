//! CON601 to CON603, CON901 and CON902: executors that the run speaks against. Each is told at the place that builds it, and
//! only where that is the one place that it can be.

use super::{JoinedFinding, Seen, Standing, below};
use crate::classify::Class;
use crate::observe::NativeThreads;
use crate::observe::kind::BlockedKind;
use crate::profile::{Role, WorkerProfile};
use crate::recommendation::Recommendation;
use crate::source::catalogue::Catalogue;
use crate::source::detect::executors::Workers;
use crate::source::finding::{Evidence, Level};
use crate::source::outline::Outline;
use crate::source::project::executor::Executor;
use crate::target::Runtime;
use crate::trial::model::Model;
use crate::units::{Share, counted, human};
use std::time::Duration;

/// Part of the computing that holds the GIL from which threads take turns at it: two then gain a third at most
/// (Amdahl), and the rules let threads be.
const HELD: f64 = 0.5;
/// Part of their time waiting for the GIL from which threads take turns at it: that of the rule
/// `cpu-threads-take-turns`.
const TAKING_TURNS: f64 = 0.2;
/// Part of the tree's CPU time that an executor's workers used from which the computing is theirs.
const THEIRS: f64 = 0.5;
/// Part of their time from which workers mostly wait.
const WAIT: f64 = 0.7;
/// Part of their time in locks, and workers at work at once, from which they only take turns: those of the rule
/// `io-take-turns`.
const IN_LOCKS: f64 = 0.3;
const AT_ONCE: f64 = 1.25;
/// Part of the workers from which too many had nothing to do.
const IDLE: f64 = 0.5;
/// How much longer the code's executor took in trials than another, and how sure that has to be. Four times what is
/// called equal (DESIGN §5), because it is told at a line.
const LONGER: f64 = 0.2;
const SURE: f64 = 0.7;

/// A judge of an executor: what is wrong with it, as a sentence without its full stop.
type Judge = fn(&Executor, &Run<'_>) -> Option<String>;

/// By code; the first that speaks is told.
const JUDGES: [(&str, Judge); 4] = [
    ("CON601", threads_for_gil_bound_work),
    ("CON602", processes_for_waiting_work),
    ("CON603", idle_workers),
    ("CON902", contradicted),
];

/// Told beside what else is wrong.
const NATIVE: &str = "CON901";

/// Codes that only a run can show.
pub fn codes() -> impl Iterator<Item = &'static str> {
    JUDGES.iter().map(|(code, _)| *code).chain([NATIVE])
}

/// What judges know.
pub struct Run<'a> {
    pub outline: &'a Outline,
    pub seen: Seen<'a>,
    pub answer: &'a Recommendation,
}

/// A finding for each executor that the run speaks against.
pub fn judged(run: &Run<'_>) -> Vec<JoinedFinding> {
    let Runtime::CPython(_) = run.seen.target.runtime else { return Vec::new() };
    let kinds = [Workers::Threads, Workers::Processes, Workers::Interpreters];
    let executors = kinds.into_iter().filter_map(|kind| sole(run, kind));
    executors.flat_map(|executor| [judge(executor, run), beside_native_threads(executor, run)]).flatten().collect()
}

fn judge(executor: &Executor, run: &Run<'_>) -> Option<JoinedFinding> {
    let mut told = JUDGES.iter().filter(|(code, _)| is_told(executor, code));
    let (code, message) = told.find_map(|(code, judge)| Some((*code, judge(executor, run)?)))?;
    finding(executor, run, code, message)
}

/// Whether nobody asked for silence about a code here.
fn is_told(executor: &Executor, code: &str) -> bool {
    !executor.silent.iter().any(|silent| silent == code)
}

fn finding(executor: &Executor, run: &Run<'_>, code: &str, message: String) -> Option<JoinedFinding> {
    let entry = Catalogue::get().entry(code)?;
    Some(JoinedFinding {
        code: entry.code.clone(),
        level: entry.level,
        path: below(&executor.path, &run.outline.folder),
        line: executor.line,
        qualified_name: executor.within.clone(),
        message,
        evidence: Evidence::Run,
        standing: Standing::Confirmed,
    })
}

/// The one place that builds executors of a kind; of several, the one in a function that was seen.
fn sole<'a>(run: &Run<'a>, kind: Workers) -> Option<&'a Executor> {
    let all = || run.outline.executors.iter().filter(|executor| executor.workers == kind);
    let only = |mut these: Vec<&'a Executor>| if these.len() == 1 { these.pop() } else { None };
    let seen = |executor: &&Executor| {
        let name = executor.within.as_deref().map_or("<module>", |within| within.rsplit('.').next().unwrap_or(within));
        run.seen.observation.functions.iter().any(|function| {
            function.name.rsplit('.').next() == Some(name) && run.outline.folder.join(&function.path) == executor.path
        })
    };
    only(all().collect()).or_else(|| only(all().filter(seen).collect()))
}

impl Run<'_> {
    /// The workers of an executor, those that idled too: threads beside the first of their process, or processes
    /// beside the first.
    fn workers(&self, executor: &Executor) -> Vec<&WorkerProfile> {
        let all = &self.seen.profile.workers;
        let first = all.first().map(|worker| worker.pid);
        let is_its = |worker: &&WorkerProfile| match executor.workers {
            Workers::Threads | Workers::Interpreters => worker.tid != worker.pid,
            Workers::Processes => worker.tid == worker.pid && Some(worker.pid) != first,
        };
        let there = |worker: &&WorkerProfile| !worker.credited && worker.role != Role::Coordinating;
        all.iter().filter(is_its).filter(there).collect()
    }

    /// Those of them that worked.
    fn working(&self, executor: &Executor) -> Vec<&WorkerProfile> {
        self.workers(executor).into_iter().filter(|worker| worker.role == Role::Working).collect()
    }
}

fn sum(workers: &[&WorkerProfile], of: impl Fn(&WorkerProfile) -> Duration) -> Duration {
    workers.iter().map(|worker| of(worker)).sum()
}

fn part(of: Duration, whole: Duration) -> f64 {
    Share::of(of, whole).map_or(0.0, Share::get)
}

/// `1 native thread`, `3 native threads`.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// CON601: threads that compute in Python take turns.
fn threads_for_gil_bound_work(executor: &Executor, run: &Run<'_>) -> Option<String> {
    let Seen { profile, classification, host, .. } = run.seen;
    let workers = run.working(executor);
    let theirs = sum(&workers, |worker| worker.on_cpu);
    let all: Duration = profile.workers.iter().map(|worker| worker.on_cpu).sum();
    let compute = executor.workers == Workers::Threads
        && classification.class == Class::CpuBound
        && workers.len() > 1
        && host.cpus.usable() > 1
        && theirs >= all.mul_f64(THEIRS);
    let waited = sum(&workers, |worker| worker.blocked_by[BlockedKind::Gil]);
    let waiting = part(waited, sum(&workers, WorkerProfile::lifetime));
    let bound = match profile.gil_share {
        Some(held) if held.get() >= HELD => format!("hold the GIL for {} of their computing", percent(held.get())),
        // Where the interpreter was not read long enough, how the threads waited tells.
        None if waiting >= TAKING_TURNS => "take turns at the GIL".to_owned(),
        _ => return None,
    };
    let cost = if waited.is_zero() { String::new() } else { format!(" and waited {} for it in all", human(waited)) };
    compute.then(|| format!("its {} threads {bound}{cost}; use processes", workers.len()))
}

/// CON602: processes that wait could be threads.
fn processes_for_waiting_work(executor: &Executor, run: &Run<'_>) -> Option<String> {
    let Seen { profile, classification, .. } = run.seen;
    let workers = run.working(executor);
    let outside = [BlockedKind::Network, BlockedKind::Timer, BlockedKind::Disk];
    let waited = sum(&workers, |worker| outside.iter().map(|kind| worker.blocked_by[*kind]).sum());
    let share = part(waited, sum(&workers, WorkerProfile::lifetime));
    let waits = executor.workers == Workers::Processes
        && classification.class == Class::IoBound
        && workers.len() > 1
        && share >= WAIT;
    waits.then(|| {
        let each = profile.memory_per_process;
        let cost = if each.0 > 0 { format!(" at {each} of memory each") } else { String::new() };
        let (processes, share) = (workers.len(), percent(share));
        format!("its {processes} processes waited for {share} of their time{cost}; threads wait as well")
    })
}

/// CON603: workers that have nothing to do, or wait for one another.
fn idle_workers(executor: &Executor, run: &Run<'_>) -> Option<String> {
    let Seen { profile, .. } = run.seen;
    let workers = run.workers(executor);
    let idle = workers.iter().filter(|worker| worker.role == Role::Idle).count();
    if workers.len() > 2 && idle as f64 >= workers.len() as f64 * IDLE {
        return Some(format!("{idle} of its {} workers had nothing to do in all of the run", workers.len()));
    }
    let working = run.working(executor);
    let in_locks =
        part(sum(&working, |worker| worker.blocked_by[BlockedKind::Lock]), sum(&working, WorkerProfile::lifetime));
    let steady = profile.steady().max(Duration::from_nanos(1));
    let at_once = profile.demand.total().div_duration_f64(steady);
    let convoy = executor.workers == Workers::Threads && working.len() > 2 && in_locks >= IN_LOCKS && at_once < AT_ONCE;
    convoy.then(|| {
        format!(
            "its {} threads spent {} of their time waiting for a lock or a queue, and {at_once:.1} were at work at once",
            working.len(),
            percent(in_locks)
        )
    })
}

/// CON902: another executor did the same work clearly faster.
fn contradicted(executor: &Executor, run: &Run<'_>) -> Option<String> {
    let answer = run.answer;
    if let Some(rerun) = run.seen.rerun.filter(|_| !answer.sites.is_empty()) {
        let here = |site: &&crate::trial::rerun::sites::Site| {
            site.line == executor.line && run.outline.folder.join(&site.path) == executor.path
        };
        let at = rerun.sites.iter().position(|site| here(&site))?;
        let (site, advice) = (&rerun.sites[at], answer.sites.get(at)?);
        let gain = advice.speedup_now.filter(|gain| gain.low > 1.0 + LONGER / 2.0)?;
        let (model, workers) = (advice.setting.model, advice.setting.workers);
        return (model != site.model).then(|| {
            format!("{model} at {workers} made the whole program {:.2} times as fast when it was run again", gain.value)
        });
    }
    let model = match executor.workers {
        Workers::Threads => Model::Threads,
        Workers::Processes => Model::Processes,
        Workers::Interpreters => Model::Interpreters,
    };
    answer.evidence?;
    let other = answer.alternatives.iter().find(|tried| tried.setting.model == model)?;
    let sure = answer.confidence.get() >= SURE && other.regret >= LONGER && answer.setting.model != model;
    // A pool that nobody was seen in says nothing of the work that was.
    (sure && !run.working(executor).is_empty()).then(|| {
        format!(
            "in trials of work like its own, {model} took {} longer than {}",
            percent(other.regret),
            answer.setting.model
        )
    })
}

/// CON901: threads of native libraries in the processes that the workers run in.
fn beside_native_threads(executor: &Executor, run: &Run<'_>) -> Option<JoinedFinding> {
    if !is_told(executor, NATIVE) {
        return None;
    }
    let workers = run.working(executor);
    let of = |native: &&NativeThreads| workers.iter().any(|worker| worker.pid == native.pid);
    let native = run.seen.observation.native_threads.iter().filter(of).max_by_key(|native| native.threads)?;
    let NativeThreads { threads, libraries, .. } = native;
    let native = *threads as usize;
    // Threads share those of their process, and these look like workers of its own; each process has its own, and its
    // first thread works with them.
    let (count, together, beside) = match executor.workers {
        Workers::Processes => (workers.len(), workers.len() * (native + 1), "each of"),
        Workers::Threads | Workers::Interpreters => (workers.len().checked_sub(native)?, workers.len(), "all of"),
    };
    let (cpus, names) = (run.seen.host.cpus.usable(), libraries.join(", "));
    let its = if count == 1 { "its 1 worker".to_owned() } else { format!("{beside} its {count} workers") };
    let (native, on) = (counted(native, "native thread"), counted(cpus, "usable CPU"));
    let message = format!("{native} ({names}) ran beside {its}, on {on}");
    let found = finding(executor, run, NATIVE, message)?;
    Some(if together > cpus { JoinedFinding { level: Level::Warning, ..found } } else { found })
}
