//! A baseline from text. What is not exactly as it is written is refused: a typo would else read as unknown evidence.

use super::fields::{Span, Text};
use super::{LARGEST, SCHEMA_VERSION};
use crate::gate::Baseline;
use crate::gate::current::{BESIDE_FACTS, OF_INTERPRETER, value};
use crate::gate::record::{Admitted, Choice, FindingKey, Ground, Margin, Point, Record, Signal};
use crate::report::schema::FactValue;
use crate::rules::WorkersRule;
use crate::rules::error::quoted;
use crate::rules::facts::Value;
use crate::rules::nearest::hint;
use crate::rules::vocabulary::{Fact, Kind, Provider, VOCABULARY};
use crate::trial::Evidence;
use crate::trial::model::{Model, StartMethod};
use std::collections::BTreeMap;
use toml_edit::{Item, TableLike};

const TARGET: &str = "[[target]]";
pub(super) const TARGET_FIELDS: [&str; 12] = [
    "name",
    "command",
    "tool_version",
    "rules",
    "speedup",
    "margin",
    "finding",
    "decision",
    "host",
    "interpreter",
    "signals",
    "facts",
];
pub(super) const DECISION_FIELDS: [&str; 10] = [
    "model",
    "workers",
    "workers_policy",
    "chunk_size",
    "start_method",
    "rule",
    "admits",
    "workers_bound",
    "evidence",
    "refused",
];
pub(super) const SPEEDUP_FIELDS: [&str; 7] =
    ["model", "workers", "chunk_size", "start_method", "speedup", "low", "high"];
pub(super) const FIELDS: [&str; 3] = ["schema_version", "target", "end"];
pub(super) const MARGIN_FIELDS: [&str; 4] = ["fact", "rule", "flips_at", "distance"];
pub(super) const FINDING_FIELDS: [&str; 4] = ["code", "path", "qualified_name", "count"];
pub(super) const SIGNAL_FIELDS: [&str; 3] = ["value", "low", "high"];
const REMEDY: &str = "mend it, or make it anew with concadvise gate --update";

/// Reads the text of the baseline at `path`, which is only named, and is escaped.
///
/// # Errors
/// A sentence with file, line and field.
pub fn read(path: &str, text: &str) -> Result<Baseline, String> {
    if text.len() > LARGEST {
        return Err(format!("{path} is larger than {} MiB; it is no baseline of ours", LARGEST >> 20));
    }
    let text = Text { path, text };
    let document = text.parse(REMEDY)?;
    let top: &dyn TableLike = document.as_table();
    let start = Some(0..0);
    match text.count(top, "schema_version", 0)? {
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(format!(
                "{path} has schema_version {version} and this concadvise reads {SCHEMA_VERSION}; use the concadvise \
                 that wrote it, or make it anew with concadvise gate --update"
            ));
        }
        None => return Err(text.missing("schema_version", "a baseline", &start)),
    }
    text.known(top, &FIELDS, "a baseline")?;
    if top.get("end").is_none() {
        let last = Some(text.text.len()..text.text.len());
        return Err(text.refuse(&last, format!("there is no [end], so the file was cut off; {REMEDY}")));
    }
    let mut baseline = Baseline::default();
    for (table, span) in text.rows(top, "target")? {
        let record = Reader { text, at: span.clone() }.target(table)?;
        if baseline.target(&record.name).is_some() {
            let problem = format!("there are two targets of the name {}; rename one", quoted(&record.name));
            return Err(text.refuse(&span, problem));
        }
        baseline.accept(record);
    }
    Ok(baseline)
}

/// Reads one target; `at` is where it begins.
struct Reader<'a> {
    text: Text<'a>,
    at: Span,
}

