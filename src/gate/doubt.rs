//! How near another answer lies: each measured fact is moved to both ends of where it may be, one at a time, and the
//! rules are asked again. An answer that another one of these leads to is near a boundary, and nothing is failed there.

use super::record::{Choice, Ground, Record};
use super::replay::{Replayed, decide, facts_on, in_flight, is_of_ground, redecided};
use crate::classify::Class;
use crate::rules::Rules;
use crate::rules::facts::{Facts, Value};
use crate::rules::measure::SPEEDUPS;
use crate::rules::vocabulary::{Fact, Kind};
use crate::units::Share;

/// A share that was not resampled may be this much more or less: what separate runs of the samples differ by. Ours.
const SHARE: f64 = 0.05;

/// A time may be this part more or less; clock rates and neighbours change it. Ours.
const TIME: f64 = 0.25;

/// Any other measurement may be this part more or less. Ours.
const MEASURED: f64 = 0.10;

/// Counts of what there is, which are not measured but seen.
const EXACT: [&str; 5] = ["processes_today", "threads_today", "workers_today", "workers_by_memory", "tasks"];

/// An answer that is near.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near {
    pub fact: &'static str,
    /// What the fact was.
    pub value: f64,
    /// Where it would lead to this.
    pub at: f64,
    pub choice: Choice,
}

/// The answers near to what a record leads to.
pub(super) fn near(record: &Record, from: &Replayed, rules: &Rules, ground: &Ground) -> Vec<Near> {
    let facts = facts_on(record, ground);
    let unmoved = decide(record, rules, &facts);
    let mut near = Vec::new();
    for (fact, value) in facts.iter().filter(|(fact, _)| !is_of_ground(fact)) {
        let Value::Number(value) = value else { continue };
        for at in ends(record, fact, value) {
            let moved = decide(record, rules, &moved(facts.clone(), fact, at, ground));
            if (&moved.admit, moved.workers) == (&unmoved.admit, unmoved.workers) {
                continue;
            }
            let choice = redecided(record, from, ground, &moved, ground).choice;
            if choice != from.choice {
                near.push(Near { fact: fact.name, value, at, choice });
            }
        }
    }
    near
}

/// A fact that a record does not know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unknown {
    pub fact: &'static str,
    /// What another record says of it.
    pub value: String,
    /// The answer if that held.
    pub choice: Choice,
}

/// The answers that a record would lead to if it knew what the other knows: a thread that nobody happened to look at is
/// no change of the code.
pub(super) fn unknown(
    record: &Record,
    other: &Record,
    from: &Replayed,
    rules: &Rules,
    ground: &Ground,
) -> Vec<Unknown> {
    let (facts, known) = (facts_on(record, ground), facts_on(other, ground));
    let as_it_is = decide(record, rules, &facts);
    let is_measured = |fact: &Fact| !is_of_ground(fact) && SPEEDUPS.iter().all(|(_, name)| *name != fact.name);
    let lacking = known.iter().filter(|(fact, _)| is_measured(fact) && facts.get(fact.name).is_none());
    let told = lacking.filter_map(|(fact, value)| {
        let told = decide(record, rules, &facts.clone().with(fact.name, value));
        let differs = (&told.admit, told.workers) != (&as_it_is.admit, as_it_is.workers);
        let choice = differs.then(|| redecided(record, from, ground, &told, ground).choice)?;
        (choice != from.choice).then(|| Unknown { fact: fact.name, value: value.shown(fact.kind), choice })
    });
    told.collect()
}

/// Where a fact may be instead.
fn ends(record: &Record, fact: &Fact, value: f64) -> Vec<f64> {
    let interval = record.signals.get(fact.name).and_then(|signal| signal.interval);
    let (low, high) = interval.unwrap_or(match fact.kind {
        _ if EXACT.contains(&fact.name) => return Vec::new(),
        Kind::Share => ((value - SHARE).max(0.0), (value + SHARE).min(1.0)),
        Kind::Seconds => (value * (1.0 - TIME), value * (1.0 + TIME)),
        _ => (value * (1.0 - MEASURED), value * (1.0 + MEASURED)),
    });
    [low, high].into_iter().filter(|end| *end != value).collect()
}

/// The facts with that one moved, and with it what is reckoned from it.
fn moved(mut facts: Facts, moved: &'static Fact, at: f64, ground: &Ground) -> Facts {
    let wait = match moved.name {
        "wait_share" => Some(at),
        "cpu_share" => Some(1.0 - at),
        _ => None,
    };
    let Some(wait) = wait else {
        facts.set(moved.name, at);
        return facts;
    };
    facts.set("wait_share", wait);
    facts.set("cpu_share", 1.0 - wait);
    in_flight(&mut facts, wait, ground.capacity());
    let judged = facts.label("class").filter(|class| *class != Class::Inconclusive.name()).is_some();
    if let Some(wait) = Share::new(wait).filter(|_| judged) {
        facts.set("class", Class::at(wait).name());
    }
    facts
}
