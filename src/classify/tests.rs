//! The classification of small drawn runs: see `profile::drawing` for how to read one.

use super::*;
use crate::host::{CpuQuota, Cpus, Memory};
use crate::observe::{Counter, Observation};
use crate::profile::drawing::{CELL, draw};
use crate::target::{CPython, PythonEntry};
use crate::units::Bytes;
use std::time::Duration;

fn host() -> Host {
    let cpus = Cpus { online: 4, affinity: 4, quota: None, physical_cores: None, numa_nodes: 1 };
    let memory = Memory { total: Bytes(8 << 30), available: Bytes(4 << 30), limit: None };
    Host { cpus, memory, ..Host::default() }
}

fn judge(observation: &Observation, host: &Host) -> Classification {
    let verdict = classify(&Profile::of(observation, host), &Runtime::Other, host);
    assert_eq!(verdict.settle.is_some(), verdict.class == Class::Inconclusive, "{verdict:?}");
    verdict
}

fn check_on(host: &Host, observation: &Observation, class: Class, bottleneck: Option<Bottleneck>) {
    let verdict = judge(observation, host);
    assert_eq!((verdict.class, verdict.bottleneck), (class, bottleneck), "{verdict:#?}");
}

fn check(drawing: &str, class: Class, bottleneck: Option<Bottleneck>) {
    check_on(&host(), &draw(drawing), class, bottleneck);
}

/// `turn` by as many threads of `process` as it has cells, each one cell behind the one before, joined by a main
/// thread that started up first.
fn crew(process: &str, threads: usize, turn: &str) -> String {
    let cells: Vec<char> = turn.chars().collect();
    let line = |i: usize| {
        let from = i * cells.len() / threads;
        let turn: String = cells[from..].iter().chain(&cells[..from]).collect();
        format!("{process}/t{i}: ..({turn})x25\n")
    };
    format!("{process}/main: ##({})x25\n", "l".repeat(cells.len())) + &(0..threads).map(line).collect::<String>()
}

#[test]
fn pure_computing_by_one_worker_is_cpu_bound_and_serial() {
    check("main: (#)x100", Class::CpuBound, Some(Bottleneck::Serial));
}

#[test]
fn a_sleep_stands_for_waiting() {
    check("main: #(t)x199", Class::IoBound, Some(Bottleneck::Serial));
}

#[test]
fn a_shell_that_waits_for_a_sleeping_child_waits_as_the_child_does() {
    check("sh/main: #(c)x199\nsleep/main: .(t)x199", Class::IoBound, Some(Bottleneck::Serial));
}

#[test]
fn a_shell_that_waits_for_a_computing_child_computes() {
    check("sh/main: #(c)x99\nxz/main: .(#)x99", Class::CpuBound, Some(Bottleneck::Serial));
}

#[test]
fn four_threads_under_the_gil_are_cpu_bound() {
    check(&crew("python3.11", 4, "##rlllll"), Class::CpuBound, Some(Bottleneck::Gil));
}

#[test]
fn the_gil_is_named_also_where_other_programs_make_its_threads_queue_for_a_core() {
    check(&crew("python3.11", 4, "#rrlllll"), Class::CpuBound, Some(Bottleneck::Gil));
}

#[test]
fn without_a_gil_the_same_threads_queue_at_a_lock() {
    let runtime = Runtime::CPython(CPython {
        executable: "/usr/bin/python3".into(),
        version: Some((3, 13, 0)),
        gil: Some(false),
        interpreters: None,
        entry: PythonEntry::Code,
    });
    let profile = Profile::of(&draw(&crew("python3", 4, "##rlllll")), &host());
    assert_eq!(classify(&profile, &runtime, &host()).bottleneck, Some(Bottleneck::Lock));
}

#[test]
fn hashing_threads_on_all_cores_are_limited_by_the_cores() {
    let mut two = host();
    two.cpus.affinity = 2;
    check_on(&two, &draw(&crew("python3.11", 4, "####rrrr")), Class::CpuBound, Some(Bottleneck::Cores));
}

#[test]
fn hashing_threads_with_cores_to_spare_are_limited_by_nothing_seen() {
    check(&crew("python3.11", 2, "####"), Class::CpuBound, None);
}

#[test]
fn a_lock_convoy_of_sleepers_waits_and_is_limited_by_the_lock() {
    check(&crew("python3.11", 4, "ttllllll"), Class::IoBound, Some(Bottleneck::Lock));
}