impl Reader<'_> {
    fn target(&self, table: &dyn TableLike) -> Result<Record, String> {
        let text = self.text;
        text.known(table, &TARGET_FIELDS, TARGET)?;
        let name = self.name(table)?;
        let decision = text.table(table, "decision", TARGET, &self.at)?;
        text.known(decision, &DECISION_FIELDS, "[target.decision]")?;
        let in_decision = |field| self.need(text.word(decision, field)?, field, "[target.decision]");
        let word = |name| self.need(text.word(table, name)?, name, TARGET);
        let rules = word("rules")?;
        let bounds = WorkersRule::ALL.map(WorkersRule::name);
        let bound = in_decision("workers_bound")?;
        let models = |field| -> Result<Vec<Model>, String> {
            let words = text.words(decision, field)?;
            words.iter().map(|(name, at)| self.model(name, at, field)).collect()
        };
        let evidence = text.word(decision, "evidence")?.map(|name| {
            text.one_of(name, &span(decision, "evidence"), "evidence", &Evidence::ALL.map(Evidence::name), |name| {
                Evidence::ALL.into_iter().find(|known| known.name() == name)
            })
        });
        let host = text.table(table, "host", TARGET, &self.at)?;
        let interpreter = text.table(table, "interpreter", TARGET, &self.at)?;
        let mut facts = self.facts(host, "[target.host]", &["arch"], of_host)?;
        facts.extend(self.facts(
            interpreter,
            "[target.interpreter]",
            &["runtime", "version", "gil"],
            of_interpreter,
        )?);
        Ok(Record {
            name,
            command: text.words(table, "command")?.into_iter().map(|(word, _)| word.to_owned()).collect(),
            choice: Choice {
                model: self.model(in_decision("model")?, &span(decision, "model"), "model")?,
                workers: self.need(text.count(decision, "workers", 1)?, "workers", "[target.decision]")?,
                policy: in_decision("workers_policy")?.to_owned(),
                chunk_size: text.count(decision, "chunk_size", 1)?,
                start_method: self.start_method(decision)?,
            },
            admitted: Admitted {
                rule: in_decision("rule")?.to_owned(),
                models: models("admits")?,
                bound: text.one_of(bound, &span(decision, "workers_bound"), "workers_bound", &bounds, |name| {
                    WorkersRule::ALL.into_iter().find(|known| known.name() == name)
                })?,
                evidence: evidence.transpose()?,
                refused: models("refused")?,
            },
            ground: Ground {
                tool_version: word("tool_version")?.to_owned(),
                rules: u64::from_str_radix(rules, 16)
                    .map_err(|_| text.refuse(&span(table, "rules"), "`rules` must be 16 hexadecimal digits"))?,
                arch: self.need(text.word(host, "arch")?, "arch", "[target.host]")?.to_owned(),
                runtime: self.need(text.word(interpreter, "runtime")?, "runtime", "[target.interpreter]")?.to_owned(),
                version: text.word(interpreter, "version")?.map(str::to_owned),
                gil: text.flag(interpreter, "gil")?,
                facts,
            },
            signals: self.signals(text.table(table, "signals", TARGET, &self.at)?)?,
            facts: self.facts(text.table(table, "facts", TARGET, &self.at)?, "[target.facts]", &[], of_target)?,
            points: self.points(table)?,
            margins: self.margins(table)?,
            findings: self.findings(table)?,
        })
    }

    fn name(&self, table: &dyn TableLike) -> Result<String, String> {
        let name = self.need(self.text.word(table, "name")?, "name", TARGET)?;
        let fine = !name.is_empty() && name.len() <= 100;
        fine.then(|| name.to_owned())
            .ok_or_else(|| self.text.refuse(&span(table, "name"), "`name` must have 1 to 100 characters"))
    }

    fn need<T>(&self, found: Option<T>, field: &str, of: &str) -> Result<T, String> {
        found.ok_or_else(|| self.text.missing(field, of, &self.at))
    }

    fn model(&self, name: &str, at: &Span, field: &str) -> Result<Model, String> {
        self.text.one_of(name, at, field, &Model::ALL.map(Model::name), Model::from_name)
    }

    fn start_method(&self, table: &dyn TableLike) -> Result<Option<StartMethod>, String> {
        let Some(name) = self.text.word(table, "start_method")? else { return Ok(None) };
        let (at, names) = (span(table, "start_method"), StartMethod::ALL.map(StartMethod::name));
        self.text.one_of(name, &at, "start_method", &names, StartMethod::from_name).map(Some)
    }

    /// Facts by name, of those that belong there: in two tables, one could be written twice. `beside` are fields of the
    /// table that are none.
    fn facts(
        &self,
        table: &dyn TableLike,
        of: &str,
        beside: &[&str],
        belongs: fn(&Fact) -> bool,
    ) -> Result<BTreeMap<&'static str, Value>, String> {
        let mut facts = BTreeMap::new();
        let here = || VOCABULARY.iter().filter(|fact| belongs(fact));
        let names: Vec<&str> = here().map(|fact| fact.name).chain(beside.iter().copied()).collect();
        for (name, item) in table.iter().filter(|(name, _)| !beside.contains(name)) {
            let Some(fact) = here().find(|fact| fact.name == name) else {
                let at = table.key(name).and_then(toml_edit::Key::span);
                let problem = format!("{of} has no field {}{}", quoted(name), hint(name, &names));
                return Err(self.text.refuse(&at, problem));
            };
            let written = written(item);
            let value = written
                .and_then(|written| value(fact, &written))
                .ok_or_else(|| self.text.refuse(&item.span(), format!("`{name}` must be {}", fact.kind.wanted())))?;
            facts.insert(fact.name, value);
        }
        Ok(facts)
    }

    fn signals(&self, table: &dyn TableLike) -> Result<BTreeMap<String, Signal>, String> {
        let mut signals = BTreeMap::new();
        let shares = VOCABULARY.iter().filter(|fact| matches!(fact.kind, Kind::Share)).map(|fact| fact.name);
        let names: Vec<&str> = shares.chain(BESIDE_FACTS).collect();
        self.text.known(table, &names, "[target.signals]")?;
        for (name, item) in table.iter() {
            let share = |number: Option<f64>, at: &Span| match number {
                Some(number) if number <= 1.0 => Ok(number),
                _ => Err(self
                    .text
                    .refuse(at, format!("`{name}` must be a number from 0 to 1, or such with low and high"))),
            };
            let at = item.span();
            let signal = match item.as_table_like() {
                None => Signal { value: share(self.text.number(table, name)?, &at)?, interval: None },
                Some(inner) => {
                    self.text.known(inner, &SIGNAL_FIELDS, "a signal")?;
                    let part = |field| share(self.text.number(inner, field)?, &at);
                    let (value, low, high) = (part("value")?, part("low")?, part("high")?);
                    if !(low <= value && value <= high) {
                        return Err(self.text.refuse(&at, format!("`{name}` must lie between its low and its high")));
                    }
                    Signal { value, interval: Some((low, high)) }
                }
            };
            signals.insert(name.to_owned(), signal);
        }
        Ok(signals)
    }

    fn points(&self, table: &dyn TableLike) -> Result<Vec<Point>, String> {
        let text = self.text;
        let point = |(row, at): (&dyn TableLike, Span)| {
            text.known(row, &SPEEDUP_FIELDS, "a speedup")?;
            let missing = |field| text.missing(field, "a speedup", &at);
            let number = |field| text.number(row, field)?.filter(|number| *number > 0.0).ok_or_else(|| missing(field));
            let (speedup, low, high) = (number("speedup")?, number("low")?, number("high")?);
            if !(low <= speedup && speedup <= high) {
                return Err(text.refuse(&at, "`speedup` must lie between its low and its high"));
            }
            Ok(Point {
                model: self.model(
                    text.word(row, "model")?.ok_or_else(|| missing("model"))?,
                    &span(row, "model"),
                    "model",
                )?,
                workers: text.count(row, "workers", 1)?.ok_or_else(|| missing("workers"))?,
                chunk_size: text.count(row, "chunk_size", 1)?,
                start_method: self.start_method(row)?,
                speedup,
                low,
                high,
            })
        };
        text.rows(table, "speedup")?.into_iter().map(point).collect()
    }

    fn margins(&self, table: &dyn TableLike) -> Result<Vec<Margin>, String> {
        let text = self.text;
        let margin = |(row, at): (&dyn TableLike, Span)| {
            text.known(row, &MARGIN_FIELDS, "a margin")?;
            let missing = |field| text.missing(field, "a margin", &at);
            Ok(Margin {
                fact: text.word(row, "fact")?.ok_or_else(|| missing("fact"))?.to_owned(),
                rule: text.word(row, "rule")?.ok_or_else(|| missing("rule"))?.to_owned(),
                flips_at: text.number(row, "flips_at")?.ok_or_else(|| missing("flips_at"))?,
                distance: text.number(row, "distance")?.ok_or_else(|| missing("distance"))?,
            })
        };
        text.rows(table, "margin")?.into_iter().map(margin).collect()
    }

    fn findings(&self, table: &dyn TableLike) -> Result<BTreeMap<FindingKey, u64>, String> {
        let text = self.text;
        let mut findings = BTreeMap::new();
        for (row, at) in text.rows(table, "finding")? {
            text.known(row, &FINDING_FIELDS, "a finding")?;
            let missing = |field| text.missing(field, "a finding", &at);
            let key = FindingKey {
                code: text.word(row, "code")?.ok_or_else(|| missing("code"))?.to_owned(),
                path: text.word(row, "path")?.ok_or_else(|| missing("path"))?.to_owned(),
                qualified_name: text.word(row, "qualified_name")?.unwrap_or_default().to_owned(),
            };
            let count = text.count(row, "count", 1)?.ok_or_else(|| missing("count"))?;
            if findings.insert(key, count).is_some() {
                return Err(text.refuse(&at, "this finding is listed twice; add up the counts"));
            }
        }
        Ok(findings)
    }
}

fn of_host(fact: &Fact) -> bool {
    fact.from == Provider::Host
}

fn of_interpreter(fact: &Fact) -> bool {
    OF_INTERPRETER.contains(&fact.name)
}

/// What is of the run; shares are signals.
fn of_target(fact: &Fact) -> bool {
    !of_host(fact) && !of_interpreter(fact) && !matches!(fact.kind, Kind::Share)
}

fn span(table: &dyn TableLike, field: &str) -> Span {
    table.get(field).and_then(Item::span)
}

fn written(item: &Item) -> Option<FactValue> {
    let number = || item.as_float().or(item.as_integer().map(|number| number as f64)).map(FactValue::Number);
    let word = || item.as_str().map(|word| FactValue::Word(word.to_owned()));
    item.as_bool().map(FactValue::Flag).or_else(number).or_else(word)
}
