//! [`Current`]: a report, read as a record that could be committed, with what is true of that run only.
//!
//! A report is untrusted: words that are none of ours are refused, numbers that no measurement gives are left out.

use super::gain::{noise, range};
use super::record::{Admitted, Choice, FindingKey, Ground, Margin, Point, Record, Signal, rounded};
use crate::report::schema::{self, Document, FactValue, Finding};
use crate::rules::facts::Value;
use crate::rules::vocabulary::{Fact, Kind, Provider, fact};
use crate::rules::{Step, WorkersRule};
use crate::trial::Evidence;
use crate::trial::model::{Model, StartMethod};
use std::collections::BTreeMap;

/// Facts that say the same as the points do.
const SPEEDUP: &str = "_speedup";

/// Facts about the interpreter, which is of the machine and not of the code.
pub(super) const OF_INTERPRETER: [&str; 2] = ["python_version", "interpreters_available"];

/// Signals that are no facts: the blocked share of each kind, and the contention of the scaling law.
pub(super) const BESIDE_FACTS: [&str; 9] = [
    "blocked_disk",
    "blocked_network",
    "blocked_timer",
    "blocked_lock",
    "blocked_gil",
    "blocked_pipe",
    "blocked_child",
    "blocked_other",
    "serial_share",
];

/// One run of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// What would be committed.
    pub record: Record,
    /// How the target failed, where it did: `ended with status 1`.
    pub failed: Option<String>,
    /// Whether the run and its trials came to their end.
    pub complete: bool,
    /// How CPU time was taken away during the run, where more than 5 % was.
    pub disturbed: Option<String>,
    /// What would settle the class, where it is inconclusive and the answer rests on it.
    pub unsettled: Option<String>,
    /// Models that could not be used, and why.
    pub refused: BTreeMap<Model, String>,
    /// Models that might have been the answer and never ran, because the time for trials was over.
    pub untried: Vec<Model>,
    /// Defects with their lines.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// What stays of it when lines move.
    pub fn key(&self) -> FindingKey {
        FindingKey {
            code: self.code.clone(),
            path: self.path.clone(),
            qualified_name: self.qualified_name.clone().unwrap_or_default(),
        }
    }
}

impl Current {
    /// Reads a report; its record has no name yet.
    ///
    /// # Errors
    /// A clause that says which key holds a word that is none of ours.
    pub fn of(report: &Document) -> Result<Self, String> {
        let advice = &report.recommendation;
        if advice.model.is_empty() {
            return Err("it has no [recommendation]: it is cut short, or no report of a run".to_owned());
        }
        let mut facts = report.fact.iter().filter_map(known).collect::<BTreeMap<_, _>>();
        facts.retain(|name, _| !name.ends_with(SPEEDUP));
        let of_ground =
            |name: &str| fact(name).is_some_and(|fact| fact.from == Provider::Host) || OF_INTERPRETER.contains(&name);
        let is_signal = |name: &str| fact(name).is_some_and(|fact| matches!(fact.kind, Kind::Share));
        let part = |of: &dyn Fn(&str) -> bool| {
            let chosen = facts.iter().filter(|(name, _)| of(name));
            chosen.map(|(name, value)| (*name, *value)).collect::<BTreeMap<&'static str, Value>>()
        };
        let mut findings = BTreeMap::new();
        report.finding.iter().for_each(|found| *findings.entry(found.key()).or_default() += 1);
        let refused = refused(report)?;
        let record = Record {
            name: String::new(),
            command: command(report),
            choice: choice(advice)?,
            admitted: Admitted {
                rule: advice.rule.clone(),
                models: advice.admits.iter().map(|name| model(name, "admits")).collect::<Result<_, _>>()?,
                bound: bound(&advice.workers_bound)?,
                evidence: advice.evidence.as_deref().map(evidence).transpose()?,
                refused: refused.keys().copied().collect(),
            },
            ground: Ground {
                tool_version: report.tool_version.clone(),
                rules: u64::from_str_radix(&report.rules_hash, 16).map_err(|_| {
                    "it has no rules_hash, so an older concadvise wrote it; run the target again".to_owned()
                })?,
                arch: report.host.arch.clone(),
                runtime: report.target.runtime.clone(),
                version: report.target.version.clone(),
                gil: report.target.gil,
                facts: part(&of_ground),
            },
            signals: signals(report, &facts),
            facts: part(&|name| !of_ground(name) && !is_signal(name)),
            points: points(report)?,
            margins: margins(report, &facts),
            findings,
        };
        let notice = |code: &str| report.notice.iter().find(|notice| notice.code == code);
        let untried = untried(report, &record.admitted)?;
        Ok(Self {
            failed: failed(&report.target),
            complete: report.complete,
            disturbed: notice("throttled").map(|notice| notice.message.clone()),
            unsettled: (report.classification.class == "inconclusive" && !record.admitted.own_times())
                .then(|| report.classification.settle.clone().unwrap_or_else(|| "a longer run would tell".to_owned())),
            refused,
            untried,
            findings: report.finding.clone(),
            record,
        })
    }

