//! Findings as SARIF 2.1.0 (OASIS standard, 2020), which code scanning services and editors read. `tests/check.rs`
//! validates it against the standard's own schema.
//!
//! Paths are relative to `%SRCROOT%`, which the reader knows and we do not name: the document is the same on every
//! machine. Columns count characters.

use super::{fingerprints, from, region, sentence};
use crate::report::escape;
use crate::source::catalogue::{Catalogue, Entry};
use crate::source::finding::{Finding, Fix, Level};
use crate::source::project::{Checked, Note};
use crate::source::python::Place;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";
/// The parts of a fingerprint, by name; another set of parts gets another number.
const FINGERPRINT: &str = "concadvise/v1";

/// The document, ended by a line end. `base` is the folder that paths are told from: the repository's.
pub fn render(checked: &Checked, base: &Path) -> String {
    let fingerprints = fingerprints(checked, base);
    let results = checked.findings.iter().zip(&fingerprints).map(|(finding, print)| result(finding, print, base));
    let notes = checked.notes.iter().map(|note| notification(note, base));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "concadvise",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Catalogue::get().entries.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that concadvise check ran in."}}},
            "invocations": [{
                "executionSuccessful": !checked.notes.iter().any(|note| note.refused),
                "toolExecutionNotifications": notes.collect::<Vec<_>>(),
            }],
            "results": results.collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Info => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

fn rule(entry: &Entry) -> Value {
    let (what, why) = (joined(&entry.what), joined(&entry.why));
    let (example, instead) = (entry.example.trim_end(), entry.use_instead.trim_end());
    json!({
        "id": entry.code,
        "name": pascal(&entry.name),
        "shortDescription": {"text": format!("{}: {}", entry.code, entry.name.replace('-', " "))},
        "fullDescription": {"text": what},
        "help": {
            "text": format!("{what}\n\n{why}\n\nExample:\n\n{example}\n\nUse instead:\n\n{instead}\n"),
            "markdown": format!(
                "{what}\n\n**Why it is bad.** {why}\n\n**Example**\n\n```python\n{example}\n```\n\n**Use instead**\n\n\
                 ```python\n{instead}\n```\n\nSource: {}\n",
                joined(&entry.source)
            ),
        },
        "defaultConfiguration": {"level": level(entry.level), "enabled": entry.default},
        "properties": {"tags": ["concurrency"], "precision": "very-high"},
    })
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

fn result(finding: &Finding, fingerprint: &str, base: &Path) -> Value {
    let here = location(finding, base);
    let mut result = json!({
        "ruleId": finding.entry.code,
        "level": level(finding.level),
        "message": {"text": sentence(finding)},
        "locations": [here],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {"evidence": finding.evidence.name()},
    });
    let Value::Object(keys) = &mut result else { return result };
    let index = Catalogue::get().entries.iter().position(|entry| entry.code == finding.entry.code);
    keys.extend(index.map(|index| ("ruleIndex".to_owned(), json!(index))));
    if !finding.chain.is_empty() {
        keys.insert("codeFlows".to_owned(), json!([{"threadFlows": [{"locations": flow(finding, here, base)}]}]));
    }
    // The lines of a notebook's cell are no lines of its file.
    if let Some(fix) = finding.fix.as_ref().filter(|_| finding.spot.cell.is_none()) {
        keys.insert("fixes".to_owned(), json!([mended(finding, fix, base)]));
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
        keys.insert("message".to_owned(), json!({"text": sentence(finding)}));
    }
    let steps = finding.chain.iter().map(|step| {
        let at = json!({"startLine": step.place.line, "startColumn": step.place.column});
        let place = json!({"artifactLocation": artifact(base, &step.path), "region": at});
        json!({"physicalLocation": place, "message": {"text": escape::text(&step.what)}})
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
    json!({"description": {"text": escape::text(&fix.what)}, "artifactChanges": [change]})
}

fn notification(note: &Note, base: &Path) -> Value {
    json!({
        "level": if note.refused { "error" } else { "warning" },
        "message": {"text": escape::text(&note.clause)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact(base, &note.path)}}],
    })
}

fn span(start: Place, end: Place) -> Map<String, Value> {
    let keys =
        [("startLine", start.line), ("startColumn", start.column), ("endLine", end.line), ("endColumn", end.column)];
    keys.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

/// A path below `base` as a relative reference; any other from the root.
fn artifact(base: &Path, path: &Path) -> Value {
    let path = from(base, path);
    let uri = percent(&path);
    if path.is_absolute() { json!({"uri": format!("file://{uri}")}) } else { json!({"uri": uri, "uriBaseId": ROOT}) }
}

/// RFC 3986: all but unreserved characters and the slash, byte by byte, so a name of any bytes is a URI. A colon is
/// encoded too: in the first segment it would end a scheme.
fn percent(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(*byte)),
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}
