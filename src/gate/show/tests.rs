//! Every format as it reads, and what none of them lets through from a target, a report or a baseline.

#[path = "../../../tests/support/sarif.rs"]
mod validate;

use super::*;
use crate::gate::current::Current;
use crate::gate::judge::judge;
use crate::gate::policy::{Policy, Thresholds};
use crate::gate::record::Record;
use crate::gate::{Baseline, pairing, wire};
use crate::report::{escape, toml as report};
use crate::rules::Rules;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use toml::Value;

/// What would be obeyed somewhere: by GitHub's runner, a terminal, a browser, a reader of markdown, XML or SARIF.
const HOSTILE: [&str; 16] = [
    "::error::x",
    " \u{3000}::stop-commands::x",
    "\n::set-env name=x::y",
    "\r\n::add-mask::x\r",
    "##[error]x",
    "x,file=y::z%0A::debug::x",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "\u{1b}[31m\u{1b}]0;x\u{7}",
    "`` ` ```",
    "a|b\n|c|d|",
    "]]></failure>&x;<!--",
    "\"'\\",
    "\u{202e}\u{2028}\u{fffe}\u{0}",
    "@all #1 https://x.test",
    "\n\n# x\n- [ ] y",
];

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);
/// The report of a sample, with a defect in it.
static REPORT: LazyLock<Value> = LazyLock::new(|| {
    let found = "[[finding]]\ncode = \"CON204\"\nlevel = \"error\"\npath = \"app.py\"\nline = 7\nqualified_name = \
                 \"main\"\nmessage = \"no guard\"\nevidence = \"source\"\n";
    parsed(&format!("{}\n{found}", sample("primes")))
});
/// The baseline of another sample, under the name of that target.
static BASELINE: LazyLock<Value> = LazyLock::new(|| {
    let other = Current::of(&report::read(&sample("downloads")).expect("a report")).expect("a run").named("app");
    let mut record = other.record;
    record.findings.insert(key("CON101", "gone.py"), 2);
    parsed(&wire::write(&Baseline::of([record])))
});

fn key(code: &str, path: &str) -> crate::gate::record::FindingKey {
    let (code, path) = (code.to_owned(), path.to_owned());
    crate::gate::record::FindingKey { code, path, qualified_name: "f".to_owned() }
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).join("expected.toml");
    fs::read_to_string(path).expect("a sample")
}

fn parsed(text: &str) -> Value {
    Value::Table(text.parse().expect("TOML"))
}

/// Where a string is in a document: keys, and of a list the first.
type Field = Vec<String>;

/// Every field of a document that holds a string; lists are told by their first.
fn fields(value: &Value) -> Vec<Field> {
    let below = |key: &str, value| {
        fields(value).into_iter().map(|rest| [vec![key.to_owned()], rest].concat()).collect::<Vec<_>>()
    };
    match value {
        Value::String(_) => vec![Vec::new()],
        Value::Table(table) => table.iter().flat_map(|(key, value)| below(key, value)).collect(),
        Value::Array(list) => list.iter().take(1).flat_map(|value| below("0", value)).collect(),
        _ => Vec::new(),
    }
}

fn set(value: &mut Value, field: &[String], text: &str) {
    match (field, value) {
        ([], value) => *value = Value::String(text.to_owned()),
        ([_, rest @ ..], Value::Array(list)) => set(&mut list[0], rest, text),
        ([key, rest @ ..], Value::Table(table)) => set(table.get_mut(key).expect("it is there"), rest, text),
        _ => panic!("there is no {field:?}"),
    }
}

fn with(document: &Value, fields: &[Field], text: &str) -> String {
    let mut document = document.clone();
    fields.iter().for_each(|field| set(&mut document, field, text));
    written(&document)
}

/// As a document; a value would be written in one line.
fn written(document: &Value) -> String {
    document.as_table().expect("a table").to_string()
}

fn outcome(baseline: &Record, currents: &[Current], place: Place) -> Outcome {
    let judged = judge(baseline, currents, &RULES, Policy::Fail, &Thresholds::default()).expect("there are runs");
    Outcome { judgements: vec![judged], place, ..Outcome::default() }
}

