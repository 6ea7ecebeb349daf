//! What is not sure enough to fail: small effects, wide ranges, boundaries, and runs that do not agree.

use super::*;

#[test]
fn an_effect_below_ten_per_cent_is_a_warning() {
    let (baseline, _) = flip();
    let little = changed(&baseline, |document| {
        document.recommendation.model = "asyncio".to_owned();
        let threads = document.recommendation.speedup.expect("it was tried");
        for trial in document.trial.iter_mut().filter(|trial| trial.model == "asyncio") {
            (trial.speedup, trial.speedup_low, trial.speedup_high) = (Some(threads * 1.08), None, None);
        }
        set(document, "work_s", 9.0);
    });
    check(&baseline, &little, Verdict::Warn, "gains 8.");
}

#[test]
fn what_is_not_sure_enough_is_inconclusive() {
    let (downloads, primes) = flip();
    let noisy = |document: &mut Document| {
        document.recommendation.admits.push("threads".to_owned());
        for trial in &mut document.trial {
            trial.speedup_low = trial.speedup.map(|speedup| speedup * 0.6);
            trial.speedup_high = trial.speedup.map(|speedup| speedup * 1.4);
        }
    };
    let few = |document: &mut Document| {
        document.classification.class = "inconclusive".to_owned();
        document.classification.settle = Some("a run of 2 s would tell".to_owned());
    };
    let untried = |document: &mut Document| {
        document.recommendation.evidence = None;
        document.trial.clear();
    };
    let unfinished = |document: &mut Document| document.complete = false;
    let forgotten = |document: &mut Document| document.trial.retain(|trial| trial.model != "threads");
    let out_of_time = |document: &mut Document| {
        document.trial.retain(|trial| trial.model != "processes" || trial.outcome == "ok");
        for trial in document.trial.iter_mut().filter(|trial| trial.model == "processes") {
            trial.outcome = "pruned".to_owned();
        }
    };
    // Four fifths of the machine for somebody else: a second worker may gain five times as much, or a fifth.
    let beside_others = |document: &mut Document| {
        document.recommendation.admits.push("threads".to_owned());
        set(document, "elsewhere_share", 0.8);
    };
    let cases: [(Change, &str); 7] = [
        (noisy, "1 more run would settle it"),
        (few, "a run of 2 s would tell"),
        (untried, "no executor model was compared"),
        (unfinished, "cut short"),
        (forgotten, "was not tried in this run"),
        (out_of_time, "the trials ended before processes could run"),
        (beside_others, "others used 80 % of the machine meanwhile"),
    ];
    for (change, reason) in cases {
        check(&downloads, &changed(&primes, change), Verdict::Inconclusive, reason);
    }
}

#[test]
fn near_a_boundary_the_old_answer_is_kept() {
    let (_, primes) = flip();
    let held = |share: f64| {
        changed(&primes, |document| {
            set(document, "gil_share", share);
            let fast = |trial: &&mut crate::report::schema::Trial| trial.model == "threads";
            for trial in document.trial.iter_mut().filter(fast) {
                (trial.speedup, trial.speedup_low, trial.speedup_high) = (Some(3.0), Some(3.0), Some(3.0));
            }
        })
    };
    let threads = changed(&held(0.5), |document| {
        document.recommendation.model = "threads".to_owned();
        document.recommendation.admits = vec!["threads".to_owned(), "processes".to_owned()];
        (document.recommendation.start_method, document.recommendation.chunk_size) = (None, None);
    });
    check(&threads, &held(0.92), Verdict::Inconclusive, "near a boundary: gil_share is 0.920");
    check(&threads, &held(0.99), Verdict::Changed, "does not admit threads any more");
}

#[test]
fn other_workers_of_one_model_fail_only_where_the_code_moved() {
    let (_, primes) = flip();
    let eight = |document: &mut Document| {
        document.recommendation.workers = 8;
        document.recommendation.workers_policy = "8".to_owned();
        let two = document.trial.iter().find(|trial| trial.model == "processes").expect("it ran").clone();
        let fast = two.speedup.map(|speedup| speedup * 2.0);
        let (speedup_low, speedup_high) = (fast, fast);
        document.trial.push(crate::report::schema::Trial {
            workers: 8,
            speedup: fast,
            speedup_low,
            speedup_high,
            ..two
        });
    };
    let more = changed(&primes, eight);
    let judged = check(&primes, &more, Verdict::Unchanged, "no signal of the code moved");
    assert!(!judged.run_again, "{judged:#?}");
    let waits = |document: &mut Document| {
        set(document, "wait_share", 0.6);
        set(document, "cpu_share", 0.4);
    };
    check(&primes, &changed(&more, waits), Verdict::Changed, "processes at 8");
    let larger = |document: &mut Document| set(document, "memory_per_worker_bytes", 2e9);
    check(&primes, &changed(&more, larger), Verdict::Changed, "processes at 8");
}

