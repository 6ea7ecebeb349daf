//! What a record's signals lead to under other rules or on another machine: the rules are asked again, and where they
//! leave other settings to choose from, the choice is made again among the points that were measured.

use super::current::{OF_INTERPRETER, is_hybrid};
use super::record::{Admitted, Choice, Ground, Point, Record};
use crate::rules::facts::{Facts, Value};
use crate::rules::measure::SPEEDUPS;
use crate::rules::{Decision, Rules, WorkersRule};
use crate::trial::Evidence;
use crate::trial::model::Model;

/// How much longer the simpler model, or fewer workers, may take and still be preferred (DESIGN §5).
const TOLERANCE: f64 = 0.05;

/// A walk longer than this many seconds on every CPU outgrows the machine, as `rules::measure` has it.
const OUTGROWN_S: f64 = 6.0 * 3600.0;

/// What a record leads to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Replayed {
    pub choice: Choice,
    /// What the choice was made from.
    pub admitted: Admitted,
}

impl Replayed {
    /// Whether the trials were free to choose that setting.
    pub fn leaves(&self, point: &Point, record: &Record, ground: &Ground) -> bool {
        Leave::of(&self.admitted, record, ground).allows(point)
    }
}

/// The record under those rules on that ground. What it says already, where both are its own.
pub(super) fn replay(record: &Record, rules: &Rules, ground: &Ground) -> Replayed {
    let as_it_is = Replayed { choice: record.choice.clone(), admitted: record.admitted.clone() };
    if rules.hash() == record.ground.rules && ground.facts == record.ground.facts {
        return as_it_is;
    }
    redecided(record, &as_it_is, &record.ground, &decide(record, rules, &facts_on(record, ground)), ground)
}

/// The walk, with a cluster only where one was tried.
pub(super) fn decide(record: &Record, rules: &Rules, facts: &Facts) -> Decision {
    let cluster = record.points.iter().any(|point| point.model == Model::Cluster);
    if cluster { rules.decide(facts) } else { rules.without(Model::Cluster).decide(facts) }
}

/// The choice when that decision takes the place of the one that led to `before`: the same, while its setting may still
/// be chosen and nothing better (or simpler and as good) may be chosen now that could not be before.
pub(super) fn redecided(
    record: &Record,
    before: &Replayed,
    there: &Ground,
    decision: &Decision,
    here: &Ground,
) -> Replayed {
    let admitted = Admitted {
        rule: decision.rule.clone(),
        models: decision.admit.clone(),
        bound: decision.workers,
        evidence: record.admitted.evidence,
        refused: record.admitted.refused.clone(),
    };
    let (then, now) = (Leave::of(&before.admitted, record, there), Leave::of(&admitted, record, here));
    let choice = if record.admitted.evidence.is_none() || record.points.is_empty() {
        by_rule(before, &admitted, here)
    } else {
        by_points(record, &before.choice, &then, &now, here)
    };
    Replayed { choice, admitted }
}

/// Where nothing was tried: the rule's first model, as it always is then.
fn by_rule(before: &Replayed, admitted: &Admitted, ground: &Ground) -> Choice {
    if (&before.admitted.models, before.admitted.bound) == (&admitted.models, admitted.bound) {
        return before.choice.clone();
    }
    let model = admitted.models.first().copied().unwrap_or(Model::Sequential);
    let (workers, policy) = match admitted.bound {
        _ if model == Model::Sequential => return Choice::sequential(),
        WorkersRule::One => return Choice::sequential(),
        WorkersRule::Cpus => (ground.cpus(), "cpus".to_owned()),
        WorkersRule::Waits => (before.choice.workers, before.choice.workers.to_string()),
    };
    Choice { model, workers, policy, chunk_size: None, start_method: None }
}

fn by_points(record: &Record, choice: &Choice, then: &Leave, now: &Leave, ground: &Ground) -> Choice {
    let own = record.point(choice, record.ground.cpus(), f64::INFINITY);
    let still = own.filter(|own| now.allows(own));
    let better = |point: &&Point| {
        let simpler = still.is_some_and(|own| place(point) < place(own));
        let least = if simpler { 1.0 - TOLERANCE } else { 1.0 + TOLERANCE };
        still.is_none_or(|own| point.speedup > own.speedup * least)
    };
    if record.points.iter().all(|point| then.allows(point) == now.allows(point)) {
        return choice.clone();
    }
    let mut fresh = record.points.iter().filter(|point| now.allows(point) && !then.allows(point));
    if still.is_some() && !fresh.any(|point| better(&point)) {
        return choice.clone();
    }
    let allowed = || record.points.iter().filter(|point| now.allows(point));
    let Some(best) = allowed().map(|point| point.speedup).max_by(f64::total_cmp) else { return Choice::sequential() };
    let good = allowed().filter(|point| point.speedup * (1.0 + TOLERANCE) >= best);
    let Some(point) = good.min_by_key(|point| (place(point), point.chunk_size, point.start_method)) else {
        return Choice::sequential();
    };
    let at_cpus = now.bound == WorkersRule::Cpus && point.workers >= ground.cpus() && point.workers > 1;
    Choice {
        model: point.model,
        workers: point.workers,
        policy: if at_cpus { "cpus".to_owned() } else { point.workers.to_string() },
        chunk_size: point.chunk_size,
        start_method: point.start_method,
    }
}

