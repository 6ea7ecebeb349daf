//! [`together`]: what the runs of one target come to. One that says that the answer changed must be confirmed by
//! another; one that cannot tell says nothing for or against it; and where they contradict each other nothing fails.

use super::gain::Gain;
use super::policy::Thresholds;
use super::verdict::{Drift, Judgement, Verdict};
use super::weigh::MEANT;

/// Runs that must say so for a change, where the first can be confirmed.
const CONFIRMED: usize = 2;

/// How one run speaks of a change of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    For,
    Against,
    /// It cannot tell, or another run might tell otherwise.
    Open,
}

fn voice(judged: &Judgement) -> Voice {
    match judged.verdict {
        Verdict::Changed => Voice::For,
        Verdict::Inconclusive | Verdict::Incomparable => Voice::Open,
        Verdict::Unchanged | Verdict::Improved | Verdict::Warn if judged.run_again => Voice::Open,
        Verdict::Unchanged | Verdict::Improved | Verdict::Warn => Voice::Against,
    }
}

/// The verdict of all the runs, in any order of them; `None` without any.
pub(super) fn together(each: Vec<Judgement>, thresholds: &Thresholds) -> Option<Judgement> {
    let count = each.len();
    let failed = each.iter().find_map(|one| one.failed.clone());
    let again = each.iter().any(|one| one.run_again);
    let errors = each.iter().any(|one| !one.new_errors.is_empty());
    let of = |wanted| each.iter().filter(|one| voice(one) == wanted).count();
    let (changed, against) = (of(Voice::For), of(Voice::Against));
    let confirmed = against == 0 && changed > 0 && changed >= CONFIRMED.min(count);
    let pooled = pooled(&each, thresholds).filter(|_| against == 0 && !confirmed);
    let speaks = |one: &Judgement| match () {
        () if errors => !one.new_errors.is_empty(),
        () if pooled.is_some() => one.gain.is_some(),
        () if changed > 0 => voice(one) == Voice::For,
        () if against > 0 => voice(one) == Voice::Against,
        () => true,
    };
    // The worst; of equal ones the first.
    let mut said = each.into_iter().filter(speaks).rev().max_by_key(|one| one.verdict)?;
    (said.runs, said.failed) = (count, failed);
    said.run_again = again && !errors && against == 0 && pooled.is_none() && changed < CONFIRMED;
    match pooled {
        _ if errors => {}
        Some(gain) => said.changes(gain),
        None if confirmed && count == 1 => {}
        None if confirmed => {
            let of_all = if changed < count { format!(" of {count}") } else { String::new() };
            said.reasons.push(format!("{changed}{of_all} runs agree on it"));
        }
        None if changed > 0 && against > 0 => said.doubted(
            format!("{changed} of {count} runs said that the answer changed, so the target is flaky"),
            format!("{} keeps its old answer; make its runs more alike, or longer", said.target),
        ),
        None if changed > 0 => said.doubted(
            format!("{changed} of {count} runs said that the answer changed, and the others cannot tell"),
            "a quieter machine, a larger --budget or longer runs would tell".to_owned(),
        ),
        None => {}
    }
    Some(said)
}

/// What the runs gain together by changing to the same model, where each may gain something and no single one need be
/// sure of it; `None` where all of them together are not.
fn pooled(each: &[Judgement], thresholds: &Thresholds) -> Option<Gain> {
    let lean: Vec<&Judgement> = each.iter().filter(|one| one.gain.is_some() && voice(one) != Voice::Against).collect();
    let model = lean.first()?.after.model;
    let gains: Vec<Gain> = lean.iter().filter_map(|one| one.gain).collect();
    let gain = Gain::pooled(&gains).filter(|_| lean.iter().all(|one| one.after.model == model))?;
    (gain.low >= 1.0 + thresholds.equivalent && gain.value >= 1.0 + thresholds.gain).then_some(gain)
}

impl Judgement {
    /// It is not to be believed.
    fn doubted(&mut self, reason: String, todo: String) {
        self.verdict = Verdict::Inconclusive;
        self.reasons.insert(0, reason);
        self.todo = vec![todo];
    }

    /// What no run says by itself, all of them say together.
    fn changes(&mut self, gain: Gain) {
        let (old, new, runs) = (&self.before, &self.after, self.runs);
        let (percent, low, high) = ((gain.value - 1.0) * 100.0, gain.low, gain.high);
        self.reasons = vec![format!(
            "the answer was {old} and is {new}, which gains {percent:.0} % ({low:.2}× to {high:.2}×) in {runs} runs together"
        )];
        self.todo = vec![MEANT.to_owned()];
        (self.verdict, self.gain) = (Verdict::Changed, Some(gain));
        if !self.drift.contains(&Drift::Code) {
            self.drift.insert(0, Drift::Code);
        }
    }
}
