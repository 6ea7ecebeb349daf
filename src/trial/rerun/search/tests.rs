//! Tests of the search, which needs no clock: programs whose time is a formula.

use super::*;

fn ms(time: f64) -> Duration {
    Duration::from_secs_f64(time / 1e3)
}

fn measured(wall: Duration) -> Measurement {
    Measurement { tasks: 1, walls: vec![wall], ..Measurement::default() }
}

/// A site of a program with 64 tasks, as it would tell of itself.
pub fn site(model: Model, workers: usize) -> Site {
    let start_method = (model == Model::Processes).then_some(StartMethod::Fork);
    Site {
        key: "app.py:42".into(),
        path: "app.py".into(),
        line: 42,
        library: false,
        executor: if model == Model::Processes { "ProcessPoolExecutor" } else { "ThreadPoolExecutor" }.into(),
        model,
        workers,
        asked: None,
        built: 1,
        tasks: 64,
        mapped: false,
        chunk_size: None,
        start_method,
        busy: ms(2000.0),
        unsent: None,
        guarded: Some(false),
        threads: 0,
        version: (3, 11),
        untried: None,
        trials: Vec::new(),
    }
}

fn bounds(waits: bool) -> Bounds {
    Bounds { cpus: 4, waits, memory: None }
}

/// Runs the search to its end: the rows, how many runs that took, and their time.
fn searched(site: &Site, bounds: &Bounds, budget: f64, program: fn(&Setting) -> Outcome) -> (Vec<Trial>, usize, f64) {
    let Outcome::Ok(unchanged) = program(&site.found()) else { panic!("the program runs as it is") };
    let mut search = Search::new(site, bounds, &unchanged);
    let (mut spent, mut runs) = (Duration::ZERO, 0);
    while let Some(setting) = search.next(ms(budget).saturating_sub(spent)) {
        let outcome = program(&setting);
        spent += if let Outcome::Ok(measured) = &outcome { measured.walls[0] } else { ms(100.0) };
        search.record(setting, outcome);
        runs += 1;
        assert!(runs < 100, "it does not end");
    }
    (search.finish(), runs, spent.as_secs_f64() * 1e3)
}

/// 64 tasks of 100 ms that wait; processes take 5 ms each to start.
fn waiting(setting: &Setting) -> Outcome {
    let rounds = 64_usize.div_ceil(setting.workers) as f64;
    let start = if setting.model == Model::Processes { 5.0 * setting.workers as f64 } else { 0.0 };
    Outcome::Ok(measured(ms(50.0 + start + 100.0 * rounds)))
}

/// 64 tasks of 30 ms that compute and hold the GIL, on four cores.
fn computing(setting: &Setting) -> Outcome {
    let at_once = if setting.model == Model::Processes { setting.workers.min(4) as f64 } else { 1.0 };
    Outcome::Ok(measured(ms(50.0 + 64.0 * 30.0 / at_once)))
}

fn best(trials: &[Trial]) -> (Model, usize) {
    let time = |trial: &Trial| match &trial.outcome {
        Outcome::Ok(measured) => measured.per_task(),
        _ => Duration::MAX,
    };
    let best = trials.iter().min_by_key(|trial| time(trial)).expect("it ran");
    (best.setting.model, best.setting.workers)
}

#[test]
fn it_finds_the_best_setting_in_few_runs() {
    for (site, waits, program, expected) in [
        (site(Model::Threads, 4), false, computing as fn(&Setting) -> Outcome, (Model::Processes, 4)),
        (site(Model::Processes, 2), true, waiting as fn(&Setting) -> Outcome, (Model::Threads, 64)),
        (site(Model::Threads, 64), true, waiting as fn(&Setting) -> Outcome, (Model::Threads, 64)),
    ] {
        let (trials, runs, _) = searched(&site, &bounds(waits), 60_000.0, program);
        assert_eq!(best(&trials), expected, "{trials:?}");
        assert!(runs <= 30, "{runs} runs");
        assert_eq!(trials[0].setting, site.found(), "the program as it is comes first");
        let found = trials.iter().filter(|trial| trial.setting == site.found()).count();
        assert_eq!(found, 1, "{trials:?}");
    }
}

