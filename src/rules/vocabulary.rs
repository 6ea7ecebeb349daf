//! The closed vocabulary: every fact that a rule may ask about, with its kind, its meaning and who provides it.
//!
//! A fact whose provider is [`Provider::Later`] is declared so that rules can be written and read today; it is unknown
//! until the issue that measures it is done. Values are held by [`super::facts::Facts`].

use crate::units::{Bytes, human};
use std::time::Duration;

/// One fact: a name that rules may use.
#[derive(Debug, PartialEq)]
pub struct Fact {
    /// The word in rule files and reports.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Who provides it.
    pub from: Provider,
    /// What it means, as one sentence.
    pub doc: &'static str,
}

/// What the values of a fact are; which operators apply follows from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A part of a whole, 0 to 1.
    Share,
    /// A plain number, 0 or more, without a unit.
    Number,
    /// How many.
    Count,
    /// A time in seconds.
    Seconds,
    /// An amount of memory in bytes.
    Bytes,
    /// Major and minor version, written `"3.14"`.
    Version,
    /// One of these words.
    Label(&'static [&'static str]),
    /// Yes or no.
    Flag,
}

/// The stage that provides a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The machine.
    Host,
    /// What is run.
    Target,
    /// What the observed run showed.
    Profile,
    /// The judgement of it.
    Classification,
    /// The synthetic task built from it.
    Twin,
    /// The trials.
    Trials,
    /// The user's own function, where one was named.
    Task,
    /// The program's source, and what the run showed of it.
    Source,
    /// A later issue: unknown today.
    Later,
}

impl Kind {
    /// What a value must be, for the sentence about one that is not.
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Share => "a number from 0 to 1",
            Self::Number | Self::Count => "a number that is finite and not negative",
            Self::Seconds => "a number of seconds that is finite and not negative",
            Self::Bytes => "a number of bytes that is finite and not negative",
            Self::Version => "a version such as \"3.14\"",
            Self::Label(_) => "a word",
            Self::Flag => "true or false",
        }
    }

    /// Whether values are numbers, so that there is a point at which a comparison turns over.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Share | Self::Number | Self::Count | Self::Seconds | Self::Bytes)
    }

    /// A number of this kind as a report's path shows it: shares as `0.71`, times and memory with their unit.
    pub fn show_number(self, value: f64) -> String {
        match self {
            Self::Seconds => Duration::try_from_secs_f64(value).map_or_else(|_| format!("{value} s"), human),
            Self::Bytes => Bytes(value as u64).to_string(),
            Self::Count => format!("{value:.0}"),
            // Two digits at least and three at most, so that 0.598 does not read as 0.60.
            _ => {
                let three = format!("{value:.3}");
                three.strip_suffix('0').map_or(three.clone(), str::to_owned)
            }
        }
    }
}

/// The fact of that name.
pub fn fact(name: &str) -> Option<&'static Fact> {
    VOCABULARY.iter().find(|fact| fact.name == name)
}

const fn entry(name: &'static str, kind: Kind, from: Provider, doc: &'static str) -> Fact {
    Fact { name, kind, from, doc }
}

use Kind::{Count, Flag, Label, Number, Seconds, Share, Version};
use Provider::{Classification, Host, Later, Profile, Source, Target, Task, Trials, Twin};

const CLASSES: &[&str] = &["cpu-bound", "io-bound", "mixed", "inconclusive"];
const RUNTIMES: &[&str] = &["cpython", "native", "script", "other"];
const WAITS: &[&str] = &["disk", "network", "timer", "pipe", "other"];
const BOTTLENECKS: &[&str] =
    &["none", "gil", "cores", "quota", "memory", "memory-bandwidth", "disk", "network", "lock", "child", "serial"];

