//! [`Recording`]: everything that was measured about one target, raw, and its file format. What it means is worked
//! out again from it, with no clock and no machine, by `run::replay`: that is how the golden tests of `samples/` run.
//!
//! The file is JSON and untrusted; which fields are in it stands here, how each is checked in `json.rs`.

mod native;

use super::json::{Json, field, fields, variants};
use crate::host::{CpuQuota, Cpus, Host, Memory, MemoryLimit, Rights};
use crate::notice::Notice;
use crate::observe::timeline::{Bucket, Timeline};
use crate::observe::{
    Children, Exit, Folded, Function, Gil, GilSamples, InLoops, Launch, LoopLine, NativeThreads, Observation, Process,
    Sampling, Switches, Totals, WaitedOn, Worker,
};
use crate::reading;
use crate::source::detect::executors::Workers;
use crate::source::finding::Level;
use crate::source::outline::{Outline, Releasing, SourceFinding};
use crate::source::project::executor::{Executor, Unsent};
use crate::target::{CPython, PythonEntry, Runtime, Target};
use crate::trial::cluster::Cluster;
use crate::trial::elsewhere::Elsewhere;
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::rerun::Rerun;
use crate::trial::rerun::sites::Site;
use crate::trial::task::{Origin, Task};
use crate::trial::twin::{TaskDemand, Twin};
use crate::trial::{Evidence, Measurement, Outcome, Trial};
use crate::units::Share;
use serde_json::{Value, json};
use std::path::Path;

/// Longest recording that is read.
pub const LONGEST: usize = 64 << 20;
/// Raised when a recording of before can no longer be read.
const VERSION: u64 = 1;
/// More tasks than any run has; keeps times multiplied by it within what a `Duration` holds.
const MOST_TASKS: u64 = 10_000_000_000;

/// Everything that was measured about one target. Plain values: judging them needs nothing else but the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The machine.
    pub host: Host,
    /// What was run, after the run had shown what really runs.
    pub target: Target,
    /// The run.
    pub observation: Observation,
    /// What its source says; `None` when it has none that could be read.
    pub source: Option<Outline>,
    /// What the trials ran.
    pub tried: Tried,
}

/// What became of the trials.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tried {
    /// The synthetic task; `None` when none could be made or none was wanted.
    pub twin: Option<Twin>,
    /// The user's own function, where one was named; `twin` is then one task's demand as it was measured.
    pub task: Option<Task>,
    /// What running the whole command again told, where that was asked for.
    pub rerun: Option<Rerun>,
    /// The cluster that was named, where it answered.
    pub cluster: Option<Cluster>,
    /// Every setting that was tried, or could not be.
    pub trials: Vec<Trial>,
    /// What was tried under other interpreters.
    pub elsewhere: Vec<Elsewhere>,
    /// The signal that ended them before their end.
    pub interrupted: Option<i32>,
    /// Caveats.
    pub notices: Vec<Notice>,
}

impl Recording {
    /// The text of the file.
    pub fn write(&self) -> String {
        let Self { host, target, observation, source, tried } = self;
        json!({
            "recording_version": VERSION,
            "host": host.to_json(),
            "target": target.to_json(),
            "observation": observation.to_json(),
            "source": source.to_json(),
            "tried": tried.to_json(),
        })
        .to_string()
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A sentence naming the file, what is wrong with it, and where.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = super::escape::word(path.as_os_str());
        let text = reading::named(path, LONGEST).map_err(|why| format!("cannot read the recording {shown}: {why}"))?;
        Self::parse(&text).map_err(|why| format!("{shown} is no recording of ours: {why}"))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// A clause saying what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {} MiB", LONGEST >> 20));
        }
        let value: Value = serde_json::from_str(text).map_err(|why| format!("it is not JSON: {why}"))?;
        let version: u64 = field(&value, "recording_version").map_err(|why| trimmed(&why))?;
        if version != VERSION {
            return Err(format!("it has version {version} and this concadvise reads {VERSION}; record it again"));
        }
        let read = || -> Result<Self, String> {
            Ok(Self {
                host: field(&value, "host")?,
                target: field(&value, "target")?,
                observation: field(&value, "observation")?,
                source: field(&value, "source")?,
                tried: field(&value, "tried")?,
            })
        };
        let recording = read().map_err(|why| trimmed(&why))?;
        recording.plausible()?;
        Ok(recording)
    }

    /// What no single value shows: bounds that the stages rely on.
    fn plausible(&self) -> Result<(), String> {
        let measured = self.tried.trials.iter().filter_map(|trial| match &trial.outcome {
            Outcome::Ok(measured) => Some(measured.tasks),
            _ => None,
        });
        let of_task = self.tried.task.as_ref().map(|task| task.items);
        let tasks = measured.chain(self.tried.twin.as_ref().map(|twin| twin.tasks)).chain(of_task).max();
        if tasks.is_some_and(|tasks| tasks > MOST_TASKS) {
            return Err(format!("it has more than {MOST_TASKS} tasks"));
        }
        if self.observation.workers.len() > Observation::WORKERS_KEPT {
            return Err(format!("it has more than {} workers", Observation::WORKERS_KEPT));
        }
        if self.observation.timeline.buckets.len() > Timeline::CAPACITY {
            return Err(format!("its timeline has more than {} buckets", Timeline::CAPACITY));
        }
        Ok(())
    }
}

