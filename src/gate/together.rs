//! [`together`]: what the runs of one target come to. One that says that the answer changed must be confirmed by
//! another; one that cannot tell says nothing for or against it; and where they contradict each other nothing fails.

use super::verdict::{Judgement, Verdict};

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
pub(super) fn together(each: Vec<Judgement>) -> Option<Judgement> {
    let count = each.len();
    let failed = each.iter().find_map(|one| one.failed.clone());
    let with_errors = each.iter().position(|one| !one.new_errors.is_empty());
    let of = |wanted| each.iter().filter(|one| voice(one) == wanted).count();
    let (changed, against) = (of(Voice::For), of(Voice::Against));
    let speaks = match (changed, against) {
        (0, 0) => Voice::Open,
        (0, _) => Voice::Against,
        _ => Voice::For,
    };
    let again = each.iter().any(|one| one.run_again);
    let mut each = each;
    let mut said = match with_errors {
        Some(place) => each.swap_remove(place),
        // The worst of those who speak; of equal ones the first.
        None => each.into_iter().filter(|one| voice(one) == speaks).rev().max_by_key(|one| one.verdict)?,
    };
    said.runs = count;
    said.failed = failed;
    said.run_again = with_errors.is_none() && again && against == 0 && changed < CONFIRMED;
    if with_errors.is_some() || changed == 0 {
        return Some(said);
    }
    if against > 0 {
        said.doubted(
            format!("{changed} of {count} runs said that the answer changed, so the target is flaky"),
            format!("{} keeps its old answer; make its runs more alike, or longer", said.target),
        );
    } else if changed < CONFIRMED.min(count) {
        said.doubted(
            format!("{changed} of {count} runs said that the answer changed, and the others cannot tell"),
            "a quieter machine, a larger --budget or longer runs would tell".to_owned(),
        );
    } else if changed > 1 {
        let of_all = if changed < count { format!(" of {count}") } else { String::new() };
        said.reasons.push(format!("{changed}{of_all} runs agree on it"));
    }
    Some(said)
}

impl Judgement {
    /// It is not to be believed.
    fn doubted(&mut self, reason: String, todo: String) {
        self.verdict = Verdict::Inconclusive;
        self.reasons.insert(0, reason);
        self.todo = vec![todo];
    }
}
