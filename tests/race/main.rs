//! The race against an exhaustive sweep, on a machine that answers without a clock.

mod machine;
mod shape;

use concadvise::notice::Notice;
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::plan::{Limits, Race};
use concadvise::trial::race::race;
use concadvise::trial::runner::Spec;
use concadvise::trial::{Measurement, Outcome, Trial};
use machine::Machine;
use shape::{SHAPES, Shape, models, shape, tight};
use std::collections::HashSet;
use std::time::Duration;

/// A race that is over.
struct Over {
    trials: Vec<Trial>,
    skipped: usize,
    notices: Vec<Notice>,
    spent: Duration,
    /// What the last run took.
    last: Duration,
}

impl Over {
    fn best(&self, tasks: u64) -> Setting {
        let projected = |trial: &Trial| match &trial.outcome {
            Outcome::Ok(measurement) => Some((measurement.projected(tasks), trial.setting)),
            _ => None,
        };
        self.trials.iter().filter_map(projected).min_by_key(|(time, _)| *time).expect("sequential ran").1
    }
}

fn run(mut race: Race, machine: &mut Machine) -> Over {
    let (mut spent, mut last, mut runs) = (Duration::ZERO, Duration::ZERO, 0);
    while let Some(spec) = race.next(spent) {
        let (outcome, took) = machine.run(&spec);
        race.record(&spec, outcome, took);
        (spent, last, runs) = (spent + took, took, runs + 1);
        assert!(runs < 500, "the race does not end");
    }
    let notices = race.notices();
    let (trials, skipped) = race.finish();
    Over { trials, skipped, notices, spent, last }
}

/// A race held against the exhaustive sweep of its shape.
struct Held {
    found: Setting,
    truly: Setting,
    /// True time of the setting found over the best there is, minus one.
    regret: f64,
    /// What the race took over what the sweep takes.
    cost: f64,
}

fn hold(shape: &Shape) -> Held {
    let (twin, mut machine) = (shape.twin(), Machine::new(shape.cpus, true));
    let sweep = shape.sweep();
    let truth = |machine: &Machine, setting: &Setting| machine.truth(setting, &twin.task, twin.tasks);
    let truly = sweep.iter().min_by(|a, b| truth(&machine, a).total_cmp(&truth(&machine, b))).expect("a sweep");
    let cost: f64 = sweep.iter().map(|setting| machine.cost(setting, &twin.task, twin.tasks)).sum();
    let over = run(shape.race(), &mut machine);
    let found = over.best(twin.tasks);
    let regret = truth(&machine, &found) / truth(&machine, truly) - 1.0;
    Held { found, truly: *truly, regret, cost: over.spent.as_secs_f64() / cost }
}

/// The value that `share` of the figures do not exceed.
fn quantile(figures: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * share).round() as usize]
}

#[test]
fn the_winner_is_within_five_per_cent_of_the_best_of_an_exhaustive_sweep_at_a_fraction_of_its_cost() {
    let held: Vec<(Shape, Held)> = SHAPES.iter().map(|shape| (*shape, hold(shape))).collect();
    for (shape, Held { found, truly, regret, .. }) in &held {
        assert!(*regret <= 0.05, "{shape:?}: {found:?} has a regret of {regret:.2}; the best is {truly:?}");
    }
    let cost = |share| quantile(held.iter().map(|(_, held)| held.cost), share);
    println!("part of the sweep's time: median {:.3}, worst {:.3}", cost(0.5), cost(1.0));
    assert!(cost(0.5) < 0.05 && cost(1.0) < 0.3, "the races cost {} and {}", cost(0.5), cost(1.0));
}

#[test]
fn of_random_shapes_nineteen_in_twenty_are_within_five_per_cent_and_none_is_far_off() {
    let mut seed = 1_u64;
    let held: Vec<Held> = (0..300).map(|_| hold(&Shape::random(&mut seed))).collect();
    let regret = |share| quantile(held.iter().map(|held| held.regret), share);
    let cost = |share| quantile(held.iter().map(|held| held.cost), share);
    println!("regret: median {:.3}, p95 {:.3}, worst {:.3}", regret(0.5), regret(0.95), regret(1.0));
    println!("part of the sweep's time: median {:.3}, p95 {:.3}, worst {:.3}", cost(0.5), cost(0.95), cost(1.0));
    assert!(regret(0.95) <= 0.05 && regret(1.0) <= 0.25, "{} and {}", regret(0.95), regret(1.0));
    assert!(cost(0.95) <= 0.3, "{}", cost(0.95));
}

#[test]
fn every_model_has_a_row_and_no_setting_has_two() {
    for shape in SHAPES {
        let over = run(shape.race(), &mut Machine::new(shape.cpus, true));
        let models: HashSet<Model> = over.trials.iter().map(|trial| trial.setting.model).collect();
        assert_eq!(models, Model::ALL.into_iter().collect(), "{shape:?}");
        let settings: HashSet<Setting> = over.trials.iter().map(|trial| trial.setting).collect();
        assert_eq!(settings.len(), over.trials.len(), "{shape:?}");
    }
}

#[test]
fn the_budget_is_exceeded_by_one_run_at_most() {
    for shape in SHAPES {
        for budget in [Duration::ZERO, Duration::from_millis(300), Duration::from_secs(2), shape.budget()] {
            let twin = shape.twin();
            let race = Race::new(&twin, models(), &StartMethod::ALL, &shape.limits(), budget);
            let over = run(race, &mut Machine::new(shape.cpus, true));
            assert!(over.spent - over.last <= budget, "{shape:?}: {:?} of {budget:?}", over.spent);
            let said = over.notices.iter().any(|notice| matches!(notice, Notice::BudgetSpent { .. }));
            assert_eq!(said, over.skipped > 0, "{shape:?}");
        }
    }
}

