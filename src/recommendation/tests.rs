//! The choice, its caps, its confidence and its words, on trials made by hand.

use super::*;
use crate::host::{Cpus, Memory};
use crate::observe::kind::BlockedKind;
use crate::profile::Today;
use crate::rules::facts::Value;
use crate::rules::{Rules, WorkersRule};
use crate::target::{CPython, PythonEntry, Runtime};
use crate::trial::model::StartMethod;
use crate::trial::twin::TaskDemand;
use crate::trial::{Measurement, Outcome};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

/// A case that tests change: four CPUs, plenty of memory, a hundred tasks of 100 ms, a sure class.
struct World {
    decision: Decision,
    facts: Facts,
    host: Host,
    profile: Profile,
    target: Target,
    twin: Option<Twin>,
    trials: Vec<Trial>,
}

impl World {
    fn of(admit: &[Model], workers: WorkersRule, trials: &[Trial]) -> Self {
        let executable = PathBuf::from("/usr/bin/python3");
        let python = CPython {
            executable,
            version: Some((3, 12, 1)),
            gil: Some(true),
            interpreters: None,
            entry: PythonEntry::Code,
        };
        let task = TaskDemand { cpu_held: Duration::from_millis(1), ..TaskDemand::default() };
        Self {
            decision: Decision {
                rule: "some-rule".to_owned(),
                admit: admit.to_vec(),
                workers,
                reason: "Because.".to_owned(),
                path: Vec::new(),
                confidence: Share::ONE,
                undecided: Vec::new(),
                advice: Vec::new(),
            },
            facts: Facts::default().with("class", "cpu-bound").with("class_confidence", 1.0),
            host: Host {
                cpus: Cpus { online: 4, affinity: 4, numa_nodes: 1, ..Cpus::default() },
                memory: Memory { total: Bytes(64 << 30), available: Bytes(64 << 30), limit: None },
                ..Host::default()
            },
            profile: Profile { memory_per_process: Bytes(1 << 30), ..Profile::default() },
            target: Target { argv: Vec::new(), program: None, runtime: Runtime::CPython(python) },
            twin: Some(Twin { task, tasks: 100, compression: 1.0, gil: false, pieces_seen: true, doubts: Vec::new() }),
            trials: trials.to_vec(),
        }
    }

    fn recommend(&self) -> Recommendation {
        let Self { decision, facts, host, profile, target, twin, trials } = self;
        recommend(decision, facts, host, profile, target, twin.as_ref(), trials)
    }
}

const CPU: [Model; 4] = [Model::Processes, Model::Interpreters, Model::Threads, Model::Sequential];

/// A trial of all hundred tasks, with the time of each repeat in milliseconds.
fn ran(model: Model, workers: usize, millis: &[u64]) -> Trial {
    let walls = millis.iter().map(|millis| Duration::from_millis(*millis)).collect();
    let outcome = Outcome::Ok(Measurement { tasks: 100, walls, ..Measurement::default() });
    let setting = Setting { model, workers, chunk_size: None, start_method: None };
    Trial { setting, evidence: Evidence::Twin, outcome }
}

/// The same trial with the time that its pool took to start, in milliseconds.
fn pool(mut trial: Trial, start: u64) -> Trial {
    if let Outcome::Ok(measured) = &mut trial.outcome {
        measured.start = Duration::from_millis(start);
    }
    trial
}

fn refused(model: Model, outcome: Outcome) -> Trial {
    Trial { outcome, ..ran(model, 2, &[]) }
}

fn started(method: StartMethod, chunk_size: usize, mut trial: Trial) -> Trial {
    trial.setting.start_method = Some(method);
    trial.setting.chunk_size = Some(chunk_size);
    trial
}

#[track_caller]
fn check(world: &World, model: Model, workers: usize, policy: &str) -> Recommendation {
    let answer = world.recommend();
    let is = (answer.setting.model, answer.setting.workers, answer.policy.as_str());
    assert_eq!(is, (model, workers, policy), "{}", answer.reason);
    answer
}

#[test]
fn the_simplest_within_five_per_cent_wins_at_the_fewest_workers() {
    let trials = [
        ran(Model::Sequential, 1, &[10_000]),
        ran(Model::Processes, 2, &[5_200]),
        ran(Model::Processes, 4, &[5_000]),
        ran(Model::Interpreters, 4, &[4_990]),
    ];
    check(&World::of(&CPU, WorkersRule::Cpus, &trials), Model::Processes, 2, "min(cpus, 2)");
}

