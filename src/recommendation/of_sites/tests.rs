//! Tests of the advice for sites.

use super::*;
use crate::trial::{Measurement, Trial};
use std::time::Duration;

fn trial(model: Model, workers: usize, walls: &[f64]) -> Trial {
    let walls = walls.iter().map(|wall| Duration::from_secs_f64(*wall)).collect();
    let start_method = (model == Model::Processes).then_some(StartMethod::Fork);
    let workers = if model == Model::Sequential { 1 } else { workers };
    let setting = Setting { model, workers, chunk_size: None, start_method };
    let outcome = Outcome::Ok(Measurement { tasks: 1, walls, ..Measurement::default() });
    Trial { setting, evidence: Evidence::Program, outcome }
}

/// A `ThreadPoolExecutor(4)` with these trials; the first is the program as it is.
fn site(trials: Vec<Trial>) -> Site {
    Site {
        key: "app.py:42".into(),
        path: "app.py".into(),
        line: 42,
        library: false,
        executor: "ThreadPoolExecutor".into(),
        model: Model::Threads,
        workers: 4,
        asked: Some(4),
        built: 1,
        tasks: 64,
        mapped: true,
        chunk_size: None,
        start_method: None,
        busy: Duration::from_secs(2),
        unsent: None,
        guarded: Some(true),
        threads: 0,
        version: (3, 11),
        untried: None,
        trials,
    }
}

#[test]
fn what_the_program_gains_is_told_over_itself_and_over_one_after_another() {
    let (advice, _) = advise(&site(vec![
        trial(Model::Threads, 4, &[2.0, 2.0, 2.1]),
        trial(Model::Sequential, 1, &[1.9]),
        trial(Model::Processes, 2, &[1.0, 1.02, 0.99]),
    ]));
    assert_eq!((advice.setting.model, advice.setting.workers), (Model::Processes, 2));
    let (now, over) = (advice.speedup_now.expect("tried"), advice.speedup.expect("sequential ran"));
    assert!((now.value - 2.0).abs() < 0.01 && now.low > 1.8 && now.high < 2.2, "{now:?}");
    assert!((over.value - 1.9).abs() < 0.01, "{over:?}");
    assert!(advice.reason.contains("ThreadPoolExecutor(4) becomes 2 processes started by fork"), "{}", advice.reason);
    assert!(advice.reason.contains("2.00× faster than it is now (1.90× faster than with one"), "{}", advice.reason);
    assert!(advice.confidence.get() > 0.9, "{advice:?}");
}

#[test]
fn code_is_not_changed_for_nothing() {
    let (advice, _) = advise(&site(vec![
        trial(Model::Threads, 4, &[2.0, 2.0, 2.1]),
        trial(Model::Sequential, 1, &[8.0]),
        trial(Model::Threads, 2, &[1.98, 2.0]),
        trial(Model::Processes, 4, &[1.95, 2.05]),
    ]));
    assert_eq!((advice.setting.model, advice.setting.workers), (Model::Threads, 4));
    assert_eq!(advice.speedup_now.map(|now| now.value), Some(1.0));
    assert!(advice.speedup.is_some_and(|over| over.value > 3.9), "{advice:?}");
    assert!(advice.reason.contains("stays as it is") && advice.reason.contains("2 workers would do"), "{advice:?}");
}

#[test]
fn what_does_something_else_is_not_advised_and_its_reason_is_told() {
    let mut wrong = trial(Model::Processes, 8, &[0.1]);
    wrong.outcome = Outcome::Unsafe("line 1 of what it prints is \"0\", before \"64\"".into());
    let (advice, _) =
        advise(&site(vec![trial(Model::Threads, 4, &[2.0, 2.0]), trial(Model::Processes, 2, &[0.5, 0.5]), wrong]));
    assert_eq!(advice.setting.model, Model::Threads);
    assert!(advice.reason.contains("With processes the program does not do the same: line 1"), "{}", advice.reason);
}

#[test]
fn the_simplest_and_fewest_that_are_as_good_are_advised() {
    let (advice, _) = advise(&site(vec![
        trial(Model::Threads, 4, &[2.0, 2.0]),
        trial(Model::Threads, 32, &[0.50, 0.51]),
        trial(Model::Threads, 16, &[0.51, 0.51]),
        trial(Model::Processes, 16, &[0.495, 0.50]),
    ]));
    assert_eq!((advice.setting.model, advice.setting.workers), (Model::Threads, 16));
    assert!(advice.speedup.is_none() && advice.reason.contains("with one task after another it was not run"));
}

#[test]
fn a_site_that_was_not_tried_says_why_and_claims_nothing() {
    let (advice, chosen) = advise(&Site { untried: Some("it is not yours".into()), ..site(Vec::new()) });
    assert_eq!((advice.setting.model, advice.speedup_now, chosen), (Model::Threads, None, None));
    assert_eq!(advice.reason, "it is not yours");
}

#[test]
fn what_to_write_there_keeps_the_kind_of_pool() {
    let processes = trial(Model::Processes, 2, &[1.0]).setting;
    let loky = Site { executor: "joblib.Parallel".into(), ..site(Vec::new()) };
    let old = Site { executor: "ThreadPool".into(), ..site(Vec::new()) };
    let default = Site { executor: "default executor".into(), model: Model::AsyncioThreads, ..site(Vec::new()) };
    for (site, setting, line) in [
        (
            &site(Vec::new()),
            processes,
            "ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context(\"fork\"))",
        ),
        (&site(Vec::new()), trial(Model::Threads, 32, &[]).setting, "ThreadPoolExecutor(max_workers=32)"),
        (&loky, processes, "Parallel(n_jobs=2, backend=\"loky\")"),
        (&old, processes, "multiprocessing.get_context(\"fork\").Pool(2)"),
        (
            &default,
            Setting { model: Model::AsyncioThreads, ..trial(Model::Threads, 40, &[]).setting },
            "set_default_executor",
        ),
        (&site(Vec::new()), Setting::SEQUENTIAL, "for item in items"),
    ] {
        let code = snippet(site, &setting);
        assert!(code.contains(line) && code.starts_with("# app.py:42, instead of "), "{code}");
    }
    assert_eq!(snippet(&site(Vec::new()), &site(Vec::new()).found()), "");
}
