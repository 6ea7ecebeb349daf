//! Findings as SARIF, whose document [`crate::report::sarif`] knows; here is what only findings have: their chain, their
//! fix, and the catalogue as rules.

use super::{fingerprints, region, sentence};
use crate::report::sarif::{Hit, Rule, Run, artifact, message, notification};
use crate::source::catalogue::{Catalogue, Entry};
use crate::source::finding::{Finding, Fix, Level};
use crate::source::project::{Checked, Note};
use crate::source::python::Place;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The parts of a fingerprint, by name; another set of parts gets another number.
const FINGERPRINT: &str = "concadvise/v1";

/// The document, ended by a line end. `base` is the folder that paths are told from: the repository's.
pub fn render(checked: &Checked, base: &Path) -> String {
    let fingerprints = fingerprints(checked, base);
    let results = checked.findings.iter().zip(&fingerprints).map(|(finding, print)| result(finding, print, base));
    Run {
        root: "The folder that concadvise check ran in.",
        category: None,
        rules: Catalogue::get().entries.iter().map(rule).collect(),
        results: results.collect(),
        successful: !checked.notes.iter().any(|note| note.refused),
        notifications: checked.notes.iter().map(|note| noted(note, base)).collect(),
    }
    .document()
}

/// A code as the rule that its findings name.
pub fn rule(entry: &Entry) -> Value {
    let (what, why) = (joined(&entry.what), joined(&entry.why));
    let (example, instead) = (entry.example.trim_end(), entry.use_instead.trim_end());
    Rule {
        id: &entry.code,
        name: &pascal(&entry.name),
        title: &format!("{}: {}", entry.code, entry.name.replace('-', " ")),
        what: &what,
        help: &format!("{what}\n\n{why}\n\nExample:\n\n{example}\n\nUse instead:\n\n{instead}\n"),
        markdown: &format!(
            "{what}\n\n**Why it is bad.** {why}\n\n**Example**\n\n```python\n{example}\n```\n\n**Use instead**\n\n\
             ```python\n{instead}\n```\n\nSource: {}\n",
            joined(&entry.source)
        ),
        level: entry.level,
        enabled: entry.default,
    }
    .value()
}

/// A paragraph in one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `no-main-guard` as `NoMainGuard`, which the standard asks names of rules to be.
fn pascal(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(capital).collect()
}

fn result(finding: &Finding, fingerprint: &str, base: &Path) -> Map<String, Value> {
    let here = location(finding, base);
    let mut result = Hit {
        rule: &finding.entry.code,
        level: finding.level,
        message: &sentence(finding),
        location: here.clone(),
        fingerprint: (FINGERPRINT, fingerprint),
        properties: json!({"evidence": finding.evidence.name()}),
    }
    .value();
    if !finding.chain.is_empty() {
        result.insert("codeFlows".to_owned(), json!([{"threadFlows": [{"locations": flow(finding, here, base)}]}]));
    }
    // The lines of a notebook's cell are no lines of its file.
    if let Some(fix) = finding.fix.as_ref().filter(|_| finding.spot.cell.is_none()) {
        result.insert("fixes".to_owned(), json!([mended(finding, fix, base)]));
    }
    result
}

fn location(finding: &Finding, base: &Path) -> Value {
    let (start, end) = region(finding);
    let mut at = span(start, end);
    if finding.spot.cell.is_none() && start.line == end.line {
        at.insert("snippet".to_owned(), json!({"text": finding.spot.line}));
    }
    let mut here = json!({"physicalLocation": {"artifactLocation": artifact(base, &finding.path), "region": at}});
    if let (Some(name), Value::Object(keys)) = (&finding.qualified_name, &mut here) {
        keys.insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": name}]));
    }
    here
}

/// What leads from the place to the defect, in order.
fn flow(finding: &Finding, mut here: Value, base: &Path) -> Vec<Value> {
    if let Value::Object(keys) = &mut here {
        keys.insert("message".to_owned(), message(&sentence(finding)));
    }
    let steps = finding.chain.iter().map(|step| {
        let at = json!({"startLine": step.place.line, "startColumn": step.place.column});
        let place = json!({"artifactLocation": artifact(base, &step.path), "region": at});
        json!({"physicalLocation": place, "message": message(&step.what)})
    });
    std::iter::once(here).chain(steps).map(|step| json!({"location": step})).collect()
}

fn mended(finding: &Finding, fix: &Fix, base: &Path) -> Value {
    let replacements = fix.edits.iter().zip(&finding.spot.edits).map(
        |((_, text), (start, end))| json!({"deletedRegion": span(*start, *end), "insertedContent": {"text": text}}),
    );
    let change = json!({
        "artifactLocation": artifact(base, &finding.path),
        "replacements": replacements.collect::<Vec<_>>(),
    });
    json!({"description": message(&fix.what), "artifactChanges": [change]})
}

fn noted(note: &Note, base: &Path) -> Value {
    let level = if note.refused { Level::Error } else { Level::Warning };
    notification(level, &note.clause, Some(artifact(base, &note.path)))
}

fn span(start: Place, end: Place) -> Map<String, Value> {
    let keys =
        [("startLine", start.line), ("startColumn", start.column), ("endLine", end.line), ("endColumn", end.column)];
    keys.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
}
