//! What is read out of the stages, and above all what is not: a zero that means "not seen" stays unknown.

use super::*;
use crate::classify::{Bottleneck, classify};
use crate::host::{CpuQuota, Cpus, Memory};
use crate::observe::kind::ByKind;
use crate::profile::{Demand, Loops, Today};
use crate::rules::Rules;
use crate::target::PythonEntry;
use crate::trial::model::Setting;
use crate::trial::twin::TaskDemand;
use crate::trial::{Evidence, Measurement, Outcome};
use std::path::PathBuf;

struct Case {
    target: Target,
    host: Host,
    profile: Profile,
    classification: Classification,
    twin: Option<Twin>,
    trials: Vec<Trial>,
}

fn runtime(version: (u8, u8, u8), gil: Option<bool>) -> Runtime {
    let executable = PathBuf::from("/usr/bin/python3");
    Runtime::CPython(CPython { executable, version: Some(version), gil, interpreters: None, entry: PythonEntry::Code })
}

/// Eight CPUs; ten seconds of which nine wait for the network in a hundred pieces.
fn case() -> Case {
    let mut waits = ByKind::default();
    waits[BlockedKind::Network] = Duration::from_secs(9);
    let demand = Demand { cpu: Duration::from_secs(1), waits, contention: Duration::ZERO, wait_count: Some(100) };
    Case {
        target: Target { argv: Vec::new(), program: None, runtime: runtime((3, 12, 1), Some(true)) },
        host: Host {
            cpus: Cpus { online: 8, affinity: 8, numa_nodes: 1, ..Cpus::default() },
            memory: Memory { total: Bytes(16 << 30), available: Bytes(8 << 30), limit: None },
            ..Host::default()
        },
        profile: Profile { wall: Duration::from_secs(10), demand, ..Profile::default() },
        classification: Classification {
            class: Class::IoBound,
            bottleneck: None,
            confidence: Share::ONE,
            evidence: Vec::new(),
            settle: None,
        },
        twin: None,
        trials: Vec::new(),
    }
}

fn check(change: impl Fn(&mut Case), expect: &[(&str, Option<Value>)]) {
    let mut case = case();
    change(&mut case);
    let Case { target, host, profile, classification, twin, trials } = &case;
    let facts = Facts::of(target, host, profile, classification, twin.as_ref(), trials);
    for (name, value) in expect {
        match (facts.get(name), value) {
            (Some(Value::Number(is)), Some(Value::Number(expect))) => {
                assert!((is - expect).abs() < 1e-9, "{name} is {is}, not {expect}");
            }
            (is, expect) => assert_eq!(is, *expect, "{name}"),
        }
    }
}

fn n(value: f64) -> Option<Value> {
    Some(Value::Number(value))
}

fn flag(value: bool) -> Option<Value> {
    Some(Value::Flag(value))
}

#[test]
fn nothing_observed_is_nothing_known() {
    let nothing = |case: &mut Case| {
        case.host = Host::default();
        case.profile = Profile::default();
        case.classification.class = Class::Inconclusive;
    };
    check(
        nothing,
        &[
            ("cpus_usable", None),
            ("memory_usable_bytes", None),
            ("work_s", None),
            ("wait_share", None),
            ("lock_share", None),
            ("gil_wait_share", None),
            ("releases_gil", None),
            ("memory_tight", None),
            ("processes_today", None),
            ("payload_bytes", None),
            ("tasks", None),
            ("bottleneck", None),
            ("concurrency_wanted", None),
            ("threads_speedup", None),
        ],
    );
}

#[test]
fn the_demand_is_divided_by_what_it_waits_for() {
    check(
        |_| (),
        &[
            ("work_s", n(10.0)),
            ("wait_share", n(0.9)),
            ("cpu_share", n(0.1)),
            ("network_share", n(0.9)),
            ("disk_share", n(0.0)),
            ("dominant_wait", Some(Value::Label("network"))),
            ("at_once_today", n(1.0)),
            ("bottleneck", Some(Value::Label("none"))),
        ],
    );
    check(
        |case| case.classification.bottleneck = Some(Bottleneck::Network),
        &[("bottleneck", Some(Value::Label("network")))],
    );
}

#[test]
fn what_never_waits_waits_mostly_for_nothing() {
    check(|case| case.profile.demand.waits = ByKind::default(), &[("wait_share", n(0.0)), ("dominant_wait", None)]);
}

#[test]
fn the_gil_decides_how_many_waits_at_once_would_help() {
    let gil_share = |share| move |case: &mut Case| case.profile.gil_share = Share::new(share);
    check(gil_share(1.0), &[("concurrency_wanted", n(10.0))]);
    check(gil_share(0.25), &[("concurrency_wanted", n(40.0))]);
    check(gil_share(0.0), &[("concurrency_wanted", n(80.0))]);
    check(|case| case.target.runtime = Runtime::Other, &[("concurrency_wanted", n(80.0))]);
    let quota = |case: &mut Case| {
        case.target.runtime = Runtime::Other;
        case.host.cpus.quota = Some(CpuQuota { cpus: 1.5, from: PathBuf::new() });
    };
    check(quota, &[("concurrency_wanted", n(15.0)), ("cpu_quota", n(1.5)), ("cpus_usable", n(2.0))]);
}

