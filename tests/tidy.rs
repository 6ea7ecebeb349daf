//! The laws of `src/lib.rs`, each held by a test, and each tested itself: a planted violation must make it fail.

#[path = "support/source.rs"]
mod source;

use source::Source;
use std::path::Path;
use std::{fs, io};

/// A law: from all the files to what breaks it, each a sentence.
type Law = fn(&[Source]) -> Vec<String>;

/// Left to right, as data flows.
const STAGES: [&str; 10] =
    ["target", "source", "observe", "profile", "classify", "trial", "rules", "recommendation", "report", "gate"];
/// Anyone may use them; they use no stage.
const BASE: [&str; 5] = ["units", "notice", "reading", "host", "sys"];
/// They may name everything, and nobody names them.
const EDGES: [&str; 4] = ["cli", "exit", "run", "main"];

/// The first part of a file's module path; empty for `lib.rs` and `main.rs`.
fn home(source: &Source) -> String {
    source.module().first().cloned().unwrap_or_default()
}

/// Whether a file is one of `places`, or lies in the folder of one.
fn within(source: &Source, places: &[&str]) -> bool {
    let module = source.module().join("/");
    places.iter().any(|place| module == *place || module.starts_with(&format!("{place}/")))
}

fn at(source: &Source, line: usize, what: &str) -> String {
    format!("src/{}:{line}: {what}", source.path)
}

/// Law 1.
fn a_stage_imports_only_stages_to_its_left(files: &[Source]) -> Vec<String> {
    let rank = |name: &str| STAGES.iter().position(|stage| *stage == name);
    let mut broken = Vec::new();
    for file in files {
        let own = home(file);
        if own.is_empty() || EDGES.contains(&own.as_str()) {
            continue;
        }
        if rank(&own).is_none() && !BASE.contains(&own.as_str()) {
            broken.push(at(file, 1, "is no stage, no base and no edge; give it a place in tests/tidy.rs and lib.rs"));
        }
        for named in file.paths() {
            let [first, other, ..] = named.segments.as_slice() else { continue };
            if first != "crate" || *other == own || BASE.contains(&other.as_str()) {
                continue;
            }
            match (rank(&own), rank(other)) {
                (Some(own), Some(other)) if other < own => {}
                (None, Some(_)) => broken.push(at(file, named.line, &format!("base must not import {other}"))),
                (_, Some(_)) => broken.push(at(file, named.line, &format!("{other} is not to the left of {own}"))),
                (_, None) => broken.push(at(file, named.line, &format!("{own} must not import {other}"))),
            }
        }
    }
    broken
}

/// Law 2.
fn pure_stages_touch_nothing(files: &[Source]) -> Vec<String> {
    const PURE: [&str; 6] = ["profile", "classify", "rules", "recommendation", "gate", "trial"];
    const EXEMPT: [&str; 6] =
        ["rules/load", "trial/python", "trial/native", "trial/runner", "trial/race", "trial/rerun/injection"];
    const IMPURE: [&str; 12] = [
        "std::fs",
        "std::process",
        "std::env",
        "std::thread",
        "std::net",
        "std::io",
        "crate::reading::named",
        "crate::reading::text",
        "crate::sys",
        "nix",
        "procfs",
        "tokio",
    ];
    const WORDS: [&str; 6] = ["Instant", "SystemTime", "File", "OpenOptions", "tempfile", "indicatif"];
    const CALLS: [&str; 2] = ["observe::observe", "Host::read"];
    const MODULES: [&str; 4] = ["fs", "process", "env", "thread"];
    let pure = files.iter().filter(|file| within(file, &PURE) && !within(file, &EXEMPT));
    let mut broken = Vec::new();
    for file in pure {
        for named in file.paths() {
            let path = named.segments.join("::");
            let below = |place: &str| path == place || path.starts_with(&format!("{place}::"));
            let bare =
                named.segments.len() > 1 && named.segments[1] != "!" && MODULES.contains(&named.segments[0].as_str());
            let impure = IMPURE.iter().any(|place| below(place)) && path != "std::io::Error";
            if impure
                || bare
                || named.segments.iter().any(|segment| WORDS.contains(&segment.as_str()))
                || CALLS.iter().any(|call| path.ends_with(call))
                || prints(&named.segments)
            {
                broken.push(at(file, named.line, &format!("is in a pure stage and must not touch {path}")));
            }
        }
    }
    broken
}

