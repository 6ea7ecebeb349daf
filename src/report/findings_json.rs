//! Findings for programs: one JSON document, its keys stable within a `schema_version`.

use super::findings::shown;
use crate::source::finding::Finding;
use crate::source::project::Checked;
use serde_json::{Value, json};

/// Of the keys below.
const SCHEMA_VERSION: u32 = 1;

/// The document, ended by a line end.
pub fn render(checked: &Checked) -> String {
    let notes = checked
        .notes
        .iter()
        .map(|note| json!({"path": shown(&note.path), "message": note.clause, "refused": note.refused}));
    let document = json!({
        "schema_version": SCHEMA_VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "files": checked.files,
        "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
        "binaries": super::binary::json(&checked.binaries),
        "notes": notes.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(finding: &Finding) -> Value {
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
    })
}
