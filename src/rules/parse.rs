//! One rule file's text → [`RuleFile`]. Pure; refuses whatever it does not know, with the line it stands on.
//!
//! Rule files are untrusted: they hold data only, and every piece of them that is repeated in a sentence is escaped.
//! How several files make one set of rules is `load`'s.

use super::condition::{Comparison, Op};
use super::error::{Error, quoted};
use super::facts::{Value, next_placeholder};
use super::nearest::hint;
use super::vocabulary::{Fact, Kind, VOCABULARY, fact};
use super::{Rule, WorkersRule};
use crate::classify::Class;
use crate::reading::line_of;
use crate::trial::model::Model;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Table, TableLike, Value as Toml};

/// What one rule file says.
#[derive(Debug)]
pub(super) struct RuleFile {
    pub path: PathBuf,
    pub class: Class,
    pub class_line: usize,
    pub rules: Vec<Placed>,
}

/// A rule, with where it stands in its file and where it wants to stand in its class.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub rule: Rule,
    pub before: Option<String>,
    pub line: usize,
}

/// Where something stands in the text, in bytes.
type Span = Option<Range<usize>>;

pub(super) const FILE_FIELDS: [&str; 2] = ["class", "rule"];
pub(super) const RULE_FIELDS: [&str; 9] =
    ["id", "before", "when", "admit", "workers", "reason", "source", "advice", "example"];
pub(super) const COMPARISON_FIELDS: [&str; 3] = ["fact", "op", "value"];

