//! Whole profiles of small drawn runs, and what holds for any observation at all.

use super::drawing::{CELL, draw};
use super::*;
use crate::host::Host;
use crate::observe::kind::BlockedKind;
use crate::observe::timeline::Timeline;
use crate::observe::{Folded, Launch, Process, Sampling, Totals, Worker};
use proptest::prelude::*;

/// On-CPU, runnable and blocked share, in per cent.
fn check(drawing: &str, on_cpu: f64, runnable: f64, blocked: f64) {
    let profile = Profile::of(&draw(drawing), &Host::default());
    let per_cent = |share: Option<Share>| share.expect("something was observed").get() * 100.0;
    let got = [per_cent(profile.on_cpu), per_cent(profile.runnable), per_cent(profile.blocked)];
    for (got, want) in got.into_iter().zip([on_cpu, runnable, blocked]) {
        assert!((got - want).abs() < 0.5, "{got:.1} for {want:.1}: {drawing}");
    }
}

#[test]
fn a_busy_machine_reads_as_runnable_and_never_as_blocked() {
    check("main: (##r)x50", 66.7, 33.3, 0.0);
}

#[test]
fn a_coordinator_s_life_is_not_worker_time() {
    check("sh/main: #(c)x99\nsleep/main: .(t)x99", 0.0, 0.0, 100.0);
}

#[test]
fn a_worker_s_share_is_of_its_own_life() {
    check("a: (#)x50\nb: (#t)x10", 85.7, 0.0, 14.3);
}

#[test]
fn an_empty_observation_knows_nothing() {
    let profile = Profile::of(&Observation::default(), &Host::default());
    assert_eq!((profile.on_cpu, profile.runnable, profile.blocked), (None, None, None));
    assert_eq!((profile.gil_share, profile.bursts, profile.elsewhere), (None, None, None));
    assert_eq!(profile.demand.wait_share(), None);
    assert_eq!(profile.demand.wait_count, None);
    assert!(profile.replicates.is_empty());
}

#[test]
fn a_target_over_in_a_millisecond_still_has_its_cpu_time_and_memory() {
    let cpu = Duration::from_micros(800);
    let totals = Totals { user: cpu, peak_rss: Bytes::from_kib(900), voluntary_switches: 1, ..Totals::default() };
    let observation = Observation { complete: true, wall: Duration::from_millis(1), totals, ..Observation::default() };
    let profile = Profile::of(&observation, &Host::default());
    assert_eq!((profile.cpu, profile.demand.cpu), (cpu, cpu));
    assert_eq!(profile.peak_memory, Bytes::from_kib(900));
    assert_eq!(profile.memory_per_process, Bytes::from_kib(900));
    assert_eq!(profile.today, Today { processes: 1, threads: 1 });
    assert_eq!(profile.on_cpu, Some(Share::ONE));
}

#[test]
fn an_interrupted_run_falls_back_to_what_was_seen() {
    let mut observation = draw("main: (#t)x40");
    observation.totals = Totals::default();
    observation.complete = false;
    observation.interrupted = Some(2);
    let profile = Profile::of(&observation, &Host::default());
    assert_eq!((profile.cpu, profile.demand.cpu), (CELL * 40, CELL * 40));
}

#[test]
fn workers_that_were_folded_count_like_the_others() {
    let mut observation = draw("main: (#t)x40");
    observation.folded = Folded { workers: 9, on_cpu: CELL * 10, runnable: CELL * 5, alive: CELL * 20 };
    observation.totals.user += CELL * 10;
    let profile = Profile::of(&observation, &Host::default());
    assert_eq!(profile.demand.cpu, CELL * 50);
    assert_eq!(profile.demand.waits[BlockedKind::Timer], CELL * 45);
}

#[test]
fn parallelism_is_of_the_steady_part() {
    let lines = "python3/main: ##(l)x98\npython3/a: ..(#)x98\npython3/b: ..(#r)x49";
    let profile = Profile::of(&draw(lines), &Host::default());
    assert_eq!(profile.startup, CELL * 2);
    assert!((profile.parallelism - 2.0).abs() < 1e-9 && (profile.cores_busy - 1.5).abs() < 1e-9);
}

#[test]
fn a_stale_reading_is_no_parallelism() {
    let mut observation = draw("main: (#)x20");
    for pair in observation.timeline.buckets.chunks_mut(2) {
        pair[0].on_cpu -= CELL / 2;
        pair[1].on_cpu += CELL / 2;
    }
    assert!(Profile::of(&observation, &Host::default()).parallelism_peak <= 1.0);
}

#[test]
fn memory_of_a_process_is_its_own_where_readable() {
    let mut observation = draw("a/main: (#)x20\nb/main: (#)x20");
    observation.processes[0].peak_uss = Some(Bytes::from_kib(3));
    observation.processes[1].peak_pss = Some(Bytes::from_kib(5));
    assert_eq!(Profile::of(&observation, &Host::default()).memory_per_process, Bytes::from_kib(5));
}