#[test]
fn a_heartbeat_beside_computing_does_not_make_it_wait() {
    check("app/main: (#)x200\napp/heartbeat: (t)x200", Class::CpuBound, Some(Bottleneck::Serial));
}

#[test]
fn a_sleep_of_which_the_kernel_counted_more_cpu_than_was_seen_still_waits() {
    let mut observation = draw("sleep: (t)x200");
    observation.totals.system += CELL / 10;
    check_on(&host(), &observation, Class::IoBound, Some(Bottleneck::Serial));
}

#[test]
fn half_fetching_and_half_parsing_is_mixed() {
    check("main: (##nn#n)x40", Class::Mixed, Some(Bottleneck::Serial));
}

#[test]
fn a_busy_machine_does_not_make_computing_look_like_waiting() {
    check("main: (#rr)x60", Class::CpuBound, Some(Bottleneck::Cores));
}

#[test]
fn an_event_loop_that_waits_for_answers_is_limited_by_the_network() {
    check("python3/main: ###(nnnnnnnnn#)x30", Class::IoBound, Some(Bottleneck::Network));
}

#[test]
fn reading_files_is_limited_by_the_disk() {
    check("main: (ddd#)x50", Class::IoBound, Some(Bottleneck::Disk));
}

#[test]
fn six_hundred_children_that_nobody_saw_compute() {
    let mut observation = draw("sh: (#cc)x70");
    observation.totals.system += CELL * 130;
    check_on(&host(), &observation, Class::CpuBound, Some(Bottleneck::Serial));
}

#[test]
fn a_used_up_quota_is_named_and_not_the_cores() {
    let mut host = host();
    host.cpus.quota = Some(CpuQuota { cpus: 0.5, from: "/sys/fs/cgroup/cpu.max".into() });
    check_on(&host, &draw("main: (#r)x60"), Class::CpuBound, Some(Bottleneck::Quota));
}

#[test]
fn memory_without_room_for_another_worker_comes_before_everything() {
    let mut observation = draw("main: (#)x100");
    observation.peak_memory = Bytes(4 << 30);
    check_on(&host(), &observation, Class::CpuBound, Some(Bottleneck::Memory));
}

#[test]
fn a_run_of_a_millisecond_is_too_short_to_judge() {
    let mut observation = draw("main: #");
    observation.wall = CELL / 10;
    check_on(&host(), &observation, Class::Inconclusive, None);
}

#[test]
fn what_would_settle_a_run_that_was_looked_at_too_seldom_depends_on_how_long_it_was() {
    for (seconds, settle) in [(0.3, "at least half a second"), (2.0, "less busy")] {
        let mut observation = draw("main: ##########");
        observation.wall = Duration::from_secs_f64(seconds);
        let verdict = judge(&observation, &host());
        assert_eq!(verdict.class, Class::Inconclusive, "{seconds} s");
        assert!(verdict.settle.as_ref().is_some_and(|said| said.contains(settle)), "{seconds} s: {:?}", verdict.settle);
    }
}

#[test]
fn nothing_observed_is_inconclusive() {
    check_on(&host(), &Observation::default(), Class::Inconclusive, None);
    check_on(&Host::default(), &Observation::default(), Class::Inconclusive, None);
}

#[test]
fn an_interrupted_run_is_judged_by_what_was_seen() {
    let mut observation = draw("main: (#)x100");
    observation.totals = crate::observe::Totals::default();
    observation.interrupted = Some(2);
    check_on(&host(), &observation, Class::CpuBound, Some(Bottleneck::Serial));
}

#[test]
fn a_program_that_waits_for_its_input_is_inconclusive() {
    let verdict = judge(&draw("cat: (p)x300"), &host());
    assert_eq!((verdict.class, verdict.settle.as_deref()), (Class::Inconclusive, Some("give it its input")));
}

#[test]
fn a_server_that_only_waits_for_clients_is_inconclusive_and_wants_load() {
    for server in ["server: #(i)x500", "server/main: #(i)x500\nserver/a: #(i)x500\nserver/b: #(i)x500"] {
        let verdict = judge(&draw(server), &host());
        assert_eq!(verdict.class, Class::Inconclusive, "{server}");
        assert_eq!(verdict.settle.as_deref(), Some("it waited for clients; run it under load"), "{server}");
    }
}

