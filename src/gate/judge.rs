//! [`judge`]: what a run says beside the baseline, target by target, and why. Only drift of the code fails.
//!
//! In order: what cannot be compared; the same answer; drift of rules or machine; what is not sure enough to judge. What
//! is left is another answer because of the code, which `weigh` weighs. What several runs of one target come to is
//! `together`'s.

use super::current::Current;
use super::findings::{gone, new_errors};
use super::gain::{Gain, ratio};
use super::policy::{Policy, Thresholds};
use super::record::{Choice, Point, Record, Signal};
use super::replay::{Replayed, replay};
use super::together::together;
use super::verdict::{Drift, Judgement, Moved, Verdict};
use crate::report::schema::Finding;
use crate::rules::Rules;
use crate::rules::facts::Value;
use crate::trial::model::Model;

/// How many times the same setting must gain more or less to be worth a word: speed-ups measured again some other day
/// differ by less. Ours.
const CLEARLY: f64 = 1.5;

/// How far a share that was not resampled must move to have moved, each way. Ours; as `doubt` has it.
const MOVED: f64 = 0.05;

/// Signals that the code alone sets; the others depend on the machine too, or on who else uses it.
const OF_CODE: [&str; 5] = ["cpu_share", "disk_share", "gil_share", "network_share", "wait_share"];

/// Signals that say how it was measured, not what.
const OF_MEASURING: [&str; 3] = ["class_confidence", "elsewhere_share", "runnable_share"];

/// The verdict on one target from its runs, at least one; `None` without any.
pub fn judge(
    baseline: &Record,
    runs: &[Current],
    rules: &Rules,
    policy: Policy,
    thresholds: &Thresholds,
) -> Option<Judgement> {
    let judged = runs.iter().map(|run| Case { baseline, current: run, rules, thresholds }.judgement(policy));
    together(judged.collect(), thresholds)
}

/// One run beside the baseline.
pub(super) struct Case<'a> {
    pub baseline: &'a Record,
    pub current: &'a Current,
    pub rules: &'a Rules,
    pub thresholds: &'a Thresholds,
}

/// A verdict on one run, with its reasons.
pub(super) struct Said {
    pub verdict: Verdict,
    pub reasons: Vec<String>,
    pub todo: Vec<String>,
    /// What changing would gain, where that was asked.
    pub gain: Option<Gain>,
    /// Whether another run may say something else.
    pub again: bool,
}

impl Said {
    /// Another run may say something else, or confirm it.
    pub fn again(self, again: bool) -> Self {
        Self { again, ..self }
    }

    /// With what changing would gain.
    pub fn gaining(self, gain: Gain) -> Self {
        Self { gain: Some(gain), ..self }
    }
}

/// A verdict that every other run would say too, with one reason, and what to do where there is something.
pub(super) fn said(verdict: Verdict, reason: String, todo: &str) -> Said {
    let todo = if todo.is_empty() { Vec::new() } else { vec![todo.to_owned()] };
    Said { verdict, reasons: vec![reason], todo, gain: None, again: false }
}

