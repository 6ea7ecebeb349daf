//! [`Facts`]: what is known of a case, by name, each with its replicates. Absent means unknown.
//!
//! The names and kinds are [`super::vocabulary`]'s; reading the stages into facts is `measure`'s.

use super::Step;
use super::vocabulary::{Fact, Kind, fact};
use std::collections::BTreeMap;

/// One value of one fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Of a share, number, count, time or amount of memory; always finite once it is in [`Facts`].
    Number(f64),
    /// Major and minor.
    Version(u16, u16),
    /// One of the fact's words.
    Label(&'static str),
    /// Yes or no.
    Flag(bool),
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Label(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<(u16, u16)> for Value {
    fn from((major, minor): (u16, u16)) -> Self {
        Self::Version(major, minor)
    }
}

impl Value {
    /// Whether a fact of that kind can have it. A NaN fits none.
    pub fn fits(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Number(value), Kind::Share) => (0.0..=1.0).contains(&value),
            (Self::Number(value), kind) => kind.is_numeric() && value.is_finite() && value >= 0.0,
            (Self::Version(..), Kind::Version) | (Self::Flag(_), Kind::Flag) => true,
            (Self::Label(word), Kind::Label(words)) => words.contains(&word),
            _ => false,
        }
    }

    /// As a report's path shows it: `0.71`, `12.4 ms`, `3.14`, `network`, `yes`.
    pub fn shown(self, kind: Kind) -> String {
        match self {
            Self::Number(value) => kind.show_number(value),
            Self::Version(major, minor) => format!("{major}.{minor}"),
            Self::Label(word) => word.to_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
        }
    }
}

/// What is known of a case. A fact that is not in it is unknown, which is not the same as zero or no.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    known: BTreeMap<&'static str, Known>,
    /// What the class rests on, so that the path through the rules begins there.
    pub(super) class_rests_on: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
struct Known {
    fact: &'static Fact,
    value: Value,
    replicates: Vec<Value>,
}

impl Facts {
    /// Says a fact. A value that the fact cannot have (a NaN, a share of 3, a word it does not know) leaves it unknown.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let fact = fact(name);
        debug_assert!(fact.is_some(), "{name} is not in the vocabulary of facts");
        if let Some(fact) = fact
            && value.fits(fact.kind)
        {
            self.known.insert(fact.name, Known { fact, value, replicates: Vec::new() });
        }
    }

    /// Says a fact when there is something to say.
    pub fn set_known(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// The replicates of a fact that was said; dropped when the fact is unknown or cannot have one of them.
    pub fn set_replicates(&mut self, name: &str, replicates: Vec<Value>) {
        if let Some(known) = self.known.get_mut(name)
            && replicates.iter().all(|value| value.fits(known.fact.kind))
        {
            known.replicates = replicates;
        }
    }

    /// The same facts with one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Every fact that is known, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Fact, Value)> {
        self.known.values().map(|known| (known.fact, known.value))
    }

    /// A fact's value; `None` when unknown.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.known.get(name).map(|known| known.value)
    }

    /// A fact's value in one replicate: its own where it has replicates, else the one value that is known.
    pub(super) fn in_replicate(&self, name: &str, replicate: usize) -> Option<Value> {
        self.known.get(name).map(|known| known.replicates.get(replicate).copied().unwrap_or(known.value))
    }

    /// How many replicates there are; 0 when the spread of no fact is known.
    pub fn replicates(&self) -> usize {
        self.known.values().map(|known| known.replicates.len()).max().unwrap_or(0)
    }

    /// The two quantiles of a numeric fact's replicates, by nearest rank; `None` without replicates.
    pub fn interval(&self, name: &str, (low, high): (f64, f64)) -> Option<(f64, f64)> {
        let replicates = self.known.get(name)?.replicates.iter();
        let mut sorted: Vec<f64> = replicates
            .filter_map(|value| match value {
                Value::Number(value) => Some(*value),
                _ => None,
            })
            .collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)? as f64;
        let at = |share: f64| sorted.get((share * last).round() as usize).copied();
        Some((at(low)?, at(high)?))
    }

    /// A numeric fact.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Number(value) => Some(value),
            _ => None,
        }
    }

    /// A fact that is a word.
    pub fn label(&self, name: &str) -> Option<&'static str> {
        match self.get(name)? {
            Value::Label(word) => Some(word),
            _ => None,
        }
    }

    /// A fact that is yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// `{fact}` in a sentence replaced by what is known of it: shares in per cent, `unknown` when unknown.
    pub fn fill(&self, sentence: &str) -> String {
        let mut filled = String::with_capacity(sentence.len());
        let mut rest = sentence;
        while let Some((before, name, after)) = next_placeholder(rest) {
            filled.push_str(before);
            filled.push_str(&self.in_prose(name));
            rest = after;
        }
        filled + rest
    }

    fn in_prose(&self, name: &str) -> String {
        match self.known.get(name) {
            Some(Known { fact: Fact { kind: Kind::Share, .. }, value: Value::Number(share), .. }) => {
                format!("{:.0} %", share * 100.0)
            }
            Some(known) => known.value.shown(known.fact.kind),
            None => "unknown".to_owned(),
        }
    }
}

/// The first `{name}` of a sentence, with what is before and after it.
pub(super) fn next_placeholder(sentence: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = sentence.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_fact_cannot_have_leaves_it_unknown() {
        for (name, value) in [
            ("wait_share", Value::Number(f64::NAN)),
            ("wait_share", Value::Number(1.5)),
            ("work_s", Value::Number(f64::INFINITY)),
            ("work_s", Value::Number(-1.0)),
            ("class", Value::Label("lazy")),
            ("picklable", Value::Number(1.0)),
        ] {
            assert_eq!(Facts::default().with(name, value).get(name), None, "{name} took {value:?}");
        }
    }

    #[test]
    fn sentences_are_filled_with_what_is_known() {
        let facts = Facts::default().with("wait_share", 0.714).with("work_s", 12.5);
        let filled = facts.fill("{wait_share} of {work_s} on {cpus_usable} CPUs {");
        assert_eq!(filled, "71 % of 12.5 s on unknown CPUs {");
    }
}