/// The path in an error without the dot it begins with.
fn trimmed(why: &str) -> String {
    why.strip_prefix('.').unwrap_or(why).to_owned()
}

fields!(Tried { twin, task, rerun, cluster, trials, elsewhere, interrupted, notices });
fields!(Elsewhere { interpreter, version, trials });
fields!(Cluster { address, workers, threads, hosts, memory_each });

fields!(Host { cpus, memory, kernel, arch, rights, notices });
fields!(Cpus { online, affinity, quota, physical_cores, numa_nodes });
fields!(CpuQuota { cpus, from });
fields!(Memory { total, available, limit });
fields!(MemoryLimit { bytes, used, from });
fields!(Rights { perf_event_paranoid, ptrace_scope, hidepid, schedstat });

fields!(Outline {
    folder,
    files,
    unread,
    findings,
    left_out,
    executors,
    unsent,
    async_libraries,
    coroutines,
    loops,
    releasing,
});
fields!(SourceFinding { code, level, path, lines, qualified_name, message });
fields!(Executor { name, workers, size, path, line, within, silent });
fields!(Unsent { path, line, what });
fields!(Releasing { path, within, callable });
variants!(Level { Info, Warning, Error });
variants!(Workers { Threads, Processes, Interpreters });

fields!(Target { argv, program, runtime });
variants!(Runtime { CPython(python), Native(native), Script { interpreter }, Other });
fields!(CPython { executable, version, gil, interpreters, entry });
variants!(PythonEntry { File(path), Module(name), Code, Stdin, Unknown });

fields!(Observation {
    complete,
    attached,
    wall,
    exit,
    launch,
    totals,
    workers,
    folded,
    processes,
    counters,
    functions,
    in_loops,
    native_threads,
    timeline,
    peak_memory,
    core_ticks,
    elsewhere_cpu,
    sampling,
    output,
    interrupted,
    timed_out,
    notices,
});
variants!(Exit { Code(status), Signal(signal) });
fields!(Launch { until, ticks, cpu });
fields!(Totals {
    user,
    system,
    voluntary_switches,
    involuntary_switches,
    minor_faults,
    major_faults,
    peak_rss,
    read_bytes,
    written_bytes,
});
fields!(Worker {
    pid,
    tid,
    parent,
    name,
    born,
    died,
    on_cpu,
    runnable,
    timeslices,
    user,
    system,
    voluntary_switches,
    involuntary_switches,
    blocked_ticks,
    waited_on,
    disk_delay,
    bursts,
    waits,
    children,
});
fields!(Children { count, cpu, peak_memory });
fields!(WaitedOn { one, several, epoll });
fields!(Folded { workers, on_cpu, runnable, alive });
fields!(Process {
    pid,
    parent,
    executable,
    argv,
    has_epoll,
    gil,
    peak_rss,
    peak_pss,
    peak_uss,
    first_uss,
    read_bytes,
    written_bytes,
    major_faults,
    minor_faults,
    waited_cpu,
});
fields!(Timeline { bucket, buckets });
fields!(Bucket { span, on_cpu, runnable, alive, blocked_ticks, memory, processes, workers });
fields!(GilSamples { samples, held, computing, holding, on_cpu, handovers });
variants!(Gil { Unread, Absent, Sampled(samples) });
fields!(Function { name, path, line, inside, seen, active, holding });
fields!(InLoops { looks, processes, each, lines });
fields!(NativeThreads { pid, threads, libraries });
fields!(LoopLine { path, line, seen, active });
fields!(Sampling { ticks, interval, lateness, own_cpu, own_memory, switches, stacks });
fields!(Switches { records, lost, until });

fields!(Twin { task, tasks, compression, gil, pieces_seen, doubts });
fields!(TaskDemand { cpu_held, cpu_released, waits, memory, argument, result });
fields!(Task {
    function,
    items_named,
    origin,
    module,
    attribute,
    async_function,
    coroutine,
    items,
    unsent,
    argument,
    result,
    pickle,
    mean,
    slowest,
    inner_threads,
    environment,
    compared,
});
fields!(Origin { path, line, calls, busy, sentence });
fields!(Rerun { sites, compared });
fields!(Site {
    key,
    path,
    line,
    library,
    executor,
    model,
    workers,
    asked,
    built,
    tasks,
    mapped,
    chunk_size,
    start_method,
    busy,
    unsent,
    guarded,
    threads,
    version,
    untried,
    trials,
});
fields!(Trial { setting, evidence, outcome });
fields!(Setting { model, workers, chunk_size, start_method });
fields!(Measurement { tasks, start, walls, cold, dispatch, cpu, peak_memory });
variants!(Outcome {
    Ok(measured), NotApplicable(reason), Unsafe(reason), Failed(reason), Pruned(reason),
});
variants!(Evidence { Task, Program, Twin });
variants!(Model { Sequential, Threads, Asyncio, Processes, Interpreters, AsyncioThreads, AsyncioProcesses, Cluster });
variants!(StartMethod { Fork, Forkserver, Spawn });