#[test]
fn both_concessions_together_never_cost_more_than_five_per_cent() {
    let trials = [
        ran(Model::Sequential, 1, &[10_000]),
        ran(Model::Processes, 2, &[5_400]), // within 5 % of 4 processes, not of the best
        ran(Model::Processes, 4, &[5_200]),
        ran(Model::Interpreters, 4, &[5_000]),
    ];
    check(&World::of(&CPU, WorkersRule::Cpus, &trials), Model::Processes, 4, "cpus");
}

#[test]
fn sequential_wins_when_nothing_is_five_per_cent_better() {
    let trials = [ran(Model::Sequential, 1, &[1_000]), ran(Model::Threads, 4, &[960])];
    let answer = check(&World::of(&[Model::Threads], WorkersRule::Cpus, &trials), Model::Sequential, 1, "1");
    assert_eq!(answer.speedup, Some(Interval { value: 1.0, low: 1.0, high: 1.0 }));
    assert!((answer.alternatives[0].regret - 0.0).abs() < 1e-9, "threads were the best found");
}

#[test]
fn a_model_the_rule_does_not_admit_is_only_told_of() {
    let trials =
        [ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 4, &[5_000]), ran(Model::Asyncio, 64, &[2_000])];
    let mut world = World::of(&[Model::Threads], WorkersRule::Waits, &trials);
    let mut task = TaskDemand::default();
    task.waits[BlockedKind::Timer] = Duration::from_millis(100);
    world.twin = world.twin.map(|twin| Twin { task, pieces_seen: false, ..twin });
    let answer = check(&world, Model::Threads, 4, "4");
    assert_eq!(
        answer.advice,
        ["asyncio at 64 ran 2.50 times as fast; rule some-rule does not admit it without more evidence."]
    );
    let models: Vec<_> = answer.alternatives.iter().map(|other| other.setting.model).collect();
    assert_eq!(models, [Model::Asyncio, Model::Sequential], "best first");
    assert!((answer.alternatives[1].regret - 4.0).abs() < 1e-9);
}

#[test]
fn a_bound_of_cpus_or_memory_holds_whatever_the_trials_say() {
    let trials = [
        ran(Model::Sequential, 1, &[10_000]),
        ran(Model::Processes, 2, &[5_000]),
        ran(Model::Processes, 4, &[2_500]),
        ran(Model::Processes, 8, &[1_250]),
    ];
    let mut world = World::of(&CPU, WorkersRule::Cpus, &trials);
    let answer = check(&world, Model::Processes, 4, "cpus");
    assert_eq!(answer.memory, Some(Bytes(5 << 30)), "four workers and their parent");
    world.facts.set("workers_by_memory", 3.0);
    let answer = check(&world, Model::Processes, 2, "min(cpus, 2)");
    assert!(answer.reason.contains("Memory holds 3 processes of 1.0 GiB"), "{}", answer.reason);
    world.facts.set("workers_by_memory", 0.0);
    check(&world, Model::Sequential, 1, "1");
    world.decision.workers = WorkersRule::Waits;
    world.facts.set("workers_by_memory", 60.0);
    check(&world, Model::Processes, 8, "8");
}

#[test]
fn there_are_never_more_workers_than_tasks() {
    let trials = [ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 16, &[1_000])];
    let mut world = World::of(&[Model::Threads], WorkersRule::Waits, &trials);
    if let Some(twin) = &mut world.twin {
        twin.tasks = 5;
    }
    check(&world, Model::Threads, 5, "min(tasks, 5)");
}

#[test]
fn between_equals_the_safer_start_and_the_smaller_chunk_are_taken() {
    let of = |method, chunk, millis| started(method, chunk, ran(Model::Processes, 4, &[millis]));
    let trials = [
        ran(Model::Sequential, 1, &[10_000]),
        of(StartMethod::Fork, 1, 2_500),
        of(StartMethod::Forkserver, 10, 2_510),
        of(StartMethod::Forkserver, 4, 2_520),
        of(StartMethod::Forkserver, 1, 2_600),
    ];
    let answer = World::of(&CPU, WorkersRule::Cpus, &trials).recommend();
    assert_eq!(answer.setting.start_method, Some(StartMethod::Forkserver));
    assert_eq!(answer.setting.chunk_size, Some(4));
    assert!(answer.snippet.contains("get_context(\"forkserver\")") && answer.snippet.contains("chunksize=4"));
}