impl Case<'_> {
    fn judgement(&self, policy: Policy) -> Judgement {
        let Self { baseline, current, rules, .. } = *self;
        let here = &current.record.ground;
        let by_rules = replay(baseline, rules, &baseline.ground);
        let then = replay(baseline, rules, here);
        let now = replay(&current.record, rules, here);
        let mut drift = Vec::new();
        if !self.alike(&by_rules.choice, &baseline.choice) {
            drift.push(Drift::Rules);
        }
        if !self.alike(&then.choice, &by_rules.choice) {
            drift.push(Drift::Machine);
        }
        let moved = self.moved();
        let Said { mut verdict, mut reasons, mut todo, gain, again } = self.verdict(&then, &now, &drift, &moved);
        if matches!(verdict, Verdict::Changed) {
            drift.insert(0, Drift::Code);
        }
        let new = new_errors(baseline, current);
        let gone = gone(baseline, current);
        if !new.is_empty() {
            verdict = Verdict::Changed;
            drift.insert(usize::from(drift.contains(&Drift::Code)), Drift::Code);
            drift.dedup();
            let names: Vec<String> = new.iter().map(|(key, more)| format!("{key} ({more} more)")).collect();
            reasons.insert(0, format!("there are errors that the baseline does not have: {}", names.join("; ")));
            todo.insert(0, format!("`concadvise explain {}` says how to mend it", new[0].0.code));
        } else if verdict == Verdict::Unchanged && !gone.is_empty() {
            verdict = Verdict::Improved;
            let names: Vec<String> = gone.iter().map(ToString::to_string).collect();
            reasons.push(format!("defects are gone: {}", names.join("; ")));
            todo.push("accept that with concadvise gate --update, so that they stay gone".to_owned());
        }
        let is_new = |found: &&Finding| found.level == "error" && new.iter().any(|(key, _)| *key == found.key());
        Judgement {
            target: baseline.name.clone(),
            verdict,
            policy,
            before: baseline.choice.clone(),
            after: now.choice,
            drift,
            gain,
            reasons,
            todo,
            moved,
            new_errors: current.findings.iter().filter(is_new).cloned().collect(),
            gone,
            failed: current.failed.clone(),
            runs: 1,
            run_again: again,
        }
    }

    fn verdict(&self, then: &Replayed, now: &Replayed, drift: &[Drift], moved: &[Moved]) -> Said {
        let Self { baseline, current, .. } = *self;
        if let Some(why) = self.incomparable() {
            let todo = "compare where the baseline was made, or make one here with concadvise gate --update";
            return said(Verdict::Incomparable, why, todo);
        }
        if let Some(how) = &current.failed {
            let reason = format!("the target {how}, so what it showed may be its failing and not its work");
            return said(Verdict::Inconclusive, reason, "run it where it succeeds");
        }
        if self.as_good(&now.choice, &baseline.choice) {
            return self.same(&now.choice);
        }
        if self.as_good(&now.choice, &then.choice) {
            let drifted: Vec<&str> = drift.iter().map(|drift| drift.name()).collect();
            let reason = format!(
                "the baseline's own signals lead to {} today, as these do: {} drifted, not the code",
                then.choice,
                drifted.join(" and ")
            );
            return said(Verdict::Warn, reason, "accept the new answer with concadvise gate --update");
        }
        if let Some(how) = &current.disturbed {
            let todo = "compare on a machine that is not throttled";
            return said(Verdict::Incomparable, how.clone(), todo).again(true);
        }
        if let Some(why) = current.inconclusive() {
            return said(Verdict::Inconclusive, why, "").again(current.may_be_told_again());
        }
        let unsettled = baseline.facts.get("class") == Some(&Value::Label("inconclusive"));
        if baseline.admitted.evidence.is_none() || unsettled && !baseline.admitted.own_times() {
            let reason = "the baseline's own evidence was inconclusive".to_owned();
            return said(Verdict::Inconclusive, reason, "accept a conclusive run with concadvise gate --update");
        }
        let of_code = moved.iter().any(|moved| OF_CODE.contains(&moved.signal.as_str()));
        if !current.record.ground.is_as_large(&baseline.ground) && !of_code {
            let reason = format!(
                "the answer is {} on {} CPUs and was {} on {}, and no signal of the code moved: the machine drifted",
                now.choice,
                cpus(current.record.ground.capacity()),
                baseline.choice,
                cpus(baseline.ground.capacity())
            );
            return said(Verdict::Warn, reason, "make the baseline on a machine of this size");
        }
        self.weighed(then, now, of_code)
    }

    /// Why the two cannot be compared, whatever they say.
    fn incomparable(&self) -> Option<String> {
        let (there, here) = (&self.baseline.ground, &self.current.record.ground);
        if there.arch != here.arch {
            return Some(format!("the baseline was made on {} and this is {}", there.arch, here.arch));
        }
        if there.runtime != here.runtime {
            return Some(format!("the baseline is of a {} target and this one is {}", there.runtime, here.runtime));
        }
        if let (Some(then), Some(now)) = (there.gil, here.gil)
            && then != now
        {
            let build = |gil| if gil { "with the GIL" } else { "without it (free-threaded)" };
            return Some(format!("the baseline's interpreter is built {} and this one {}", build(then), build(now)));
        }
        let choice = &self.baseline.choice;
        let few = choice.wants_cpus() && here.cpus() < 2 && there.cpus() > here.cpus();
        few.then(|| {
            format!("the baseline says {choice}, which needs 2 CPUs, and this machine lets it use {}", here.cpus())
        })
    }

    /// The same answer: whether it is worth as much as it was.
    fn same(&self, choice: &Choice) -> Said {
        let Self { baseline, current, .. } = *self;
        let (before, after) = (self.worth(baseline, choice), self.worth(&current.record, choice));
        let as_large = current.record.ground.is_as_large(&baseline.ground);
        let reason = format!("the answer is still {choice}");
        match before.zip(after).filter(|_| as_large) {
            Some((before, after)) if after.low > before.high && after.value >= CLEARLY * before.value => {
                let reason = format!("{reason}, and gains {:.2}× where it gained {:.2}×", after.value, before.value);
                said(Verdict::Improved, reason, "")
            }
            Some((before, after)) if after.high < before.low && after.value * CLEARLY <= before.value => {
                let reason = format!("{reason}, but gains {:.2}× where it gained {:.2}×", after.value, before.value);
                said(Verdict::Warn, reason, "look at the signals that moved")
            }
            _ => said(Verdict::Unchanged, reason, ""),
        }
    }

    /// What a choice gains over one task after another, as surely as others let it be told.
    fn worth(&self, record: &Record, choice: &Choice) -> Option<Gain> {
        let point = self.stands_for(record, choice)?;
        let Some(one) = record.best_of(Model::Sequential) else {
            return Some(Gain { value: point.speedup, low: point.low, high: point.high });
        };
        Some(Gain::of(one, &point).beside(record.others(), one, &point))
    }

    /// What a choice gains in a record: as measured, else at most what its model gained with other workers.
    pub fn stands_for(&self, record: &Record, choice: &Choice) -> Option<Point> {
        let cpus = self.current.record.ground.cpus();
        let bound = || record.best_of(choice.model).map(|best| best.at_most(choice.workers_on(cpus)));
        record.point(choice, cpus, self.thresholds.workers).copied().or_else(bound)
    }

    /// The same model with about as many workers.
    pub fn alike(&self, one: &Choice, other: &Choice) -> bool {
        let cpus = self.current.record.ground.cpus();
        one.model == other.model && ratio(one.workers_on(cpus), other.workers_on(cpus)) <= self.thresholds.workers
    }

    /// The same, or equivalent: about as many workers, and little is lost by keeping the old.
    fn as_good(&self, new: &Choice, old: &Choice) -> bool {
        let measured = self.stands_for(&self.current.record, old).zip(self.stands_for(&self.current.record, new));
        let loss = measured.map_or(0.0, |(old, new)| Gain::of(&old, &new).value - 1.0);
        new == old || self.alike(new, old) && loss < self.thresholds.equivalent
    }

    fn moved(&self) -> Vec<Moved> {
        let around = |signal: &Signal| signal.interval.unwrap_or((signal.value - MOVED, signal.value + MOVED));
        let share = |record: &Record| record.signals.get("cpu_share").map_or(1.0, |share| share.value);
        let computing = share(self.baseline).max(share(&self.current.record));
        let apart = |(name, before): (&String, &Signal)| {
            let after = self.current.record.signals.get(name)?;
            let ((low, high), (new_low, new_high)) = (around(before), around(after));
            // Who computes little holds the GIL for little, and is seldom seen to.
            let weight = if name == "gil_share" { computing } else { 1.0 };
            let far = (new_low > high || new_high < low) && (after.value - before.value).abs() * weight >= MOVED;
            far.then(|| Moved { signal: name.clone(), before: before.value, after: after.value })
        };
        let named = self.baseline.signals.iter().filter(|(name, _)| !OF_MEASURING.contains(&name.as_str()));
        let mut moved: Vec<Moved> = named.filter_map(apart).collect();
        moved.sort_by(|one, other| (other.after - other.before).abs().total_cmp(&(one.after - one.before).abs()));
        moved
    }
}

/// `2`, `1.5`.
fn cpus(capacity: f64) -> String {
    format!("{}", (capacity * 10.0).round() / 10.0)
}
