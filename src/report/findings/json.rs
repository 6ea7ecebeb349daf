//! Findings for programs: one JSON document, its keys stable within a `schema_version`.

use super::{fingerprints, shown};
use crate::report::{binary, escape};
use crate::source::finding::{Finding, Fix};
use crate::source::project::Checked;
use serde_json::{Value, json};
use std::path::Path;

/// Of the keys below.
const SCHEMA_VERSION: u32 = 1;

/// The document, ended by a line end. `base` is the folder that fingerprints know paths from.
pub fn render(checked: &Checked, base: &Path) -> String {
    let notes = checked
        .notes
        .iter()
        .map(|note| json!({"path": shown(&note.path), "message": note.clause, "refused": note.refused}));
    let fingerprints = fingerprints(checked, base);
    let findings = checked.findings.iter().zip(&fingerprints).map(|(found, fingerprint)| finding(found, fingerprint));
    let document = json!({
        "schema_version": SCHEMA_VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "files": checked.files,
        "findings": findings.collect::<Vec<_>>(),
        "binaries": binary::json(&checked.binaries),
        "notes": notes.collect::<Vec<_>>(),
    });
    escape::json(&document)
}

fn finding(finding: &Finding, fingerprint: &str) -> Value {
    let chain = finding.chain.iter().map(|step| {
        json!({
            "path": shown(&step.path), "line": step.place.line, "column": step.place.column, "message": step.what
        })
    });
    json!({
        "code": finding.entry.code,
        "name": finding.entry.name,
        "level": finding.level.name(),
        "path": shown(&finding.path),
        "cell": finding.spot.cell,
        "line": finding.spot.start.line,
        "column": finding.spot.start.column,
        "end_line": finding.spot.end.line,
        "end_column": finding.spot.end.column,
        "qualified_name": finding.qualified_name,
        "message": finding.message,
        "evidence": finding.evidence.name(),
        "chain": chain.collect::<Vec<_>>(),
        "fix": finding.fix.as_ref().map(|known| fix(finding, known)),
        "fingerprint": fingerprint,
    })
}

fn fix(finding: &Finding, fix: &Fix) -> Value {
    let edits = fix.edits.iter().zip(&finding.spot.edits).map(|((_, text), (start, end))| {
        json!({
            "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column, "text": text
        })
    });
    json!({"message": fix.what, "safe": fix.safe, "edits": edits.collect::<Vec<_>>()})
}