/// What is told of a report beside a baseline; a refusal as the sentence that is printed of it.
fn told(baseline: &str, current: &str) -> Result<Outcome, String> {
    let baseline = wire::read("baseline.toml", baseline)?;
    let current = report::read(current).and_then(|document| Current::of(&document))?;
    let target = &baseline.targets()[0];
    let note = pairing::target_of(&baseline, None, &current).err();
    let place = Place { base: "/work/project".into(), path: "ci/concadvise.baseline.toml".into(), ..Place::default() };
    let place = Place { lines: [(target.name.clone(), 4)].into(), ..place };
    let mut outcome = outcome(target, &[current.named(&target.name)], place);
    outcome.notes.extend(note);
    Ok(outcome)
}

/// Reads XML with somebody else's reader, all documents in one process of it.
fn reads_as_xml(documents: &[String]) {
    const READ: &str = "import json, sys, xml.etree.ElementTree as t\n\
                        print(sum(len(t.fromstring(one).findall('.//testcase')) for one in json.load(sys.stdin)))";
    let mut python = Command::new("python3")
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let text = serde_json::to_string(documents).expect("JSON");
    python.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let read = python.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), documents.len().to_string(), "a case in each");
}

/// Checks each page, and keeps what is checked together.
struct Inspector {
    sarif: jsonschema::Validator,
    xml: Vec<String>,
}

impl Inspector {
    fn new() -> Self {
        Self { sarif: validate::validator(), xml: Vec::new() }
    }

    fn all(&mut self, outcome: &Outcome, of: &str) {
        for format in Format::ALL {
            let page = format.render(outcome, false);
            self.one(format, &page, &format!("{}, {of}", format.name()));
        }
    }

    fn one(&mut self, format: Format, page: &str, of: &str) {
        inert(page, format == Format::Github, of);
        match format {
            Format::Human | Format::Github => {}
            Format::Markdown => {
                assert!(!page.contains("<script") && !page.replace("\\](", "").contains("]("), "{of}: {page}");
                assert!(page.len() < 1 << 20, "{of}");
                let row = |line: &&str| line.starts_with('|');
                let bars = |line: &str| line.replace("\\|", "").matches('|').count();
                assert!(page.lines().filter(row).all(|line| bars(line) == 5), "{of}: {page}");
            }
            Format::Json => drop(serde_json::from_str::<serde_json::Value>(page).expect(of)),
            Format::Junit => {
                assert!(!page.contains("<script"), "{of}: {page}");
                self.xml.push(page.to_owned());
            }
            Format::Sarif => {
                let document: serde_json::Value = serde_json::from_str(page).expect(of);
                validate::check(&self.sarif, &document, of);
                for result in document["runs"][0]["results"].as_array().expect("results") {
                    let message = result["message"]["text"].as_str().expect("a text");
                    assert!(!message.replace("\\](", "").contains("]("), "{of}: {message}");
                }
            }
        }
    }
}

/// No line is a command but ours, and nothing acts on a terminal.
fn inert(page: &str, commands: bool, of: &str) {
    assert_eq!(page.chars().find(|c| c.is_control() && *c != '\n'), None, "{of}: {page}");
    assert!(!page.contains("##["), "{of}: {page}");
    for line in page.lines().filter(|line| line.trim_start().starts_with("::")) {
        let rest = ["::error ", "::warning ", "::notice "].iter().find_map(|ours| line.strip_prefix(ours));
        let (properties, _) = rest.filter(|_| commands).and_then(|rest| rest.split_once("::")).expect(of);
        let keys = properties.split(',').map(|pair| pair.split_once('=').map_or("", |(key, _)| key));
        assert!(keys.clone().all(|key| ["file", "line", "title"].contains(&key)), "{of}: {line}");
    }
}

