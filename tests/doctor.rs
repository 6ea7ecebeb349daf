//! What a person is promised who asks the doctor: every instrument tried, a sentence and a remedy for each that does not
//! work, and an answer under whatever rights.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use std::os::unix::process::CommandExt;
use std::process::Command;
use support::scene;

fn concadvise() -> Command {
    Command::new(env!("CARGO_BIN_EXE_concadvise"))
}

/// The answer as machines read it: the rows.
fn rows(command: &mut Command) -> Vec<toml::Table> {
    let output = command.args(["doctor", "--format", "toml"]).output().expect("concadvise starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let table: toml::Table = String::from_utf8_lossy(&output.stdout).parse().expect("TOML");
    let rows = table.get("instrument").and_then(toml::Value::as_array).expect("rows");
    rows.iter().filter_map(toml::Value::as_table).cloned().collect()
}

fn text<'a>(row: &'a toml::Table, key: &str) -> &'a str {
    row.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

fn check_each(rows: &[toml::Table]) {
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        for key in ["name", "works", "found", "adds"] {
            assert!(!text(row, key).is_empty(), "{key} is missing in {row:?}");
        }
        let works = text(row, "works");
        assert!(["yes", "partly", "no"].contains(&works), "{row:?}");
        assert_eq!(
            works != "yes",
            row.contains_key("enable"),
            "what does not work, and only that, has a remedy: {row:?}"
        );
    }
}

fn works<'a>(rows: &'a [toml::Table], name: &str) -> &'a str {
    rows.iter().find(|row| text(row, "name").contains(name)).map_or("", |row| text(row, "works"))
}

#[test]
fn every_instrument_is_tried_and_told() {
    let rows = rows(&mut concadvise());
    check_each(&rows);
    // No kernel that the tests run on lacks these, whoever asks.
    for name in ["(schedstat)", "(syscall)", "(children)", "(io)", "CPUs that may be used"] {
        assert_eq!(works(&rows, name), "yes", "{name} in {rows:?}");
    }
}

#[test]
fn the_page_names_them_all_and_fits() {
    let ran = scene().type_in("doctor").exits(0).says_nothing();
    let page = String::from_utf8_lossy(&ran.stdout).into_owned();
    let table = page.split("\nTo enable").next().expect("a table");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{page}");
    for word in ["schedstat", "smaps_rollup", "perf", "task_delayacct", "PSI", "python3"] {
        assert!(table.contains(word), "{word} is missing in\n{page}");
    }
}

#[test]
fn an_ordinary_user_is_answered_and_told_the_commands() {
    let mut command = concadvise();
    if nix::unistd::Uid::effective().is_root() {
        command.uid(65534).gid(65534).current_dir("/");
    }
    let rows = rows(&mut command);
    check_each(&rows);
    let others = rows.iter().find(|row| text(row, "name").contains("other users")).expect("a row");
    assert_eq!(text(others, "works"), "partly", "{others:?}");
    assert!(text(others, "enable").contains("sudo"), "{others:?}");
}

#[test]
fn without_a_search_path_it_looks_all_the_same() {
    let rows = rows(concadvise().env("PATH", ""));
    assert_eq!(works(&rows, "python3"), "no");
    assert_eq!(works(&rows, "context switch (perf)"), works(&self::rows(&mut concadvise()), "context switch (perf)"));
}
