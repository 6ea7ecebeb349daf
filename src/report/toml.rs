//! [`Document`] ↔ TOML text. A report that is read back is untrusted: its size is bounded, numbers that are not
//! finite are refused, and an unknown schema is refused by name.

use super::schema::{Document, SCHEMA_VERSION};
use crate::reading;
use toml::{Table, Value};

/// Longest report that is read back; ours stay under 1 MiB because lists are bounded.
pub const LONGEST: usize = 16 << 20;

const HEAD: &str = "\
# Written by concadvise. What the keys are, its README says under \"Reading a report\", and `concadvise schema report`.
";

/// The text of a report.
///
/// # Errors
/// A sentence, when the serializer refuses a value; no value of ours is known to make it.
pub fn write(document: &Document) -> Result<String, String> {
    let body = toml::to_string_pretty(document).map_err(|why| format!("cannot write the report as TOML: {why}"))?;
    Ok(format!("{HEAD}{body}"))
}

/// Reads a report back.
///
/// # Errors
/// A sentence saying what is wrong with `text` and where.
pub fn read(text: &str) -> Result<Document, String> {
    if text.len() > LONGEST {
        return Err(format!("a report has at most {} MiB; this is no report of ours", LONGEST >> 20));
    }
    if let Some(line) = reading::conflict(text) {
        return Err(format!("line {line}: a merge left its conflict marks here; run the target again"));
    }
    let table: Table = text.parse().map_err(|why: toml::de::Error| {
        let line = reading::line_of(text.as_bytes(), why.span().map_or(0, |span| span.start));
        let what = why.message().lines().collect::<Vec<_>>().join(", ");
        format!("line {line}: this is not TOML: {what}")
    })?;
    match table.get("schema_version").and_then(Value::as_integer) {
        Some(version) if version == i64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(format!(
                "the report has schema_version {version} and this concadvise reads {SCHEMA_VERSION}; \
                 use the concadvise that wrote it, or run the target again"
            ));
        }
        None => return Err("there is no schema_version; this is no report of ours".to_owned()),
    }
    if let Some(key) = not_finite(&table) {
        return Err(format!("{key} is not a finite number; every number in a report is"));
    }
    Value::Table(table).try_into().map_err(|why| format!("a key of the report does not hold what it should: {why}"))
}

/// The first key whose number is infinite or not a number.
fn not_finite(table: &Table) -> Option<&str> {
    fn wrong(value: &Value) -> bool {
        match value {
            Value::Float(number) => !number.is_finite(),
            Value::Array(values) => values.iter().any(wrong),
            Value::Table(table) => table.values().any(wrong),
            _ => false,
        }
    }
    table.iter().find(|(_, value)| wrong(value)).map(|(key, _)| key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fill::tests::crowded;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_reads_back_the_same() -> Result<(), String> {
        let document = Document::of(&crowded());
        assert_eq!(read(&write(&document)?)?, document);
        Ok(())
    }

    #[test]
    fn the_keys_others_rely_on_are_there() -> Result<(), String> {
        let text = write(&Document::of(&crowded()))?;
        let table: Table = text.parse().map_err(|why| format!("{why}"))?;
        for path in [
            "schema_version complete tool_version",
            "target: command runtime interpreter exit_code",
            "host: cpus_usable cpu_quota memory_limit_bytes",
            "profile: wall_s cpu_s on_cpu_share runnable_share blocked_share gil_share cores_busy peak_memory_bytes",
            "profile.blocked: disk network timer lock gil pipe child other",
            "worker: pid tid name on_cpu_s runnable_s blocked_s peak_memory_bytes",
            "classification: class bottleneck confidence",
            "trial: model workers chunk_size start_method evidence outcome wall_s speedup peak_memory_bytes",
            "decision: rule fact value threshold flips_at",
            "recommendation: model workers workers_policy chunk_size start_method evidence speedup speedup_low \
             speedup_high confidence reason snippet",
            "alternative: model workers regret",
            "notice: code message",
            "site: path line model workers chunk_size start_method speedup speedup_low speedup_high evidence reason",
        ] {
            let (at, keys) = path.split_once(": ").unwrap_or(("", path));
            let mut found = vec![&table];
            for step in at.split('.').filter(|step| !step.is_empty()) {
                let inner = found.iter().filter_map(|table| table.get(step));
                found = inner
                    .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
                    .filter_map(Value::as_table)
                    .collect();
            }
            for key in keys.split_whitespace() {
                assert!(found.iter().any(|table| table.contains_key(key)), "{at}: {key} is missing in\n{text}");
            }
        }
        Ok(())
    }

    #[test]
    fn the_readme_explains_every_key() -> Result<(), String> {
        fn keys(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Table(table) => {
                    for (key, inner) in table {
                        into.push(key.clone());
                        keys(inner, into);
                    }
                }
                Value::Array(values) => values.iter().for_each(|value| keys(value, into)),
                _ => {}
            }
        }
        let readme = include_str!("../../README.md");
        let table: Table = write(&Document::of(&crowded()))?.parse().map_err(|why| format!("{why}"))?;
        let mut all = Vec::new();
        keys(&Value::Table(table), &mut all);
        let said = |key: &str| readme.contains(&format!("`{key}`")) || readme.contains(&format!("{key}]"));
        let silent: Vec<_> = all.iter().filter(|key| !said(key)).collect();
        assert!(silent.is_empty(), "README.md does not explain {silent:?}");
        Ok(())
    }

    #[test]
    fn hostile_reports_are_refused_by_a_sentence() {
        for (text, sentence) in [
            ("", "no schema_version"),
            ("schema_version = 7", "schema_version 7"),
            ("schema_version = 1\nx = [[nan]]", "x is not a finite number"),
            ("schema_version = 1\n[profile]\nwall_s = -inf", "profile is not a finite number"),
            ("schema_version = 1\n[target]\ncommand = 3", "does not hold what it should"),
            ("]", "not TOML"),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(sentence), "{text}: {refused}");
        }
        assert!(read(&" ".repeat(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text: String) {
            let _ = read(&text);
            let _ = read(&format!("schema_version = 1\n{text}"));
        }
    }
}
