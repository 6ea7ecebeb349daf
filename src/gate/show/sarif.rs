//! Verdicts as SARIF, whose document [`crate::report::sarif`] knows. A target that is worth a look is a result at its place
//! in the baseline, which is what would be edited; a new error is one at its own place. What is unchanged is no result,
//! so that a service closes what it had shown.

use super::Outcome;
use crate::gate::verdict::{Judgement, Verdict};
use crate::report::escape::{text, unword};
use crate::report::findings::{from, sarif::rule};
use crate::report::fingerprint::Fingerprints;
use crate::report::sarif::{Hit, Rule, Run, artifact, notification};
use crate::report::schema::Finding;
use crate::source::catalogue::Catalogue;
use crate::source::finding::Level;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The parts of a fingerprint, by name; another set of parts gets another number.
const FINGERPRINT: &str = "concadvise-gate/v1";

/// What a verdict means and what to do about it.
struct Said {
    verdict: Verdict,
    /// [`Rule::id`].
    id: &'static str,
    /// [`Rule::name`].
    name: &'static str,
    /// In a few words.
    title: &'static str,
    what: &'static str,
    todo: &'static str,
    level: Level,
}

const SAID: [Said; 5] = [
    Said {
        verdict: Verdict::Changed,
        id: "gate-changed",
        name: "AnswerChanged",
        title: "The answer changed",
        what: "A change of the code changed how this target should run its work, surely on both sides, and changing gains \
               enough to matter; or the source has errors that the baseline does not have.",
        todo: "Look at the signals that moved. If the change is meant, accept it with `concadvise gate --update` and \
               commit the baseline.",
        level: Level::Error,
    },
    Said {
        verdict: Verdict::Inconclusive,
        id: "gate-inconclusive",
        name: "AnswerInconclusive",
        title: "The answer cannot be told",
        what: "The evidence is too near a boundary, too noisy or too little to say whether the answer changed; the old one \
               stands.",
        todo: "The message says what would settle it.",
        level: Level::Warning,
    },
    Said {
        verdict: Verdict::Incomparable,
        id: "gate-incomparable",
        name: "RunsIncomparable",
        title: "The runs cannot be compared",
        what: "The run was of another sort of machine or interpreter than the baseline's, or CPU time was taken away from it.",
        todo: "Compare where the baseline was made, or make a baseline where you compare.",
        level: Level::Warning,
    },
    Said {
        verdict: Verdict::Warn,
        id: "gate-warn",
        name: "AnswerDrifted",
        title: "The answer drifted",
        what: "Rules or machine drifted and not the code, or changing the answer would gain little.",
        todo: "Accept the new answer with `concadvise gate --update`, or leave it.",
        level: Level::Warning,
    },
    Said {
        verdict: Verdict::Improved,
        id: "gate-improved",
        name: "AnswerImproved",
        title: "The target improved",
        what: "The answer is the same, and gains more than it did or has fewer defects.",
        todo: "Accept it with `concadvise gate --update`, so that it stays so.",
        level: Level::Info,
    },
];

/// The document, ended by a line end.
pub fn render(outcome: &Outcome) -> String {
    let mut prints = Fingerprints::default();
    let mut results = Vec::new();
    for judged in &outcome.judgements {
        results.extend(of_target(judged, outcome, &mut prints));
        results.extend(judged.new_errors.iter().map(|found| of_error(found, judged, outcome, &mut prints)));
    }
    let new = outcome.judgements.iter().flat_map(|judged| &judged.new_errors);
    let codes: BTreeSet<&str> = new.map(|found| found.code.as_str()).collect();
    let known = codes.into_iter().filter_map(|code| Catalogue::get().entry(code)).map(rule);
    Run {
        root: "The folder that concadvise gate ran in.",
        category: Some("concadvise/gate"),
        rules: SAID.iter().map(of_verdict).chain(known).collect(),
        results,
        successful: true,
        notifications: outcome.notes.iter().map(|note| notification(Level::Info, note, None)).collect(),
    }
    .document()
}

fn of_verdict(said: &Said) -> Value {
    let Said { id, name, title, what, todo, level, .. } = *said;
    let help = &format!("{what}\n\n{todo}\n");
    Rule { id, name, title, what, help, markdown: help, level, enabled: true }.value()
}

/// As bad as what it comes to: an answer that changed and may is a warning.
fn level(of: Level, judged: &Judgement) -> Level {
    if of == Level::Error && !judged.fails() { Level::Warning } else { of }
}

fn of_target(judged: &Judgement, outcome: &Outcome, prints: &mut Fingerprints) -> Option<Map<String, Value>> {
    let said = SAID.iter().find(|said| said.verdict == judged.verdict)?;
    let why = [judged.reasons.as_slice(), &judged.todo].concat().join(". ");
    let verdict = judged.verdict.name();
    let message = format!("{}: {verdict}, {} → {}. {why}.", judged.target, judged.before, judged.after);
    let hit = Hit {
        rule: said.id,
        level: level(said.level, judged),
        message: &message,
        location: at_target(judged, outcome),
        fingerprint: (FINGERPRINT, &prints.of(&[said.id, &text(&judged.target)])),
        properties: json!({"target": judged.target, "verdict": verdict, "policy": judged.policy.name()}),
    };
    Some(hit.value())
}

fn of_error(found: &Finding, judged: &Judgement, outcome: &Outcome, prints: &mut Fingerprints) -> Map<String, Value> {
    let path = unword(&found.path);
    let base = &outcome.place.base;
    // Without a file, or of the folder itself, it is shown where its target is.
    let nowhere = path.is_empty() || from(base, Path::new(&path)).as_os_str().is_empty();
    let mut location =
        if nowhere { at_target(judged, outcome) } else { at(artifact(base, Path::new(&path)), found.line.max(1)) };
    if let Some(name) = &found.qualified_name {
        location["logicalLocations"] = json!([{"fullyQualifiedName": name}]);
    }
    let name = found.qualified_name.as_deref().unwrap_or("");
    let parts = [found.code.as_str(), &found.path, name].map(text);
    let parts = parts.each_ref().map(|part| &**part);
    Hit {
        rule: &text(&found.code),
        level: level(Level::Error, judged),
        message: &found.message,
        location,
        fingerprint: (FINGERPRINT, &prints.of(&parts)),
        properties: json!({"target": judged.target, "evidence": found.evidence}),
    }
    .value()
}

fn at_target(judged: &Judgement, outcome: &Outcome) -> Value {
    let place = &outcome.place;
    at(artifact(&place.base, &place.path), place.lines.get(&judged.target).map_or(1, |line| *line as u64))
}

fn at(artifact: Value, line: u64) -> Value {
    json!({"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": line}}})
}
