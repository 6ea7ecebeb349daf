//! Verdicts as the issue words them, one row for each sentence, on the reports that the samples lead to.

use super::current::Current;
use super::judge::judge;
use super::policy::{Policy, Thresholds};
use super::record::Record;
use super::verdict::{Drift, Judgement, Verdict};
use super::{Baseline, wire};
use crate::report::schema::{Document, FactValue, Finding, Notice};
use crate::report::toml::read;
use crate::rules::Rules;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The reports that the samples' recordings lead to, by name.
static SAMPLES: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let entries = fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("an entry").path());
    let report = |folder: PathBuf| {
        let text = fs::read_to_string(folder.join("expected.toml")).expect("a sample");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        (name, read(&text).expect("a report"))
    };
    entries.filter(|path| path.is_dir()).map(report).collect()
});

/// A way to change a report.
type Change = fn(&mut Document);

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);

fn sample(name: &str) -> Document {
    SAMPLES[name].clone()
}

fn samples() -> Vec<String> {
    SAMPLES.keys().cloned().collect()
}

fn run(document: &Document) -> Current {
    Current::of(document).expect("a run").named("target")
}

fn judged(baseline: &Document, runs: &[Document], rules: &Rules) -> Judgement {
    let runs: Vec<Current> = runs.iter().map(run).collect();
    judge(&run(baseline).record, &runs, rules, Policy::Fail, &Thresholds::default()).expect("there are runs")
}

/// The verdict on the second report beside the first, with a part of a reason.
fn check(baseline: &Document, current: &Document, verdict: Verdict, reason: &str) -> Judgement {
    let judged = judged(baseline, std::slice::from_ref(current), &RULES);
    assert_eq!(judged.verdict, verdict, "{judged:#?}");
    let all = [judged.reasons.clone(), judged.todo.clone()].concat().join(" | ");
    assert!(all.contains(reason), "{reason:?} is not in {all}");
    judged
}

fn changed(document: &Document, change: impl FnOnce(&mut Document)) -> Document {
    let mut document = document.clone();
    change(&mut document);
    document
}

fn set(document: &mut Document, name: &str, value: f64) {
    let row = document.fact.iter_mut().find(|row| row.name == name).expect("it is known");
    (row.value, row.low, row.high) = (FactValue::Number(value), None, None);
}

/// Every repeat as long as the median, and nobody else: a quiet machine.
fn quiet(document: &mut Document) {
    set(document, "elsewhere_share", 0.0);
    for trial in &mut document.trial {
        (trial.speedup_low, trial.speedup_high, trial.repeats) = (trial.speedup, trial.speedup, Some(5));
    }
}

/// Sixteen downloads one after another, and the same work as computing: an injected change that truly flips the model.
fn flip() -> (Document, Document) {
    (changed(&sample("downloads"), quiet), changed(&sample("primes"), quiet))
}

#[test]
fn a_report_beside_itself_is_unchanged() {
    for name in samples() {
        let document = sample(&name);
        let judged = judged(&document, &[document.clone(), document.clone()], &RULES);
        assert_eq!(judged.verdict, Verdict::Unchanged, "{name}: {judged:#?}");
        assert!(judged.drift.is_empty() && judged.moved.is_empty(), "{name}: {judged:#?}");
    }
}

#[test]
fn what_flips_the_best_model_is_changed_and_of_the_code() {
    let (downloads, primes) = flip();
    for (baseline, current) in [(&downloads, &primes), (&primes, &downloads)] {
        let judged = check(baseline, current, Verdict::Changed, "accept it with concadvise gate --update");
        assert!(judged.fails() && judged.drift == [Drift::Code], "{judged:#?}");
        assert!(judged.moved.iter().any(|moved| moved.signal == "wait_share"), "{judged:#?}");
    }
}