/// What runs come to: how each of them was changed, the verdict, part of the first or last reason, and whether the gate
/// would run the target again.
fn check_runs(baseline: &Document, runs: &[Document], verdict: Verdict, reason: &str, again: bool) {
    let judged = judged(baseline, runs, &RULES);
    let said = judged.reasons.join(" | ");
    assert_eq!((judged.verdict, judged.run_again), (verdict, again), "{judged:#?}");
    assert!(said.contains(reason) && judged.runs == runs.len(), "{reason:?} is not in {said}");
}

#[test]
fn a_change_is_confirmed_by_runs_that_can_tell_and_by_no_others() {
    let (downloads, primes) = flip();
    let short = changed(&primes, |document| document.complete = false);
    let failing = changed(&primes, |document| document.target.exit_code = Some(1));
    let check = |runs: &[&Document], verdict, reason, again| {
        let runs: Vec<Document> = runs.iter().copied().cloned().collect();
        check_runs(&downloads, &runs, verdict, reason, again);
    };
    check(&[&primes], Verdict::Changed, "the answer was", true);
    check(&[&primes, &primes], Verdict::Changed, "2 runs agree on it", false);
    check(&[&primes, &short], Verdict::Inconclusive, "the others cannot tell", true);
    check(&[&primes, &short, &primes], Verdict::Changed, "2 of 3 runs agree on it", false);
    check(&[&short], Verdict::Inconclusive, "cut short", true);
    check(&[&short, &short], Verdict::Inconclusive, "cut short", true);
    check(&[&short, &downloads], Verdict::Unchanged, "still threads", false);
    check(&[&primes, &downloads], Verdict::Inconclusive, "1 of 2 runs said that the answer changed, so", false);
    check(&[&primes, &primes, &downloads], Verdict::Inconclusive, "2 of 3 runs", false);
    check(&[&failing], Verdict::Inconclusive, "ended with status 1", false);
}

#[test]
fn what_no_run_is_sure_of_all_may_be_together() {
    let (downloads, primes) = flip();
    // A gain of about 1.4 times, each time with a range from below 1.
    let lean = |model: &'static str, spread: f64| {
        changed(&primes, |document| {
            document.recommendation.admits.push("threads".to_owned());
            document.recommendation.model = model.to_owned();
            for trial in document.trial.iter_mut().filter(|trial| trial.outcome == "ok") {
                let speedup = if trial.model == "threads" { 1.0 } else { 1.4 };
                trial.speedup = Some(speedup);
                (trial.speedup_low, trial.speedup_high) =
                    (Some(speedup * (1.0 - spread)), Some(speedup * (1.0 + spread)));
            }
        })
    };
    let check = |runs: &[Document], verdict, reason, again| check_runs(&downloads, runs, verdict, reason, again);
    let (one, wide) = (lean("processes", 0.2), lean("processes", 0.9));
    check(std::slice::from_ref(&one), Verdict::Inconclusive, "may be anything from", true);
    check(&[one.clone(), wide.clone()], Verdict::Inconclusive, "may be anything", true);
    check(&[one.clone(), wide.clone(), one.clone()], Verdict::Changed, "in 3 runs together", false);
    check(&[one.clone(), one.clone(), downloads.clone()], Verdict::Unchanged, "still threads", false);
    let busy = changed(&one, |document| set(document, "elsewhere_share", 0.3));
    check(&[busy.clone(), busy.clone(), busy], Verdict::Inconclusive, "others used 30 %", true);
}

#[test]
fn a_program_that_has_become_asynchronous_is_changed_whatever_a_synthetic_workload_gains() {
    let form = |is_async: bool, model: &'static str| {
        changed(&flip().0, |document| {
            document.recommendation.model = model.to_owned();
            let row = document.fact.iter_mut().find(|row| row.name == "already_async").expect("it is known");
            row.value = FactValue::Flag(is_async);
        })
    };
    let (blocking, asynchronous) = (form(false, "threads"), form(true, "asyncio"));
    check(&blocking, &asynchronous, Verdict::Changed, "has become asynchronous");
    check(&asynchronous, &blocking, Verdict::Changed, "is not asynchronous any more");
    check(&blocking, &form(false, "asyncio"), Verdict::Unchanged, "no signal of the code moved");
    // Its own trials say what keeping the old form costs.
    let own = |document: &Document| {
        changed(document, |document| {
            document.recommendation.evidence = Some("task".to_owned());
            document.trial.iter_mut().for_each(|trial| trial.evidence = "task".to_owned());
        })
    };
    check(&own(&blocking), &own(&asynchronous), Verdict::Inconclusive, "in the baseline it may have gained");
}