#[test]
fn no_more_waits_at_once_help_than_there_are_pieces() {
    let only_waits = |case: &mut Case| case.profile.demand.cpu = Duration::ZERO;
    check(only_waits, &[("concurrency_wanted", n(100.0))]);
    check(|case| case.profile.demand.wait_count = Some(4), &[("concurrency_wanted", n(4.0))]);
    let uncounted = |case: &mut Case| {
        case.profile.demand.cpu = Duration::ZERO;
        case.profile.demand.wait_count = None;
    };
    check(uncounted, &[("concurrency_wanted", None)]);
}

#[test]
fn the_gil_is_released_when_it_is_little_held_or_one_process_fills_several_cores() {
    let seen = |share: Option<f64>, cores: f64, processes: usize| {
        move |case: &mut Case| {
            case.profile.gil_share = share.and_then(Share::new);
            case.profile.cores_busy = cores;
            case.profile.today = Today { processes, threads: 1 };
        }
    };
    check(seen(Some(0.05), 0.9, 1), &[("releases_gil", flag(true)), ("gil_demand", n(0.4))]);
    check(seen(Some(0.98), 1.0, 1), &[("releases_gil", flag(false))]);
    check(seen(None, 1.8, 1), &[("releases_gil", flag(true)), ("gil_demand", None)]);
    check(seen(None, 1.0, 1), &[("releases_gil", None)]);
    check(seen(None, 3.9, 4), &[("releases_gil", None)]);
    let threads = |waiting| {
        move |case: &mut Case| {
            case.profile.today = Today { processes: 1, threads: 4 };
            (case.profile.cores_busy, case.profile.parallelism) = (0.9, 3.5);
            case.profile.blocked = Share::new(waiting);
            case.profile.blocked_by[BlockedKind::Gil] = Share::new(waiting).unwrap_or_default();
        }
    };
    check(threads(0.02), &[("releases_gil", flag(true))]);
    check(threads(0.61), &[("releases_gil", None)]);
    check(|case| case.target.runtime = Runtime::Other, &[("releases_gil", None), ("free_threaded", flag(false))]);
}

#[test]
fn an_old_interpreter_has_a_gil_and_a_new_one_must_be_asked() {
    let python = |version, gil| move |case: &mut Case| case.target.runtime = runtime(version, gil);
    check(python((3, 12, 0), None), &[("free_threaded", flag(false)), ("interpreters_available", flag(false))]);
    check(python((3, 13, 0), None), &[("free_threaded", None)]);
    check(python((3, 14, 0), Some(false)), &[("free_threaded", flag(true)), ("interpreters_available", flag(true))]);
    check(python((3, 14, 0), None), &[("python_version", Some(Value::Version(3, 14)))]);
}

#[test]
fn memory_counts_the_processes_that_fit() {
    let each = |bytes| move |case: &mut Case| case.profile.memory_per_process = Bytes(bytes);
    check(each(3 << 30), &[("workers_by_memory", n(2.0)), ("memory_tight", flag(true))]);
    check(each(1 << 30), &[("workers_by_memory", n(8.0)), ("memory_tight", flag(false))]);
    check(each(9 << 30), &[("workers_by_memory", n(0.0)), ("outgrows_machine", flag(true))]);
    check(each(0), &[("workers_by_memory", None), ("memory_tight", None), ("outgrows_machine", None)]);
}

fn twin(pieces_seen: bool) -> Twin {
    let task = TaskDemand { cpu_held: Duration::from_millis(100), ..TaskDemand::default() };
    Twin { task, tasks: 50, compression: 2.0, gil: false, pieces_seen, doubts: Vec::new() }
}

#[test]
fn more_workers_than_cpus_are_counted_over_processes_and_their_threads() {
    let today = |processes, threads| move |case: &mut Case| case.profile.today = Today { processes, threads };
    check(today(4, 3), &[("workers_today", n(12.0)), ("oversubscribed", flag(true))]);
    check(today(8, 1), &[("workers_today", n(8.0)), ("oversubscribed", flag(false))]);
    check(today(0, 0), &[("workers_today", None), ("oversubscribed", None)]);
}

#[test]
fn a_class_of_which_nothing_is_sure_was_judged_on_nothing() {
    let sure = |share| move |case: &mut Case| case.classification.confidence = Share::new(share).unwrap_or_default();
    check(sure(0.0), &[("class_judged", flag(false)), ("class_confidence", n(0.0))]);
    check(sure(0.3), &[("class_judged", flag(true))]);
}

#[test]
fn pieces_that_were_assumed_are_not_facts() {
    let with = |seen| move |case: &mut Case| case.twin = Some(twin(seen));
    check(with(true), &[("tasks", n(50.0)), ("task_s", n(0.2)), ("tasks_seen", flag(true)), ("payload_bytes", None)]);
    check(with(false), &[("tasks", None), ("task_s", None), ("tasks_seen", flag(false))]);
}

