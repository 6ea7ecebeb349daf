//! Findings as GitLab's merge requests read them: Code Quality, the part of Code Climate's format that GitLab knows
//! (docs.gitlab.com/ci/testing/code_quality).

use super::{fingerprints, from, region, sentence};
use crate::report::escape;
use crate::source::finding::{Finding, Level};
use crate::source::project::Checked;
use serde_json::{Value, json};
use std::path::Path;

/// The document, ended by a line end. `base` is the folder that paths are told from: the repository's.
pub fn render(checked: &Checked, base: &Path) -> String {
    let fingerprints = fingerprints(checked, base);
    let issues = checked.findings.iter().zip(fingerprints).map(|(finding, print)| issue(finding, &print, base));
    escape::json(&Value::Array(issues.collect()))
}

fn issue(finding: &Finding, fingerprint: &str, base: &Path) -> Value {
    let severity = match finding.level {
        Level::Info => "info",
        Level::Warning => "major",
        Level::Error => "critical",
    };
    let (start, end) = region(finding);
    json!({
        "type": "issue",
        "check_name": finding.entry.code,
        "description": format!("{} {}", finding.entry.code, sentence(finding)),
        "severity": severity,
        "fingerprint": fingerprint,
        "location": {
            "path": escape::word(from(base, &finding.path).as_os_str()),
            "lines": {"begin": start.line, "end": end.line},
        },
    })
}