/// Law 3.
fn only_sys_is_unsafe_and_says_why_it_may(files: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.text.lines().collect();
        let sys = within(file, &["sys"]);
        if !sys && file.code.contains("unsafe_code") {
            broken.push(at(file, 1, "only sys may allow unsafe code"));
        }
        for (number, line) in file.code.lines().enumerate() {
            let block = line.contains("unsafe {") || line.contains("unsafe impl");
            let any = line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
            if any && !sys {
                broken.push(at(file, number + 1, "unsafe belongs in sys"));
            } else if block && !vouched_for(&lines, number) {
                broken.push(at(file, number + 1, "an unsafe block needs a SAFETY comment above it"));
            }
        }
    }
    broken
}

/// Whether the comment above line `number`, at most two lines of the same statement away, says `SAFETY:`.
fn vouched_for(lines: &[&str], number: usize) -> bool {
    let comment = |line: &str| line.trim_start().starts_with("//");
    if lines[number].contains("SAFETY:") {
        return true;
    }
    let mut above = lines[..number].iter().rev().skip_while({
        let mut skipped = 0;
        move |line| {
            skipped += 1;
            !comment(line) && skipped <= 2
        }
    });
    above.by_ref().take_while(|line| comment(line)).any(|line| line.contains("SAFETY:"))
}

fn prints(segments: &[String]) -> bool {
    const MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
    matches!(segments, [.., name, bang] if bang == "!" && MACROS.contains(&name.as_str()))
}

/// Law 4.
fn only_the_report_and_the_edges_print(files: &[Source]) -> Vec<String> {
    // The native harness answers on its standard output, as the Python one does: that is a message, not a print.
    const HARNESS: [&str; 1] = ["trial/native"];
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| !within(file, &["report", "run"]) && file.path != "main.rs") {
        for named in file.paths() {
            let stream = named.segments.last().is_some_and(|last| matches!(last.as_str(), "stdout" | "stderr"))
                && named.segments.iter().any(|segment| segment == "io");
            if prints(&named.segments) || stream && !within(file, &HARNESS) {
                broken.push(at(file, named.line, "only report, run and main print"));
            }
        }
    }
    broken
}

/// Law 5.
fn no_file_is_a_drawer_for_everything(files: &[Source]) -> Vec<String> {
    const DRAWERS: [&str; 8] = ["types", "common", "utils", "util", "helpers", "helper", "misc", "prelude"];
    let drawer = |file: &&Source| file.module().iter().any(|part| DRAWERS.contains(&part.as_str()));
    files.iter().filter(drawer).map(|file| at(file, 1, "say what it is: a type lives where it is made")).collect()
}

/// Law 6.
fn wire_formats_stay_at_the_edges(files: &[Source]) -> Vec<String> {
    const EDGES: [&str; 12] = [
        "gate/show",
        "gate/wire",
        "report",
        "rules/load",
        "rules/parse",
        "rules/shape",
        "source/catalogue",
        "source/python/notebook",
        "trial/python",
        "trial/native",
        "trial/runner",
        "trial/rerun",
    ];
    const FORMATS: [&str; 5] = ["schemars", "serde", "serde_json", "toml", "toml_edit"];
    const DERIVES: [&str; 3] = ["Serialize", "Deserialize", "JsonSchema"];
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| !within(file, &EDGES)) {
        for named in file.paths() {
            let crate_named = named.segments.len() > 1 && FORMATS.contains(&named.segments[0].as_str());
            let ours = file.path.starts_with("run/") && named.segments[0] == "toml";
            if crate_named && !ours || named.segments.iter().any(|segment| DERIVES.contains(&segment.as_str())) {
                broken.push(at(
                    file,
                    named.line,
                    "wire formats stay in report and at the edges of source, rules, trial and gate",
                ));
            }
        }
    }
    broken
}

/// Of the house, beside the six.
fn every_file_says_what_it_is_for(files: &[Source]) -> Vec<String> {
    let silent = files.iter().filter(|file| !file.text.starts_with("//! "));
    silent.map(|file| at(file, 1, "begins with `//! `: what it is for, and what it leaves to whom")).collect()
}

/// Of the house: longer ones hold two nouns.
fn no_file_is_too_long_to_read(files: &[Source]) -> Vec<String> {
    const LONGEST: usize = 350;
    // A list of keys with their meaning, read by looking one up.
    const LISTS: [&str; 1] = ["report/schema"];
    let lines = |file: &Source| file.code.lines().filter(|line| !line.trim().is_empty()).count();
    let long = files.iter().filter(|file| !within(file, &LISTS)).map(|file| (file, lines(file)));
    let long = long.filter(|(_, lines)| *lines > LONGEST);
    long.map(|(file, lines)| at(file, 1, &format!("{lines} lines of code, at most {LONGEST}; split it"))).collect()
}

