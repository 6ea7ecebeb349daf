//! [`Rules::decide`]: the walk through the tree, once for what was measured and once per replicate.

use super::facts::{Facts, Value};
use super::{Comparison, Decision, Rule, Rules, Step, Tree};
use crate::classify::Class;
use crate::units::Share;

/// What a rule's conditions come to.
enum Verdict {
    Holds,
    Fails,
    /// None is false, and the one on this fact is unknown.
    Undecidable(&'static str),
}

impl Rules {
    /// Walks the tree of the facts' class (of `inconclusive` when the class is unknown). The first rule whose
    /// conditions all hold decides; one with an unknown condition and no false one is passed and recorded.
    pub fn decide(&self, facts: &Facts) -> Decision {
        let tree = self.tree(class_of(facts.get("class")));
        let known = |comparison: &Comparison| facts.get(comparison.fact.name);
        let mut path = facts.class_rests_on.clone();
        let mut passed = Vec::new();
        let mut end = &tree.otherwise;
        for rule in &tree.rules {
            let verdict = judge(rule, known);
            path.extend(steps(rule, &verdict, known));
            match verdict {
                Verdict::Holds => {
                    end = rule;
                    break;
                }
                Verdict::Fails => {}
                Verdict::Undecidable(fact) => passed.push((rule, fact)),
            }
        }
        Decision {
            rule: end.id.clone(),
            admit: end.admit.clone(),
            workers: end.workers,
            reason: facts.fill(&end.reason),
            path,
            confidence: self.agreement(facts, end),
            undecided: passed
                .into_iter()
                .filter(|(rule, _)| !rule.leads_where(end))
                .map(|(rule, fact)| (rule.id.clone(), fact.to_owned()))
                .collect(),
            advice: end.advice.iter().map(|advice| facts.fill(advice)).collect(),
        }
    }

    /// Share of the replicates that end at the same rule.
    fn agreement(&self, facts: &Facts, end: &Rule) -> Share {
        let replicates = facts.replicates();
        let same = (0..replicates)
            .filter(|&replicate| {
                let tree = self.tree(class_of(facts.in_replicate("class", replicate)));
                end_of(tree, facts, replicate).id == end.id
            })
            .count();
        let agreement = if replicates == 0 { Decision::UNREPLICATED } else { same as f64 / replicates as f64 };
        Share::new(agreement).unwrap_or(Share::ZERO)
    }
}

/// Where one replicate's walk ends.
fn end_of<'a>(tree: &'a Tree, facts: &Facts, replicate: usize) -> &'a Rule {
    let known = |comparison: &Comparison| facts.in_replicate(comparison.fact.name, replicate);
    tree.rules.iter().find(|rule| matches!(judge(rule, known), Verdict::Holds)).unwrap_or(&tree.otherwise)
}

/// One false condition settles it whatever is unknown; otherwise one unknown leaves it open.
fn judge(rule: &Rule, known: impl Fn(&Comparison) -> Option<Value>) -> Verdict {
    let mut verdict = Verdict::Holds;
    for comparison in &rule.when {
        match (comparison.holds(known(comparison)), &verdict) {
            (Some(true), _) | (None, Verdict::Undecidable(_)) => {}
            (Some(false), _) => return Verdict::Fails,
            (None, _) => verdict = Verdict::Undecidable(comparison.fact.name),
        }
    }
    verdict
}

/// What settled a rule: all its comparisons when it holds, else the first that is false, or, when none is, the first
/// that is unknown. One that is false flips the rule only when all others hold.
fn steps(rule: &Rule, verdict: &Verdict, known: impl Fn(&Comparison) -> Option<Value>) -> Vec<Step> {
    let held = |comparison: &&Comparison| comparison.holds(known(comparison));
    let settling = match verdict {
        Verdict::Holds => None,
        Verdict::Fails => Some(Some(false)),
        Verdict::Undecidable(_) => Some(None),
    };
    let alone = rule.when.iter().filter(|comparison| held(comparison) != Some(true)).count() == 1;
    let step = |comparison: &Comparison| Step {
        rule: rule.id.clone(),
        fact: comparison.fact.name.to_owned(),
        value: known(comparison).map(|value| value.shown(comparison.fact.kind)),
        threshold: comparison.threshold(),
        held: comparison.holds(known(comparison)),
        flips_at: comparison.flips_at().filter(|_| alone || settling.is_none()),
    };
    match settling {
        None => rule.when.iter().map(step).collect(),
        Some(outcome) => {
            rule.when.iter().find(|comparison| held(comparison) == outcome).map(step).into_iter().collect()
        }
    }
}

fn class_of(value: Option<Value>) -> &'static str {
    match value {
        Some(Value::Label(class)) => class,
        _ => Class::Inconclusive.name(),
    }
}