#[test]
fn a_speed_up_is_over_the_sequential_trial_and_no_pool_beats_its_busiest_worker() {
    let ran = |model, workers, tasks, millis| {
        let walls = vec![Duration::from_millis(millis)];
        let outcome = Outcome::Ok(Measurement { tasks, walls, ..Measurement::default() });
        let setting = Setting { model, workers, chunk_size: None, start_method: None };
        Trial { setting, evidence: Evidence::Twin, outcome }
    };
    let tried = |tasks: u64| {
        move |case: &mut Case| {
            case.twin = Some(Twin { tasks, compression: 1.0, ..twin(true) });
            case.trials = vec![
                ran(Model::Sequential, 1, 10, 1000),
                ran(Model::Threads, 4, 40, 1000),
                ran(Model::Asyncio, 8, 0, 0),
            ];
            case.trials[2].outcome = Outcome::Ok(Measurement::default());
        }
    };
    check(tried(400), &[("threads_speedup", n(4.0)), ("asyncio_speedup", None), ("processes_speedup", None)]);
    // Five tasks on four workers take two rounds.
    check(tried(5), &[("threads_speedup", n(2.5))]);
    check(|case| case.trials = vec![ran(Model::Threads, 4, 1, 1)], &[("threads_speedup", None)]);
}

#[test]
fn replicates_follow_the_profile_s() {
    let mut case = case();
    let share = |wait| DemandShares { wait: Share::new(wait).unwrap_or_default(), ..DemandShares::default() };
    case.profile.replicates = vec![share(0.9), share(0.95)];
    let Case { target, host, profile, classification, .. } = &case;
    let facts = Facts::of(target, host, profile, classification, None, &[]);
    assert_eq!(facts.replicates(), 2);
    assert_eq!(facts.in_replicate("wait_share", 1), n(0.95));
    assert_eq!(facts.in_replicate("concurrency_wanted", 1), n(20.0));
    assert_eq!(facts.in_replicate("cpus_usable", 1), n(8.0), "what has no replicates is the same in all");
}

#[test]
fn the_path_begins_with_the_borders_that_classify_itself_drew() {
    let mut case = case();
    let share = |wait| DemandShares { wait: Share::new(wait).unwrap_or_default(), ..DemandShares::default() };
    case.profile.samples = 500;
    case.profile.replicates = vec![share(0.9); 20];
    let Case { target, host, profile, .. } = &case;
    let classification = classify(profile, &target.runtime, host);
    assert_eq!(classification.class, Class::IoBound);
    let facts = Facts::of(target, host, profile, &classification, None, &[]);
    let path = crate::rules::Rules::embedded().decide(&facts).path;
    assert_eq!((path[0].rule.as_str(), path[0].fact.as_str(), path[0].held), ("class", "wait_share", Some(true)));
    assert_eq!((path[0].value.as_deref(), path[0].flips_at), (Some("0.90"), Some(0.6)));
    assert_ne!(path[1].rule, "class", "nothing else of what classify compared moves a border between classes");
}

#[test]
fn an_event_loop_is_told_by_where_cpython_waits() {
    let loops = |multiplexed, epoll, any| {
        move |case: &mut Case| {
            let share = |value| Share::new(value).expect("a number");
            case.profile.loops = Some(Loops { multiplexed: share(multiplexed), epoll: share(epoll), any });
        }
    };
    check(|_| (), &[("already_async", None)]);
    check(loops(0.0, 0.0, false), &[("already_async", flag(false))]);
    check(loops(0.02, 0.0, false), &[("already_async", flag(false))]);
    check(loops(0.03, 0.0, false), &[("already_async", None)]);
    check(loops(1.0, 0.0, false), &[("already_async", None)]);
    // A loop whose coroutines block.
    check(loops(0.0, 0.0, true), &[("already_async", None)]);
    check(loops(0.9, 0.79, true), &[("already_async", None)]);
    check(loops(0.8, 0.8, true), &[("already_async", flag(true))]);
    let native = |case: &mut Case| {
        loops(0.9, 0.9, true)(case);
        case.target.runtime = Runtime::Other;
    };
    check(native, &[("already_async", None)]);
}

#[test]
fn what_was_seen_to_run_no_loop_leaves_no_rule_about_loops_open() {
    let undecided = |loops: Option<Loops>, wait: u64| {
        let mut case = case();
        case.profile.loops = loops;
        case.profile.demand.waits[BlockedKind::Network] = Duration::from_secs(wait);
        case.classification.class = if wait > 1 { Class::IoBound } else { Class::Mixed };
        let Case { target, host, profile, classification, .. } = &case;
        let facts = Facts::of(target, host, profile, classification, None, &[]);
        let decision = Rules::embedded().decide(&facts);
        decision.undecided
    };
    for wait in [9, 1] {
        let passed = undecided(None, wait);
        assert!(passed.iter().any(|(_, fact)| fact == "already_async"), "{passed:?}");
        let passed = undecided(Some(Loops::default()), wait);
        assert!(passed.iter().all(|(_, fact)| fact != "already_async" && fact != "blocking_in_async"), "{passed:?}");
    }
}