#[test]
fn a_program_with_threads_is_not_advised_to_fork() {
    let of = |method, workers, start, millis| {
        let trial = started(method, 1, ran(Model::Processes, workers, &[millis]));
        pool(trial, start)
    };
    let trials = [
        ran(Model::Sequential, 1, &[10_000]),
        of(StartMethod::Fork, 2, 10, 5_000),
        of(StartMethod::Spawn, 2, 200, 5_000),
        of(StartMethod::Fork, 4, 20, 2_500),
    ];
    let mut world = World::of(&CPU, WorkersRule::Cpus, &trials);
    assert_eq!(world.recommend().setting.start_method, Some(StartMethod::Fork));
    world.profile.today = Today { processes: 1, threads: 3 };
    let answer = check(&world, Model::Processes, 4, "cpus");
    assert_eq!(answer.setting.start_method, Some(StartMethod::Spawn));
    let speedup = answer.speedup.expect("both ran").value;
    assert!((speedup - 10.0 / 2.9).abs() < 1e-9, "four spawned workers take 400 ms to start: {speedup}");
}

#[test]
fn what_only_the_median_makes_faster_is_not_worth_a_pool() {
    let sequential = ran(Model::Sequential, 1, &[2_240, 2_800, 2_810]);
    let advised = |threads: &[u64]| {
        let trials = [sequential.clone(), ran(Model::Threads, 2, threads)];
        World::of(&[Model::Threads], WorkersRule::Cpus, &trials).recommend().setting.model
    };
    assert_eq!(advised(&[2_400, 2_570, 2_900]), Model::Sequential, "9 % by the median, in four pairs of nine");
    assert_eq!(advised(&[1_400, 1_500, 1_900]), Model::Threads);
}

#[test]
fn a_trial_without_a_time_is_no_fast_trial() {
    let trials = [ran(Model::Sequential, 1, &[1_000]), ran(Model::Threads, 4, &[]), ran(Model::Processes, 4, &[0])];
    let answer = World::of(&CPU, WorkersRule::Cpus, &trials).recommend();
    assert_eq!(answer.setting, Setting::SEQUENTIAL);
}

#[test]
fn without_a_trial_the_number_is_computed_and_the_answer_is_less_sure() {
    let mut world = World::of(&[Model::Threads, Model::Sequential], WorkersRule::Waits, &[]);
    world.facts.set("concurrency_wanted", 12.0);
    let answer = check(&world, Model::Threads, 12, "12");
    assert_eq!((answer.evidence, answer.speedup), (None, None));
    assert!(answer.confidence.get() <= UNTRIED);
    world.facts.set("concurrency_wanted", 5_000.0);
    check(&world, Model::Threads, 100, "min(tasks, 100)");
    world.twin = None;
    check(&world, Model::Threads, 100, "100");
    world.decision.workers = WorkersRule::Cpus;
    check(&world, Model::Threads, 4, "cpus");
    world.host.cpus.affinity = 1;
    check(&world, Model::Sequential, 1, "1");
}

#[test]
fn sequential_does_not_win_against_nobody() {
    let trials = [ran(Model::Sequential, 1, &[10_000])];
    check(&World::of(&CPU, WorkersRule::Cpus, &trials), Model::Processes, 4, "cpus");
    let spent = Outcome::Pruned("the budget was spent".to_owned());
    let pruned = CPU[..3].iter().map(|model| refused(*model, spent.clone())).chain(trials.clone());
    check(&World::of(&CPU, WorkersRule::Cpus, &pruned.collect::<Vec<_>>()), Model::Processes, 4, "cpus");
    let not_picklable = Outcome::Unsafe("other results".to_owned());
    let refused = CPU[..3].iter().map(|model| refused(*model, not_picklable.clone())).chain(trials);
    check(&World::of(&CPU, WorkersRule::Cpus, &refused.collect::<Vec<_>>()), Model::Sequential, 1, "1");
}

#[test]
fn a_twin_of_an_inconclusive_profile_decides_nothing() {
    let trials = [ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 4, &[1_000])];
    let mut world = World::of(&[Model::Threads, Model::Sequential], WorkersRule::Waits, &trials);
    world.facts.set("class", "inconclusive");
    check(&world, Model::Threads, 4, "4"); // judged, but between two classes
    world.facts.set("class_confidence", 0.0);
    world.profile.today = Today { processes: 1, threads: 7 };
    let answer = check(&world, Model::Threads, 7, "7");
    assert!(answer.reason.ends_with("It already runs this way."), "{}", answer.reason);
    for trial in &mut world.trials {
        trial.evidence = Evidence::Task;
    }
    check(&world, Model::Threads, 4, "4");
}

