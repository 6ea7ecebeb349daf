//! What a rule file may hold, for its JSON Schema: each key with its meaning. Nothing is read here: `parse` reads, and
//! alone decides; a test holds the keys of both together. Words and facts come from the tables that the code reads by.

pub mod words;

use super::condition::Op;
use super::vocabulary::{Fact, Kind, VOCABULARY};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use words::{ClassName, FactName, ModelName, OpName, WorkersName};

/// Rules of the decision tree for one class of work. They are asked in order, and the first whose conditions all hold
/// decides.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RuleFile {
    /// The class of work that the rules are for.
    pub class: ClassName,
    /// The rules, written as `[[rule]]` tables. In a file that takes the place of a built-in one the last has no `when`.
    pub rule: Option<Vec<Rule>>,
}

/// One rule: under which conditions which models are sensible.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique among all rules. One that exists already takes that rule's place.
    #[schemars(regex(pattern = r"^[a-z0-9-]{1,64}$"))]
    pub id: String,
    /// The id of the rule that this one is tried before. A new rule of your own needs it.
    pub before: Option<String>,
    /// All must hold. Only the last rule of a class has none.
    #[schemars(length(min = 1))]
    pub when: Option<Vec<Comparison>>,
    /// The models that the rule admits, in order of preference; trials decide among them.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub admit: Vec<ModelName>,
    /// How the number of workers is bounded.
    pub workers: WorkersName,
    /// Why, in a sentence; `{fact}` is replaced by the measured value.
    #[schemars(regex(pattern = r"\S"))]
    pub reason: String,
    /// Where the rule comes from.
    pub source: String,
    /// Advice that is not a model, as sentences; `{fact}` is replaced by the measured value.
    pub advice: Option<Vec<String>>,
    /// A case it is meant for.
    pub example: Option<String>,
}

/// One fact compared with a value. An unknown fact makes it unknown, never false.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = fits_its_fact)]
pub struct Comparison {
    /// What is asked for.
    pub fact: FactName,
    /// How it is compared.
    pub op: OpName,
    /// With what: a number, a word, a version, true or false, as the fact is; after `in` an array of words.
    pub value: Value,
}

/// Which operators and values a comparison takes follows from the kind of its fact.
fn fits_its_fact(schema: &mut Schema) {
    let mut kinds: Vec<Kind> = Vec::new();
    VOCABULARY.iter().map(|fact| fact.kind).for_each(|kind| {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    });
    let cases: Vec<Value> = kinds.into_iter().map(case).collect();
    schema.insert("allOf".to_owned(), Value::Array(cases));
}

fn case(kind: Kind) -> Value {
    let facts: Vec<&str> = VOCABULARY.iter().filter(|fact| fact.kind == kind).map(|fact| fact.name).collect();
    let ops: Vec<&str> = Op::ALL.into_iter().filter(|op| op.applies_to(kind)).map(Op::name).collect();
    let one = of_kind(kind);
    let then = if Op::In.applies_to(kind) {
        json!({
            "properties": { "op": { "enum": ops } },
            "if": { "properties": { "op": { "const": Op::In.name() } } },
            "then": { "properties": { "value": { "type": "array", "minItems": 1, "items": one } } },
            "else": { "properties": { "value": one } },
        })
    } else {
        json!({ "properties": { "op": { "enum": ops }, "value": one } })
    };
    json!({ "if": { "properties": { "fact": { "enum": facts } } }, "then": then })
}

/// What a value of that kind is.
fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Number | Kind::Count | Kind::Seconds | Kind::Bytes => json!({ "type": "number", "minimum": 0 }),
        Kind::Version => json!({ "type": "string", "pattern": r"^[0-9]{1,5}\.[0-9]{1,5}$" }),
        Kind::Label(words) => json!({ "type": "string", "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
    }
}

/// Facts as keys, each with its kind and meaning.
pub fn facts_as_keys(those: impl Fn(&Fact) -> bool) -> Map<String, Value> {
    let described = |fact: &Fact| {
        let mut value = of_kind(fact.kind);
        value["description"] = fact.doc.into();
        (fact.name.to_owned(), value)
    };
    VOCABULARY.iter().filter(|fact| those(fact)).map(described).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse::{COMPARISON_FIELDS, FILE_FIELDS, RULE_FIELDS};
    use super::*;

    fn check<T: JsonSchema>(fields: &[&str]) {
        let schema = schemars::schema_for!(T).to_value();
        let keys = schema["properties"].as_object().expect("an object's schema").keys();
        assert_eq!(
            keys.map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
            fields.iter().copied().collect()
        );
        assert_eq!(schema["additionalProperties"], false, "the reader refuses others");
    }

    #[test]
    fn the_keys_are_those_that_are_read() {
        check::<RuleFile>(&FILE_FIELDS);
        check::<Rule>(&RULE_FIELDS);
        check::<Comparison>(&COMPARISON_FIELDS);
    }

    #[test]
    fn every_fact_has_its_case() {
        let schema = schemars::schema_for!(Comparison).to_value();
        let cases = schema["allOf"].as_array().expect("cases").iter();
        let named = cases.flat_map(|case| case["if"]["properties"]["fact"]["enum"].as_array().cloned().expect("facts"));
        let mut named: Vec<String> = named.map(|name| name.as_str().expect("a name").to_owned()).collect();
        let mut all: Vec<&str> = VOCABULARY.iter().map(|fact| fact.name).collect();
        named.sort();
        all.sort_unstable();
        assert_eq!(named, all);
    }
}