#[test]
fn a_server_that_mostly_idles_is_judged_by_the_rest_of_its_time() {
    check("server: (#iiiiiiiii)x50", Class::CpuBound, Some(Bottleneck::Serial));
    check("server: (#nnnniiiii)x50", Class::IoBound, Some(Bottleneck::Network));
}

#[test]
fn pages_that_have_to_be_read_in_are_waits_for_the_disk() {
    check("main: (#ffff)x40", Class::IoBound, Some(Bottleneck::Disk));
    check("main: (#ddff)x40", Class::IoBound, Some(Bottleneck::Disk));
}

#[test]
fn a_server_that_nobody_asks_is_inconclusive_and_wants_load() {
    let verdict = judge(&draw("server: #(n)x500"), &host());
    assert_eq!(verdict.class, Class::Inconclusive);
    assert!(verdict.settle.expect("it says what to do").contains("load"));
}

#[test]
fn a_shell_whose_child_was_not_seen_is_limited_by_the_child() {
    check("sh: #(c)x199", Class::Inconclusive, Some(Bottleneck::Child));
}

#[test]
fn a_run_that_resampling_judges_otherwise_is_inconclusive() {
    // One stretch of computing and one of waiting: a little more of either changes the class.
    check("main: t(#)x80(t)x119", Class::Inconclusive, Some(Bottleneck::Serial));
}

#[test]
fn confidence_falls_with_fewer_samples_and_with_a_shared_machine() {
    let confidence = |cells: usize, elsewhere: u32| {
        let mut observation = draw(&format!("main: (#)x{cells}"));
        observation.elsewhere_cpu = Some(observation.wall * elsewhere);
        judge(&observation, &host()).confidence.get()
    };
    assert!(confidence(1000, 0) > 0.99);
    assert!(confidence(30, 0) < confidence(1000, 0));
    assert!(confidence(1000, 2) < 0.8);
}

#[test]
fn every_comparison_says_what_follows_and_by_whom() {
    for drawing in ["main: #", "main: (#)x100", "main: #(n)x300", "sh: #(c)x199", "main: (##nn#n)x40"] {
        for comparison in judge(&draw(drawing), &host()).evidence {
            assert!(!comparison.measure.is_empty() && !comparison.meaning.is_empty() && !comparison.source.is_empty());
            assert!(comparison.value.is_none_or(f64::is_finite));
        }
    }
}

#[test]
fn an_unknown_memory_is_written_down_as_unknown_and_blamed_for_nothing() {
    let mut host = host();
    host.memory = Memory::default();
    let verdict = judge(&draw("main: (#)x100"), &host);
    let memory = verdict.evidence.iter().find(|comparison| comparison.measure.contains("memory"));
    assert_eq!(memory.map(|comparison| comparison.value), Some(None));
    assert_eq!(verdict.bottleneck, Some(Bottleneck::Serial));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    #[test]
    fn any_observation_is_judged(observation in crate::profile::tests::observation()) {
        let verdict = judge(&observation, &host());
        proptest::prop_assert!((0.0..=1.0).contains(&verdict.confidence.get()));
        proptest::prop_assert!(verdict.evidence.iter().all(|c| c.value.is_none_or(f64::is_finite)));
    }
}

#[test]
fn memory_bandwidth_is_what_limits_busy_cores_that_stall_for_memory() {
    let busy = "a: (#)x100\nb: (#)x100\nc: (#)x100\nd: (#)x100";
    let on = |drawing: &str, cycles: u64, misses: u64| {
        let mut observation = draw(drawing);
        let of_cpu = |rate: u64| (observation.totals.cpu().as_secs_f64() * rate as f64) as u64;
        let counts = [("cycles", cycles), ("instructions", 1_000_000_000), ("cache-misses", misses)];
        observation.counters = counts.map(|(name, rate)| Counter { name, value: of_cpu(rate) }).to_vec();
        judge(&observation, &host()).bottleneck
    };
    assert_eq!(on(busy, 3_000_000_000, 20_000_000), Some(Bottleneck::MemoryBandwidth));
    assert_eq!(on(busy, 3_000_000_000, 1_000_000), Some(Bottleneck::Cores), "stalls for something else");
    assert_eq!(on(busy, 500_000_000, 20_000_000), Some(Bottleneck::Cores), "misses that cost nothing");
    assert_eq!(on("main: (#)x100", 3_000_000_000, 20_000_000), Some(Bottleneck::Serial), "cores are to spare");
    assert_eq!(judge(&draw(busy), &host()).bottleneck, Some(Bottleneck::Cores), "no counters");
}