#[test]
fn workers_within_half_as_many_again_are_the_same_answer() {
    let baseline = sample("downloads");
    let fewer = changed(&baseline, |document| {
        document.recommendation.workers = 14;
        document.recommendation.workers_policy = "min(tasks, 14)".to_owned();
    });
    check(&baseline, &fewer, Verdict::Unchanged, "the answer is still threads");
}

#[test]
fn what_the_same_answer_gains_is_only_compared_as_far_as_others_let_it_be() {
    let (baseline, _) = flip();
    let faster = changed(&baseline, |document| {
        for trial in document.trial.iter_mut().filter(|trial| trial.model == "threads") {
            let more = |speedup: Option<f64>| speedup.map(|speedup| speedup * 2.0);
            (trial.speedup, trial.speedup_low) = (more(trial.speedup), more(trial.speedup_low));
            trial.speedup_high = more(trial.speedup_high);
        }
    });
    check(&baseline, &faster, Verdict::Improved, "where it gained");
    check(&faster, &baseline, Verdict::Warn, "but gains");
    let busy = changed(&baseline, |document| {
        set(document, "cpu_share", 0.5);
        set(document, "elsewhere_share", 0.8);
    });
    check(&busy, &faster, Verdict::Unchanged, "the answer is still threads");
    check(&faster, &busy, Verdict::Unchanged, "the answer is still threads");
}

