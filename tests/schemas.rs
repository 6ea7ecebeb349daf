//! What an editor and a script are promised: the committed schemas are those of the code, all that we write and all that
//! we show is valid by them, and what they let pass is no less than what our own readers let pass.
//!
//! After a change to a key or a word, `UPDATE_SCHEMAS=1 cargo test --test schemas` writes `schemas/` anew.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use jsonschema::Validator;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Ran, Scene, scene};

const SCHEMAS: [&str; 5] = ["report", "baseline", "config", "rules", "findings"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// What `concadvise schema` prints.
fn schema(of: &str) -> String {
    String::from_utf8(scene().type_in(&format!("schema {of}")).exits(0).says_nothing().stdout).expect("text")
}

fn validator(of: &str) -> Validator {
    let schema: Value = serde_json::from_str(&schema(of)).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// What is wrong with a text, each with its place. A number that is not finite is null in JSON, and so wrong.
fn wrong(validator: &Validator, text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().expect("TOML");
    let document = serde_json::to_value(table).expect("every value of TOML is one of JSON");
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn valid(of: &str, texts: impl IntoIterator<Item = (String, String)>) {
    let (validator, mut seen) = (validator(of), 0);
    for (name, text) in texts {
        assert_eq!(wrong(&validator, &text), [] as [String; 0], "{name}");
        seen += 1;
    }
    assert!(seen > 0, "nothing was there to be valid by the schema of {of}");
}

/// Files below a folder of the repository whose names end so, sorted.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries
        .map(|path| if path.is_dir() { path.join("expected.toml") } else { path })
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(end))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "nothing ends in {end} in {folder}");
    files
}

fn named(files: Vec<PathBuf>) -> impl Iterator<Item = (String, String)> {
    files.into_iter().map(|path| (path.display().to_string(), read(&path)))
}

/// The blocks of TOML in the README that have `mark`.
fn shown(mark: &str) -> Vec<(String, String)> {
    let readme = read("README.md");
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
    let blocks = blocks.filter(|block| block.contains(mark));
    blocks.map(|block| ("README.md".to_owned(), block.to_owned())).collect()
}

/// The baseline of every sample, each a target of its own.
fn baseline() -> String {
    let mut scene = scene();
    let mut line = "gate --update --force".to_owned();
    for path in files("samples", "expected.toml") {
        let name = path.parent().and_then(Path::file_name).expect("a folder").to_string_lossy().into_owned();
        scene = scene.file(&format!("{name}.toml"), 0o644, &read(&path));
        line += &format!(" {name}={name}.toml");
    }
    let ran = scene.type_in(&line).exits(0);
    fs::read_to_string(ran.path("concadvise.baseline.toml")).expect("a baseline")
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let mut old = Vec::new();
    for of in SCHEMAS {
        let (path, now) = (root().join(format!("schemas/{of}.schema.json")), schema(of));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &now).expect("the schema");
        }
        if fs::read_to_string(&path).unwrap_or_default() != now {
            old.push(path.display().to_string());
        }
    }
    assert!(old.is_empty(), "not current: {}; UPDATE_SCHEMAS=1 cargo test --test schemas rewrites", old.join(", "));
    assert_eq!(files("schemas", ".json").len(), SCHEMAS.len(), "no schema is left of what is gone");
}

#[test]
fn each_schema_is_one_of_draft_2020_12_and_names_itself() {
    for of in SCHEMAS {
        let schema: Value = serde_json::from_str(&schema(of)).expect("JSON");
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{of}");
        assert_eq!(schema["$id"], format!("urn:concadvise:{of}"));
        assert!(schema["description"].as_str().is_some_and(|about| about.len() > 20), "{of} says what it is of");
    }
}

#[test]
fn all_that_is_written_and_shown_is_valid() {
    valid("report", named(files("samples", "expected.toml")));
    valid("baseline", [("the baseline of the samples".to_owned(), baseline())]);
    valid("rules", named(files("rules", ".toml")).chain(shown("admit = ")));
    valid("findings", named(files("rules/findings", ".toml")));
    valid("config", shown("[[target]]"));
    let of_projects = shown("[tool.concadvise").into_iter().map(|(name, block)| {
        let table: toml::Table = block.parse().expect("TOML");
        (name, toml::to_string(&table["tool"]["concadvise"]).expect("TOML"))
    });
    valid("config", of_projects);
}

#[test]
fn each_rule_file_names_a_schema_that_is_there() {
    for path in files("rules", ".toml").into_iter().chain(files("rules/findings", ".toml")) {
        let text = read(&path);
        let first = text.lines().next().unwrap_or_default();
        let named = first.strip_prefix("#:schema ").unwrap_or_else(|| panic!("{} names none", path.display()));
        assert!(path.with_file_name(named).is_file(), "{}: {named} is not there", path.display());
    }
}