#[test]
fn nothing_that_a_report_or_a_baseline_says_acts_in_any_format() {
    let mut inspector = Inspector::new();
    let all = HOSTILE.concat();
    let clean = [written(&BASELINE), written(&REPORT)];
    for (which, document) in [&*BASELINE, &*REPORT].into_iter().enumerate() {
        let both = |text: String| {
            let mut both = clean.clone();
            both[which] = text;
            told(&both[0], &both[1])
        };
        let name = ["baseline", "report"][which];
        let mut free = Vec::new();
        for field in fields(document) {
            let of = format!("{name}: {}", field.join("."));
            match both(with(document, std::slice::from_ref(&field), &all)) {
                Ok(outcome) => {
                    inspector.all(&outcome, &of);
                    free.push(field);
                }
                Err(why) => inert(&escape::block(&why), false, &of),
            }
        }
        assert!(free.len() >= [8, 20][which], "{name}: {} fields are free: {free:?}", free.len());
        // A target's name has at most a hundred characters.
        free.retain(|field| field.join(".") != "target.0.name");
        for hostile in HOSTILE.into_iter().map(str::to_owned).chain(["x]]>|".repeat(1_000)]) {
            let of: String = format!("{name}: all fields: {hostile:?}").chars().take(80).collect();
            let outcome = both(with(document, &free, &hostile)).expect(&of);
            inspector.all(&outcome, &of);
        }
    }
    for name in HOSTILE {
        let named = with(&BASELINE, &[vec!["target".to_owned(), "0".to_owned(), "name".to_owned()]], name);
        inspector.all(&told(&named, &clean[1]).expect("a name"), name);
    }
    reads_as_xml(&inspector.xml);
}

#[test]
fn a_summary_ends_before_github_refuses_it() {
    let mut outcome = told(&written(&BASELINE), &written(&REPORT)).expect("a verdict");
    let one = outcome.judgements[0].clone();
    let reason = "é".repeat(3_000);
    outcome.judgements = (0..600)
        .map(|number| Judgement { target: format!("target {number}"), reasons: vec![reason.clone(); 3], ..one.clone() })
        .collect();
    let page = Format::Markdown.render(&outcome, false);
    assert!((800_000..901_000).contains(&page.len()), "{}", page.len());
    assert!(page.contains("| target 599 |") && page.ends_with("the human format has them all.\n"));
}

#[test]
fn a_scanner_reads_each_verdict_at_its_target_and_each_error_at_its_line() {
    let outcome = told(&written(&BASELINE), &written(&REPORT)).expect("a verdict");
    let page = Format::Sarif.render(&outcome, false);
    let mut document: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    let run = &document["runs"][0];
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    // What a code means is the catalogue's to say.
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("rules");
    assert_eq!(rules.pop().expect("a rule")["id"], "CON204");
    document["runs"][0]["tool"]["driver"]["semanticVersion"] = "VERSION".into();
    insta::assert_snapshot!("sarif", format!("{document:#}\n"));
}

#[test]
fn a_level_follows_verdict_and_policy_and_a_fingerprint_does_not_follow_lines() {
    let outcome = told(&written(&BASELINE), &written(&REPORT)).expect("a verdict");
    let results = |outcome: &Outcome| -> Vec<(String, String, String)> {
        let document: serde_json::Value = serde_json::from_str(&Format::Sarif.render(outcome, false)).expect("JSON");
        let word = |value: &serde_json::Value| value.as_str().expect("a word").to_owned();
        let one = |result: &serde_json::Value| {
            let print = &result["partialFingerprints"]["concadvise-gate/v1"];
            (word(&result["ruleId"]), word(&result["level"]), word(print))
        };
        document["runs"][0]["results"].as_array().expect("results").iter().map(one).collect()
    };
    for (verdict, policy, levels) in [
        (Verdict::Changed, Policy::Fail, &["error", "error"][..]),
        (Verdict::Changed, Policy::Warn, &["warning", "warning"]),
        (Verdict::Warn, Policy::Fail, &["warning"]),
        (Verdict::Inconclusive, Policy::Fail, &["warning"]),
        (Verdict::Incomparable, Policy::Fail, &["warning"]),
        (Verdict::Improved, Policy::Fail, &["note"]),
        (Verdict::Unchanged, Policy::Fail, &[]),
    ] {
        let mut outcome = outcome.clone();
        let judged = &mut outcome.judgements[0];
        (judged.verdict, judged.policy) = (verdict, policy);
        if verdict != Verdict::Changed {
            judged.new_errors.clear();
        }
        let found: Vec<String> = results(&outcome).into_iter().map(|(_, level, _)| level).collect();
        assert_eq!(found, levels, "{verdict:?} {policy:?}");
    }
    let mut moved = outcome.clone();
    moved.place.lines.clear();
    moved.judgements[0].new_errors[0].line += 30;
    assert_eq!(results(&moved), results(&outcome));
    let twice = moved.judgements[0].new_errors[0].clone();
    moved.judgements[0].new_errors.push(twice);
    let [.., (_, _, one), (_, _, other)] = &results(&moved)[..] else { panic!("there are three") };
    assert_ne!(one, other);
}