/// Simplest first.
fn place(point: &Point) -> (Model, u64) {
    (point.model, point.workers)
}

/// Which points may be chosen; as `recommendation` has it.
struct Leave<'a> {
    evidence: Option<Evidence>,
    models: &'a [Model],
    bound: WorkersRule,
    cpus: u64,
    fit: Option<f64>,
}

impl<'a> Leave<'a> {
    fn of(admitted: &'a Admitted, record: &Record, ground: &Ground) -> Self {
        let each = match record.facts.get("memory_per_worker_bytes") {
            Some(Value::Number(each)) if *each > 0.0 => Some(*each),
            _ => None,
        };
        let fit = ground.number("memory_usable_bytes").zip(each).map(|(usable, each)| (usable / each).floor());
        let Admitted { models, bound, evidence, .. } = admitted;
        Self { evidence: *evidence, models, bound: *bound, cpus: ground.cpus(), fit }
    }

    fn allows(&self, point: &Point) -> bool {
        let hybrid = is_hybrid(point.model);
        let shown = match self.evidence {
            // The whole program was run with it.
            Some(Evidence::Program) => true,
            Some(Evidence::Task) => !hybrid && self.models != [Model::Sequential],
            _ => false,
        };
        let fits = !point.model.uses_processes() || self.fit.is_none_or(|fit| point.workers as f64 <= fit.max(1.0));
        let bounded = shown
            || match self.bound {
                _ if point.model == Model::Cluster => true,
                WorkersRule::One => point.workers <= 1,
                WorkersRule::Cpus => point.workers <= self.cpus,
                WorkersRule::Waits => true,
            };
        point.model == Model::Sequential || (shown || self.models.contains(&point.model)) && fits && bounded
    }
}

/// Everything that a record says to the rules, on that ground. What follows from the machine is worked out anew where
/// the machine is another one, as `rules::measure` does it.
pub(super) fn facts_on(record: &Record, ground: &Ground) -> Facts {
    let mut facts = Facts::default();
    let signals = record.signals.iter().filter(|(name, _)| crate::rules::vocabulary::fact(name).is_some());
    signals.for_each(|(name, signal)| facts.set(name, signal.value));
    record.facts.iter().for_each(|(name, value)| facts.set(name, *value));
    for (model, name) in SPEEDUPS {
        let speedups = record.points.iter().filter(|point| point.model == model).map(|point| point.speedup);
        facts.set_known(name, speedups.max_by(f64::total_cmp));
    }
    ground.facts.iter().for_each(|(name, value)| facts.set(name, *value));
    let changed = |name: &str| ground.facts.get(name) != record.ground.facts.get(name);
    if changed("cpus_usable") || changed("cpu_quota") {
        of_cpus(&mut facts, ground);
    }
    if changed("cpus_usable") || changed("memory_usable_bytes") {
        of_memory(&mut facts, ground);
    }
    facts
}

/// Whether a fact is of the machine or the interpreter, and so of no code.
pub(super) fn is_of_ground(fact: &crate::rules::vocabulary::Fact) -> bool {
    fact.from == crate::rules::vocabulary::Provider::Host || OF_INTERPRETER.contains(&fact.name)
}

fn of_cpus(facts: &mut Facts, ground: &Ground) {
    let capacity = ground.capacity();
    let workers = facts.number("workers_today");
    facts.set_known("oversubscribed", workers.map(|workers| workers > ground.cpus() as f64));
    let held = facts.number("gil_share");
    facts.set_known("gil_demand", held.map(|held| held * capacity));
    if let Some(wait) = facts.number("wait_share") {
        in_flight(facts, wait, capacity);
    }
}

/// Tasks in flight past which nothing is gained: N = 1 / max(D of the GIL, D of the CPUs) (Denning & Buzen 1978).
pub(super) fn in_flight(facts: &mut Facts, wait: f64, capacity: f64) {
    let has_gil = facts.label("runtime") == Some("cpython") && facts.flag("free_threaded") != Some(true);
    let held = if has_gil { facts.number("gil_share").unwrap_or(1.0) } else { 0.0 };
    let compute = 1.0 - wait;
    let wanted = (1.0 / (compute * held).max(compute / capacity) * (1.0 - 1e-9)).ceil();
    let pieces = facts.number("tasks").or(facts.number("wait_count"));
    facts.set("concurrency_wanted", wanted.min(pieces.unwrap_or(f64::INFINITY)));
}

fn of_memory(facts: &mut Facts, ground: &Ground) {
    let cpus = ground.cpus() as f64;
    let (usable, each) = (facts.number("memory_usable_bytes"), facts.number("memory_per_worker_bytes"));
    let fit = usable.zip(each.filter(|each| *each > 0.0)).map(|(usable, each)| (usable / each).floor());
    facts.set_known("workers_by_memory", fit);
    facts.set_known("memory_tight", fit.map(|fit| fit < cpus));
    let busy = facts.number("work_s").map(|work| work / cpus > OUTGROWN_S);
    if let Some(fit) = fit {
        facts.set_known("outgrows_machine", if fit < 1.0 { Some(true) } else { busy });
    }
}
