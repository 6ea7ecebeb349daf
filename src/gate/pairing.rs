//! Which target of the baseline a report is of: the one it was named for, else the one with its command.

use super::Baseline;
use super::current::Current;
use crate::report::escape::{command, text};
use std::path::Path;

/// The name of the target that a run is of.
///
/// # Errors
/// A sentence in one line, when there is none, or more than one: a target's name is anybody's, and a line of its own would
/// be an order to some that read logs.
pub fn target_of(baseline: &Baseline, named: Option<&str>, current: &Current) -> Result<String, String> {
    let names = || baseline.targets().iter().map(|target| text(&target.name)).collect::<Vec<_>>().join(", ");
    let ran = || shown(&current.record.command);
    if let Some(name) = named {
        return match baseline.target(name) {
            Some(target) => Ok(target.name.clone()),
            None => Err(format!(
                "the baseline has no target {name}; it has {}; accept it with concadvise gate --update {name}=REPORT",
                names(),
                name = text(name)
            )),
        };
    }
    let same: Vec<&str> = baseline
        .targets()
        .iter()
        .filter(|target| target.command == current.record.command)
        .map(|target| target.name.as_str())
        .collect();
    match same.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] => {
            let targets: Vec<String> = baseline
                .targets()
                .iter()
                .map(|target| format!("{} ({})", text(&target.name), shown(&target.command)))
                .collect();
            Err(format!(
                "it is a report of another target, `{}`; the baseline has {}; say which it is, as NAME=REPORT, or \
                 accept it with concadvise gate --update",
                ran(),
                if targets.is_empty() { "none".to_owned() } else { targets.join(", ") }
            ))
        }
        several => {
            let several = several.iter().map(|name| text(name)).collect::<Vec<_>>().join(" and ");
            Err(format!("`{}` is the command of {several}; say which it is, as NAME=REPORT", ran()))
        }
    }
}

/// A name for a target that has none: its program without folders and ending, or its function.
pub fn name_for(current: &Current) -> String {
    let words = &current.record.command;
    let stem = |word: &String| Path::new(word).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let function = words.first().filter(|word| *word == "--task").and_then(|_| words.get(1));
    let function = function.and_then(|function| function.rsplit(':').next()).map(str::to_owned);
    let script = words.iter().find(|word| word.ends_with(".py")).or(words.first());
    let name = function.or(script.and_then(stem)).unwrap_or_default();
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(64).collect();
    if plain.is_empty() { "target".to_owned() } else { plain }
}

/// A command as sentences show it.
pub fn shown(words: &[String]) -> String {
    command(words.iter().map(String::as_str))
}