/// Every fact, by provider.
pub static VOCABULARY: &[Fact] = &[
    entry("cpus_usable", Count, Host, "CPUs for work that computes: affinity and quota, at least 1."),
    entry(
        "cpu_quota",
        Number,
        Host,
        "CPU-seconds per second that the tightest cgroup allows; unknown without a quota.",
    ),
    entry("numa_nodes", Count, Host, "NUMA nodes with processors."),
    entry("smt", Flag, Host, "Whether two logical processors share a core."),
    entry("memory_usable_bytes", Kind::Bytes, Host, "Memory that new workers may take."),
    entry("runtime", Label(RUNTIMES), Target, "What executes the target."),
    entry("python_version", Version, Target, "CPython's major and minor version."),
    entry("free_threaded", Flag, Target, "Whether it is a CPython built without a GIL."),
    entry("interpreters_available", Flag, Target, "Whether it is a CPython with InterpreterPoolExecutor (3.14)."),
    entry("wall_s", Seconds, Profile, "From release to the end of the first process."),
    entry("cpu_s", Seconds, Profile, "CPU time of the whole tree."),
    entry(
        "work_s",
        Seconds,
        Profile,
        "The whole demand: one worker's time for all of the work, waiting for nobody else.",
    ),
    entry("wait_share", Share, Profile, "Part of the demand that is waiting."),
    entry("cpu_share", Share, Profile, "Part of the demand that is computing."),
    entry("disk_share", Share, Profile, "Part of the demand that is waiting for the disk."),
    entry("network_share", Share, Profile, "Part of the demand that is waiting for the network."),
    entry("dominant_wait", Label(WAITS), Profile, "What most of the waiting is for; unknown when it never waits."),
    entry("wait_count", Count, Profile, "How many pieces the waiting comes in."),
    entry("runnable_share", Share, Profile, "Part of the worker-time spent in the run queue."),
    entry("contention_share", Share, Profile, "Part of the worker-time spent waiting for a lock or the GIL."),
    entry("lock_share", Share, Profile, "Part of the worker-time spent waiting for a lock of the program's own."),
    entry("gil_wait_share", Share, Profile, "Part of the worker-time spent waiting for the GIL."),
    entry("gil_share", Share, Profile, "Part of the CPU time spent holding the GIL (CPython with a GIL only)."),
    entry(
        "gil_demand",
        Number,
        Profile,
        "GIL-seconds per second were all usable CPUs busy: above 1 the GIL caps threads.",
    ),
    entry(
        "releases_gil",
        Flag,
        Profile,
        "Whether computing releases the GIL: it is held to 0.2, or threads of one process compute at once.",
    ),
    entry("memory_per_worker_bytes", Kind::Bytes, Profile, "Memory that one more process costs."),
    entry("workers_by_memory", Count, Profile, "Processes that usable memory holds."),
    entry("memory_tight", Flag, Profile, "Whether memory holds fewer processes than there are usable CPUs."),
    entry(
        "outgrows_machine",
        Flag,
        Profile,
        "Whether one process, or six hours of every CPU, is more than the machine has.",
    ),
    entry("processes_today", Count, Profile, "Processes that did work."),
    entry("threads_today", Count, Profile, "Most threads that did work in any one process."),
    entry("workers_today", Count, Profile, "processes_today times threads_today."),
    entry("at_once_today", Number, Profile, "Workers at work at once, on average: the demand over the steady run."),
    entry("oversubscribed", Flag, Profile, "Whether more workers did work at a time than CPUs are usable."),
    entry("already_async", Flag, Profile, "Whether the program waits in an event loop today (CPython only; inferred)."),
    entry(
        "elsewhere_share",
        Share,
        Profile,
        "Part of the machine's CPU time that everything else used during the run.",
    ),
    entry("class", Label(CLASSES), Classification, "What sort of work it is; chooses the rule file."),
    entry("class_confidence", Share, Classification, "Part of the replicates that were judged the same."),
    entry("class_judged", Flag, Classification, "Whether there was something to judge, be it between two classes."),
    entry("bottleneck", Label(BOTTLENECKS), Classification, "What it is limited by; none when nothing was seen to."),
    entry("tasks_seen", Flag, Twin, "Whether the work's pieces were seen, and not assumed."),
    entry("tasks", Count, Twin, "Pieces the work comes in; unknown unless they were seen."),
    entry("task_s", Seconds, Twin, "One piece's time on a worker of its own; unknown unless pieces were seen."),
    entry("task_cpu_s", Seconds, Twin, "One piece's CPU time; unknown unless pieces were seen."),
    entry("concurrency_wanted", Count, Twin, "Tasks in flight in one process past which the GIL or the CPUs are full."),
    entry("payload_bytes", Kind::Bytes, Twin, "A task's argument as pickled; unknown until one was recorded."),
    entry("result_bytes", Kind::Bytes, Twin, "A task's result as pickled; unknown until one was recorded."),
    entry("dispatch_share", Number, Trials, "Cost of handing one task to a process over the task's own time."),
    entry("threads_start_s", Seconds, Trials, "Cheapest start of a thread pool that was measured."),
    entry("processes_start_s", Seconds, Trials, "Cheapest start of a process pool that was measured."),
    entry("threads_speedup", Number, Trials, "Best measured speed-up of threads over sequential."),
    entry("processes_speedup", Number, Trials, "Best measured speed-up of processes over sequential."),
    entry("interpreters_speedup", Number, Trials, "Best measured speed-up of interpreters over sequential."),
    entry("asyncio_speedup", Number, Trials, "Best measured speed-up of asyncio over sequential."),
    entry("async_threads_speedup", Number, Trials, "Best measured speed-up of asyncio+threads over sequential."),
    entry("async_processes_speedup", Number, Trials, "Best measured speed-up of asyncio+processes over sequential."),
    entry("task_tried", Flag, Task, "Whether the user named a function, so that trials ran that and no twin."),
    entry("async_library", Flag, Source, "Whether what it waits on has an asynchronous library in use or at hand."),
    entry("blocking_in_async", Flag, Source, "Whether blocking calls in coroutines held up the event loop in the run."),
    entry("in_async_server", Flag, Later, "Whether the work is done in the handlers of an async server."),
    entry("picklable", Flag, Task, "Whether the task's function, argument and result can be pickled."),
    entry("vectorizable", Flag, Later, "Whether the loops are numeric and could be one vectorised call."),
    entry("many_small_files", Flag, Later, "Whether the disk waits are for many small files."),
    entry("streaming", Flag, Later, "Whether data arrives as a stream."),
    entry("legacy_blocking", Flag, Later, "Whether the library waited in has no asynchronous form."),
    entry("database_reads", Flag, Later, "Whether the waits are for a database."),
    entry("image_or_video", Flag, Later, "Whether the computing is on images or video."),
    entry("ml_inference", Flag, Later, "Whether the computing is inference of a model for each request."),
    entry("remote_memory_share", Share, Later, "Part of the memory accesses that go to another NUMA node."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Bottleneck, Class};
    use std::collections::BTreeSet;

    #[test]
    fn every_fact_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<_> = VOCABULARY.iter().map(|fact| fact.name).collect();
        assert_eq!(names.len(), VOCABULARY.len());
        for fact in VOCABULARY {
            assert!(fact.doc.ends_with('.'), "{} has no sentence", fact.name);
        }
    }

    #[test]
    fn labels_are_the_words_of_the_stages_that_provide_them() {
        assert_eq!(CLASSES, Class::ALL.map(Class::name));
        assert!(BOTTLENECKS.contains(&Bottleneck::MemoryBandwidth.name()));
        assert!(BOTTLENECKS.contains(&Bottleneck::Serial.name()));
    }

    #[test]
    fn numbers_are_shown_with_their_unit() {
        for (kind, value, shown) in [
            (Kind::Share, 0.6, "0.60"),
            (Kind::Share, 0.5984, "0.598"),
            (Kind::Count, 4.0, "4"),
            (Kind::Seconds, 0.1, "100 ms"),
            (Kind::Bytes, 67_108_864.0, "64.0 MiB"),
            (Kind::Number, 1.5, "1.50"),
        ] {
            assert_eq!(kind.show_number(value), shown);
        }
    }
}
