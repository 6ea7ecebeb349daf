//! Findings for other programs: valid by their own rules, several at once, and nothing lost on the way.

use super::{BLOCKED, project, validate};
use serde_json::Value;
use std::fs;
use std::process::Command;

const HELPER: &str = "import time\n\n\ndef load(key):\n    time.sleep(key)\n";
const APP: &str = "import asyncio\nimport time\nfrom helper import load\n\n\nasync def get(key):\n    time.sleep(1)\n    \
                   return load(key)\n";
const UNGUARDED: &str = "from concurrent.futures import ProcessPoolExecutor\n\nwith ProcessPoolExecutor() as pool:\n    \
                         print(list(pool.map(abs, [1])))\n";
const BOOK: &str = r#"{"cells": [{"cell_type": "code", "source": "import time\nasync def f():\n    time.sleep(1)"}]}"#;
const NASTY: &str = "a\n::set-env name=x::y,%0A]]> é.py";

#[test]
fn sarif_is_what_its_standard_says() {
    let validator = validate::validator();
    let files = [("app.py", APP), ("helper.py", HELPER), ("run.py", UNGUARDED), ("book.ipynb", BOOK), (NASTY, BLOCKED)];
    for (files, line, status) in [
        (&files[..], "check --format sarif", 1),
        (&[("bad.py", "x = (\n")], "check --format sarif bad.py missing.py", 2),
        (&[], "check --format sarif", 0),
    ] {
        let document = super::json(&project(files).type_in(line).exits(status));
        validate::check(&validator, &document, line);
        let results = document["runs"][0]["results"].as_array().expect("results").clone();
        let uris: Vec<&str> = results
            .iter()
            .filter_map(|one| one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str())
            .collect();
        assert_eq!(uris.len(), results.len(), "each has a place");
        assert!(uris.iter().all(|uri| !uri.contains([':', ' ', '\n']) && !uri.starts_with('/')), "{uris:?}");
        if status == 1 {
            for key in ["codeFlows", "fixes"] {
                assert!(results.iter().any(|one| one.get(key).is_some()), "no result has {key}");
            }
            assert!(uris.contains(&"a%0A%3A%3Aset-env%20name%3Dx%3A%3Ay%2C%250A%5D%5D%3E%20%C3%A9.py"), "{uris:?}");
        }
    }
}

#[test]
fn one_run_writes_several_formats() {
    let line =
        "check --output sarif=out.sarif --output gitlab=quality.json --output junit=junit.xml --output text=a.txt";
    let ran = project(&[("app.py", BLOCKED)]).type_in(line).exits(1).says_nothing();
    let read = |name: &str| fs::read_to_string(ran.path(name)).expect(name);
    assert_eq!(read("a.txt"), String::from_utf8_lossy(&ran.stdout));
    let quality: Value = serde_json::from_str(&read("quality.json")).expect("JSON");
    assert_eq!(quality[0]["location"], serde_json::json!({"path": "app.py", "lines": {"begin": 5, "end": 5}}));
    let sarif: Value = serde_json::from_str(&read("out.sarif")).expect("JSON");
    let print = &sarif["runs"][0]["results"][0]["partialFingerprints"]["concadvise/v1"];
    assert_eq!(print, &quality[0]["fingerprint"]);
    assert!(read("junit.xml").contains("<failure type=\"CON101\""));
}

#[test]
fn an_output_that_makes_no_sense_or_cannot_be_written_is_refused() {
    for (line, words) in [
        ("check --output sarif", "FORMAT=PATH"),
        ("check --output sarf=x", "must be one of text, json, sarif"),
        ("check --output sarif=", "name a file"),
        ("check --output sarif=none/x", "make its folder"),
    ] {
        project(&[]).type_in(line).exits(2).says(words);
    }
}

#[test]
fn github_reads_one_command_a_line() {
    let ran = project(&[("app.py", BLOCKED), (NASTY, BLOCKED)]).type_in("check --format github").exits(1);
    ran.prints(
        "::warning file=a\\x0a%3A%3Aset-env name=x%3A%3Ay%2C%250A]]> é.py,line=5,endLine=5,col=5,endColumn=18,\
         title=CON101 blocking-call-in-async::time.sleep() blocks the event loop; use await asyncio.sleep()\n\
         ::warning file=app.py,line=5,endLine=5,col=5,endColumn=18,title=CON101 blocking-call-in-async::time.sleep() \
         blocks the event loop; use await asyncio.sleep()\n",
    );
}

#[test]
fn junit_is_xml_that_parses() {
    const READ: &str = "import sys, xml.etree.ElementTree as t\nroot = t.parse(sys.argv[1]).getroot()\n\
                        print(root.get('failures'), [f.get('type') for f in root.iter('failure')], len(list(root)))";
    for (files, expected) in [
        (&[(NASTY, BLOCKED), ("app.py", BLOCKED)][..], "2 ['CON101', 'CON101'] 2"),
        (&[("app.py", "x = 1\n")], "0 [] 1"),
    ] {
        let ran = project(files).type_in("check --output junit=junit.xml");
        let read = Command::new("python3").args(["-c", READ]).arg(ran.path("junit.xml")).output().expect("python3");
        assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), expected, "{}", String::from_utf8_lossy(&read.stderr));
    }
}
