//! Every format as it reads, and what none of them may let through.

use super::*;
use crate::source::detect::Dispatch;
use crate::source::project::{Note, check};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::{fs, io};

const BASE: &str = "/work/project";

const APP: &str = "\
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from helper import load

pool = ThreadPoolExecutor(8)


class View:
    async def get(self, key):
        time.sleep(key)
        return load(key)
";
const HELPER: &str = "import time\n\n\ndef load(key):\n    time.sleep(key)\n";
const BOOK: &str = r#"{"cells": [{"cell_type": "code", "source": "import time\nasync def f():\n    time.sleep(1)"}]}"#;

/// What three files show, their paths told from the folder that they are in.
fn checked() -> io::Result<Checked> {
    let folder = tempfile::tempdir()?;
    for (name, text) in [("app.py", APP), ("helper.py", HELPER), ("book.ipynb", BOOK), ("broken.py", "x = (\n")] {
        fs::write(folder.path().join(name), text)?;
    }
    let named = [folder.path().to_owned(), folder.path().join("missing.py")];
    // A code that is added later changes no line here.
    let codes = ["CON101", "CON102", "CON401"];
    let mut checked = check(&named, &Dispatch::of(|entry| codes.contains(&entry.code.as_str())));
    let below = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
    for finding in &mut checked.findings {
        finding.path = below(&finding.path);
        finding.chain.iter_mut().for_each(|step| step.path = below(&step.path));
    }
    checked.notes.iter_mut().for_each(|note| note.path = below(&note.path));
    Ok(checked)
}

/// The same with names and words that would be obeyed.
fn hostile() -> io::Result<Checked> {
    let mut checked = checked()?;
    let path = PathBuf::from(OsStr::from_bytes(b"a\n::set-env name=x::y, z%0A]]>\xff\x1b[31m\".py"));
    let words = "bad\r\n::set-env name=X::1%\u{1b}[2J]]></failure>\u{fffe}\u{202e}&amp;";
    for finding in &mut checked.findings {
        finding.path = path.clone();
        finding.message = words.to_owned();
        finding.spot.line = format!("{words}\u{0}");
        finding.qualified_name = Some(words.to_owned());
        finding.chain.iter_mut().for_each(|step| (step.path, step.what) = (path.clone(), words.to_owned()));
    }
    checked.notes.push(Note { path, clause: words.to_owned(), refused: true });
    Ok(checked)
}

type Render = fn(&Checked, &Path) -> String;

const FORMATS: [(&str, Render); 6] = [
    ("text", |checked, _| text::render(checked, false)),
    ("json", json::render),
    ("sarif", sarif::render),
    ("github", github::render),
    ("gitlab", gitlab::render),
    ("junit", junit::render),
];

#[test]
fn every_format_reads_like_this() -> io::Result<()> {
    let checked = checked()?;
    for (name, render) in FORMATS {
        let mut page = render(&checked, Path::new(BASE)).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if name == "sarif" {
            // The rules are the catalogue's, and a rule's number is its place there.
            let mut document: Value = serde_json::from_str(&page)?;
            document["runs"][0]["tool"]["driver"]["rules"] = Value::Null;
            for result in document["runs"][0]["results"].as_array_mut().expect("results") {
                result["ruleIndex"] = Value::Null;
            }
            page = format!("{document:#}\n");
        }
        insta::assert_snapshot!(name, page);
    }
    Ok(())
}

#[test]
fn nothing_that_a_file_says_acts_in_any_format() -> io::Result<()> {
    let hostile = hostile()?;
    for (name, render) in FORMATS {
        let page = render(&hostile, Path::new(BASE));
        let json = matches!(name, "json" | "gitlab" | "sarif");
        // JSON's readers escape what they show; a control code is no part of its strings. XML may not hold U+FFFE.
        let acts =
            |c: char| c.is_control() && c != '\n' || !json && c == '\u{202e}' || name == "junit" && c == '\u{fffe}';
        assert_eq!(page.chars().find(|c| acts(*c)), None, "{name}: {page}");
        let obeyed = page.lines().any(|line| line.trim_start().starts_with("::set-env"));
        assert!(!obeyed, "{name}: {page}");
        if json {
            serde_json::from_str::<Value>(&page)?;
        }
    }
    Ok(())
}

