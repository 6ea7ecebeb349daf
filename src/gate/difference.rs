//! What accepting a run would change in the baseline, line by line: for `--diff`, and for `--update` to say what it
//! accepts.

use super::record::Record;

/// Every difference between the record of a target and what would take its place, each a line. Facts that are only
/// asked again, and ranges that moved a little, are not worth a line.
pub fn difference(before: Option<&Record>, after: &Record) -> Vec<String> {
    let Some(before) = before else {
        return vec![format!("is new: {}, by rule {}", after.choice, after.admitted.rule)];
    };
    let mut lines = Vec::new();
    let mut changed = |what: &str, then: String, now: String| {
        if then != now {
            lines.push(format!("{what}: {then} → {now}"));
        }
    };
    let words = |record: &Record| super::pairing::shown(&record.command);
    changed("answer", before.choice.to_string(), after.choice.to_string());
    changed("command", words(before), words(after));
    changed("rule", before.admitted.rule.clone(), after.admitted.rule.clone());
    changed("architecture", before.ground.arch.clone(), after.ground.arch.clone());
    changed("CPUs", before.ground.capacity().to_string(), after.ground.capacity().to_string());
    let interpreter = |record: &Record| {
        let ground = &record.ground;
        let gil = if ground.gil == Some(false) { " without a GIL" } else { "" };
        format!("{} {}{gil}", ground.runtime, ground.version.as_deref().unwrap_or("of unknown version"))
    };
    changed("interpreter", interpreter(before), interpreter(after));
    changed("rules", format!("{:016x}", before.ground.rules), format!("{:016x}", after.ground.rules));
    changed("concadvise", before.ground.tool_version.clone(), after.ground.tool_version.clone());
    for name in before.signals.keys().chain(after.signals.keys().filter(|name| !before.signals.contains_key(*name))) {
        let shown =
            |record: &Record| record.signals.get(name).map_or("unknown".to_owned(), |signal| signal.value.to_string());
        changed(name, shown(before), shown(after));
    }
    for key in before.findings.keys().chain(after.findings.keys().filter(|key| !before.findings.contains_key(*key))) {
        let count = |record: &Record| record.findings.get(key).copied().unwrap_or(0).to_string();
        changed(&key.to_string(), count(before), count(after));
    }
    lines
}