/// Of the house: a run is timed by clocks that nobody can set.
fn the_observer_reads_no_clock_that_steps(files: &[Source]) -> Vec<String> {
    const STEPPING: [&str; 3] = ["SystemTime", "CLOCK_REALTIME", "CLOCK_REALTIME_COARSE"];
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| within(file, &["observe"])) {
        for named in file.paths() {
            if named.segments.iter().any(|segment| STEPPING.contains(&segment.as_str())) {
                broken.push(at(file, named.line, "a clock that can be set steps in the middle of a run"));
            }
        }
    }
    broken
}

/// Of the house: a skipped test reads as a passed one.
fn no_test_is_skipped(files: &[Source]) -> Vec<String> {
    let mark = ["#[", "ignore"].concat();
    let skipped = files.iter().filter(|file| file.text.contains(&mark));
    skipped.map(|file| at(file, 1, "a skipped test reads as a passed one")).collect()
}

/// Every file below `src/` that is not only for tests.
fn sources() -> io::Result<Vec<Source>> {
    fn walk(folder: &Path, root: &Path, into: &mut Vec<Source>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, root, into)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                into.push(Source::new(&relative, &fs::read_to_string(&path)?));
            }
        }
        Ok(())
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    walk(&root, &root, &mut all)?;
    let inside = |file: &Source, name: String| [file.module(), vec![name]].concat();
    let only_for_tests: Vec<Vec<String>> =
        all.iter().flat_map(|file| file.test_modules().into_iter().map(|name| inside(file, name))).collect();
    all.retain(|file| !only_for_tests.iter().any(|module| file.module().starts_with(module)));
    Ok(all)
}

/// The law holds here, breaks for each planted file, and does not break for each that only looks so.
fn check(law: Law, planted: &[(&str, &str)], innocent: &[(&str, &str)]) -> io::Result<()> {
    let files = sources()?;
    assert!(files.len() > 20, "the laws must see the source, not {} files", files.len());
    let broken = law(&files);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (path, text) in planted {
        assert!(!law(&[Source::new(path, text)]).is_empty(), "planted in {path} and not found: {text}");
    }
    for (path, text) in innocent {
        let broken = law(&[Source::new(path, text)]);
        assert!(broken.is_empty(), "innocent and accused: {}", broken.join("\n"));
    }
    Ok(())
}

#[test]
fn stages_flow_one_way() -> io::Result<()> {
    check(
        a_stage_imports_only_stages_to_its_left,
        &[
            ("profile/mod.rs", "use crate::rules::Step;"),
            ("profile/demand.rs", "fn f() { crate::report::table::render() }"),
            ("profile/deep/file.rs", "use super::super::super::trial::Trial;"),
            ("observe/mod.rs", "use crate::{units::Bytes, profile::{Profile, Role}};"),
            ("units.rs", "use crate::target::Target;"),
            ("report/mod.rs", "use crate::cli::Cli;"),
            ("clutter.rs", "pub struct Clutter;"),
        ],
        &[
            ("profile/mod.rs", "use crate::{host::Host, observe::Observation};"),
            ("profile/mod.rs", "//! Ends in crate::rules.\nconst A: &str = \"crate::rules\"; // crate::rules"),
            ("profile/mod.rs", "#[cfg(test)]\nmod tests { use crate::rules::Step; }"),
            ("trial/plan.rs", "use super::model::Model;"),
            ("run.rs", "use crate::rules::Rules;"),
        ],
    )
}

#[test]
fn pure_means_pure() -> io::Result<()> {
    check(
        pure_stages_touch_nothing,
        &[
            ("profile/mod.rs", "use std::fs;"),
            ("profile/mod.rs", "use std::{fmt, process::Command};"),
            ("classify.rs", "let now = std::time::Instant::now();"),
            ("classify/mod.rs", "use std::time::{Duration, SystemTime};"),
            ("rules/walk.rs", "let home = env::var(\"HOME\");"),
            ("trial/plan.rs", "std::thread::sleep(d);"),
            ("trial/scaling.rs", "println!(\"{x}\");"),
            ("recommendation.rs", "let host = Host::read(root);"),
            ("gate/mod.rs", "crate::sys::signals::send(1, 9)"),
        ],
        &[
            ("trial/race.rs", "use std::time::Instant;"),
            ("rules/load.rs", "use std::fs;"),
            ("rules/error.rs", "source: std::io::Error"),
            ("profile/mod.rs", "let version = env!(\"CARGO_PKG_VERSION\"); // std::fs"),
            ("profile/mod.rs", "const S: &str = r#\"std::fs \" Instant\"#;"),
            ("trial/plan.rs", "#[cfg(test)]\nmod tests { use std::thread; }"),
        ],
    )
}