#[test]
fn a_workflow_command_is_one_line_and_ends_where_it_should() -> io::Result<()> {
    let page = github::render(&hostile()?, Path::new(BASE));
    assert!(page.lines().count() > 3);
    for line in page.lines() {
        let rest = line.strip_prefix("::error ").or(line.strip_prefix("::warning ")).or(line.strip_prefix("::notice "));
        let (properties, data) = rest.expect("a command").split_once("::").expect("its data");
        let values = properties.split(',').map(|pair| pair.split_once('=').map(|(key, _)| key));
        let known = ["file", "line", "endLine", "col", "endColumn", "title"];
        assert!(values.flatten().all(|key| known.contains(&key)), "{properties}");
        assert!(properties.split(',').all(|pair| pair.contains('=')), "{properties}");
        assert!(data.contains("%25") || data.contains("it cannot be read"), "{data}");
    }
    Ok(())
}

#[test]
fn what_xml_may_not_hold_is_not_there() -> io::Result<()> {
    let page = junit::render(&hostile()?, Path::new(BASE));
    assert!(!page.contains("]]>") && page.contains("]]&gt;&lt;/failure&gt;") && page.contains("&amp;amp;"), "{page}");
    assert_eq!(page.matches("<failure ").count(), page.matches("</failure>").count());
    Ok(())
}

#[test]
fn ten_annotations_of_a_level_are_shown_and_the_rest_counted() -> io::Result<()> {
    let mut checked = checked()?;
    let one = checked.findings.iter().find(|finding| finding.entry.code == "CON101").expect("it is there").clone();
    checked.findings = vec![one; 12];
    checked.notes.clear();
    let page = github::render(&checked, Path::new(BASE));
    let (annotations, rest): (Vec<&str>, Vec<&str>) = page.lines().partition(|line| line.starts_with("::warning "));
    assert_eq!((annotations.len(), rest.len()), (10, 1));
    assert!(rest[0].starts_with("2 more at the level warning"), "{rest:?}");
    Ok(())
}

#[test]
fn a_rule_is_found_by_its_number() -> io::Result<()> {
    let document: Value = serde_json::from_str(&sarif::render(&checked()?, Path::new(BASE)))?;
    let run = &document["runs"][0];
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    Ok(())
}

#[test]
fn a_fingerprint_outlives_edits_elsewhere_and_is_nobody_elses() -> io::Result<()> {
    let before = checked()?;
    let prints = fingerprints(&before, Path::new(BASE));
    let mut after = before;
    for finding in &mut after.findings {
        finding.spot.start.line += 7;
        finding.spot.line = format!("  {}", finding.spot.line);
        finding.path = Path::new(BASE).join(&finding.path);
    }
    assert_eq!(fingerprints(&after, Path::new(BASE)), prints);
    // The same line again in the same function is another finding.
    after.findings.extend(after.findings.clone());
    let mut twice = fingerprints(&after, Path::new(BASE));
    assert!(prints.iter().all(|print| twice.contains(print)));
    twice.sort();
    twice.dedup();
    assert_eq!(twice.len(), 2 * prints.len());
    Ok(())
}

#[test]
fn paths_are_told_from_the_base_where_they_are_below_it() {
    for (path, expected) in [
        ("app.py", "app.py"),
        ("./a/app.py", "a/app.py"),
        ("/work/project/a/app.py", "a/app.py"),
        ("../project/app.py", "app.py"),
        ("../other/app.py", "/work/other/app.py"),
        ("/work/projects/app.py", "/work/projects/app.py"),
        ("../../../../app.py", "/app.py"),
    ] {
        assert_eq!(from(Path::new(BASE), Path::new(path)), Path::new(expected), "{path}");
    }
}