#[test]
fn what_is_written_names_its_schema_where_that_lies_beside_it() {
    let report = read("samples/primes/expected.toml");
    let first = |ran: &Ran, name: &str| {
        let text = fs::read_to_string(ran.path(name)).expect("it was written");
        text.lines().next().unwrap_or_default().to_owned()
    };
    let update = |scene: Scene| scene.file("r.toml", 0o644, &report).type_in("gate --update app=r.toml").exits(0);
    let (at, line) = ("concadvise.baseline.schema.json", "#:schema ./concadvise.baseline.schema.json");
    let named = update(scene().file(at, 0o644, "{}"));
    assert_eq!(first(&named, "concadvise.baseline.toml"), line);
    assert!(!first(&update(scene()), "concadvise.baseline.toml").starts_with("#:"), "a name that leads nowhere");
    let text = fs::read_to_string(named.path("concadvise.baseline.toml")).expect("a baseline");
    let again = scene().file("concadvise.baseline.toml", 0o644, &text).file("r.toml", 0o644, &report);
    again.type_in("gate app=r.toml").exits(0);

    let (at, line) = ("concadvise.report.schema.json", "#:schema ./concadvise.report.schema.json");
    let named = scene().file(at, 0o644, "{}").watch(["true"]).exits(0);
    assert_eq!(first(&named, "concadvise.toml"), line);
    assert!(!first(&scene().watch(["true"]).exits(0), "concadvise.toml").starts_with("#:"));
    let text = fs::read_to_string(named.path("concadvise.toml")).expect("a report");
    scene().file("r.toml", 0o644, &text).type_in("report r.toml").exits(0);
}

/// Puts `new` in the place of `old`, where that is first.
fn broken(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} is not in\n{text}");
    text.replacen(old, new, 1)
}

/// The schema refuses each, and so does the reader, whose status is `status`.
fn both_refuse(of: &str, good: &str, status: i32, breaks: &[(&str, &str)], typed: impl Fn(&str) -> Ran) {
    let validator = validator(of);
    assert_eq!(wrong(&validator, good), [] as [String; 0], "{of}");
    for (old, new) in breaks {
        let text = broken(good, old, new);
        assert_ne!(wrong(&validator, &text), [] as [String; 0], "{of}: {new} passes the schema");
        typed(&text).exits(status);
    }
}

#[test]
fn a_broken_report_is_refused_by_the_schema_and_by_us() {
    let good = read("samples/primes/expected.toml");
    let shows = |text: &str| scene().file("r.toml", 0o644, text).type_in("report r.toml");
    let breaks = [
        ("schema_version = 1", "schema_version = 2"),
        ("schema_version = 1\n", ""),
        ("complete = true", "complete = \"yes\""),
        ("exit_code = 0", "exit_code = \"0\""),
        ("on_cpu_share = ", "on_cpu_share = nan\nwas = "),
        ("[host]\n", "[[host]]\n"),
    ];
    both_refuse("report", &good, 2, &breaks, shows);
    let gates = |text: &str| scene().file("r.toml", 0o644, text).type_in("gate --update app=r.toml");
    let breaks = [
        ("model = \"processes\"", "model = \"proceses\""),
        ("start_method = \"fork\"", "start_method = \"forc\""),
        ("workers_bound = \"cpus\"", "workers_bound = \"cores\""),
        ("evidence = \"twin\"", "evidence = \"twins\""),
    ];
    both_refuse("report", &good, 2, &breaks, gates);
}

#[test]
fn a_broken_baseline_is_refused_by_the_schema_and_by_us() {
    let report = read("samples/primes/expected.toml");
    let ran = scene().file("r.toml", 0o644, &report).type_in("gate --update app=r.toml").exits(0);
    let good = fs::read_to_string(ran.path("concadvise.baseline.toml")).expect("a baseline");
    let gates = |text: &str| {
        let scene = scene().file("r.toml", 0o644, &report).file("concadvise.baseline.toml", 0o644, text);
        scene.type_in("gate app=r.toml")
    };
    let breaks = [
        ("schema_version = 1", "schema_version = 2"),
        ("\n[end]\n", "\n"),
        ("\n[end]\n", "\n[ende]\n"),
        ("name = \"app\"", "name = \"\""),
        ("workers_policy", "wokers_policy"),
        ("model = \"processes\"\nworkers", "model = \"proceses\"\nworkers"),
        ("workers_bound = \"cpus\"", "workers_bound = \"cores\""),
        ("workers = 2\n", "workers = 0\n"),
        ("workers = 2\n", "workers = \"2\"\n"),
        ("workers = 2\n", ""),
        ("rules = \"", "rules = \"x"),
        ("arch = ", "arhc = "),
        ("cpus_usable = ", "cpus_usable = -"),
        ("[target.signals]\n", "[target.signals]\nlock_share = 2\n"),
        ("[target.signals]\n", "[target.signals]\nlock_share = { value = 0.1 }\n"),
        ("[target.signals]\n", "[target.signals]\nwork_s = 1\n"),
        ("[target.facts]\n", "[target.facts]\npicklable = \"yes\"\n"),
        ("[target.facts]\n", "[target.facts]\nbottleneck = \"luck\"\n"),
        ("[target.facts]\n", "[target.facts]\ntask_s = inf\n"),
        ("margin = [\n", "margin = [\n    { fact = \"a\", rule = \"b\", flips_at = 1 },\n"),
        ("tool_version", "finding = [{ code = \"CON101\", path = \"a.py\", count = 0 }]\ntool_version"),
    ];
    // What it has already cannot be there twice.
    let good: String = good.lines().filter(|line| !has_one(line)).map(|line| format!("{line}\n")).collect();
    both_refuse("baseline", &good, 2, &breaks, gates);
}