#[test]
fn unsafe_code_has_one_home() -> io::Result<()> {
    check(
        only_sys_is_unsafe_and_says_why_it_may,
        &[
            ("observe/mod.rs", "// SAFETY: none\nunsafe { f() }"),
            ("observe/mod.rs", "#![allow(unsafe_code)]"),
            ("sys/wait.rs", "fn f() {\n    unsafe { g() }\n}"),
            ("sys/wait.rs", "// SAFETY: of another\nunsafe { g() }\n\na();\nb();\nc();\nunsafe { g() }"),
        ],
        &[
            ("sys/wait.rs", "// SAFETY: touches no memory,\n// none at all.\nlet a =\n    unsafe { g() };"),
            ("observe/mod.rs", "// unsafe\nconst A: &str = \"unsafe {\";"),
        ],
    )
}

#[test]
fn who_may_print_is_settled() -> io::Result<()> {
    check(
        only_the_report_and_the_edges_print,
        &[
            ("observe/mod.rs", "eprintln!(\"here\");"),
            ("trial/race.rs", "dbg!(x);"),
            ("trial/native/serve.rs", "println!(\"x\");"),
            ("host/mod.rs", "std::io::stderr().write_all(b\"x\")"),
        ],
        &[
            ("run/say.rs", "io::stderr().lock()"),
            ("observe/mod.rs", "let stdout = child.stdout; // println!()"),
            ("trial/native/serve.rs", "io::stdout().lock()"),
        ],
    )
}

#[test]
fn types_live_where_they_are_made() -> io::Result<()> {
    check(
        no_file_is_a_drawer_for_everything,
        &[("types.rs", ""), ("trial/common.rs", ""), ("utils/mod.rs", ""), ("report/helpers.rs", "")],
        &[("trial/model.rs", "")],
    )
}

#[test]
fn core_types_know_no_wire_format() -> io::Result<()> {
    check(
        wire_formats_stay_at_the_edges,
        &[
            ("profile/mod.rs", "use serde::Serialize;"),
            ("profile/mod.rs", "#[derive(Debug, Serialize)]\nstruct A;"),
            ("trial/mod.rs", "#[derive(serde::Deserialize)]\nstruct A;"),
            ("rules/mod.rs", "#[derive(schemars::JsonSchema)]\nstruct A;"),
            ("rules/walk.rs", "let a: toml::Table = text.parse();"),
            ("observe/mod.rs", "serde_json::to_string(&a)"),
        ],
        &[("report/schema.rs", "use serde::Serialize;"), ("rules/load.rs", "toml::from_str(text)")],
    )
}

#[test]
fn files_begin_with_their_purpose_and_end_in_time() -> io::Result<()> {
    check(
        every_file_says_what_it_is_for,
        &[("a.rs", "use std::fmt;"), ("a.rs", "// a\n//! b")],
        &[("a.rs", "//! A.")],
    )?;
    let (long, tested) = ("let a = 1;\n".repeat(351), format!("#[cfg(test)]\nmod t {{\n{}}}\n", "f();\n".repeat(999)));
    let commented = "// a\n\n".repeat(999);
    check(no_file_is_too_long_to_read, &[("a.rs", &long)], &[("a.rs", &tested), ("a.rs", &commented)])
}

#[test]
fn runs_are_timed_by_clocks_that_do_not_step() -> io::Result<()> {
    check(
        the_observer_reads_no_clock_that_steps,
        &[
            ("observe/clock.rs", "use std::time::{Duration, SystemTime};"),
            ("observe/run.rs", "clock_gettime(ClockId::CLOCK_REALTIME)"),
        ],
        &[("observe/clock.rs", "use std::time::Instant;"), ("report/file.rs", "std::time::SystemTime::now()")],
    )
}

#[test]
fn every_test_runs() -> io::Result<()> {
    let planted = ["#[", "ignore]\nfn f() {}"].concat();
    check(no_test_is_skipped, &[("a.rs", &planted)], &[("a.rs", "fn ignore() {}")])?;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))? {
        let path = entry?.path();
        if path.is_file() {
            let file = Source::new(&path.to_string_lossy(), &fs::read_to_string(&path)?);
            assert_eq!(no_test_is_skipped(&[file]), [] as [String; 0]);
        }
    }
    Ok(())
}