    /// The same run, of the target of that name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.record.name);
        self
    }

    /// Whether it is no evidence and another run may be: it did not fail, and there was something to compare, or it was
    /// others on the machine who left nothing to compare.
    pub fn may_be_told_again(&self) -> bool {
        let crowded = self.unsettled.is_some() && self.record.others().are_busy();
        let compared = self.record.admitted.evidence.is_some() || crowded;
        self.failed.is_none() && compared && self.inconclusive().is_some()
    }

    /// Why it is no evidence that a baseline could rest on; `None` when it is.
    pub fn inconclusive(&self) -> Option<String> {
        if let Some(how) = &self.failed {
            Some(format!("the target {how}; run it where it succeeds"))
        } else if !self.complete {
            Some("the run or its trials were cut short; let it run to its end".to_owned())
        } else if let Some(settle) = &self.unsettled {
            Some(format!("the class of its work is inconclusive: {settle}"))
        } else if self.record.admitted.evidence.is_none() {
            Some("no executor model was compared; run it without --no-trials, with a larger --budget".to_owned())
        } else if !self.untried.is_empty() {
            let names: Vec<&str> = self.untried.iter().map(|model| model.name()).collect();
            Some(format!("the trials ended before {} could run; give them a larger --budget", names.join(" and ")))
        } else {
            self.disturbed.clone()
        }
    }
}

fn known(row: &schema::Fact) -> Option<(&'static str, Value)> {
    let fact = fact(&row.name)?;
    value(fact, &row.value).map(|value| (fact.name, value))
}

/// A fact's value from what a file says; `None` when it cannot have that one.
pub(super) fn value(fact: &'static Fact, written: &FactValue) -> Option<Value> {
    let value = match (written, fact.kind) {
        (FactValue::Number(number), _) => Value::Number(rounded(*number)?),
        (FactValue::Flag(flag), _) => Value::Flag(*flag),
        (FactValue::Word(word), Kind::Label(words)) => Value::Label(words.iter().find(|known| *known == word)?),
        (FactValue::Word(word), _) => {
            let (major, minor) = word.split_once('.')?;
            Value::Version(major.parse().ok()?, minor.parse().ok()?)
        }
    };
    value.fits(fact.kind).then_some(value)
}

fn command(report: &Document) -> Vec<String> {
    let of_task = |task: &schema::Task| ["--task", &task.function, "--items", &task.items].map(str::to_owned).to_vec();
    // A function that --rerun found in a command is still that command.
    let named = report.task.as_ref().filter(|_| report.site.iter().all(|site| site.executor != "none"));
    named.map_or_else(|| report.target.command.clone(), of_task)
}

