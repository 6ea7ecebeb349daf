//! What holds for any report, and for the file that is committed.

use super::super::record::Record;
use super::super::{Baseline, wire};
use super::*;
use proptest::prelude::*;

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
                ..super::error(line)
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