#[test]
fn elsewhere_is_part_of_the_whole_machine() {
    let mut observation = draw("main: (#)x100");
    let mut host = Host::default();
    observation.elsewhere_cpu = Some(CELL * 100);
    assert_eq!(Profile::of(&observation, &host).elsewhere, None);
    host.cpus.online = 4;
    assert_eq!(Profile::of(&observation, &host).elsewhere, Share::new(0.25));
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..1_000_000_u64, 0..20_000_000_000_u64, 0..4_000_000_000_000_000_u64]
        .prop_map(Duration::from_nanos)
}

fn ticks() -> impl Strategy<Value = ByKind<u32>> {
    prop::array::uniform8(prop_oneof![3 => Just(0), 2 => 0..100_u32, 1 => any::<u32>()]).prop_map(|counts| {
        let mut ticks = ByKind::default();
        for (kind, count) in BlockedKind::ALL.into_iter().zip(counts) {
            ticks[kind] = count;
        }
        ticks
    })
}

prop_compose! {
    fn worker()(
        (pid, thread, parent) in (0..4_i32, 0..3_i32, 0..4_i32),
        (born, died, on_cpu, runnable) in (time(), time(), time(), time()),
        voluntary_switches in proptest::option::of(0..1_000_000_u64),
        blocked_ticks in ticks(),
    ) -> Worker {
        let tid = pid + 100 * thread;
        let times = Worker { born, died, on_cpu, runnable, ..Worker::default() };
        Worker { pid, tid, parent, voluntary_switches, blocked_ticks, ..times }
    }
}

prop_compose! {
    fn bucket()(
        (span, on_cpu, runnable, alive) in (time(), time(), time(), time()),
        blocked_ticks in ticks(),
    ) -> Bucket {
        Bucket { span, on_cpu, runnable, alive, blocked_ticks, ..Bucket::default() }
    }
}

prop_compose! {
    fn process()(pid in 0..4_i32, parent in 0..4_i32, python in any::<bool>(), kib in 0..1_000_000_u64) -> Process {
        let executable = python.then(|| "/usr/bin/python3".into());
        Process { pid, parent, executable, peak_rss: Bytes::from_kib(kib), ..Process::default() }
    }
}

prop_compose! {
    pub(crate) fn observation()(
        (wall, user, folded_cpu, folded_alive) in (time(), time(), time(), time()),
        workers in prop::collection::vec(worker(), 0..8),
        processes in prop::collection::vec(process(), 0..5),
        buckets in prop::collection::vec(bucket(), 0..40),
        core_ticks in prop::collection::vec(any::<u64>(), 0..4),
        elsewhere_cpu in proptest::option::of(time()),
        samples in any::<u64>(),
        launch in proptest::option::of((time(), any::<u64>(), time())),
    ) -> Observation {
        let launch = launch.map(|(until, ticks, cpu)| {
            // As the sampler has it: a worker of the first process begins at that moment.
            let until = workers.first().map_or(until, |worker| worker.born);
            Launch { until, ticks, cpu }
        });
        Observation {
            wall,
            launch,
            totals: Totals { user, ..Totals::default() },
            folded: Folded { workers: 3, on_cpu: folded_cpu, runnable: Duration::ZERO, alive: folded_alive },
            workers,
            processes,
            timeline: Timeline { buckets, ..Timeline::default() },
            core_ticks,
            elsewhere_cpu,
            sampling: Sampling { ticks: samples, ..Sampling::default() },
            ..Observation::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_observation_has_a_profile_whose_parts_sum(observation in observation()) {
        let mut host = Host::default();
        host.cpus.online = 2;
        let profile = Profile::of(&observation, &host);
        for worker in &profile.workers {
            prop_assert_eq!(worker.blocked_by.iter().map(|(_, time)| *time).sum::<Duration>(), worker.blocked);
        }
        if let (Some(on_cpu), Some(runnable), Some(blocked)) = (profile.on_cpu, profile.runnable, profile.blocked) {
            prop_assert!((on_cpu.get() + runnable.get() + blocked.get() - 1.0).abs() < 1e-6);
            let kinds: f64 = profile.blocked_by.iter().map(|(_, share)| share.get()).sum();
            prop_assert!((kinds - blocked.get()).abs() < 1e-6);
        }
        for number in [profile.cores_busy, profile.parallelism, profile.parallelism_peak] {
            prop_assert!(number.is_finite() && number >= 0.0);
        }
        let launch = observation.launch.map_or(Duration::ZERO, |launch| launch.until.min(observation.wall));
        let edges = (profile.startup + profile.shutdown).saturating_sub(launch);
        prop_assert!(edges <= observation.wall.mul_f64(0.4) + Duration::from_nanos(2));
        prop_assert!(profile.workers.len() == observation.workers.len());
        prop_assert!(profile.cpu.is_zero() || profile.today.processes > 0 || observation.launch.is_some());
    }
}