fn choice(advice: &schema::Recommendation) -> Result<Choice, String> {
    Ok(Choice {
        model: model(&advice.model, "model")?,
        workers: advice.workers,
        policy: advice.workers_policy.clone(),
        chunk_size: advice.chunk_size,
        start_method: advice.start_method.as_deref().map(start_method).transpose()?,
    })
}

fn model(name: &str, key: &str) -> Result<Model, String> {
    Model::from_name(name).ok_or_else(|| format!("{key} holds {name:?}, which is no executor model"))
}

fn start_method(name: &str) -> Result<StartMethod, String> {
    StartMethod::from_name(name).ok_or_else(|| format!("start_method holds {name:?}, which is none"))
}

fn bound(name: &str) -> Result<WorkersRule, String> {
    let known = WorkersRule::ALL.into_iter().find(|bound| bound.name() == name);
    known.ok_or_else(|| "it has no workers_bound, so an older concadvise wrote it; run the target again".to_owned())
}

fn evidence(name: &str) -> Result<Evidence, String> {
    let all = [Evidence::Task, Evidence::Program, Evidence::Twin];
    all.into_iter().find(|known| known.name() == name).ok_or_else(|| format!("evidence holds {name:?}, which is none"))
}

fn signals(report: &Document, facts: &BTreeMap<&'static str, Value>) -> BTreeMap<String, Signal> {
    let mut signals = BTreeMap::new();
    for row in &report.fact {
        let share = fact(&row.name).is_some_and(|fact| matches!(fact.kind, Kind::Share));
        let Some(Value::Number(value)) = facts.get(row.name.as_str()).filter(|_| share) else { continue };
        let ends = row.low.and_then(rounded).zip(row.high.and_then(rounded));
        let interval =
            ends.filter(|(low, high)| low <= value && value <= high && (0.0..=1.0).contains(low) && *high <= 1.0);
        signals.insert(row.name.clone(), Signal { value: *value, interval });
    }
    let mut alone = |name: &str, value: f64| {
        if let Some(value) = rounded(value).filter(|value| (0.0..=1.0).contains(value)) {
            signals.insert(name.to_owned(), Signal { value, interval: None });
        }
    };
    if let Some(kinds) = &report.profile.blocked {
        let other = (kinds.page_fault + kinds.idle + kinds.other).min(1.0);
        let shares = [kinds.disk, kinds.network, kinds.timer, kinds.lock, kinds.gil, kinds.pipe, kinds.child, other];
        BESIDE_FACTS.iter().zip(shares).for_each(|(name, value)| alone(name, value));
    }
    // What the Universal Scalability Law calls contention: the part that cannot be done at the same time.
    if let Some(curve) = report.curve.iter().find(|curve| curve.model == report.recommendation.model) {
        alone(BESIDE_FACTS[8], curve.sigma);
    }
    signals
}

fn points(report: &Document) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let about = |trial: &&schema::Trial| {
        let evidence = report.recommendation.evidence.as_ref().is_none_or(|evidence| *evidence == trial.evidence);
        trial.site == report.recommendation.site && trial.interpreter.is_none() && trial.outcome == "ok" && evidence
    };
    let wrong = |trial: &schema::Trial| {
        let same = |other: &schema::Trial| (&other.model, &other.start_method) == (&trial.model, &trial.start_method);
        report.trial.iter().any(|other| other.outcome == "unsafe" && same(other))
    };
    let measured = |speedup: Option<f64>| speedup.and_then(rounded).filter(|speedup| *speedup > 0.0);
    let told = |trial: &schema::Trial| {
        let (low, high) = (measured(trial.speedup_low), measured(trial.speedup_high));
        measured(trial.speedup).map(|speedup| (speedup, low, high, trial.repeats.unwrap_or(1)))
    };
    let ran: Vec<&schema::Trial> = report.trial.iter().filter(about).filter(|trial| !wrong(trial)).collect();
    let noise = noise(ran.iter().filter_map(|trial| told(trial)));
    for trial in ran {
        let Some((speedup, low, high, repeats)) = told(trial) else { continue };
        let (low, high) = range(speedup, low, high, repeats, noise);
        let (Some(low), Some(high)) = (rounded(low), rounded(high)) else { continue };
        points.push(Point {
            model: model(&trial.model, "trial.model")?,
            workers: trial.workers,
            chunk_size: trial.chunk_size,
            start_method: trial.start_method.as_deref().map(start_method).transpose()?,
            speedup,
            low,
            high,
        });
    }
    let place = |point: &Point| (point.model, point.workers, point.chunk_size, point.start_method);
    points.sort_by_key(place);
    points.dedup_by_key(|point| place(point));
    Ok(points)
}

