//! [`judge_pairs`]: two commits that were run here in turn. Every run of the one stands for a baseline beside which every
//! run of the other is judged, and only what all of them agree on is a change.

use super::current::Current;
use super::judge::judge;
use super::policy::{Policy, Thresholds};
use super::verdict::{Judgement, Verdict};
use crate::rules::Rules;

/// How sentences name the one way to accept an answer that there is none of here: nothing is committed.
const ACCEPTING: [&str; 2] = ["gate --update", "baseline"];

/// The verdict on one target from the runs of both sides, at least one each; `None` without.
pub fn judge_pairs(
    bases: &[Current],
    heads: &[Current],
    rules: &Rules,
    policy: Policy,
    thresholds: &Thresholds,
) -> Option<Judgement> {
    let judged = bases.iter().map(|base| judge(&base.record, heads, rules, policy, thresholds));
    let each: Vec<Judgement> = judged.collect::<Option<_>>()?;
    let (all, changed) = (each.len(), each.iter().filter(|one| one.verdict == Verdict::Changed).count());
    // The worst; of equal ones the first.
    let mut worst = each.into_iter().rev().max_by_key(|one| (one.verdict, !one.new_errors.is_empty()))?;
    worst.runs = bases.len() + heads.len();
    if worst.verdict == Verdict::Changed && worst.new_errors.is_empty() {
        if let Some(why) = bases.iter().find_map(Current::inconclusive) {
            worst.verdict = Verdict::Inconclusive;
            worst.reasons.insert(0, format!("a run of the base is no evidence: {why}"));
        } else if changed < all {
            worst.verdict = Verdict::Inconclusive;
            let reason =
                format!("beside {changed} of {all} runs of the base the answer changed, so the target is flaky");
            worst.reasons.insert(0, reason);
        }
    }
    if matches!(worst.verdict, Verdict::Unchanged | Verdict::Improved) {
        // The same answer for want of evidence on a side is no sign that nothing changed.
        let none = |runs: &[Current]| {
            let why = runs.first().and_then(Current::inconclusive);
            why.filter(|_| runs.iter().all(|run| run.inconclusive().is_some()))
        };
        for (side, why) in [("base", none(bases)), ("head", none(heads))] {
            let Some(why) = why else { continue };
            worst.verdict = Verdict::Inconclusive;
            worst.reasons.insert(0, format!("no run of the {side} is evidence: {why}"));
        }
    }
    worst.todo.retain(|todo| ACCEPTING.iter().all(|words| !todo.contains(words)));
    let instead = match worst.verdict {
        Verdict::Changed if worst.new_errors.is_empty() => {
            Some("if the change is meant, merge it all the same; else look at what moved")
        }
        Verdict::Inconclusive if worst.todo.is_empty() => {
            Some("more --pairs, a larger --budget or longer runs would tell")
        }
        _ => None,
    };
    worst.todo.extend(instead.map(str::to_owned));
    Some(worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::toml::read;

    fn run(sample: &str, change: impl Fn(&mut Current)) -> Current {
        let path = format!("{}/samples/{sample}/expected.toml", env!("CARGO_MANIFEST_DIR"));
        let document = read(&std::fs::read_to_string(path).expect("a sample")).expect("a report");
        let mut run = Current::of(&document).expect("a run").named("target");
        change(&mut run);
        run
    }

    #[test]
    fn only_what_all_runs_of_both_sides_agree_on_is_a_change() {
        let waits = || run("downloads", |_| ());
        let computes = || run("primes", |_| ());
        let short = || run("downloads", |run| run.complete = false);
        let check = |bases: &[Current], heads: &[Current], verdict, reason: &str, todo: &str| {
            let rules = Rules::embedded();
            let judged =
                judge_pairs(bases, heads, &rules, Policy::Fail, &Thresholds::default()).expect("there are runs");
            let (reasons, todos) = (judged.reasons.join(" | "), judged.todo.join(" | "));
            assert_eq!(judged.verdict, verdict, "{judged:#?}");
            assert!(reasons.contains(reason) && todos.contains(todo), "{reasons}; {todos}");
            assert!(!todos.contains("--update") && judged.runs == bases.len() + heads.len(), "{judged:#?}");
        };
        let (two, other) = ([waits(), waits()], [computes(), computes()]);
        check(&two, &two, Verdict::Unchanged, "the answer is still threads", "");
        check(&two, &other, Verdict::Changed, "2 runs agree on it", "merge it all the same");
        check(&two, &[waits(), computes()], Verdict::Inconclusive, "1 of 2 runs said", "keeps its old answer");
        check(&[waits(), computes()], &other, Verdict::Inconclusive, "beside 1 of 2 runs of the base", "more --pairs");
        check(&[waits(), short()], &other, Verdict::Inconclusive, "a run of the base is no evidence", "more --pairs");
        check(&[waits(), short()], &two, Verdict::Unchanged, "still threads", "");
        check(
            &two,
            &[short(), short()],
            Verdict::Inconclusive,
            "no run of the head is evidence: the run",
            "more --pairs",
        );
        assert_eq!(judge_pairs(&two, &[], &Rules::embedded(), Policy::Fail, &Thresholds::default()), None);
    }
}
