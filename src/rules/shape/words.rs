//! Keys that hold one word of a few, for JSON Schemas: each takes its words from the table that the code reads by, so
//! that a new model or operator is in every schema without being listed there.

use crate::classify::Class;
use crate::rules::WorkersRule;
use crate::rules::condition::Op;
use crate::rules::vocabulary::{Kind, VOCABULARY, fact};
use crate::source::finding;
use crate::trial;
use crate::trial::model::{Model, StartMethod};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Declares keys: name, meaning, and where their words are.
macro_rules! words {
    ($($(#[doc = $about:literal])* $name:ident = $words:expr;)*) => {$(
        $(#[doc = $about])*
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let about = [$($about),*].concat();
                json_schema!({ "description": about.trim(), "type": "string", "enum": $words })
            }
        }
    )*};
}

words! {
    /// An executor model.
    ModelName = Model::ALL.map(Model::name);
    /// How processes start.
    StartMethodName = StartMethod::ALL.map(StartMethod::name);
    /// How the number of workers is bounded: one, the usable CPUs, or as many as the trials find worth it.
    WorkersName = WorkersRule::ALL.map(WorkersRule::name);
    /// What a trial ran: the user's own function, the whole command, or synthetic tasks with the measured demands.
    EvidenceName = trial::Evidence::ALL.map(trial::Evidence::name);
    /// A class of work.
    ClassName = Class::ALL.map(Class::name);
    /// What limits a program.
    BottleneckName = labels("bottleneck");
    /// What executes a program.
    RuntimeName = labels("runtime");
    /// A fact that rules may ask about.
    FactName = VOCABULARY.iter().map(|fact| fact.name).collect::<Vec<_>>();
    /// How a fact is compared.
    OpName = Op::ALL.map(Op::name);
    /// How much a finding matters.
    LevelName = finding::Level::ALL.map(finding::Level::name);
    /// What a finding stands on: the source alone, or the source confirmed by a run.
    StandsOn = finding::Evidence::ALL.map(finding::Evidence::name);
}

/// The words that a fact may be.
fn labels(name: &str) -> &'static [&'static str] {
    match fact(name).map(|fact| fact.kind) {
        Some(Kind::Label(words)) => words,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Bottleneck;
    use crate::target::Runtime;

    /// Labels are found by the name of a fact, so a fact that is renamed would leave a key without words.
    #[test]
    fn labels_are_the_words_of_the_stages() {
        for (words, known) in [
            (labels("bottleneck"), [Bottleneck::MemoryBandwidth.name(), Bottleneck::Serial.name()]),
            (labels("runtime"), ["cpython", Runtime::Other.name()]),
        ] {
            known.iter().for_each(|word| assert!(words.contains(word), "{word} is not among {words:?}"));
        }
    }
}
