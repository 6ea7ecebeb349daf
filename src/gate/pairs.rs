//! [`judge_pairs`]: two commits that were run here in turn. Every run of the one stands for a baseline beside which every
//! run of the other is judged, and only what all of them agree on is a change.

use super::current::Current;
use super::judge::judge;
use super::policy::{Policy, Thresholds};
use super::verdict::{Judgement, Verdict};
use crate::rules::Rules;

/// How sentences name the one way to accept an answer that there is none of here: nothing is committed.
const ACCEPTING: [&str; 2] = ["gate --update", "baseline"];

/// Runs of a side that must be evidence for a change: one, and one that confirms it.
const CONFIRMED: usize = 2;

/// The verdict on one target from the runs of both sides, at least one each; `None` without.
pub fn judge_pairs(
    bases: &[Current],
    heads: &[Current],
    rules: &Rules,
    policy: Policy,
    thresholds: &Thresholds,
) -> Option<Judgement> {
    let (base, head) = (evidence(bases), evidence(heads));
    let judged = base.iter().map(|base| judge(&base.record, &head, rules, policy, thresholds));
    let each: Vec<Judgement> = judged.collect::<Option<_>>()?;
    let (all, changed) = (each.len(), each.iter().filter(|one| one.verdict == Verdict::Changed).count());
    // The worst; of equal ones the first.
    let mut worst = each.into_iter().rev().max_by_key(|one| (one.verdict, !one.new_errors.is_empty()))?;
    worst.runs = bases.len() + heads.len();
    worst.failed = heads.iter().find_map(|run| run.failed.clone());
    if worst.new_errors.is_empty()
        && let Some(why) = doubt(worst.verdict, [("base", bases), ("head", heads)], changed, all)
    {
        worst.verdict = Verdict::Inconclusive;
        worst.reasons.insert(0, why);
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

/// The runs that are evidence; all of them where none is, or where one failed, which is never set aside.
fn evidence(runs: &[Current]) -> Vec<Current> {
    let sound: Vec<Current> = runs.iter().filter(|run| run.inconclusive().is_none()).cloned().collect();
    if sound.is_empty() || runs.iter().any(|run| run.failed.is_some()) { runs.to_vec() } else { sound }
}

/// Why the verdict is not to be believed.
fn doubt(verdict: Verdict, sides: [(&str, &[Current]); 2], changed: usize, all: usize) -> Option<String> {
    let least = match verdict {
        Verdict::Changed => CONFIRMED,
        // The same answer for want of evidence is no sign that nothing changed.
        Verdict::Unchanged | Verdict::Improved => 1,
        Verdict::Warn | Verdict::Incomparable | Verdict::Inconclusive => return None,
    };
    let few = |(name, runs): (&str, &[Current])| {
        let sound = runs.iter().filter(|run| run.inconclusive().is_none()).count();
        let why = runs.iter().find_map(Current::inconclusive).filter(|_| sound < least)?;
        Some(format!("{sound} of {} runs of the {name} are evidence; of another, {why}", runs.len()))
    };
    let flaky = || format!("beside {changed} of {all} runs of the base the answer changed, so the target is flaky");
    sides.into_iter().find_map(few).or_else(|| (verdict == Verdict::Changed && changed < all).then(flaky))
}

/// Whether one side needs another run: some were evidence, and so another may be, and they are fewer than wanted.
pub fn wants_another(runs: &[Current], wanted: usize) -> bool {
    let sound = runs.iter().filter(|run| run.inconclusive().is_none()).count();
    (1..wanted).contains(&sound) && runs.iter().all(|run| run.failed.is_none())
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
        let one = "1 of 2 runs of the base are evidence; of another, the run";
        check(&[waits(), short()], &other, Verdict::Inconclusive, one, "more --pairs");
        check(&[waits(), short(), waits()], &other, Verdict::Changed, "2 runs agree on it", "merge it all the same");
        check(&[waits(), short()], &two, Verdict::Unchanged, "still threads", "");
        check(&two, &[short(), short()], Verdict::Inconclusive, "0 of 2 runs of the head are evidence", "more --pairs");
        let fails = |run: &mut Current| run.failed = Some("ended with status 1".to_owned());
        let failing = [computes(), run("primes", fails)];
        check(&two, &failing, Verdict::Inconclusive, "1 of 2 runs", "");
        for (runs, another) in [(&two[..], false), (&[waits(), short()], true), (&[short()], false), (&failing, false)]
        {
            assert_eq!(wants_another(runs, 2), another, "{runs:#?}");
        }
        assert_eq!(judge_pairs(&two, &[], &Rules::embedded(), Policy::Fail, &Thresholds::default()), None);
    }
}