#[test]
fn it_stays_within_the_budget_and_names_what_it_left_out() {
    for budget in [0.0, 500.0, 3000.0, 10_000.0] {
        let (trials, _, spent) = searched(&site(Model::Processes, 2), &bounds(true), budget, waiting);
        assert!(spent <= budget + 6450.0, "{spent} of {budget}");
        for model in [Model::Sequential, Model::Threads, Model::Processes, Model::Interpreters] {
            assert!(trials.iter().any(|trial| trial.setting.model == model), "{model} has no row: {trials:?}");
        }
    }
}

#[test]
fn what_cannot_be_has_its_reason_and_is_not_run() {
    let unsent = Site { unsent: Some("the call cannot be pickled".into()), ..site(Model::Threads, 4) };
    let unguarded = Site { version: (3, 14), ..site(Model::Threads, 4) };
    let default = Site { executor: "default executor".into(), ..site(Model::AsyncioThreads, 6) };
    for (site, model, reason) in [
        (&unsent, Model::Processes, "cannot be pickled"),
        (&unguarded, Model::Processes, "__main__"),
        (&default, Model::Processes, "takes only threads"),
        (&unsent, Model::Interpreters, "3.14 has"),
    ] {
        let (trials, ..) = searched(site, &bounds(true), 60_000.0, waiting);
        let rows: Vec<&Trial> = trials.iter().filter(|trial| trial.setting.model == model).collect();
        let said = |trial: &&Trial| matches!(&trial.outcome, Outcome::NotApplicable(why) if why.contains(reason));
        assert!(rows.len() == 1 && rows.iter().all(said), "{model}: {rows:?}");
    }
    let (trials, ..) = searched(&default, &bounds(true), 60_000.0, waiting);
    assert_eq!(best(&trials), (Model::AsyncioThreads, 64));
}

#[test]
fn a_model_that_does_something_else_is_not_pursued() {
    let wrong = |setting: &Setting| match setting.model {
        Model::Processes => Outcome::Unsafe("it prints something else".into()),
        _ => computing(setting),
    };
    let (trials, ..) = searched(&site(Model::Threads, 4), &bounds(false), 60_000.0, wrong);
    let processes = trials.iter().filter(|trial| trial.setting.model == Model::Processes).count();
    assert_eq!(processes, 1, "{trials:?}");
}

#[test]
fn short_tasks_that_come_by_a_map_are_tried_in_chunks() {
    let tiny = Site { mapped: true, tasks: 20_000, busy: ms(400.0), ..site(Model::Processes, 4) };
    let handing = |setting: &Setting| {
        let chunks = 20_000 / setting.chunk_size.unwrap_or(1);
        Outcome::Ok(measured(ms(50.0 + if setting.model == Model::Processes { chunks as f64 * 0.2 } else { 900.0 })))
    };
    let (trials, ..) = searched(&tiny, &bounds(false), 120_000.0, handing);
    assert!(trials.iter().any(|trial| trial.setting.chunk_size.is_some_and(|size| size > 100)), "{trials:?}");
}

#[test]
fn no_more_processes_than_memory_has_room_for() {
    let tight = Bounds { memory: Some((Bytes(300), Bytes(100))), ..bounds(true) };
    let (trials, ..) = searched(&site(Model::Threads, 8), &tight, 60_000.0, waiting);
    let most = trials.iter().filter(|trial| trial.setting.model == Model::Processes).map(|trial| trial.setting.workers);
    assert_eq!(most.max(), Some(3), "{trials:?}");
}

#[test]
fn nobody_forks_past_other_threads_where_there_is_another_way() {
    let threaded = Site { threads: 3, ..site(Model::Threads, 4) };
    assert_eq!(start_method(&threaded), StartMethod::Fork);
    assert_eq!(start_method(&Site { guarded: Some(true), ..threaded }), StartMethod::Forkserver);
    assert_eq!(start_method(&Site { version: (3, 14), ..site(Model::Threads, 4) }), StartMethod::Forkserver);
    assert_eq!(start_method(&site(Model::Threads, 4)), StartMethod::Fork);
}
