//! What the rules were asked about, as the report's tables: each known fact with its interval, and which rules it was.

use super::{rounded, said, schema};
use crate::rules::Facts;
use crate::rules::facts::Value;
use crate::rules::vocabulary::{Fact, Kind};
use schema::FactValue;

/// The ends of the interval that holds 90 % of the replicates.
const ENDS: (f64, f64) = (0.05, 0.95);

/// A row for each known fact, in order of name.
pub(super) fn facts(facts: &Facts) -> Vec<schema::Fact> {
    let row = |(fact, value): (&'static Fact, Value)| {
        let interval = facts.interval(fact.name, ENDS);
        Some(schema::Fact {
            name: fact.name.to_owned(),
            value: match value {
                Value::Number(number) => FactValue::Number(rounded(number)?),
                Value::Flag(flag) => FactValue::Flag(flag),
                value => FactValue::Word(said(&value.shown(Kind::Version))),
            },
            low: interval.and_then(|(low, _)| rounded(low)),
            high: interval.and_then(|(_, high)| rounded(high)),
        })
    };
    facts.iter().filter_map(row).collect()
}

/// The hash as a report writes it: TOML's numbers have no room for it.
pub(super) fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}