/// Parses the text of the file at `path`, which is only named in errors.
pub(super) fn parse(path: &Path, text: &str) -> Result<RuleFile, Error> {
    let reader = Reader { path, text };
    let document = Document::parse(text).map_err(|error| {
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        reader.refuse(error.span(), format!("not TOML: {what}"))
    })?;
    reader.file(document.as_table())
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn file(&self, file: &Table) -> Result<RuleFile, Error> {
        self.known_fields(file, &FILE_FIELDS, "a rule file")?;
        let top = Some(0..0);
        let class = self.string(file, "class", &top, "a rule file")?;
        let class_span = file.get("class").and_then(Item::span);
        let class_line = self.line(&class_span);
        let class = Class::ALL.into_iter().find(|known| known.name() == class).ok_or_else(|| {
            let hint = hint(class, &Class::ALL.map(Class::name));
            self.refuse(class_span, format!("unknown class {} in `class`{hint}", quoted(class)))
        })?;
        let tables = match file.get("rule") {
            None => None,
            Some(Item::ArrayOfTables(tables)) => Some(tables),
            Some(other) => return Err(self.refuse(other.span(), "`rule` must be written as [[rule]] tables")),
        };
        let mut ids = BTreeSet::new();
        let mut rules = Vec::new();
        for table in tables.into_iter().flatten() {
            let placed = self.rule(table)?;
            if !ids.insert(placed.rule.id.clone()) {
                let span = table.get("id").and_then(Item::span);
                return Err(self.refuse(span, format!("duplicate id {} in this file", quoted(&placed.rule.id))));
            }
            rules.push(placed);
        }
        Ok(RuleFile { path: self.path.to_owned(), class, class_line, rules })
    }

    fn rule(&self, table: &Table) -> Result<Placed, Error> {
        let span = table.span();
        self.known_fields(table, &RULE_FIELDS, "[[rule]]")?;
        let of = "[[rule]]";
        let id = self.string(table, "id", &span, of)?.to_owned();
        let well_formed =
            |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if id.is_empty() || id.len() > 64 || !well_formed(&id) {
            let problem = format!("`id` {} must be 1 to 64 small letters, digits and hyphens", quoted(&id));
            return Err(self.refuse(table.get("id").and_then(Item::span), problem));
        }
        let when = match table.get("when") {
            None => Vec::new(),
            Some(item) => self.comparisons(item)?,
        };
        let admit = self.admitted(table, &span)?;
        let workers = self.string(table, "workers", &span, of)?;
        let workers = WorkersRule::ALL.into_iter().find(|known| known.name() == workers).ok_or_else(|| {
            let hint = hint(workers, &WorkersRule::ALL.map(WorkersRule::name));
            let problem = format!("unknown worker policy {} in `workers`{hint}", quoted(workers));
            self.refuse(table.get("workers").and_then(Item::span), problem)
        })?;
        let reason = self.sentence(self.string(table, "reason", &span, of)?, table.get("reason"), "reason")?;
        let source = self.string(table, "source", &span, of)?.to_owned();
        let mut advice = Vec::new();
        for (value, span) in self.strings(table, "advice")? {
            self.check_placeholders(value, span, "advice")?;
            advice.push(value.to_owned());
        }
        let example = self.optional_string(table, "example")?.map(str::to_owned);
        let before = self.optional_string(table, "before")?.map(str::to_owned);
        let rule = Rule { id, when, admit, workers, reason, source, advice, example };
        Ok(Placed { rule, before, line: self.line(&span) })
    }

    fn admitted(&self, table: &Table, span: &Span) -> Result<Vec<Model>, Error> {
        let mut admit = Vec::new();
        for (name, span) in self.strings(table, "admit")? {
            let model = Model::from_name(name).ok_or_else(|| {
                let hint = hint(name, &Model::ALL.map(Model::name));
                self.refuse(span.clone(), format!("unknown model {} in `admit`{hint}", quoted(name)))
            })?;
            if admit.contains(&model) {
                return Err(self.refuse(span, format!("`admit` names `{model}` twice")));
            }
            admit.push(model);
        }
        if admit.is_empty() {
            let span = table.get("admit").and_then(Item::span).or(span.clone());
            return Err(self.refuse(span, "`admit` must name at least one model"));
        }
        Ok(admit)
    }

    fn comparisons(&self, item: &Item) -> Result<Vec<Comparison>, Error> {
        let wrong = "`when` must be an array of comparisons such as { fact = \"work_s\", op = \"<\", value = 0.1 }";
        let Some(array) = item.as_array() else { return Err(self.refuse(item.span(), wrong)) };
        if array.is_empty() {
            return Err(self.refuse(item.span(), "`when` is empty; leave it out of the last rule, fill it elsewhere"));
        }
        let table = |entry: &'_ Toml| entry.as_inline_table().cloned().ok_or_else(|| self.refuse(entry.span(), wrong));
        array.iter().map(|entry| self.comparison(&table(entry)?, entry.span())).collect()
    }

    fn comparison(&self, table: &dyn TableLike, span: Span) -> Result<Comparison, Error> {
        self.known_fields(table, &COMPARISON_FIELDS, "a comparison")?;
        let at = |field: &str| table.get(field).and_then(Item::span).or(span.clone());
        let of = "a comparison";
        let name = self.string(table, "fact", &span, of)?;
        let fact = self.fact(name, at("fact"))?;
        let op = self.string(table, "op", &span, of)?;
        let op = Op::ALL.into_iter().find(|known| known.name() == op).ok_or_else(|| {
            let names = Op::ALL.map(|op| format!("`{}`", op.name())).join(", ");
            self.refuse(at("op"), format!("unknown operator {} in `op`; it must be one of {names}", quoted(op)))
        })?;
        if !op.applies_to(fact.kind) {
            let names = Op::ALL.into_iter().filter(|op| op.applies_to(fact.kind));
            let names: Vec<_> = names.map(|op| format!("`{}`", op.name())).collect();
            let problem = format!("`op` `{}` does not apply to `{}`; use {}", op.name(), fact.name, names.join(" or "));
            return Err(self.refuse(at("op"), problem));
        }
        let Some(value) = table.get("value").and_then(Item::as_value) else {
            return Err(self.refuse(at("value"), "`value` is missing in a comparison, or is not a value"));
        };
        let values = match (op, value.as_array()) {
            (Op::In, Some(words)) if !words.is_empty() => {
                words.iter().map(|word| self.value(fact, word)).collect::<Result<_, _>>()?
            }
            (Op::In, _) => return Err(self.refuse(at("value"), "`value` must be an array of words after `in`")),
            (_, _) => vec![self.value(fact, value)?],
        };
        Ok(Comparison { fact, op, values })
    }

    fn value(&self, fact: &'static Fact, written: &Toml) -> Result<Value, Error> {
        let number = written.as_float().or(written.as_integer().map(|value| value as f64));
        let value = match fact.kind {
            Kind::Flag => written.as_bool().map(Value::Flag),
            Kind::Version => written.as_str().and_then(version),
            Kind::Label(words) => match written.as_str() {
                Some(word) => match words.iter().find(|known| **known == word) {
                    Some(word) => Some(Value::Label(word)),
                    None => {
                        let problem = format!("`{}` is never {}{}", fact.name, quoted(word), hint(word, words));
                        return Err(self.refuse(written.span(), problem));
                    }
                },
                None => None,
            },
            _ => number.map(Value::Number),
        };
        value.filter(|value| value.fits(fact.kind)).ok_or_else(|| {
            let wrote = if number.is_some() { quoted(written.to_string().trim()) } else { a(written.type_name()) };
            let problem = format!("`value` of `{}` must be {}, not {wrote}", fact.name, fact.kind.wanted());
            self.refuse(written.span(), problem)
        })
    }

    fn fact(&self, name: &str, span: Span) -> Result<&'static Fact, Error> {
        fact(name).ok_or_else(|| {
            let names: Vec<_> = VOCABULARY.iter().map(|fact| fact.name).collect();
            self.refuse(span, format!("unknown fact {}{}", quoted(name), hint(name, &names)))
        })
    }

    fn sentence(&self, text: &str, item: Option<&Item>, field: &str) -> Result<String, Error> {
        let span = item.and_then(Item::span);
        if text.trim().is_empty() {
            return Err(self.refuse(span, format!("`{field}` is empty; say why, in a sentence")));
        }
        self.check_placeholders(text, span, field)?;
        Ok(text.to_owned())
    }

    fn check_placeholders(&self, text: &str, span: Span, field: &str) -> Result<(), Error> {
        let mut rest = text;
        while let Some((_, name, after)) = next_placeholder(rest) {
            self.fact(name, span.clone())?;
            rest = after;
        }
        if rest.contains('{') {
            return Err(self.refuse(span, format!("`{field}` has a `{{` that no `}}` closes")));
        }
        Ok(())
    }

    fn known_fields(&self, table: &dyn TableLike, known: &[&str], of: &str) -> Result<(), Error> {
        for (field, item) in table.iter() {
            if !known.contains(&field) {
                let span = table.key(field).and_then(toml_edit::Key::span).or(item.span());
                return Err(self.refuse(span, format!("unknown field {} in {of}{}", quoted(field), hint(field, known))));
            }
        }
        Ok(())
    }

    fn string<'t>(&self, table: &'t dyn TableLike, field: &str, span: &Span, of: &str) -> Result<&'t str, Error> {
        match self.optional_string(table, field)? {
            Some(text) => Ok(text),
            None => Err(self.refuse(span.clone(), format!("`{field}` is missing in {of}"))),
        }
    }

    fn optional_string<'t>(&self, table: &'t dyn TableLike, field: &str) -> Result<Option<&'t str>, Error> {
        let Some(item) = table.get(field) else { return Ok(None) };
        match item.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(self.refuse(item.span(), format!("`{field}` must be a string, not {}", a(item.type_name())))),
        }
    }

    /// The strings of an array with their places; none when the field is absent.
    fn strings<'t>(&self, table: &'t Table, field: &str) -> Result<Vec<(&'t str, Span)>, Error> {
        let Some(item) = table.get(field) else { return Ok(Vec::new()) };
        let wrong = |kind: &str| format!("`{field}` must be an array of strings, not {}", a(kind));
        let Some(array) = item.as_array() else { return Err(self.refuse(item.span(), wrong(item.type_name()))) };
        let text = |value: &'t Toml| match value.as_str() {
            Some(text) => Ok((text, value.span())),
            None => Err(self.refuse(value.span(), format!("{} in it", wrong(value.type_name())))),
        };
        array.iter().map(text).collect()
    }

    fn refuse(&self, span: Span, problem: impl Into<String>) -> Error {
        Error::refused(self.path, self.line(&span), problem)
    }

    /// The line that a span begins on, counted from 1.
    fn line(&self, span: &Span) -> usize {
        line_of(self.text.as_bytes(), span.as_ref().map_or(0, |span| span.start))
    }
}

/// `3.14` → (3, 14).
fn version(text: &str) -> Option<Value> {
    let (major, minor) = text.split_once('.')?;
    Some(Value::Version(major.parse().ok()?, minor.parse().ok()?))
}

/// A kind of TOML value with its article.
fn a(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}
