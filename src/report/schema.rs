//! The keys of a report, as values: one struct for each table of the TOML file, in the order they are written.
//!
//! Scripts and the gate read these names, so within one [`SCHEMA_VERSION`] they are added to, never changed. Times
//! are in seconds (`_s`, six significant digits), memory in bytes (`_bytes`), shares from 0 to 1 (four decimals).
//! A key that is absent is unknown or does not apply; nothing unknown is ever written as zero. Strings are escaped as
//! `escape.rs` says. Where the values come from is `fill.rs`'s, their text `toml.rs`'s, the page `table.rs`'s. What is said
//! of each key here is its description in the JSON Schema, which `json_schema.rs` makes.

use crate::rules::shape::words::{
    BottleneckName, ClassName, EvidenceName, LevelName, ModelName, RuntimeName, StandsOn, StartMethodName, WorkersName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Raised when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Declares the tables: each can be written, read back, compared, is empty by default, and has a JSON Schema.
macro_rules! tables {
    ($($(#[$about:meta])* $table:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        #[schemars(transform = super::json_schema::bound_shares)]
        $(#[$about])*
        pub struct $table { $($(#[$field_about])* pub $field: $type,)* }
    )*};
}

/// What a fact is: yes or no, a number, or a word; a version is a word such as `3.14`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Flag(bool),
    /// A share, count, time in seconds, amount in bytes, or plain number.
    Number(f64),
    /// A word, or a version.
    Word(String),
}

impl Default for FactValue {
    /// What no fact is, so that a row without a value is none.
    fn default() -> Self {
        Self::Word(String::new())
    }
}

tables! {
    /// The report of one run of `concadvise`. Times are in seconds (`_s`), memory in bytes (`_bytes`), shares from 0 to 1.
    /// A key that is absent is unknown or does not apply; new keys may appear within a `schema_version`.
    #[schemars(extend("required" = ["schema_version"]))]
    Document {
        /// What the keys mean: raised when one changes its meaning or goes away.
        #[schemars(extend("const" = SCHEMA_VERSION))]
        schema_version: u32,
        /// Whether the target ran to its end and every stage after it did its work.
        complete: bool,
        /// The writer's version.
        tool_version: String,
        /// Stands for the rules that decided, as 16 hexadecimal digits: another one, and a decision could differ.
        rules_hash: String,
        /// The answer.
        recommendation: Recommendation,
        /// Other settings that ran, best first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        alternative: Vec<Alternative>,
        /// The path through the decision tree, in order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        decision: Vec<Decision>,
        /// What sort of work it is.
        classification: Classification,
        /// What was run.
        target: Target,
        /// What it ran on.
        host: Host,
        /// What the run showed.
        profile: Profile,
        /// The synthetic task that trials ran; absent when there was none.
        #[serde(skip_serializing_if = "Option::is_none")]
        twin: Option<Twin>,
        /// The user's own function that trials ran; absent when none was named.
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        /// Places where the program builds executors, the busiest first; only of `--rerun`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        site: Vec<Site>,
        /// The cluster that was named and answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        cluster: Option<Cluster>,
        /// Every setting that was tried, or could not be.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        trial: Vec<Trial>,
        /// The law fitted to each model that ran at enough worker counts.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        curve: Vec<Curve>,
        /// Defects that the program's source shows, those that matter most first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        finding: Vec<Finding>,
        /// Everything that rules may ask about and that is known, by name.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fact: Vec<Fact>,
        /// Caveats.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notice: Vec<Notice>,
        /// How well the run was watched.
        sampling: Sampling,
        /// The Python functions that the workers were seen in most, the most first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        function: Vec<Function>,
        /// Counters of the whole tree, those that the machine has.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        counter: Vec<Counter>,
        /// The heaviest workers; a process that lived less than 0.1 s is in its parent's row.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        worker: Vec<Worker>,
    }

    /// The answer with its reasons.
    Recommendation {
        /// Executor model.
        #[schemars(with = "ModelName")]
        model: String,
        /// Workers; for an event loop, tasks in flight at once.
        workers: u64,
        /// The place in the program that this is about, `app.py:42`; absent when it is about all of it.
        site: Option<String>,
        /// The rule that decided which models were admitted.
        rule: String,
        /// The models that it admits, in its order of preference.
        #[schemars(with = "Vec<ModelName>")]
        admits: Vec<String>,
        /// How it bounds the number of workers: `one`, `cpus`, `waits`.
        #[schemars(with = "WorkersName")]
        workers_bound: String,
        /// The worker count as it holds on other machines: `min(cpus, 8)`.
        workers_policy: String,
        /// Tasks handed over at a time.
        chunk_size: Option<u64>,
        /// How processes start.
        #[schemars(with = "Option<StartMethodName>")]
        start_method: Option<String>,
        /// What the speed-up was measured on: `twin`, `task`, `program`.
        #[schemars(with = "Option<EvidenceName>")]
        evidence: Option<String>,
        /// Expected speed-up over one task after another.
        speedup: Option<f64>,
        /// Lower end of its 90 % interval.
        speedup_low: Option<f64>,
        /// Upper end of its 90 % interval.
        speedup_high: Option<f64>,
        /// Highest memory expected at this setting.
        memory_bytes: Option<u64>,
        /// How sure, from 0 to 1: the weakest of class, rule and separation of the trials.
        #[schemars(range(min = 0, max = 1))]
        confidence: f64,
        /// Why, in one or two sentences.
        reason: String,
        /// What would change the answer.
        flips: Vec<String>,
        /// What makes it less sure.
        doubts: Vec<String>,
        /// Advice beside the model.
        advice: Vec<String>,
        /// Code to paste.
        snippet: String,
    }

    /// A defect that the program's source shows; the run may have confirmed it.
    Finding {
        /// What it is: `CON101`, as `concadvise explain` knows it.
        code: String,
        /// `error`, `warning`, `info`.
        #[schemars(with = "LevelName")]
        level: String,
        /// The file, relative to the working directory where it lies below.
        path: String,
        /// The line.
        line: u64,
        /// The function or class around it, as `Client.fetch`; absent at the file's own level.
        qualified_name: Option<String>,
        /// What is wrong there.
        message: String,
        /// What it stands on: `source`, `run`.
        #[schemars(with = "StandsOn")]
        evidence: String,
    }

    /// A place in the program that builds executors, and what to build there instead.
    Site {
        /// The file, relative to the working directory where it lies below.
        path: String,
        /// The line.
        line: u32,
        /// What the program builds there.
        executor: String,
        /// The workers that it has; `workers_found` is what it was seen with, `workers` what is advised.
        workers_found: u64,
        /// Executor model to use there.
        #[schemars(with = "ModelName")]
        model: String,
        /// Workers to use there.
        workers: u64,
        /// Tasks handed over at a time.
        chunk_size: Option<u64>,
        /// How processes start.
        #[schemars(with = "Option<StartMethodName>")]
        start_method: Option<String>,
        /// What the program gains over one task after another there.
        speedup: Option<f64>,
        /// Lower end of its 90 % interval.
        speedup_low: Option<f64>,
        /// Upper end of its 90 % interval.
        speedup_high: Option<f64>,
        /// What the program gains over itself as it is now.
        speedup_now: Option<f64>,
        /// Lower end of its 90 % interval.
        speedup_now_low: Option<f64>,
        /// Upper end of its 90 % interval.
        speedup_now_high: Option<f64>,
        /// `program`: the whole command was run again; absent when nothing was tried.
        #[schemars(with = "Option<EvidenceName>")]
        evidence: Option<String>,
        /// How sure, from 0 to 1.
        #[schemars(range(min = 0, max = 1))]
        confidence: Option<f64>,
        /// Why, or why nothing was tried.
        reason: String,
        /// Executors that were built there.
        built: u64,
        /// Tasks that were handed to them.
        tasks: u64,
        /// Time in which at least one task was under way.
        busy_s: f64,
    }

    /// Another setting that ran.
    Alternative {
        /// Executor model.
        #[schemars(with = "ModelName")]
        model: String,
        /// Workers.
        workers: u64,
        /// Tasks handed over at a time.
        chunk_size: Option<u64>,
        /// How processes start.
        #[schemars(with = "Option<StartMethodName>")]
        start_method: Option<String>,
        /// Its time over the best time found, minus one.
        regret: f64,
    }

    /// One comparison on the path through the decision tree.
    Decision {
        /// The rule it belongs to.
        rule: String,
        /// The fact that was asked for.
        fact: String,
        /// What it was; absent when unknown.
        value: Option<String>,
        /// What it was compared with, with its operator: `>= 0.60`.
        threshold: String,
        /// Whether it held; absent when the fact is unknown.
        held: Option<bool>,
        /// The value at which it turns over.
        flips_at: Option<f64>,
    }

    /// What sort of work it is.
    Classification {
        /// `cpu-bound`, `io-bound`, `mixed`, `inconclusive`.
        #[schemars(with = "ClassName")]
        class: String,
        /// What limits it; absent when nothing was seen to.
        #[schemars(with = "Option<BottleneckName>")]
        bottleneck: Option<String>,
        /// Share of the replicates that were judged the same.
        #[schemars(range(min = 0, max = 1))]
        confidence: f64,
        /// What would settle an inconclusive case.
        settle: Option<String>,
        /// Each comparison that was made, in order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<Comparison>,
    }

    /// One measured value against one named threshold.
    Comparison {
        /// What was measured.
        measure: String,
        /// What it was; absent when unknown.
        value: Option<f64>,
        /// What it was compared with.
        threshold: f64,
        /// What follows from it.
        meaning: String,
        /// Where the threshold comes from.
        source: String,
    }

    /// What was run.
    Target {
        /// Its words, in order.
        command: Vec<String>,
        /// `cpython`, `native`, `script`, `other`.
        #[schemars(with = "RuntimeName")]
        runtime: String,
        /// The interpreter that ran it, where there is one.
        interpreter: Option<String>,
        /// The interpreter's version.
        version: Option<String>,
        /// Whether the interpreter has a global lock.
        gil: Option<bool>,
        /// Present and true when it was not started by us but attached to while it ran.
        attached: Option<bool>,
        /// The process that was attached to.
        pid: Option<i32>,
        /// Its exit status, where it ended by itself.
        exit_code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// Why a native program may have components that were not found, each a clause; empty for other programs.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unknown: Vec<String>,
        /// What a native program is built on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        component: Vec<Component>,
    }

    /// A runtime, executor, library or call that a native program is built on.
    Component {
        /// As people write it: `Go`, `tokio`, `OpenMP`, `epoll`.
        name: String,
        /// `language`, `executor`, `library`, `call`.
        role: String,
        /// Its version, where the file tells.
        version: Option<String>,
        /// The surest that it is known by: `build info`, `dynamic symbol`, `library`, `section`, `symbol`, `text`.
        evidence: String,
        /// What was seen.
        seen: String,
    }

    /// What it ran on.
    Host {
        /// CPUs for work that computes: min(affinity, quota rounded up).
        cpus_usable: u64,
        /// CPUs for workers that wait: the affinity alone.
        cpus_usable_waiting: u64,
        /// Logical processors online.
        cpus_online: Option<u64>,
        /// CPU-seconds per second that a cgroup allows.
        cpu_quota: Option<f64>,
        /// The file that set the quota.
        cpu_quota_from: Option<String>,
        /// Physical cores.
        physical_cores: Option<u64>,
        /// NUMA nodes with processors.
        numa_nodes: Option<u64>,
        /// Memory of the machine.
        memory_total_bytes: Option<u64>,
        /// Memory that new workers may take.
        memory_usable_bytes: Option<u64>,
        /// The tightest cgroup limit.
        memory_limit_bytes: Option<u64>,
        /// The file that set the limit.
        memory_limit_from: Option<String>,
        /// Kernel release.
        kernel: String,
        /// Machine architecture.
        arch: String,
        /// `/proc/sys/kernel/perf_event_paranoid`.
        perf_event_paranoid: Option<i32>,
        /// `/proc/sys/kernel/yama/ptrace_scope`.
        ptrace_scope: Option<u32>,
    }

    /// What the run showed.
    Profile {
        /// From release to the end of the first process.
        wall_s: f64,
        /// CPU time of the whole tree, as the kernel accounted it.
        cpu_s: f64,
        /// Its part in user mode.
        user_s: f64,
        /// Its part in the kernel.
        system_s: f64,
        /// Start-up, taken off the shares.
        startup_s: f64,
        /// Shut-down, taken off the shares.
        shutdown_s: f64,
        /// Part of the worker-time on a core.
        on_cpu_share: Option<f64>,
        /// Part of the worker-time in the run queue.
        runnable_share: Option<f64>,
        /// Part of the worker-time blocked.
        blocked_share: Option<f64>,
        /// Part of the on-CPU time that held the GIL.
        gil_share: Option<f64>,
        /// Whether the wait for the GIL is inferred, not read from the interpreter.
        gil_inferred: Option<bool>,
        /// Average cores busy over the steady part.
        cores_busy: Option<f64>,
        /// Share of the samples that each core was seen running the target, by its number.
        #[schemars(inner(range(min = 0, max = 1)))]
        core_shares: Vec<f64>,
        /// Workers on a core or in the run queue at once, on average.
        parallelism: Option<f64>,
        /// Highest of it in any stretch.
        parallelism_peak: Option<f64>,
        /// Highest memory of the whole tree at one time.
        peak_memory_bytes: Option<u64>,
        /// Memory that one more worker takes: that of the largest process, or what the tree grew by with each.
        memory_per_process_bytes: Option<u64>,
        /// Memory that the tree grew by with each process that was added.
        memory_growth_per_worker_bytes: Option<u64>,
        /// Memory that the tree grew by in each second at the same number of processes; negative when it shrank.
        memory_growth_per_s_bytes: Option<f64>,
        /// What copies made by `fork` wrote to, or took, since they were first seen: their median.
        cow_growth_bytes: Option<u64>,
        /// Median stretch on a core.
        burst_median_s: Option<f64>,
        /// 95th percentile of it.
        burst_p95_s: Option<f64>,
        /// Processes that did work.
        processes: u64,
        /// Most threads that did work in any one process.
        threads: u64,
        /// CPU that everything else used, as part of the machine's capacity.
        elsewhere_share: Option<f64>,
        /// Samples that the shares rest on.
        samples: u64,
        /// Part of the worker-time blocked on each kind; absent when nothing was observed.
        #[serde(skip_serializing_if = "Option::is_none")]
        blocked: Option<Kinds>,
        /// The work that had to be done, whoever did it.
        demand: Demand,
    }

    /// One share for each kind of blocking.
    #[schemars(transform = super::json_schema::bound_all)]
    Kinds {
        /// A file, a block device.
        disk: f64,
        /// A socket.
        network: f64,
        /// A sleep.
        timer: f64,
        /// A lock.
        lock: f64,
        /// CPython's lock.
        gil: f64,
        /// A pipe or a terminal.
        pipe: f64,
        /// The end of a child process.
        child: f64,
        /// A page of memory that had to be read first.
        page_fault: f64,
        /// A server's wait for its next client.
        idle: f64,
        /// Anything else, or not readable.
        other: f64,
    }

    /// The work that had to be done, with waiting for one another and for a core taken out.
    Demand {
        /// CPU time.
        cpu_s: f64,
        /// Waiting for the outside.
        waiting_s: f64,
        /// Waiting for one another: lock and GIL; not part of the work.
        contention_s: f64,
        /// Pieces the waiting came in.
        wait_count: Option<u64>,
    }

    /// The synthetic task that trials ran.
    Twin {
        /// Tasks that make up the target's whole work.
        tasks: u64,
        /// One task's computing with the GIL held; in a native program simply computing.
        cpu_held_s: f64,
        /// One task's computing with the GIL released.
        cpu_released_s: f64,
        /// One task's waiting.
        waiting_s: f64,
        /// Memory that a worker touches.
        memory_bytes: u64,
        /// Size of the argument.
        argument_bytes: u64,
        /// Size of the result.
        result_bytes: u64,
        /// What the task's times were divided by to fit the budget.
        compression: f64,
        /// Whether the pieces were seen, or assumed.
        pieces_seen: bool,
        /// What the twin cannot show.
        doubts: Vec<String>,
    }

    /// The user's own function.
    Task {
        /// As it was named.
        function: String,
        /// As they were named.
        items: String,
        /// How many there are.
        tasks: u64,
        /// Mean time of one, one after another.
        task_s: Option<f64>,
        /// The longest time of one.
        slowest_s: Option<f64>,
        /// An item as pickled, median of a sample.
        argument_bytes: Option<u64>,
        /// A result as pickled, median of a sample.
        result_bytes: Option<u64>,
        /// Pickling and unpickling both, median of a sample.
        pickle_s: Option<f64>,
        /// Threads that its native libraries start in each process.
        inner_threads: Option<u64>,
        /// Variables that trials of several workers ran with.
        environment: Vec<String>,
        /// Whether results were compared with the sequential ones.
        results_compared: bool,
    }

    /// A Dask cluster.
    Cluster {
        /// Its scheduler.
        address: String,
        /// Worker processes.
        workers: u64,
        /// Their threads: tasks that run at once.
        threads: u64,
        /// Machines that they are on.
        hosts: u64,
        /// Memory that the smallest of its workers may take; absent when one has no limit.
        memory_each_bytes: Option<u64>,
    }

    /// One setting that was tried, or could not be.
    Trial {
        /// The place in the program that it was about; absent when it was about all of it.
        site: Option<String>,
        /// Executor model.
        #[schemars(with = "ModelName")]
        model: String,
        /// Another interpreter than the target's, when it ran there: an alternative, not among the rest.
        interpreter: Option<String>,
        /// Workers; for an event loop, tasks in flight at once.
        workers: u64,
        /// Tasks handed over at a time.
        chunk_size: Option<u64>,
        /// How processes start.
        #[schemars(with = "Option<StartMethodName>")]
        start_method: Option<String>,
        /// What was run: `twin`, `task`, `program`.
        #[schemars(with = "EvidenceName")]
        evidence: String,
        /// `ok`, `not-applicable`, `unsafe`, `failed`, `pruned`.
        outcome: String,
        /// Why, for every outcome but `ok`.
        reason: Option<String>,
        /// Time the whole work would take at this setting: one start and every task at the measured rate.
        wall_s: Option<f64>,
        /// Time of the sequential setting over this one's.
        speedup: Option<f64>,
        /// The same by the slowest of its repeats.
        speedup_low: Option<f64>,
        /// The same by the fastest of its repeats.
        speedup_high: Option<f64>,
        /// Highest memory of the trial.
        peak_memory_bytes: Option<u64>,
        /// Making the pool, until its workers had answered once.
        start_s: Option<f64>,
        /// Median time for one task.
        per_task_s: Option<f64>,
        /// Handing over one empty task.
        dispatch_s: Option<f64>,
        /// CPU time of the trial.
        cpu_s: Option<f64>,
        /// Repeats that were timed.
        repeats: Option<u64>,
        /// Tasks in each repeat.
        tasks: Option<u64>,
    }

    /// What the trials of one model say together.
    Curve {
        /// Executor model.
        #[schemars(with = "ModelName")]
        model: String,
        /// Worker counts that were measured, ascending; the first is one task after another.
        workers: Vec<u64>,
        /// Tasks a second at each, without the pool's start.
        rate_per_s: Vec<f64>,
        /// Contention of the Universal Scalability Law fitted to them, from 0 to 1.
        sigma: f64,
        /// Its coherency: what every pair of workers costs.
        kappa: f64,
        /// Root mean square of the fit's relative errors at the measured counts.
        fit_error: f64,
        /// Workers from which more cost more, by the fit; absent when it never falls.
        peak_workers: Option<f64>,
        /// Workers from which the demand of one task allows no more, whatever was measured.
        bound_workers: Option<f64>,
        /// Tasks a second that no number of workers can pass, by the same.
        bound_rate_per_s: Option<f64>,
    }

    /// One thing that rules may ask about.
    Fact {
        /// Its word in rule files.
        name: String,
        /// What it is.
        value: FactValue,
        /// Lower end of its 90 % interval, where resampling the run gave one.
        low: Option<f64>,
        /// Upper end of its 90 % interval.
        high: Option<f64>,
    }

    /// One caveat.
    Notice {
        /// Its stable, short name.
        code: String,
        /// It, in words.
        message: String,
    }

    /// How well the run was watched, and what that cost.
    Sampling {
        /// Times the tree was read.
        ticks: u64,
        /// The shortest interval between them.
        interval_shortest_s: f64,
        /// The longest interval between them.
        interval_longest_s: f64,
        /// 95th percentile of how late they came.
        lateness_p95_s: Option<f64>,
        /// CPU time that watching took.
        own_cpu_s: f64,
        /// The most memory that concadvise ever had resident.
        own_memory_bytes: Option<u64>,
        /// The kernel's records of switches, births and ends that were read; absent when there were none to be had.
        switch_records: Option<u64>,
        /// Those that the kernel had no room for.
        switch_records_lost: Option<u64>,
        /// When recording was given up because it would have slowed the target.
        switches_until_s: Option<f64>,
        /// Times that the stacks of a Python process were read; absent when none were.
        stacks_read: Option<u64>,
        /// Times that they could not be.
        stacks_failed: Option<u64>,
    }

    /// One Python function of the program's own. Its shares are of all sightings of Python threads.
    Function {
        /// Name.
        name: String,
        /// File.
        path: String,
        /// The line that it was in most.
        line: u32,
        /// What it called there, down to the top of the stack: `name (file)`; absent when it was itself on top.
        inside: Option<String>,
        /// A thread was in it.
        seen_share: f64,
        /// A thread was in it and on a core or waiting for one.
        active_share: f64,
        /// A thread was in it and held the GIL.
        holding_share: f64,
    }

    /// One counter of the whole tree.
    Counter {
        /// perf's name of it.
        name: String,
        /// Nanoseconds for clocks, else a count.
        value: u64,
    }

    /// One worker.
    Worker {
        /// Process.
        pid: i32,
        /// Task.
        tid: i32,
        /// Name.
        name: String,
        /// `working`, `coordinating`, `idle`.
        role: String,
        /// On a core.
        on_cpu_s: f64,
        /// In the run queue.
        runnable_s: f64,
        /// The rest.
        blocked_s: f64,
        /// The kind that most of it was blocked on.
        blocked_on: Option<String>,
        /// Highest memory of its process.
        peak_memory_bytes: Option<u64>,
        /// Processes that lived less than 0.1 s and were started by its process.
        children: Option<u64>,
        /// Their CPU time.
        children_cpu_s: Option<f64>,
        /// Highest memory of any one of them.
        children_peak_memory_bytes: Option<u64>,
    }
}
