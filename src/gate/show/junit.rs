//! Test results as most CI systems read them: a case for each target. What fails the gate is a failure; what could not
//! be told is skipped, with its reason.

use super::Outcome;
use crate::gate::verdict::{Judgement, Verdict};
use crate::report::escape::xml;

/// The document.
pub fn render(outcome: &Outcome) -> String {
    let failures = outcome.judgements.iter().filter(|judged| judged.fails()).count();
    let skipped = outcome.judgements.iter().filter(|judged| is_open(judged)).count();
    let cases: String = outcome.judgements.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"concadvise gate\" tests=\"{}\" \
         failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\">\n{cases}  </testsuite>\n</testsuites>\n",
        outcome.judgements.len()
    )
}

fn is_open(judged: &Judgement) -> bool {
    matches!(judged.verdict, Verdict::Inconclusive | Verdict::Incomparable)
}

fn case(judged: &Judgement) -> String {
    let head = format!("    <testcase classname=\"concadvise.gate\" name=\"{}\"", xml(&judged.target));
    let why = xml(&[judged.reasons.as_slice(), &judged.todo].concat().join(". "));
    let verdict = judged.verdict.name();
    if judged.fails() {
        format!("{head}>\n      <failure type=\"{verdict}\" message=\"{why}\"/>\n    </testcase>\n")
    } else if is_open(judged) {
        format!("{head}>\n      <skipped message=\"{verdict}: {why}\"/>\n    </testcase>\n")
    } else {
        format!("{head}>\n      <system-out>{verdict}: {why}</system-out>\n    </testcase>\n")
    }
}