variants!(Notice {
    TotalsDisagree { workers, kernel },
    UnseenWorkers { on_cpu },
    WorkersFolded { workers },
    Unavailable { what, why, remedy },
    SampledLate { lateness },
    LeftBehind { processes },
    Interrupted { signal },
    TargetFailed { how },
    NoisyMachine { elsewhere },
    Throttled { how },
    TwinDoubt { doubt },
    BudgetSpent { skipped },
    CalibrationOff { ratio },
    UndecidableRule { rule, fact },
    MemoryCaps { workers, per_worker },
    WorkersNotListed { listed, left_out },
    TrialsInterrupted { signal },
    TrialsSkipped { why },
    Drifted { ratio },
    TaskDoubt { doubt },
    SwitchesLost { records, lost },
    SwitchesStopped { after },
    Detached { signal },
    RerunDoubt { doubt },
    NothingToTurn { why },
    ClusterNotTried { why },
});

impl Json for Share {
    fn to_json(&self) -> Value {
        json!(self.get())
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        f64::from_json(value).and_then(|share| Self::new(share).ok_or_else(|| ": must be a share".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fill::tests::crowded;
    use proptest::prelude::*;

    #[test]
    fn what_was_recorded_reads_back_the_same() -> Result<(), String> {
        let mut recording = crowded().recording;
        recording.tried.notices = vec![
            Notice::Unavailable { what: "hardware counters", why: "no such device".into(), remedy: "none".into() },
            Notice::NoisyMachine { elsewhere: Share::ONE },
        ];
        assert_eq!(Recording::parse(&recording.write())?, recording);
        recording.tried.task = Some(Task {
            function: "app.py:fetch".into(),
            origin: Some(Origin { path: "app.py".into(), line: 7, calls: 180, ..Origin::default() }),
            unsent: Some("a lambda".into()),
            result: Some(crate::units::Bytes(7)),
            environment: vec!["OMP_NUM_THREADS=1".into()],
            ..Task::default()
        });
        assert_eq!(Recording::parse(&recording.write())?, recording);
        Ok(())
    }

    /// The recording with the value at `path` replaced, read back.
    fn with(path: &str, value: Value) -> Result<Recording, String> {
        let mut whole: Value = serde_json::from_str(&crowded().recording.write()).map_err(|why| why.to_string())?;
        *whole.pointer_mut(path).ok_or(format!("{path} is not in a recording"))? = value;
        Recording::parse(&whole.to_string())
    }

    #[test]
    fn hostile_values_are_refused_by_where_they_stand() {
        for (path, value, sentence) in [
            ("/recording_version", json!(9), "version 9"),
            ("/observation/workers/0/on_cpu", json!(-5), "observation.workers[0].on_cpu: must be a time"),
            ("/observation/workers/0/on_cpu", json!(u64::MAX), "at most ten years, not 18446744073709551615"),
            ("/observation/wall", json!(1.5), "observation.wall: must be a time"),
            ("/observation/workers/0/pid", json!(1_u64 << 40), "observation.workers[0].pid: must be a whole number"),
            ("/observation/workers/0/bursts/parts/0/1", json!(u64::MAX), "bursts.parts[0]: must be a whole number"),
            ("/host/cpus/quota/cpus", json!(-1.0), "host.cpus.quota.cpus: must be a number that is not negative"),
            ("/host/cpus/quota/cpus", Value::Null, "host.cpus.quota.cpus: must be a number"),
            ("/host/cpus", json!({}), "host.cpus.online: is missing"),
            ("/target/runtime", json!({"Cobol": {}}), "target.runtime.Cobol: is not a name"),
            ("/tried/trials/0/setting/model", json!("Threads"), "tried.trials[0].setting.model: must be an object"),
            ("/tried/twin/tasks", json!(1_u64 << 45), "more than 10000000000 tasks"),
            ("/observation/counters/0/name", json!("x".repeat(999)), "at most 256 bytes"),
        ] {
            let refused = with(path, value.clone()).expect_err(&format!("{path} = {value}"));
            assert!(refused.contains(sentence), "{path} = {value}: {refused}");
        }
        assert!(Recording::parse(&"[".repeat(100_000)).expect_err("deep").contains("not JSON"));
        assert!(Recording::parse("{}").expect_err("empty").contains("recording_version: is missing"));
    }

    #[test]
    fn more_than_was_ever_kept_is_refused() {
        let worker = crowded().recording.observation.workers[0].to_json();
        let many = Value::Array(vec![worker; Observation::WORKERS_KEPT + 1]);
        assert!(with("/observation/workers", many).expect_err("too many").contains("more than 4096 workers"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let refused = Recording::read(Path::new("/nowhere/run.json")).expect_err("is not there");
        assert!(refused.contains("/nowhere/run.json") && refused.contains("No such file"), "{refused}");
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text: String) {
            prop_assert!(Recording::parse(&text).is_err());
        }
    }
}
