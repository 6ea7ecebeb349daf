//! Which targets there are and what is wanted of them: `[[target]]` and `[gate]` of `concadvise.config.toml`, or the
//! same below `[tool.concadvise]` of `pyproject.toml`. The table `check` there is another command's to read.

use super::LARGEST;
use super::fields::{Span, Text};
use crate::gate::policy::{Policy, Thresholds};
use crate::rules::error::quoted;
use toml_edit::{Item, TableLike};

pub(super) const TABLES: [&str; 3] = ["check", "gate", "target"];
pub(super) const TARGET_FIELDS: [&str; 6] = ["name", "command", "task", "items", "options", "policy"];
pub(super) const GATE_FIELDS: [&str; 6] =
    ["baseline", "policy", "gain", "equivalent", "workers", "fail_on_inconclusive"];
const REMEDY: &str = "mend it";

/// What a project says of its gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// In the order of the file.
    pub targets: Vec<TargetConfig>,
    /// The baseline, when it is not the usual one.
    pub baseline: Option<String>,
    /// The policy of targets that have none of their own.
    pub policy: Policy,
    /// From where on a difference counts.
    pub thresholds: Thresholds,
    /// Whether what cannot be told fails as well.
    pub fail_on_inconclusive: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            baseline: None,
            policy: Policy::Fail,
            thresholds: Thresholds::default(),
            fail_on_inconclusive: false,
        }
    }
}

impl Config {
    /// What a target's verdict may do.
    pub fn policy_of(&self, name: &str) -> Policy {
        self.targets.iter().find(|target| target.name == name).map_or(self.policy, |target| target.policy)
    }
}

/// One target, and how it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetConfig {
    /// Its name.
    pub name: String,
    /// The words after `concadvise`: options, and the command behind `--`.
    pub words: Vec<String>,
    /// What its verdict may do.
    pub policy: Policy,
}

/// Reads `concadvise.config.toml`; `path` is only named, and is escaped.
///
/// # Errors
/// A sentence with file, line and field.
pub fn of_config(path: &str, text: &str) -> Result<Config, String> {
    let text = Text { path, text: bounded(path, text)? };
    let document = text.parse(REMEDY)?;
    of_table(text, document.as_table())
}

/// Reads `[tool.concadvise]` of a `pyproject.toml`; `None` when it has no such table.
///
/// # Errors
/// A sentence with file, line and field.
pub fn of_pyproject(path: &str, text: &str) -> Result<Option<Config>, String> {
    let text = Text { path, text: bounded(path, text)? };
    let document = text.parse(REMEDY)?;
    let table = document.as_table().get("tool").and_then(Item::as_table_like);
    let ours = table.and_then(|tool| tool.get("concadvise")).and_then(Item::as_table_like);
    ours.map(|ours| of_table(text, ours)).transpose()
}

fn bounded<'a>(path: &str, text: &'a str) -> Result<&'a str, String> {
    if text.len() <= LARGEST { Ok(text) } else { Err(format!("{path} is larger than {} MiB", LARGEST >> 20)) }
}

fn of_table(text: Text, table: &dyn TableLike) -> Result<Config, String> {
    let mut config = Config::default();
    text.known(table, &TABLES, "the configuration")?;
    if let Some(item) = table.get("gate") {
        let gate = item.as_table_like().ok_or_else(|| text.refuse(&item.span(), "`gate` must be a table"))?;
        text.known(gate, &GATE_FIELDS, "[gate]")?;
        let usual = config.thresholds;
        config.baseline = text.word(gate, "baseline")?.map(str::to_owned);
        config.policy = policy(text, gate)?.unwrap_or_default();
        config.fail_on_inconclusive = text.flag(gate, "fail_on_inconclusive")?.unwrap_or(false);
        config.thresholds = Thresholds {
            gain: text.number(gate, "gain")?.unwrap_or(usual.gain),
            equivalent: text.number(gate, "equivalent")?.unwrap_or(usual.equivalent),
            workers: text.number(gate, "workers")?.unwrap_or(usual.workers),
        };
        if config.thresholds.workers < 1.0 {
            let at = gate.get("workers").and_then(Item::span);
            return Err(text.refuse(&at, "`workers` must be at least 1: how many times more are still the same"));
        }
    }
    for (row, at) in text.rows(table, "target")? {
        let target = target(text, row, &at, config.policy)?;
        if config.targets.iter().any(|known| known.name == target.name) {
            let problem = format!("there are two targets of the name {}; rename one", quoted(&target.name));
            return Err(text.refuse(&at, problem));
        }
        config.targets.push(target);
    }
    Ok(config)
}

fn policy(text: Text, table: &dyn TableLike) -> Result<Option<Policy>, String> {
    let Some(word) = text.word(table, "policy")? else { return Ok(None) };
    let at = table.get("policy").and_then(Item::span);
    text.one_of(word, &at, "policy", &Policy::ALL.map(Policy::name), Policy::from_name).map(Some)
}

fn target(text: Text, row: &dyn TableLike, at: &Span, usual: Policy) -> Result<TargetConfig, String> {
    const OF: &str = "[[target]]";
    text.known(row, &TARGET_FIELDS, OF)?;
    let name = text.word(row, "name")?.ok_or_else(|| text.missing("name", OF, at))?;
    if name.is_empty() || name.len() > 100 || name.contains('=') {
        let at = row.get("name").and_then(Item::span);
        return Err(text.refuse(&at, "`name` must have 1 to 100 characters, and no `=`"));
    }
    let words = |field| -> Result<Vec<String>, String> {
        Ok(text.words(row, field)?.into_iter().map(|(word, _)| word.to_owned()).collect())
    };
    let (mut all, command) = (words("options")?, words("command")?);
    match (text.word(row, "task")?, command.is_empty()) {
        (Some(task), true) => {
            let items = text.word(row, "items")?;
            all.extend(["--task".to_owned(), task.to_owned()]);
            all.extend(items.into_iter().flat_map(|items| ["--items".to_owned(), items.to_owned()]));
        }
        (None, false) => {
            all.push("--".to_owned());
            all.extend(command);
        }
        (Some(_), false) => return Err(text.refuse(at, "[[target]] has both `command` and `task`; remove one")),
        (None, true) => {
            let problem = "[[target]] has neither `command` (an array of words) nor `task`; it must say what to run";
            return Err(text.refuse(at, problem));
        }
    }
    Ok(TargetConfig { name: name.to_owned(), words: all, policy: policy(text, row)?.unwrap_or(usual) })
}
