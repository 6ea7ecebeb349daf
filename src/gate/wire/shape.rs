//! What a baseline and a configuration may hold, for their JSON Schemas: each key with its meaning. Nothing is read
//! here: `baseline` and `config` read, and alone decide; a test holds the keys of both sides together. That an interval
//! is in order, a name is there once, or a file was not cut off, only the readers see.

use super::SCHEMA_VERSION;
use crate::gate::current::{BESIDE_FACTS, OF_INTERPRETER};
use crate::gate::policy::Policy;
use crate::rules::shape::facts_as_keys;
use crate::rules::shape::words::{EvidenceName, ModelName, RuntimeName, StartMethodName, WorkersName};
use crate::rules::vocabulary::{Kind, Provider};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// What `concadvise gate` compares with, written by `concadvise gate --update` and committed. Sorted, three significant
/// digits, no times of day: the same evidence makes the same bytes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BaselineFile {
    /// What the keys mean: raised when one changes its meaning or goes away.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The targets, by name.
    pub target: Option<Vec<Target>>,
    /// Ends the file: without it a file that was cut off would read as a whole one.
    pub end: Map<String, Value>,
}

/// One target: the answer for it, and what the answer rests on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Target {
    /// Its name, there once.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// What was run, word by word.
    pub command: Option<Vec<String>>,
    /// The version of the concadvise that measured.
    pub tool_version: String,
    /// Stands for the rules that decided, in hexadecimal digits.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{1,16}$"))]
    pub rules: String,
    /// How much faster than one task after another each setting ran.
    pub speedup: Option<Vec<Speedup>>,
    /// How far the deciding facts are from where the answer flips.
    pub margin: Option<Vec<Margin>>,
    /// Defects that the source shows, without their lines, which move.
    pub finding: Option<Vec<FindingKey>>,
    /// The answer.
    pub decision: Decision,
    /// The machine that it was measured on.
    #[schemars(schema_with = "host")]
    pub host: Value,
    /// The interpreter that it was measured with.
    #[schemars(schema_with = "interpreter")]
    pub interpreter: Value,
    /// Shares that are compared, each with its 90 % interval where resampling the run gave one.
    #[schemars(schema_with = "signals")]
    pub signals: Value,
    /// Facts that rules are asked again with, and that are not compared.
    #[schemars(schema_with = "facts")]
    pub facts: Value,
}

/// The answer for a target.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Decision {
    /// Executor model.
    pub model: ModelName,
    /// Workers; for an event loop, tasks in flight at once.
    #[schemars(range(min = 1))]
    pub workers: u64,
    /// The worker count as it holds on other machines: `min(cpus, 8)`.
    pub workers_policy: String,
    /// Tasks handed over at a time.
    #[schemars(range(min = 1))]
    pub chunk_size: Option<u64>,
    /// How processes start.
    pub start_method: Option<StartMethodName>,
    /// The rule that decided which models were admitted.
    pub rule: String,
    /// The models that it admits, in its order of preference.
    pub admits: Option<Vec<ModelName>>,
    /// How it bounds the number of workers.
    pub workers_bound: WorkersName,
    /// What the speed-up was measured on.
    pub evidence: Option<EvidenceName>,
    /// Models that could not be used: unsafe, failing, or of no use to this work.
    pub refused: Option<Vec<ModelName>>,
}

/// One setting that ran.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Speedup {
    /// Executor model.
    pub model: ModelName,
    /// Workers.
    #[schemars(range(min = 1))]
    pub workers: u64,
    /// Tasks handed over at a time.
    #[schemars(range(min = 1))]
    pub chunk_size: Option<u64>,
    /// How processes start.
    pub start_method: Option<StartMethodName>,
    /// Time of one task after another over this setting's.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub speedup: f64,
    /// Lower end of its range.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub low: f64,
    /// Upper end of its range.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub high: f64,
}

/// One comparison that the answer hangs on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Margin {
    /// The fact that was compared.
    pub fact: String,
    /// The rule that asked.
    pub rule: String,
    /// The value at which the comparison turns over.
    #[schemars(range(min = 0))]
    pub flips_at: f64,
    /// How far from it the fact was.
    #[schemars(range(min = 0))]
    pub distance: f64,
}

/// A defect, as it stays when lines move.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FindingKey {
    /// What it is: `CON101`, as `concadvise explain` knows it.
    pub code: String,
    /// The file.
    pub path: String,
    /// The function or class around it; absent at the file's own level.
    pub qualified_name: Option<String>,
    /// How many of it there are.
    #[schemars(range(min = 1))]
    pub count: u64,
}

fn table(keys: Map<String, Value>, required: &[&str]) -> Schema {
    json_schema!({ "type": "object", "properties": keys, "required": required, "additionalProperties": false })
}

fn described(value: Schema, about: &str) -> Value {
    let mut value = value.to_value();
    value["description"] = about.into();
    value
}

fn host(_: &mut SchemaGenerator) -> Schema {
    let mut keys = facts_as_keys(|fact| fact.from == Provider::Host);
    keys.insert("arch".to_owned(), json!({ "description": "Machine architecture.", "type": "string" }));
    table(keys, &["arch"])
}

fn interpreter(generator: &mut SchemaGenerator) -> Schema {
    let mut keys = facts_as_keys(|fact| OF_INTERPRETER.contains(&fact.name));
    let runtime = generator.subschema_for::<RuntimeName>();
    keys.insert("runtime".to_owned(), described(runtime, "What executes the target."));
    keys.insert("version".to_owned(), json!({ "description": "The interpreter's version.", "type": "string" }));
    keys.insert("gil".to_owned(), json!({ "description": "Whether it has a global lock.", "type": "boolean" }));
    table(keys, &["runtime"])
}

