//! Verdicts as the issue words them, one row for each sentence, on the reports that the samples lead to. What is not sure
//! enough is `unsure`'s, what holds for any report `properties`'.

mod properties;
mod unsure;

use super::current::Current;
use super::judge::judge;
use super::policy::{Policy, Thresholds};
use super::verdict::{Drift, Judgement, Verdict};
use crate::report::schema::{Document, FactValue, Finding, Notice};
use crate::report::toml::read;
use crate::rules::Rules;
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