#[test]
fn an_effect_below_ten_per_cent_is_a_warning() {
    let (baseline, _) = flip();
    let little = changed(&baseline, |document| {
        document.recommendation.model = "asyncio".to_owned();
        let threads = document.recommendation.speedup.expect("it was tried");
        for trial in document.trial.iter_mut().filter(|trial| trial.model == "asyncio") {
            (trial.speedup, trial.speedup_low, trial.speedup_high) = (Some(threads * 1.08), None, None);
        }
    });
    check(&baseline, &little, Verdict::Warn, "gains 8 %");
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
    let judged = check(&primes, &more, Verdict::Warn, "no signal of the code moved");
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
fn what_cannot_be_compared_is_said() {
    let (downloads, primes) = flip();
    let cases: [(Change, &str); 5] = [
        (|document| document.host.arch = "aarch64".to_owned(), "made on aarch64"),
        (|document| document.target.gil = Some(false), "free-threaded"),
        (|document| document.target.runtime = "native".to_owned(), "is native"),
        (|document| set(document, "cpus_usable", 1.0), "needs 2 CPUs"),
        (
            |document| {
                let message = "CPU time was taken away during the run: a quota stopped it".to_owned();
                document.notice.push(Notice { code: "throttled".to_owned(), message });
            },
            "a quota stopped it",
        ),
    ];
    for (change, reason) in cases {
        let (baseline, current) = match reason {
            "made on aarch64" => (changed(&primes, change), downloads.clone()),
            reason => (primes.clone(), if reason.contains("CPUs") { primes.clone() } else { downloads.clone() }),
        };
        let current = if reason == "made on aarch64" { current } else { changed(&current, change) };
        check(&baseline, &current, Verdict::Incomparable, reason);
    }
}

#[test]
fn drift_of_the_rules_or_the_machine_warns_and_fails_nothing() {
    let (_, primes) = flip();
    // The baseline's rules left threads to choose from alone; today's, asked with its signals, do not.
    let other_rules = changed(&primes, |document| {
        document.rules_hash = "0123456789abcdef".to_owned();
        document.recommendation.model = "threads".to_owned();
        document.recommendation.admits = vec!["threads".to_owned()];
        document.recommendation.start_method = None;
        document.recommendation.chunk_size = None;
    });
    let judged = check(&other_rules, &primes, Verdict::Warn, "rules drifted, not the code");
    assert_eq!(judged.drift, [Drift::Rules]);
    // Twelve CPUs to two: what is said is of this machine, and no signal of the code moved.
    let large = changed(&primes, |document| {
        set(document, "cpus_usable", 12.0);
        document.recommendation.model = "interpreters".to_owned();
        document.recommendation.workers = 12;
    });
    let judged = check(&large, &primes, Verdict::Warn, "drifted");
    assert!(!judged.fails() && !judged.drift.contains(&Drift::Code), "{judged:#?}");
}

fn error(line: u64) -> Finding {
    Finding {
        code: "CON204".to_owned(),
        level: "error".to_owned(),
        path: "app.py".to_owned(),
        line,
        qualified_name: Some("main".to_owned()),
        message: "no guard".to_owned(),
        evidence: "source".to_owned(),
    }
}

#[test]
fn new_errors_fail_moved_ones_do_not_and_gone_ones_are_an_improvement() {
    let clean = sample("primes");
    let with =
        |lines: &[u64]| changed(&clean, |document| document.finding.extend(lines.iter().map(|line| error(*line))));
    let judged = check(&clean, &with(&[7]), Verdict::Changed, "CON204 in app.py, main (1 more)");
    assert_eq!((judged.new_errors.len(), judged.drift), (1, vec![Drift::Code]));
    check(&with(&[7]), &with(&[7, 9]), Verdict::Changed, "1 more");
    check(&with(&[7]), &with(&[70]), Verdict::Unchanged, "still");
    check(&with(&[7]), &clean, Verdict::Improved, "defects are gone");
    let warned = changed(&with(&[7]), |document| document.finding[0].level = "warning".to_owned());
    check(&clean, &warned, Verdict::Unchanged, "still");
}

#[test]
fn what_a_verdict_may_do_is_the_teams_to_say() {
    let (downloads, primes) = flip();
    let (baseline, current) = (run(&downloads).record, [run(&primes)]);
    for (policy, fails) in [(Policy::Fail, true), (Policy::Warn, false)] {
        let judged = judge(&baseline, &current, &RULES, policy, &Thresholds::default()).expect("a run");
        assert_eq!((judged.verdict, judged.fails()), (Verdict::Changed, fails));
    }
    let lenient = Thresholds { gain: 50.0, ..Thresholds::default() };
    let judged = judge(&baseline, &current, &RULES, Policy::Fail, &lenient).expect("a run");
    assert_eq!(judged.verdict, Verdict::Warn, "{judged:#?}");
}

/// Targets of every sample, by name.
fn all() -> Vec<Record> {
    samples().iter().map(|name| Current::of(&sample(name)).expect("a run").named(name).record).collect()
}

#[test]
fn a_baseline_reads_back_as_it_was_and_is_small() {
    let baseline = Baseline::of(all());
    let text = wire::write(&baseline);
    assert_eq!(wire::read("b.toml", &text).as_ref(), Ok(&baseline));
    assert_eq!(wire::write(&wire::read("b.toml", &text).expect("ours")), text);
    assert!(text.len() / baseline.targets().len() < 6000, "{} bytes of {text}", text.len());
}

/// Any report of ours: a sample's, with what a measurement may change in it changed, and what people name.
fn any_report() -> impl Strategy<Value = Document> {
    let advice = (
        prop::sample::select(crate::trial::model::Model::ALL.map(|model| model.name()).to_vec()),
        1u64..2000,
        prop::sample::select(vec!["cpus", "1", "min(cpus, 3)", "min(tasks, 12)", "77", "?"]),
        any::<bool>(),
    );
    let measured = (
        prop::collection::vec((any::<prop::sample::Index>(), 0.0..1.0f64, 0.0..1.0f64), 0..12),
        prop::collection::vec((1e-3..1e3f64, 0.0..0.9f64, 1u64..9), 40),
        1u64..300,
    );
    let run = (any::<bool>(), 0..3i32, any::<bool>(), prop::sample::select(vec!["", "inconclusive", "mixed"]));
    let named = prop::collection::vec(("\\PC{0,9}", any::<String>(), 0u64..9, any::<bool>()), 0..5);
    (prop::sample::select(samples()), advice, measured, run, named).prop_map(|(name, advice, measured, run, named)| {
        changed(&sample(&name), |document| {
            let ((model, workers, policy, evidence), (facts, trials, cpus)) = (advice, measured);
            let (complete, status, throttled, class) = run;
            document.recommendation.model = model.to_owned();
            document.recommendation.workers = workers;
            document.recommendation.workers_policy = policy.to_owned();
            if !evidence {
                document.recommendation.evidence = None;
            }
            for (at, value, spread) in facts {
                let row = at.get(&document.fact).name.clone();
                let row = document.fact.iter_mut().find(|other| other.name == row).expect("it is there");
                match &mut row.value {
                    FactValue::Number(number) if *number <= 1.0 => *number = value,
                    FactValue::Number(number) => *number *= 1.0 + value,
                    FactValue::Flag(flag) => *flag = value < 0.5,
                    FactValue::Word(_) => {}
                }
                (row.low, row.high) = (Some(value * spread), Some(value));
            }
            for (trial, (speedup, spread, repeats)) in document.trial.iter_mut().zip(trials) {
                (trial.speedup, trial.repeats) = (Some(speedup), Some(repeats));
                trial.speedup_low = Some(speedup * (1.0 - spread));
                trial.speedup_high = Some(speedup * (1.0 + spread)).filter(|_| repeats > 1);
            }
            if let Some(row) = document.fact.iter_mut().find(|row| row.name == "cpus_usable") {
                row.value = FactValue::Number(cpus as f64);
            }
            (document.complete, document.target.exit_code) = (complete, Some(status));
            if !class.is_empty() {
                document.classification.class = class.to_owned();
            }
            if throttled {
                document.notice.push(Notice { code: "throttled".to_owned(), message: "a quota".to_owned() });
            }
            document.finding.extend(named.into_iter().map(|(code, path, line, error)| Finding {
                code,
                level: if error { "error" } else { "warning" }.to_owned(),
                path,
                line,
                ..super::tests::error(line)
            }));
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn neither_file_nor_verdicts_depend_on_the_order_of_targets(order in Just(all()).prop_shuffle()) {
        prop_assert_eq!(wire::write(&Baseline::of(order)), wire::write(&Baseline::of(all())));
    }

    #[test]
    fn any_report_of_ours_beside_itself_is_unchanged(document in any_report(), runs in 1usize..4) {
        let judged = judged(&document, &vec![document.clone(); runs], &RULES);
        let expected =
            if document.target.exit_code == Some(0) { Verdict::Unchanged } else { Verdict::Inconclusive };
        prop_assert_eq!(judged.verdict, expected, "{:#?}", judged);
        prop_assert!(!judged.fails() && judged.runs == runs);
        prop_assert!(judged.new_errors.is_empty() && judged.gone.is_empty() && judged.moved.is_empty());
    }

    #[test]
    fn a_baseline_of_any_report_reads_back_and_is_written_as_the_same_bytes(
        documents in prop::collection::vec((any_report(), "\\PC{1,20}"), 1..4),
    ) {
        let record = |(document, name): &(Document, String)| Current::of(document).expect("a run").named(name).record;
        let baseline = Baseline::of(documents.iter().map(record));
        let text = wire::write(&baseline);
        let read = wire::read("b.toml", &text);
        prop_assert_eq!(read.as_ref(), Ok(&baseline), "{}", text);
        prop_assert_eq!(wire::write(&read.expect("ours")), text);
    }

    #[test]
    fn the_order_of_runs_decides_nothing(
        baseline in any_report(),
        runs in prop::collection::vec(any_report(), 2..4),
    ) {
        let said = |runs: &[Document]| {
            let judged = judged(&baseline, runs, &RULES);
            (judged.verdict, judged.fails(), judged.runs)
        };
        let back: Vec<Document> = runs.iter().rev().cloned().collect();
        prop_assert_eq!(said(&runs), said(&back));
    }
}