fn facts(_: &mut SchemaGenerator) -> Schema {
    table(facts_as_keys(|_| true), &[])
}

fn signals(generator: &mut SchemaGenerator) -> Schema {
    let mut keys = facts_as_keys(|fact| matches!(fact.kind, Kind::Share));
    keys.extend(BESIDE_FACTS.map(|name| {
        let about = match name.strip_prefix("blocked_") {
            Some(kind) => format!("Part of the worker-time blocked on: {kind}."),
            None => "Part of the work that more workers do not make faster, by the fitted scaling law.".to_owned(),
        };
        (name.to_owned(), json!({ "description": about }))
    }));
    let signal = generator.subschema_for::<Signal>();
    for key in keys.values_mut() {
        *key = described(signal.clone(), key["description"].as_str().unwrap_or_default());
    }
    table(keys, &[])
}

/// A share, alone or with its 90 % interval.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Signal {
    /// The share alone.
    Alone(#[schemars(range(min = 0, max = 1))] f64),
    /// The share with its interval.
    Within(Interval),
}

/// A share with its 90 % interval.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Interval {
    /// The share.
    #[schemars(range(min = 0, max = 1))]
    pub value: f64,
    /// Lower end of its interval.
    #[schemars(range(min = 0, max = 1))]
    pub low: f64,
    /// Upper end of its interval.
    #[schemars(range(min = 0, max = 1))]
    pub high: f64,
}

/// What a project wants of `concadvise`: `concadvise.config.toml`, and the same below `[tool.concadvise]` of a
/// `pyproject.toml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConfigFile {
    /// The targets that `concadvise gate` runs.
    pub target: Option<Vec<ConfiguredTarget>>,
    /// What is wanted of the gate.
    pub gate: Option<Gate>,
    /// What `concadvise check` looks for. Read from `[tool.concadvise.check]` of a `pyproject.toml` only.
    pub check: Option<Check>,
}

/// One target, and how it is run: a command, or a task with its items.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = [{ "required": ["command"] }, { "required": ["task"] }]))]
pub struct ConfiguredTarget {
    /// Its name in the baseline, there once.
    #[schemars(length(min = 1, max = 100), regex(pattern = r"^[^=]+$"))]
    pub name: String,
    /// What is run, word by word; it never goes through a shell.
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// A function of your own instead of a command, as `--task` takes it: `app.py:fetch`.
    pub task: Option<String>,
    /// The items of `task`, as `--items` takes them.
    pub items: Option<String>,
    /// Options of the main job, as on the command line.
    pub options: Option<Vec<String>>,
    /// What a changed answer of this target does.
    pub policy: Option<PolicyName>,
}

/// What is wanted of the gate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gate {
    /// The baseline, when it is not `concadvise.baseline.toml`.
    pub baseline: Option<String>,
    /// What a changed answer does, where the target does not say.
    pub policy: Option<PolicyName>,
    /// What changing must gain for a changed answer to fail: 0.10 is ten per cent.
    #[schemars(range(min = 0))]
    pub gain: Option<f64>,
    /// What may be lost by keeping the old answer for the two to be equivalent.
    #[schemars(range(min = 0))]
    pub equivalent: Option<f64>,
    /// How many times more or fewer workers are still the same answer.
    #[schemars(range(min = 1))]
    pub workers: Option<f64>,
    /// Whether what cannot be told fails as well.
    pub fail_on_inconclusive: Option<bool>,
}

/// What `concadvise check` looks for, and where.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// Codes, their beginnings, or `ALL`, to look for instead of what is on by itself.
    pub select: Option<Vec<String>>,
    /// Codes not to look for.
    pub ignore: Option<Vec<String>>,
    /// Files and folders that are not looked at, as in a `.gitignore`.
    pub exclude: Option<Vec<String>>,
    /// Patterns of files, each with the codes that are not told of them.
    pub per_file_ignores: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

/// What a changed answer does: it fails, it is told, or the target is not looked at.
pub struct PolicyName;

impl JsonSchema for PolicyName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a changed answer does: it fails, it is told, or the target is not looked at.",
            "type": "string",
            "enum": Policy::ALL.map(Policy::name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{baseline, config};
    use super::*;

    fn check<T: JsonSchema>(fields: &[&str]) {
        let schema = schemars::schema_for!(T).to_value();
        let mut keys: Vec<&String> = schema["properties"].as_object().expect("an object's schema").keys().collect();
        let mut fields = fields.to_vec();
        keys.sort();
        fields.sort_unstable();
        assert_eq!(keys, fields);
        assert_eq!(schema["additionalProperties"], false, "the reader refuses others");
    }

    #[test]
    fn the_keys_are_those_that_are_read() {
        check::<BaselineFile>(&baseline::FIELDS);
        check::<Target>(&baseline::TARGET_FIELDS);
        check::<Decision>(&baseline::DECISION_FIELDS);
        check::<Speedup>(&baseline::SPEEDUP_FIELDS);
        check::<Margin>(&baseline::MARGIN_FIELDS);
        check::<FindingKey>(&baseline::FINDING_FIELDS);
        check::<Interval>(&baseline::SIGNAL_FIELDS);
        check::<ConfigFile>(&config::TABLES);
        check::<ConfiguredTarget>(&config::TARGET_FIELDS);
        check::<Gate>(&config::GATE_FIELDS);
    }
}
