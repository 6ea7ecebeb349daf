//! Another answer, because of the code: what changing would be worth, how sure that is, and how near the old answer lies
//! on either side.

use super::current::has_loop;
use super::doubt::{near, unknown};
use super::gain::Gain;
use super::judge::{Case, Said, said};
use super::record::{Choice, Record};
use super::replay::Replayed;
use super::verdict::Verdict;
use crate::rules::facts::Value;
use crate::trial::Evidence;
use crate::trial::model::Model;

/// How many times longer one after another may take than at other times of the same trials for the machine to have been
/// the same. Ours: in `bench/gate`, where a model was the answer by mistake and no signal had moved, it was more.
const SHAKEN: f64 = 1.4;

/// What to do about a changed answer.
pub(super) const MEANT: &str =
    "if the change is meant, accept it with concadvise gate --update; else look at what moved";

impl Case<'_> {
    /// Another answer, because of the code: whether it is worth failing for, and sure.
    /// `moved` is whether a signal of the code did.
    pub fn weighed(&self, then: &Replayed, now: &Replayed, moved: bool) -> Said {
        let Self { current, thresholds, .. } = *self;
        let (old, new) = (&then.choice, &now.choice);
        let answer = format!("the answer was {old} and is {new}");
        let unsure =
            |reason: String, todo: String| said(Verdict::Inconclusive, format!("{answer}, but {reason}"), &todo);
        if let Some(said) = self.near_a_boundary(then, now, &unsure) {
            return said;
        }
        if let Some(why) = current.refused.get(&old.model) {
            let reason = format!("{answer}: {} cannot be used any more ({why})", old.model);
            return said(Verdict::Changed, reason, MEANT).again(true);
        }
        if let Some(became) = self.of_another_form(old.model, new.model) {
            return said(Verdict::Changed, format!("{answer}: the program {became}"), MEANT).again(true);
        }
        if !moved && !self.resized() && (old.model == new.model || self.both_synthetic()) {
            let reason = format!(
                "{answer}: no signal of the code moved, so what differs is the measuring, as it does from one day to \
                 another"
            );
            return said(Verdict::Unchanged, reason, "");
        }
        if !moved
            && !self.resized()
            && let Some((whose, again)) = self.shaken()
        {
            let reason = format!("no signal of the code moved, and the machine did while {whose} was made");
            return unsure(reason, "a quieter machine would tell".to_owned()).again(again);
        }
        let here = &current.record.ground;
        let Some(keep) = self.stands_for(&current.record, old) else {
            let reason = format!("{} was not tried in this run, so what keeping it costs is unknown", old);
            return unsure(reason, "run it again with a larger --budget".to_owned()).again(true);
        };
        let Some(to) = self.stands_for(&current.record, new) else {
            let reason = format!("{new} was not tried in this run, so what it gains is unknown");
            return unsure(reason, "run it again with a larger --budget".to_owned()).again(true);
        };
        let gain = Gain::of(&keep, &to).beside(current.record.others(), &keep, &to);
        let free = now.leaves(&keep, &current.record, here);
        // What the rules left before and leave no more, no trial of a synthetic workload can show to be worse.
        let stake = if free { gain.value } else { gain.value.max(self.mattered(old, new)) };
        let percent = (stake - 1.0) * 100.0;
        if stake < 1.0 + thresholds.gain {
            let effect =
                format!("{answer}, which gains {:.1} %: less than {:.0} %", percent.max(0.0), thresholds.gain * 100.0);
            let todo = "accept it with concadvise gate --update when you touch it next";
            let may_be_more = free && gain.high >= 1.0 + thresholds.gain;
            return said(Verdict::Warn, effect, todo).gaining(gain).again(may_be_more);
        }
        let least = 1.0 + thresholds.equivalent;
        if free && gain.low < least {
            let reason = format!(
                "its gain of {percent:.0} % may be anything from {:.2}× to {:.2}×{}",
                gain.low,
                gain.high,
                busy(&current.record)
            );
            if current.record.others().are_busy() {
                // More runs beside the same neighbours would tell no more.
                return unsure(reason, "a quieter machine would tell".to_owned()).again(true);
            }
            let runs = Gain::of(&keep, &to).runs_to_settle(least).filter(|runs| *runs <= 20);
            let todo = runs.map_or_else(
                || "its runs differ too much to tell; a quieter machine or a larger --budget would".to_owned(),
                |runs| format!("{runs} more run{} would settle it", if runs == 1 { "" } else { "s" }),
            );
            return unsure(reason, todo).gaining(gain).again(true);
        }
        if let Some(reason) = self.as_likely_then(then, new, gain) {
            return unsure(reason, "accept a run with a larger --budget as the baseline".to_owned());
        }
        let reason = match free {
            true => format!("{answer}, which gains {percent:.0} % ({:.2}× to {:.2}×)", gain.low, gain.high),
            false => format!("{answer}: rule {} does not admit {} any more", now.admitted.rule, old.model),
        };
        said(Verdict::Changed, reason, MEANT).gaining(gain).again(true)
    }

    fn near_a_boundary(
        &self,
        then: &Replayed,
        now: &Replayed,
        unsure: &dyn Fn(String, String) -> Said,
    ) -> Option<Said> {
        let Self { baseline, current, rules, .. } = *self;
        let here = &current.record.ground;
        for (record, from, other, whose, again) in [
            (&current.record, now, &then.choice, "this run", true),
            (baseline, then, &now.choice, "the baseline", false),
        ] {
            if let Some(near) = near(record, from, rules, here).into_iter().find(|near| self.alike(&near.choice, other))
            {
                let reason = format!(
                    "{whose} is near a boundary: {} is {:.3}, and at {:.3} the answer would be {other}",
                    near.fact, near.value, near.at
                );
                let todo = "a longer run, or one with more of the usual work, would tell".to_owned();
                return Some(unsure(reason, todo).again(again));
            }
            let known = if again { baseline } else { &current.record };
            let unknown = unknown(record, known, from, rules, here);
            let leads_there =
                |choice: &Choice| choice.model == other.model || has_loop(choice.model) && has_loop(other.model);
            let mut unknown = unknown.into_iter().filter(|unknown| unknown.choice.model != from.choice.model);
            if let Some(told) = unknown.find(|unknown| leads_there(&unknown.choice)) {
                let reason = format!(
                    "{whose} does not know {}: were it {}, as in the other, the answer would be {}",
                    told.fact, told.value, told.choice
                );
                return Some(unsure(reason, "a longer run would tell".to_owned()).again(again));
            }
        }
        None
    }

    /// Whether both answers come from trials of a synthetic workload, which is made of the signals: the same signals are
    /// the same workload.
    fn both_synthetic(&self) -> bool {
        let evidence = [self.baseline, &self.current.record].map(|record| record.admitted.evidence);
        evidence == [Some(Evidence::Twin); 2]
    }

    /// Whether there is another number of tasks, more or less work, or another need of memory: what answers follow from
    /// that is no share.
    fn resized(&self) -> bool {
        let number = |record: &Record, name: &str| match record.facts.get(name) {
            Some(Value::Number(number)) if *number > 0.0 => Some(*number),
            _ => None,
        };
        ["tasks", "work_s", "memory_per_worker_bytes"].into_iter().any(|name| {
            let sizes = number(self.baseline, name).zip(number(&self.current.record, name));
            sizes.is_some_and(|(then, now)| (then / now).max(now / then) > self.thresholds.workers)
        })
    }

    /// Which of the two was made while others used much of the machine, or the same work took one time and another; and
    /// whether it can be made again.
    fn shaken(&self) -> Option<(&'static str, bool)> {
        let is = |record: &Record| {
            let one = record.best_of(Model::Sequential);
            record.others().are_busy() || one.is_some_and(|one| one.high > one.low * SHAKEN)
        };
        let sides = [(&self.current.record, "this run", true), (self.baseline, "the baseline", false)];
        sides.into_iter().find(|(record, ..)| is(record)).map(|(_, whose, again)| (whose, again))
    }

    /// What became of the program, where that is why one answer is an event loop and the other none: a synthetic workload
    /// comes in both forms and shows no gain, but the program itself does not. A function of one's own ran as it is.
    fn of_another_form(&self, old: Model, new: Model) -> Option<&'static str> {
        let is_async = |record: &Record| record.facts.get("already_async").copied();
        let twin = self.current.record.admitted.evidence == Some(Evidence::Twin);
        let forms = is_async(self.baseline).zip(is_async(&self.current.record));
        match forms.filter(|_| twin && has_loop(old) != has_loop(new))? {
            (Value::Flag(true), Value::Flag(false)) if has_loop(old) => Some("is not asynchronous any more"),
            (Value::Flag(false), Value::Flag(true)) if has_loop(new) => Some("has become asynchronous"),
            _ => None,
        }
    }

    /// What the old answer gained over the new one in the baseline; without limit where that was not measured.
    fn mattered(&self, old: &Choice, new: &Choice) -> f64 {
        let points = self.stands_for(self.baseline, new).zip(self.stands_for(self.baseline, old));
        points.map_or(f64::INFINITY, |(new, old)| Gain::of(&new, &old).value)
    }

    /// Whether a model that did not run in the baseline could have, so that nobody knows what it would have gained.
    fn left_out(&self, then: &Replayed, model: Model) -> bool {
        if self.baseline.admitted.refused.contains(&model) {
            return false;
        }
        let cannot_be_sent = self.baseline.facts.get("picklable") == Some(&Value::Flag(false));
        match self.baseline.admitted.evidence {
            Some(Evidence::Twin) => then.admitted.models.contains(&model),
            // Code that has become asynchronous, or data that can be sent now, is a change of the code.
            Some(Evidence::Task) => match model {
                Model::Asyncio => false,
                Model::Processes | Model::Interpreters => !cannot_be_sent,
                _ => true,
            },
            _ => false,
        }
    }

    /// Why the baseline could as well have had the new answer. Where it could, what was gained then may not be what is
    /// gained now, or it is the same gain twice; speed-ups measured on two days differ by less than what a gain must be.
    fn as_likely_then(&self, then: &Replayed, new: &Choice, now: Gain) -> Option<String> {
        let Self { baseline, current, thresholds, .. } = *self;
        let Some(to) = self.stands_for(baseline, new) else {
            return self
                .left_out(then, new.model)
                .then(|| format!("{new} was not tried in the baseline, so it may have been the answer then"));
        };
        let keep = self.stands_for(baseline, &then.choice)?;
        let gain = Gain::of(&keep, &to).beside(baseline.others(), &keep, &to);
        let least = 1.0 + thresholds.gain;
        let contested = then.leaves(&to, baseline, &current.record.ground) && gain.high >= least;
        (contested && now.low < gain.high * least).then(|| {
            let (low, high) = (gain.low, gain.high);
            format!("in the baseline it may have gained {low:.2}× to {high:.2}× already{}", busy(baseline))
        })
    }
}

/// What makes a range wide that is not of the runs; empty where it is not worth a word.
fn busy(record: &Record) -> String {
    let others = record.others();
    if !others.are_busy() {
        String::new()
    } else {
        format!(", for others used {:.0} % of the machine meanwhile", others.share * 100.0)
    }
}