fn margins(report: &Document, facts: &BTreeMap<&'static str, Value>) -> Vec<Margin> {
    let mut nearest: BTreeMap<(&str, bool), Margin> = BTreeMap::new();
    for step in &report.decision {
        let (Some(asked), Some(flips_at)) = (fact(&step.fact), step.flips_at.and_then(rounded)) else { continue };
        let Some(Value::Number(value)) = facts.get(asked.name) else { continue };
        let apart = (value - flips_at).abs();
        let scale = if matches!(asked.kind, Kind::Share) { 1.0 } else { flips_at };
        let Some(distance) = rounded(apart / scale) else { continue };
        let margin = Margin { fact: step.fact.clone(), rule: step.rule.clone(), flips_at, distance };
        let place = (asked.name, step.rule == Step::CLASS);
        if nearest.get(&place).is_none_or(|known| margin.distance < known.distance) {
            nearest.insert(place, margin);
        }
    }
    nearest.into_values().collect()
}

fn refused(report: &Document) -> Result<BTreeMap<Model, String>, String> {
    let mut refused = BTreeMap::new();
    let here = report.trial.iter().filter(|trial| trial.interpreter.is_none());
    for trial in here.filter(|trial| matches!(trial.outcome.as_str(), "unsafe" | "failed" | "not-applicable")) {
        let reason = trial.reason.clone().unwrap_or_default();
        refused.insert(model(&trial.model, "trial.model")?, format!("{}: {reason}", trial.outcome));
    }
    let ran = points(report)?;
    refused.retain(|model, _| ran.iter().all(|point| point.model != *model));
    Ok(refused)
}

/// Of the models that the trials were free to choose. Hybrids come last in every race and are seldom the answer, so
/// that one is missing leaves what the others showed as it is.
fn untried(report: &Document, admitted: &Admitted) -> Result<Vec<Model>, String> {
    let free = |model: Model| match admitted.evidence {
        Some(Evidence::Twin) => admitted.models.contains(&model),
        Some(Evidence::Task) => true,
        _ => false,
    };
    let mut untried = Vec::new();
    for trial in report.trial.iter().filter(|trial| trial.outcome == "pruned" && trial.interpreter.is_none()) {
        let model = model(&trial.model, "trial.model")?;
        if free(model) && !is_hybrid(model) && !untried.contains(&model) {
            untried.push(model);
        }
    }
    Ok(untried)
}

/// Whether tasks wait in an event loop, which only coroutines do.
pub(super) fn has_loop(model: Model) -> bool {
    model == Model::Asyncio || is_hybrid(model)
}

/// Whether an event loop hands its tasks to a pool.
pub(super) fn is_hybrid(model: Model) -> bool {
    matches!(model, Model::AsyncioThreads | Model::AsyncioProcesses)
}

fn failed(target: &schema::Target) -> Option<String> {
    match (target.exit_code, target.signal) {
        (_, Some(signal)) => Some(format!("was ended by signal {signal}")),
        (Some(code), _) if code != 0 => Some(format!("ended with status {code}")),
        _ => None,
    }
}
