//! For programs: one document, its keys stable within a `schema_version`.

use super::Outcome;
use crate::gate::record::Choice;
use crate::gate::verdict::{Judgement, Verdict};
use crate::report::escape;
use serde_json::{Value, json};

/// Of the keys below.
const SCHEMA_VERSION: u32 = 1;

/// The document, ended by a line end.
pub fn render(outcome: &Outcome) -> String {
    let document = json!({
        "schema_version": SCHEMA_VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "passes": !outcome.fails(),
        "verdict": outcome.worst().map(Verdict::name),
        "targets": outcome.judgements.iter().map(target).collect::<Vec<_>>(),
        "notes": outcome.notes,
    });
    escape::json(&document)
}

fn target(judged: &Judgement) -> Value {
    json!({
        "name": judged.target,
        "verdict": judged.verdict.name(),
        "policy": judged.policy.name(),
        "fails": judged.fails(),
        "drift": judged.drift.iter().map(|drift| drift.name()).collect::<Vec<_>>(),
        "before": choice(&judged.before),
        "after": choice(&judged.after),
        "gain": judged.gain.map(|gain| json!({"value": gain.value, "low": gain.low, "high": gain.high})),
        "reasons": judged.reasons,
        "todo": judged.todo,
        "moved": judged.moved.iter().map(|moved| {
            json!({"signal": moved.signal, "before": moved.before, "after": moved.after})
        }).collect::<Vec<_>>(),
        "new_errors": judged.new_errors.iter().map(|found| {
            json!({
                "code": found.code,
                "path": found.path,
                "line": found.line,
                "qualified_name": found.qualified_name,
                "message": found.message,
            })
        }).collect::<Vec<_>>(),
        "gone": judged.gone.iter().map(|key| {
            json!({"code": key.code, "path": key.path, "qualified_name": key.qualified_name})
        }).collect::<Vec<_>>(),
        "failed": judged.failed,
        "runs": judged.runs,
        "run_again": judged.run_again,
    })
}

fn choice(choice: &Choice) -> Value {
    json!({
        "model": choice.model.name(),
        "workers": choice.workers,
        "workers_policy": choice.policy,
        "chunk_size": choice.chunk_size,
        "start_method": choice.start_method.map(|method| method.name()),
    })
}