/// The downloads as a function of one's own, which any model may run; processes did with that speed-up and range, or
/// not at all.
fn beside_processes(ran: Option<(f64, f64)>) -> Document {
    changed(&flip().0, |document| {
        document.recommendation.evidence = Some("task".to_owned());
        document.trial.iter_mut().for_each(|trial| trial.evidence = "task".to_owned());
        let threads = document.trial.iter().find(|trial| trial.model == "threads").expect("they ran").clone();
        document.trial.retain(|trial| trial.model != "processes");
        document.trial.extend(ran.map(|(speedup, high)| crate::report::schema::Trial {
            model: "processes".to_owned(),
            workers: 2,
            start_method: Some("fork".to_owned()),
            speedup: Some(speedup),
            speedup_low: Some(speedup),
            speedup_high: Some(high),
            ..threads
        }));
    })
}

#[test]
fn what_may_have_been_the_answer_all_along_is_no_change() {
    let (_, primes) = flip();
    let check = |ran, verdict, reason| super::check(&beside_processes(ran), &primes, verdict, reason);
    check(Some((2.0, 2.1)), Verdict::Changed, "the answer was threads");
    let judged = check(Some((14.0, 40.0)), Verdict::Inconclusive, "in the baseline it may have gained");
    assert!(!judged.run_again, "another run changes nothing about the baseline: {judged:#?}");
    check(None, Verdict::Inconclusive, "was not tried in the baseline, so it may have been the answer then");
    let useless = changed(&beside_processes(None), |document| {
        let ran = document.trial.last().expect("a trial").clone();
        document.trial.push(crate::report::schema::Trial {
            model: "processes".to_owned(),
            outcome: "not-applicable".to_owned(),
            reason: Some("its results are larger than its work".to_owned()),
            speedup: None,
            ..ran
        });
    });
    super::check(&useless, &primes, Verdict::Changed, "the answer was threads");
}

#[test]
fn what_one_of_two_runs_did_not_get_to_know_is_no_change() {
    let form = |known: bool, model: &'static str| {
        changed(&flip().0, |document| {
            document.recommendation.model = model.to_owned();
            document.recommendation.admits = vec![model.to_owned()];
            let row = document.fact.iter_mut().find(|row| row.name == "already_async").expect("it is known");
            row.value = FactValue::Flag(true);
            document.fact.retain(|row| known || row.name != "already_async");
            set(document, "wait_share", if known { 0.9 } else { 0.99 });
        })
    };
    let reason = "does not know already_async: were it yes, as in the other, the answer would be asyncio";
    let judged = check(&form(true, "asyncio"), &form(false, "threads"), Verdict::Inconclusive, reason);
    assert!(judged.run_again, "{judged:#?}");
    let judged = check(&form(false, "threads"), &form(true, "asyncio"), Verdict::Inconclusive, reason);
    assert!(!judged.run_again, "another run changes nothing about the baseline: {judged:#?}");
}

#[test]
fn where_the_machine_moved_and_no_signal_did_it_is_the_machine() {
    let own = |change: &dyn Fn(&mut Document)| {
        changed(&beside_processes(Some((2.0, 2.1))), |document| {
            document.recommendation.model = "processes".to_owned();
            document.recommendation.workers = 2;
            document.recommendation.start_method = Some("fork".to_owned());
            for trial in document.trial.iter_mut().filter(|trial| trial.model == "processes") {
                (trial.speedup, trial.speedup_low, trial.speedup_high) = (Some(30.0), Some(30.0), Some(30.0));
            }
            change(document);
        })
    };
    let baseline = beside_processes(Some((2.0, 2.1)));
    check(&baseline, &own(&|_| ()), Verdict::Changed, "processes at 2");
    let busy = own(&|document| set(document, "elsewhere_share", 0.2));
    check(&baseline, &busy, Verdict::Inconclusive, "no signal of the code moved, and the machine did while this run");
    let uneven = own(&|document| {
        let one = document.trial.iter_mut().find(|trial| trial.model == "sequential").expect("it ran");
        (one.speedup_low, one.speedup_high) = (Some(0.6), Some(1.0));
    });
    check(&baseline, &uneven, Verdict::Inconclusive, "the machine did while this run");
}