/// Whether a line of a baseline says what a test says otherwise.
fn has_one(line: &str) -> bool {
    ["lock_share", "picklable", "bottleneck", "task_s "].iter().any(|fact| line.starts_with(fact))
}

#[test]
fn a_broken_configuration_is_refused_by_the_schema_and_by_us() {
    let good = shown("[[target]]").remove(0).1;
    let gates = |text: &str| scene().file("concadvise.config.toml", 0o644, text).type_in("gate r.toml").says("config");
    let breaks = [
        ("[gate]", "[gaet]"),
        ("[gate]", "[[gate]]"),
        ("gain = ", "gian = "),
        ("gain = 0.10", "gain = -1"),
        ("workers = 1.5", "workers = 0.5"),
        ("fail_on_inconclusive = false", "fail_on_inconclusive = 0"),
        ("policy = \"warn\"", "policy = \"warning\""),
        ("name = \"crawl\"\n", ""),
        ("name = \"crawl\"", "name = \"cr=awl\""),
        ("command = [\"python3\", \"crawl.py\", \"urls.txt\"]", ""),
        ("command = [\"python3\", \"crawl.py\", \"urls.txt\"]", "command = \"python3 crawl.py\""),
        ("command = [\"python3\", \"crawl.py\", \"urls.txt\"]", "command = []"),
        ("task = ", "command = [\"true\"]\ntask = "),
        ("options = [", "option = ["),
    ];
    both_refuse("config", &good, 2, &breaks, gates);
    let checks = |text: &str| {
        let table: toml::Table = text.parse().expect("TOML");
        let nested = toml::Table::from_iter([(
            "tool".to_owned(),
            toml::Table::from_iter([("concadvise".to_owned(), table.into())]).into(),
        )]);
        let project = toml::to_string(&nested).expect("TOML");
        scene().file("pyproject.toml", 0o644, &project).type_in("check .")
    };
    let good = "[check]\nselect = [\"CON1\"]\nexclude = [\"old/\"]\nper-file-ignores = { \"a.py\" = [\"ALL\"] }\n";
    let breaks = [
        ("[check]", "[chekc]"),
        ("select", "slect"),
        ("[\"CON1\"]", "\"CON1\""),
        ("[\"old/\"]", "[1]"),
        ("{ \"a.py\" = [\"ALL\"] }", "[\"a.py\"]"),
    ];
    both_refuse("config", good, 2, &breaks, checks);
}

#[test]
fn a_broken_rule_is_refused_by_the_schema_and_by_us() {
    let good = shown("admit = ").remove(0).1;
    let checks = |text: &str| scene().file("rules/ours.toml", 0o644, text).type_in("rules check rules");
    let breaks = [
        ("class = \"io-bound\"", "class = \"io\""),
        ("id = \"ours-connection-limit\"", "id = \"Ours\""),
        ("admit = [\"threads\", \"sequential\"]", "admit = [\"threds\"]"),
        ("admit = [\"threads\", \"sequential\"]", "admit = [\"threads\", \"threads\"]"),
        ("admit = [\"threads\", \"sequential\"]", "admit = []"),
        ("workers = \"waits\"", "workers = \"many\""),
        ("workers = \"waits\"", ""),
        ("reason = ", "reson = "),
        ("value = 0.6", "value = 2"),
        ("value = 0.6", "value = \"0.6\""),
        ("fact = \"wait_share\"", "fact = \"wait_shar\""),
        ("op = \">=\"", "op = \"=>\""),
        ("op = \"==\", value = \"network\"", "op = \"<\", value = \"network\""),
        ("op = \"==\", value = \"network\"", "op = \"in\", value = \"network\""),
        ("op = \"==\", value = \"network\"", "op = \"in\", value = [\"net\"]"),
        ("value = \"network\"", "value = \"net\""),
        ("advice = [", "advice = [1, "),
    ];
    both_refuse("rules", &good, 1, &breaks, checks);
}