#[test]
fn a_cheap_workload_does_not_use_all_of_a_large_budget() {
    let shape = shape(0.1, 0.0, 10.0, 100, 2);
    let race = Race::new(&shape.twin(), models(), &StartMethod::ALL, &shape.limits(), Duration::from_secs(600));
    let over = run(race, &mut Machine::new(2, true));
    assert!(over.spent < Duration::from_secs(60), "{:?}", over.spent);
    assert_eq!(over.skipped, 0);
}

#[test]
fn whatever_comes_of_the_runs_the_race_ends_and_keeps_a_row_for_every_model() {
    for seed in 0..200_usize {
        let shape = Shape::random(&mut (seed as u64));
        let mut count = seed;
        let raced = |spec: &Spec| {
            count += 1;
            let walls = |wall: Duration| vec![wall; spec.repeats];
            let ran = |walls| {
                Outcome::Ok(Measurement {
                    tasks: spec.tasks,
                    walls,
                    dispatch: Some(Duration::ZERO),
                    ..Default::default()
                })
            };
            match (count * 7919 + seed) % 11 {
                0 => Outcome::Failed("it broke".into()),
                1 => Outcome::Unsafe("another result".into()),
                2 => Outcome::NotApplicable("not here".into()),
                3 => ran(Vec::new()),
                4 => ran(walls(Duration::ZERO)),
                5 => ran(walls(Duration::from_secs(3600))),
                wall => ran(walls(Duration::from_millis(wall as u64))),
            }
        };
        let over = run_with(shape.race(), raced, Duration::from_millis(50));
        let models: HashSet<Model> = over.iter().map(|trial| trial.setting.model).collect();
        assert_eq!(models, Model::ALL.into_iter().collect(), "{shape:?}");
    }
}

fn run_with(mut race: Race, mut run: impl FnMut(&Spec) -> Outcome, took: Duration) -> Vec<Trial> {
    let mut runs = 0;
    while let Some(spec) = race.next(took * runs) {
        let outcome = run(&spec);
        race.record(&spec, outcome, took);
        runs += 1;
        assert!(runs < 500, "the race does not end");
    }
    race.finish().0
}

#[test]
fn a_model_that_fails_at_many_workers_is_tried_with_fewer() {
    let mut machine = Machine { fails: Some((Model::Threads, 64)), ..Machine::new(2, true) };
    let over = run(shape(0.0, 0.0, 100.0, 1_000, 2).race(), &mut machine);
    let threads = |ok: bool| {
        let is_ok = |trial: &&Trial| matches!(trial.outcome, Outcome::Ok(_)) == ok;
        let rows = over.trials.iter().filter(|trial| trial.setting.model == Model::Threads).filter(is_ok);
        rows.map(|trial| trial.setting.workers).collect::<Vec<_>>()
    };
    assert!(!threads(true).is_empty() && threads(true).iter().all(|workers| *workers < 64), "{:?}", threads(true));
    assert_eq!(threads(false), [64]);
}

#[test]
fn one_long_wait_is_not_given_up_for_lasting_as_long_as_it_does() {
    let shape = shape(2.0, 0.0, 2000.0, 1, 2);
    let (twin, limits) = (shape.twin(), Limits { loop_waits: true, ..shape.limits() });
    let alone = twin.task.total();
    let mut race = Race::new(&twin, models(), &StartMethod::ALL, &limits, shape.budget());
    let (mut machine, mut spent) = (Machine::new(2, false), Duration::ZERO);
    while let Some(spec) = race.next(spent) {
        assert!(alone * spec.repeats as u32 * 4 <= spec.timeout, "{spec:?}");
        let (outcome, took) = machine.run(&spec);
        race.record(&spec, outcome, took);
        spent += took;
    }
}

#[test]
fn a_machine_that_slows_down_is_noticed() {
    let drifted = |slow_from| {
        let mut machine = Machine { slow_from, ..Machine::new(2, true) };
        let over = run(shape(100.0, 0.0, 0.0, 100, 2).race(), &mut machine);
        over.notices.iter().any(|notice| matches!(notice, Notice::Drifted { ratio } if *ratio > 1.3))
    };
    assert!(!drifted(usize::MAX));
    assert!(drifted(5));
}

#[test]
fn memory_that_caps_the_workers_is_noticed_and_kept_to() {
    let over = run(tight(shape(100.0, 0.0, 0.0, 1_000, 64), 5).race(), &mut Machine::new(64, true));
    assert!(over.notices.iter().any(|notice| matches!(notice, Notice::MemoryCaps { workers: 5, .. })));
    let multiplying = over.trials.iter().filter(|trial| trial.setting.model.uses_processes());
    assert!(multiplying.map(|trial| trial.setting.workers).max() == Some(5));
}

#[test]
fn an_interrupted_race_stops_at_once_and_loses_nothing_that_ran() {
    let shape = shape(100.0, 0.0, 0.0, 100, 2);
    for after in 0..4 {
        let (mut machine, runs) = (Machine::new(2, true), std::cell::Cell::new(0));
        let mut heard = 0;
        let raced = race(
            shape.race(),
            &mut |spec| {
                runs.set(runs.get() + 1);
                machine.run(spec).0
            },
            &|| runs.get() > after,
            &mut |_, _| heard += 1,
        );
        assert_eq!((runs.get(), heard), (after + 1, after + 1));
        let ran = raced.trials.iter().filter(|trial| matches!(trial.outcome, Outcome::Ok(_))).count();
        assert_eq!(ran, after);
        let models: HashSet<Model> = raced.trials.iter().map(|trial| trial.setting.model).collect();
        assert_eq!(models.len(), Model::ALL.len());
    }
}
