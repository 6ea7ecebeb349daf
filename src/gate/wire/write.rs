//! A baseline as text: sorted, without times of day, so that the same evidence makes the same bytes.

use super::SCHEMA_VERSION;
use crate::gate::Baseline;
use crate::gate::record::{Point, Record};
use crate::rules::facts::Value;
use crate::rules::vocabulary::Provider;
use std::fmt::Write;
use toml_edit::Value as Toml;

const HEAD: &str = "\
# Written by `concadvise gate --update`; commit it. What it holds says `concadvise schema baseline`, and the README.
";

/// The text of a baseline.
pub fn write(baseline: &Baseline) -> String {
    let mut text = format!("{HEAD}schema_version = {SCHEMA_VERSION}\n");
    baseline.targets().iter().for_each(|record| target(&mut text, record));
    // Without it, a file that was cut off between two lines would read as a whole one.
    text + "\n[end]\n"
}

fn target(text: &mut String, record: &Record) {
    let Record { name, command, choice, admitted, ground, signals, facts, points, margins, findings } = record;
    let _ = writeln!(text, "\n[[target]]\nname = {}", quoted(name));
    let _ = writeln!(text, "command = {}", list(command.iter().map(String::as_str)));
    let _ = writeln!(text, "tool_version = {}\nrules = \"{:016x}\"", quoted(&ground.tool_version), ground.rules);
    rows(text, "speedup", points.iter().map(point));
    rows(
        text,
        "margin",
        margins.iter().map(|margin| {
            let (flips_at, distance) = (number(margin.flips_at), number(margin.distance));
            let (fact, rule) = (quoted(&margin.fact), quoted(&margin.rule));
            format!("{{ fact = {fact}, rule = {rule}, flips_at = {flips_at}, distance = {distance} }}")
        }),
    );
    rows(
        text,
        "finding",
        findings.iter().map(|(key, count)| {
            let (code, path, name) = (quoted(&key.code), quoted(&key.path), quoted(&key.qualified_name));
            let name = if key.qualified_name.is_empty() { String::new() } else { format!("qualified_name = {name}, ") };
            format!("{{ code = {code}, path = {path}, {name}count = {count} }}")
        }),
    );

    let _ = writeln!(text, "\n[target.decision]\nmodel = \"{}\"\nworkers = {}", choice.model, choice.workers);
    let _ = writeln!(text, "workers_policy = {}", quoted(&choice.policy));
    how_started(choice.chunk_size, choice.start_method.map(|method| method.name()), |key, value| {
        let _ = writeln!(text, "{key} = {value}");
    });
    let _ = writeln!(text, "rule = {}", quoted(&admitted.rule));
    let _ = writeln!(text, "admits = {}", list(admitted.models.iter().map(|model| model.name())));
    let _ = writeln!(text, "workers_bound = \"{}\"", admitted.bound.name());
    if let Some(evidence) = admitted.evidence {
        let _ = writeln!(text, "evidence = \"{}\"", evidence.name());
    }
    if !admitted.refused.is_empty() {
        let _ = writeln!(text, "refused = {}", list(admitted.refused.iter().map(|model| model.name())));
    }

    let of_host = |name: &str| crate::rules::vocabulary::fact(name).is_some_and(|fact| fact.from == Provider::Host);
    let _ = writeln!(text, "\n[target.host]\narch = {}", quoted(&ground.arch));
    ground.facts.iter().filter(|(name, _)| of_host(name)).for_each(|fact| of_fact(text, fact));
    let _ = writeln!(text, "\n[target.interpreter]\nruntime = {}", quoted(&ground.runtime));
    if let Some(version) = &ground.version {
        let _ = writeln!(text, "version = {}", quoted(version));
    }
    if let Some(gil) = ground.gil {
        let _ = writeln!(text, "gil = {gil}");
    }
    ground.facts.iter().filter(|(name, _)| !of_host(name)).for_each(|fact| of_fact(text, fact));

    text.push_str("\n[target.signals]\n");
    for (name, signal) in signals {
        let value = number(signal.value);
        let _ = match signal.interval {
            None => writeln!(text, "{name} = {value}"),
            Some((low, high)) => {
                writeln!(text, "{name} = {{ value = {value}, low = {}, high = {} }}", number(low), number(high))
            }
        };
    }
    text.push_str("\n[target.facts]\n");
    facts.iter().for_each(|fact| of_fact(text, fact));
}

fn point(point: &Point) -> String {
    let mut row = format!("{{ model = \"{}\", workers = {}", point.model, point.workers);
    how_started(point.chunk_size, point.start_method.map(|method| method.name()), |key, value| {
        let _ = write!(row, ", {key} = {value}");
    });
    let (speedup, low, high) = (number(point.speedup), number(point.low), number(point.high));
    row + &format!(", speedup = {speedup}, low = {low}, high = {high} }}")
}

fn how_started(chunk_size: Option<u64>, start_method: Option<&str>, mut each: impl FnMut(&str, String)) {
    if let Some(size) = chunk_size {
        each("chunk_size", size.to_string());
    }
    if let Some(method) = start_method {
        each("start_method", quoted(method));
    }
}

fn of_fact(text: &mut String, (name, value): (&&'static str, &Value)) {
    let value = match value {
        Value::Number(value) => number(*value),
        Value::Flag(flag) => flag.to_string(),
        Value::Label(word) => quoted(word),
        Value::Version(major, minor) => format!("\"{major}.{minor}\""),
    };
    let _ = writeln!(text, "{name} = {value}");
}

fn rows(text: &mut String, field: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.map(|row| format!("    {row},\n")).collect();
    if !rows.is_empty() {
        let _ = writeln!(text, "{field} = [\n{}]", rows.concat());
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(quoted).collect();
    format!("[{}]", words.join(", "))
}

/// As a TOML text in one line, whatever is in it.
fn quoted(word: &str) -> String {
    let mut plain = String::with_capacity(word.len() + 2);
    plain.push('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => plain.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(plain, "\\u{:04X}", c as u32);
            }
            c => plain.push(c),
        }
    }
    plain + "\""
}

fn number(number: f64) -> String {
    Toml::from(number).to_string()
}