#[test]
fn the_user_s_own_function_outweighs_a_twin_of_it() {
    let mut trials = vec![ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 4, &[1_000])];
    let task = |trial: Trial| Trial { evidence: Evidence::Task, ..trial };
    trials.push(task(ran(Model::Sequential, 1, &[8_000])));
    trials.push(task(ran(Model::Threads, 4, &[7_900])));
    let answer = check(&World::of(&[Model::Threads], WorkersRule::Cpus, &trials), Model::Sequential, 1, "1");
    assert_eq!(answer.evidence, Some(Evidence::Task));
}

#[test]
fn the_interval_covers_the_repeats_and_never_less_than_the_noise() {
    let speedup = |sequential: &[u64], threads: &[u64]| {
        let trials = [ran(Model::Sequential, 1, sequential), ran(Model::Threads, 4, threads)];
        World::of(&[Model::Threads], WorkersRule::Cpus, &trials).recommend().speedup.expect("both ran")
    };
    let one = speedup(&[10_000], &[2_500]);
    assert!((one.value - 4.0).abs() < 1e-9 && (one.low - 3.6).abs() < 1e-9 && (one.high - 4.4).abs() < 1e-9);
    let many = speedup(&[9_000, 10_000, 11_000], &[2_400, 2_500, 2_600]);
    assert!(many.low <= 3.6 && many.high > 4.4 && many.low < many.value && many.value < many.high, "{many:?}");
}

#[test]
fn repeats_that_overlap_make_the_answer_less_sure_and_are_told() {
    let answer = |threads: &[u64]| {
        let trials = [ran(Model::Sequential, 1, &[1_000, 1_050, 1_300]), ran(Model::Threads, 4, threads)];
        World::of(&[Model::Threads], WorkersRule::Cpus, &trials).recommend()
    };
    let (clear, close) = (answer(&[250, 255, 260]), answer(&[850, 960, 1_200]));
    assert_eq!(clear.confidence, Share::ONE);
    assert_eq!(clear.doubts, Vec::<String>::new());
    assert!(close.confidence.get() < 0.75, "{}", close.confidence);
    assert_eq!(
        close.doubts,
        ["threads and sequential are 9 % apart while repeats vary by 36 %: another run may prefer sequential"]
    );
}

#[test]
fn what_is_doubted_or_undecided_is_told_once_and_lowers_the_confidence() {
    let trials = [ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 4, &[2_500])];
    let mut world = World::of(&[Model::Threads, Model::Processes], WorkersRule::Cpus, &trials);
    world.trials.push(refused(Model::Processes, Outcome::Failed("it ran out of memory".to_owned())));
    world.decision.undecided = vec![("a".into(), "picklable".into()), ("b".into(), "picklable".into())];
    if let Some(twin) = &mut world.twin {
        twin.doubts = vec!["the disk is shared".to_owned()];
    }
    let answer = world.recommend();
    assert!((answer.confidence.get() - DOUBTED * DOUBTED).abs() < 1e-9);
    assert_eq!(
        answer.doubts,
        [
            "the disk is shared",
            "provisional: 2 rules could not be decided without knowing picklable",
            "processes could not be compared: it ran out of memory",
        ]
    );
}

#[test]
fn an_unknown_confidence_of_the_class_is_not_full_confidence() {
    let trials = [ran(Model::Sequential, 1, &[10_000]), ran(Model::Threads, 4, &[2_500])];
    let mut world = World::of(&[Model::Threads], WorkersRule::Cpus, &trials);
    world.facts = Facts::default().with("class", "cpu-bound");
    assert!(world.recommend().confidence.get() <= 0.5);
}

#[test]
fn the_nearest_flips_are_told_and_only_those_that_would_flip() {
    let trials = [ran(Model::Sequential, 1, &[1_150]), ran(Model::Threads, 4, &[1_000])];
    let mut world = World::of(&[Model::Threads], WorkersRule::Waits, &trials);
    let step = |rule: &str, fact: &str, value: &str, threshold: &str, held, flips_at| Step {
        rule: rule.to_owned(),
        fact: fact.to_owned(),
        value: Some(value.to_owned()),
        threshold: threshold.to_owned(),
        held: Some(held),
        flips_at,
    };
    world.facts =
        world.facts.with("wait_share", 0.71).with("cpu_share", 0.08).with("work_s", 100.0).with("tasks", 90.0);
    world.decision.path = vec![
        step(Step::CLASS, "wait_share", "0.71", ">= 0.60", true, Some(0.6)),
        step(Step::CLASS, "wait_share", "0.71", ">= 0.20", true, Some(0.2)),
        step("tiny", "work_s", "100 s", "< 100 ms", false, Some(0.1)),
        step("two-ways", "tasks", "90", "> 100", false, None),
        step("computing", "cpu_share", "0.08", ">= 0.10", false, Some(0.1)),
    ];
    assert_eq!(
        world.recommend().flips,
        [
            "cpu_share 0.08: were it >= 0.10, rule computing would decide",
            "sequential takes 15 % longer: within 5 % it would be advised as simpler",
            "wait_share 0.71: the class changes below 0.60",
        ]
    );
}

