//! SARIF 2.1.0 (OASIS standard, 2020), which code scanning services and editors read: what every document of ours has,
//! whoever its results are of. `findings::sarif` fills it with findings, `gate::show::sarif` with verdicts; tests validate
//! both against the standard's own schema.
//!
//! Paths are relative to `%SRCROOT%`, which the reader knows and we do not name: the document is the same on every
//! machine. Columns count characters.

use super::escape;
use super::findings::from;
use crate::source::finding::Level;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

/// One run of ours: the document but for what all have in common.
#[derive(Debug)]
pub struct Run {
    /// The folder that relative paths are told from, in a sentence.
    pub root: &'static str,
    /// What sort of results these are, where a service must keep them apart from others of ours.
    pub category: Option<&'static str>,
    /// Each made by [`Rule::value`].
    pub rules: Vec<Value>,
    /// Each made by [`Hit::value`], perhaps with more keys.
    pub results: Vec<Map<String, Value>>,
    /// Whether all could be read that was to be.
    pub successful: bool,
    /// Each made by [`notification`].
    pub notifications: Vec<Value>,
}

impl Run {
    /// The document, ended by a line end. A result is told its rule's number here.
    pub fn document(self) -> String {
        let places: HashMap<String, usize> = self
            .rules
            .iter()
            .enumerate()
            .filter_map(|(place, rule)| Some((rule.get("id")?.as_str()?.to_owned(), place)))
            .collect();
        let numbered = |mut result: Map<String, Value>| {
            let place = result.get("ruleId").and_then(Value::as_str).and_then(|id| places.get(id));
            result.extend(place.map(|place| ("ruleIndex".to_owned(), json!(place))));
            Value::Object(result)
        };
        let mut run = json!({
            "tool": {"driver": {
                "name": "concadvise",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": self.rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": self.root}}},
            "invocations": [{
                "executionSuccessful": self.successful,
                "toolExecutionNotifications": self.notifications,
            }],
            "results": self.results.into_iter().map(numbered).collect::<Vec<_>>(),
        });
        if let Some(category) = self.category {
            run["automationDetails"] = json!({"id": format!("{category}/")});
        }
        escape::json(&json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))
    }
}

/// A sort of result.
#[derive(Debug)]
pub struct Rule<'a> {
    /// What results name it by.
    pub id: &'a str,
    /// In Pascal case, as the standard asks.
    pub name: &'a str,
    /// In a few words.
    pub title: &'a str,
    /// In a sentence or a paragraph.
    pub what: &'a str,
    /// What to do about it.
    pub help: &'a str,
    /// The same as markdown.
    pub markdown: &'a str,
    /// That of its results unless they say otherwise.
    pub level: Level,
    /// Whether it is looked for unless asked otherwise.
    pub enabled: bool,
}

impl Rule<'_> {
    /// As the document has it.
    pub fn value(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "shortDescription": {"text": self.title},
            "fullDescription": {"text": self.what},
            "help": {"text": self.help, "markdown": self.markdown},
            "defaultConfiguration": {"level": level(self.level), "enabled": self.enabled},
            "properties": {"tags": ["concurrency"], "precision": "very-high"},
        })
    }
}

/// A result: a rule that applies somewhere.
#[derive(Debug)]
pub struct Hit<'a> {
    /// [`Rule::id`].
    pub rule: &'a str,
    /// How bad it is.
    pub level: Level,
    /// What is wrong, in one line.
    pub message: &'a str,
    /// Where: with a `physicalLocation`, of [`artifact`].
    pub location: Value,
    /// Which parts the fingerprint is of, by a name that another set of parts has not, and the fingerprint.
    pub fingerprint: (&'static str, &'a str),
    /// What else programs may ask.
    pub properties: Value,
}

impl Hit<'_> {
    /// As the document has it, but for the rule's number.
    pub fn value(self) -> Map<String, Value> {
        let (parts, fingerprint) = self.fingerprint;
        let keys = [
            ("ruleId", json!(self.rule)),
            ("level", json!(level(self.level))),
            ("message", message(self.message)),
            ("locations", json!([self.location])),
            ("partialFingerprints", json!({parts: fingerprint})),
            ("properties", self.properties),
        ];
        keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The standard's word.
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::Info => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// A message in which nothing is a link: readers make one of `[text](address)` even in plain text (§3.11.6), and a
/// backslash keeps a bracket from beginning or ending one.
pub fn message(sentence: &str) -> Value {
    let text = escape::text(sentence);
    if text.contains("](") {
        json!({"text": text.replace('[', "\\[").replace(']', "\\]")})
    } else {
        json!({"text": text})
    }
}

/// What is said of the run and is no result; of a file, where it is of one, made by [`artifact`].
pub fn notification(of: Level, sentence: &str, artifact: Option<Value>) -> Value {
    let mut notification = json!({"level": level(of), "message": message(sentence)});
    if let Some(artifact) = artifact {
        notification["locations"] = json!([{"physicalLocation": {"artifactLocation": artifact}}]);
    }
    notification
}

/// A path below `base` as a relative reference; any other from the root.
pub fn artifact(base: &Path, path: &Path) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_holds_a_link() {
        for (sentence, shown) in [
            ("a list[int] (of 3)", "a list[int] (of 3)"),
            ("see [x](javascript:alert(1))", "see \\[x\\](javascript:alert(1))"),
            ("\x1b[1m", r"\x1b[1m"),
        ] {
            assert_eq!(message(sentence), json!({"text": shown}));
        }
    }
}