#[test]
fn the_reason_says_what_was_measured_and_what_runs_today() {
    let trials = [ran(Model::Sequential, 1, &[10_000]), ran(Model::Processes, 4, &[2_500])];
    let mut world = World::of(&CPU, WorkersRule::Cpus, &trials);
    world.profile.today = Today { processes: 1, threads: 4 };
    assert_eq!(
        world.recommend().reason,
        "Because. In trials of synthetic tasks of its shape, all of the work took 2.50 s with processes at 4 and \
         10.0 s one after another. Today it runs as 4 threads."
    );
    world.profile.today = Today { processes: 4, threads: 1 };
    assert!(world.recommend().reason.ends_with("It already runs this way."));
}

#[test]
fn a_shortened_twin_is_stretched_back_but_its_start_is_not() {
    let trials = [ran(Model::Sequential, 1, &[1_000]), pool(ran(Model::Processes, 4, &[250]), 750)];
    let mut world = World::of(&CPU, WorkersRule::Cpus, &trials);
    check(&world, Model::Sequential, 1, "1");
    if let Some(twin) = &mut world.twin {
        twin.compression = 10.0;
    }
    let answer = check(&world, Model::Processes, 4, "cpus");
    let speedup = answer.speedup.expect("both ran").value;
    assert!((speedup - 10.0 / 3.25).abs() < 1e-9, "{speedup}");
}

fn any_trial() -> impl Strategy<Value = Trial> {
    let model = proptest::sample::select(&Model::ALL[..]);
    let method = proptest::option::of(proptest::sample::select(&StartMethod::ALL[..]));
    let walls = proptest::collection::vec(any::<u64>(), 0..4);
    (model, 0_usize..5000, method, walls, any::<u64>(), any::<bool>()).prop_map(
        |(model, workers, start_method, walls, tasks, ok)| {
            let walls = walls.into_iter().map(Duration::from_nanos).collect();
            let measured = Measurement { tasks, walls, ..Measurement::default() };
            let outcome = if ok { Outcome::Ok(measured) } else { Outcome::Pruned("slow".to_owned()) };
            let setting = Setting { model, workers, chunk_size: None, start_method };
            Trial { setting, evidence: Evidence::Twin, outcome }
        },
    )
}

proptest! {
    #[test]
    fn whatever_the_trials_say_there_is_one_answer_within_the_limits(
        trials in proptest::collection::vec(any_trial(), 0..12),
        class in proptest::sample::select(&["cpu-bound", "io-bound", "mixed", "inconclusive"][..]),
        tasks in any::<u64>(),
        compression in any::<f64>(),
        fit in 0.0..10.0_f64,
    ) {
        let mut world = World::of(&[], WorkersRule::One, &trials);
        world.facts = Facts::default().with("class", class).with("workers_by_memory", Value::Number(fit));
        world.facts.set("runtime", "cpython");
        world.decision = Rules::embedded().decide(&world.facts);
        if let Some(twin) = &mut world.twin {
            twin.tasks = tasks;
            twin.compression = compression;
        }
        let answer = world.recommend();
        let Setting { model, workers, .. } = answer.setting;
        prop_assert!(model == Model::Sequential || world.decision.admit.contains(&model));
        prop_assert!(!model.uses_processes() || workers as f64 <= fit);
        // A cluster's threads are not this machine's CPUs.
        let here = model != Model::Cluster;
        prop_assert!(!here || world.decision.workers != WorkersRule::Cpus || workers <= 4);
        prop_assert!((0.0..=1.0).contains(&answer.confidence.get()));
        prop_assert!(answer.speedup.is_none_or(|speedup| speedup.low <= speedup.value && speedup.value <= speedup.high));
        prop_assert!(answer.alternatives.iter().all(|other| other.regret >= 0.0 && other.setting.model != model));
    }
}
