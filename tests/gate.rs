//! What a person is promised who gates pull requests: a baseline that is small and stays the same, a status that a
//! script can trust, a sentence for every file that is not as it should be, and nothing accepted that was not told.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;
#[path = "support/sarif.rs"]
mod validate;

use std::fs;
use std::path::Path;
use support::{Ran, Scene, scene};

const BASELINE: &str = "concadvise.baseline.toml";

/// The report that a sample's recording leads to.
fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).join("expected.toml");
    fs::read_to_string(path).expect("a sample")
}

/// A scene with those files, each with its text.
fn files(files: &[(&str, &str)]) -> Scene {
    files.iter().fold(scene(), |scene, (name, text)| scene.file(name, 0o644, text))
}

/// The baseline that a report makes.
fn baseline(report: &str) -> String {
    let ran = files(&[("r.toml", report)]).type_in("gate --update --force app=r.toml").exits(0);
    fs::read_to_string(ran.path(BASELINE)).expect("a baseline")
}

fn page(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn prints(ran: &Ran, words: &[&str]) {
    let page = page(ran);
    words.iter().for_each(|words| assert!(page.contains(words), "{words:?} is missing in\n{page}{}", ran.stderr));
}

#[test]
fn the_same_report_passes_and_another_answer_fails() {
    let (downloads, primes) = (sample("downloads"), sample("primes"));
    let scene = || files(&[(BASELINE, &baseline(&downloads)), ("same.toml", &downloads), ("other.toml", &primes)]);
    let same = scene().type_in("gate same.toml").exits(0).says_nothing();
    prints(&same, &["app: unchanged", "1 unchanged: the gate passes"]);
    let other = scene().type_in("gate app=other.toml").exits(1);
    prints(
        &other,
        &["app: changed (drift of code)", "before  threads at 19", "after   processes at 2", "the gate fails"],
    );
    prints(&other, &["moved   cpu_share 0.00456 → 1", "do      if the change is meant"]);
    scene().type_in("gate --policy warn app=other.toml").exits(0);
    let off = scene().type_in("gate --policy off app=other.toml").exits(0);
    prints(&off, &["not looked at"]);
}

#[test]
fn two_reports_of_one_target_must_say_the_same() {
    let (downloads, primes) = (sample("downloads"), sample("primes"));
    let scene = || files(&[(BASELINE, &baseline(&downloads)), ("a.toml", &downloads), ("b.toml", &primes)]);
    let flaky = scene().type_in("gate app=a.toml app=b.toml").exits(0);
    prints(&flaky, &["app: inconclusive", "1 of 2 runs"]);
    scene().type_in("gate --fail-on-inconclusive app=a.toml app=b.toml").exits(3);
    scene().type_in("gate app=b.toml app=b.toml").exits(1);
}

#[test]
fn a_target_that_failed_is_a_status_of_its_own() {
    let primes = sample("primes");
    let failed = primes.replace("exit_code = 0", "exit_code = 3");
    let ran = files(&[(BASELINE, &baseline(&primes)), ("r.toml", &failed)]).type_in("gate r.toml").exits(4);
    prints(&ran, &["the target ended with status 3"]);
}

#[test]
fn updating_tells_all_that_it_accepts_and_writes_the_same_bytes_again() {
    let (downloads, primes) = (sample("downloads"), sample("primes"));
    let made = files(&[("r.toml", &downloads)]).type_in("gate --update r.toml").exits(0).says("commit it");
    prints(&made, &["target\n  is new: threads at 19"]);
    let before = fs::read_to_string(made.path(BASELINE)).expect("a baseline");
    assert!(before.len() < 8000 && !before.contains("2026"), "{before}");
    let again = files(&[(BASELINE, &before), ("r.toml", &downloads)]).type_in("gate --update r.toml").exits(0);
    prints(&again, &["nothing differs from the baseline"]);
    assert_eq!(fs::read_to_string(again.path(BASELINE)).expect("it is there"), before);
    let scene = || files(&[(BASELINE, &before), ("r.toml", &primes)]);
    let looked = scene().type_in("gate --diff target=r.toml").exits(0);
    prints(&looked, &["answer: threads at 19 (min(tasks, 19)) → processes at 2 (cpus, fork)"]);
    assert_eq!(fs::read_to_string(looked.path(BASELINE)).expect("it is there"), before);
    let accepted = scene().type_in("gate --update target=r.toml").exits(0);
    prints(&accepted, &["answer: threads at 19", "rule: io-default → cpu-python"]);
    assert_ne!(fs::read_to_string(accepted.path(BASELINE)).expect("it is there"), before);
}

#[test]
fn updating_refuses_what_is_no_evidence_and_what_ci_would_accept_by_itself() {
    let short = sample("too-short");
    let ran =
        files(&[("r.toml", &short)]).type_in("gate --update r.toml").exits(2).says("its evidence is inconclusive");
    assert!(!ran.says("--force accepts it").has(BASELINE), "nothing was accepted");
    files(&[("r.toml", &short)]).type_in("gate --update --force r.toml").exits(0);
    let primes = sample("primes");
    files(&[("r.toml", &primes)]).env("CI", "true").type_in("gate --update r.toml").exits(2).says("CI is set");
    files(&[("r.toml", &primes)]).env("CI", "true").type_in("gate --update --force r.toml").exits(0);
}

#[test]
fn a_report_of_another_target_is_refused_by_name() {
    let (downloads, primes) = (sample("downloads"), sample("primes").replace("\"target.py\"", "\"other.py\""));
    let scene = || files(&[(BASELINE, &baseline(&downloads)), ("r.toml", &primes)]);
    scene().type_in("gate r.toml").exits(2).says("a report of another target, `python3 other.py`");
    scene().type_in("gate nobody=r.toml").exits(2).says("no target nobody; it has app");
}

#[test]
fn every_baseline_that_is_not_as_it_should_be_is_refused_with_its_line() {
    let report = sample("primes");
    let good = baseline(&report);
    let line = |part: &str| good.lines().position(|line| line.starts_with(part)).expect("it is there") + 1;
    let twice = good.replace("[end]", &good[good.find("[[target]]").expect("a target")..]);
    let huge = format!("{good}#{}", "x".repeat(5 << 20));
    let cut = &good[..good.find("work_s =").expect("a fact")];
    for (text, says) in [
        ("", "it must have".to_owned()),
        ("schema_version = 9", "schema_version 9 and this concadvise reads 1".to_owned()),
        (
            &good.replace("workers_policy", "wokers_policy"),
            format!(
                ":{}: [target.decision] has no field `wokers_policy`; did you mean `workers_policy`?",
                line("workers_policy")
            ),
        ),
        (&good.replace("gil_share =", "gil_shore ="), "gil_shore".to_owned()),
        (
            &good.replace("work_s =", "work_m ="),
            format!(":{}: [target.facts] has no field `work_m`; did you mean `work_s`?", line("work_s")),
        ),
        (
            &good.replace("model = \"processes\"\nworkers", "model = \"proceses\"\nworkers"),
            "did you mean `processes`?".to_owned(),
        ),
        (
            &good.replace("schema_version = 1", "<<<<<<< HEAD\nschema_version = 1"),
            ":2: a merge left its conflict marks".to_owned(),
        ),
        (&good.replace("work_s = ", "work_s = nan # "), "`work_s` must be".to_owned()),
        (&good.replace("cpu_share = ", "cpu_share = inf # "), "`cpu_share` must be".to_owned()),
        (&good.replace("workers = 2", "workers = -2"), "`workers` must be a whole number of at least 1".to_owned()),
        (cut, "cut off".to_owned()),
        (&good[..good.len() / 2], "concadvise gate --update".to_owned()),
        (&twice, "two targets of the name `app`".to_owned()),
        (&huge, "larger than 4 MiB".to_owned()),
        ("\u{1b}]0;owned\u{7}", "not TOML".to_owned()),
    ] {
        let ran = files(&[(BASELINE, text), ("r.toml", &report)]).type_in("gate r.toml").exits(2).says(&says);
        assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    }
    files(&[("r.toml", &report)]).type_in("gate r.toml").exits(2).says("make one with `concadvise gate --update");
}

#[test]
fn hostile_strings_reach_a_terminal_as_text_alone() {
    let hostile = "\\u001b[2J\\u202e::error::x";
    let report = sample("primes")
        .replace("\"target.py\",\n]", &format!("\"{hostile}\",\n]"))
        .replace("workers_policy = \"cpus\"", &format!("workers_policy = \"{hostile}\""))
        .replace("rule = \"cpu-python\"\n", &format!("rule = \"{hostile}\"\n"));
    let report = format!(
        "{report}\n[[finding]]\ncode = \"{hostile}\"\nlevel = \"error\"\npath = \"{hostile}\"\nline = 1\nmessage = \"{hostile}\"\n"
    );
    let clean = baseline(&sample("primes"));
    let ran = files(&[(BASELINE, &clean), ("r.toml", &report)]).type_in("gate app=r.toml").exits(1);
    let updated = files(&[("r.toml", &report)]).type_in("gate --update app=r.toml");
    for text in [page(&ran), ran.stderr.clone(), page(&updated), updated.stderr.clone()] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    }
}

#[test]
fn nothing_to_compare_is_told_what_to_type() {
    scene().type_in("gate").exits(2).says("[[target]]");
    scene().type_in("gate r.toml -- true").exits(2).says("give one of them");
    scene().file(BASELINE, 0o644, "").type_in("gate missing.toml").exits(2);
    scene().type_in("gate --help").exits(0).says_nothing();
}

#[test]
fn a_configuration_with_a_mistake_is_refused_with_its_line() {
    for (text, says) in [
        ("[[target]]\nname = \"a\"\n", ":1: [[target]] has neither"),
        (
            "[[target]]\nname = \"a\"\ncomand = [\"x\"]\n",
            ":3: [[target]] has no field `comand`; did you mean `command`?",
        ),
        (
            "[[target]]\nname = \"a\"\ncommand = [\"x\"]\npolicy = \"wrn\"\n",
            ":4: `policy` cannot be `wrn`; did you mean `warn`?",
        ),
        ("[[target]]\nname = \"a\"\ntask = \"a:f\"\ncommand = [\"x\"]\n", "both `command` and `task`"),
        ("[gate]\ngian = 0.2\n", ":2: [gate] has no field `gian`; did you mean `gain`?"),
        ("[gate]\nworkers = 0.5\n", "`workers` must be at least 1"),
    ] {
        files(&[("concadvise.config.toml", text)]).type_in("gate").exits(2).says(says);
        let below =
            text.replace("[[target]]", "[[tool.concadvise.target]]").replace("[gate]", "[tool.concadvise.gate]");
        files(&[("pyproject.toml", &below)]).type_in("gate").exits(2).says("pyproject.toml:");
    }
}

#[test]
fn several_formats_are_written_at_once_and_each_is_sound() {
    let clean = sample("primes");
    let found =
        "\n[[finding]]\ncode = \"CON204\"\nlevel = \"error\"\npath = \"a,b.py\"\nline = 7\nmessage = \"<b>|100%\"\n";
    let report = format!("{clean}{found}");
    let scene = files(&[(BASELINE, &baseline(&clean)), ("r.toml", &report)]);
    let line = "gate r.toml --format json -o junit=gate.xml --output markdown=gate.md --output github=gate.txt \
                --output sarif=gate.sarif";
    let ran = scene.type_in(line).exits(1);
    let json: serde_json::Value = serde_json::from_str(&page(&ran)).expect("JSON");
    assert_eq!((&json["passes"], &json["targets"][0]["verdict"]), (&false.into(), &"changed".into()), "{json:#}");
    let text = |name: &str| fs::read_to_string(ran.path(name)).expect("it is written");
    let (junit, markdown, github) = (text("gate.xml"), text("gate.md"), text("gate.txt"));
    assert!(junit.contains("failures=\"1\"") && junit.contains("<failure type=\"changed\""), "{junit}");
    assert!(markdown.contains("gate: fails") && markdown.contains("&lt;b&gt;\\|100%"), "{markdown}");
    assert!(github.starts_with("::error file=a%2Cb.py,line=7,title=CON204::<b>|100%25\n"), "{github}");
    let sarif: serde_json::Value = serde_json::from_str(&text("gate.sarif")).expect("JSON");
    validate::check(&validate::validator(), &sarif, "gate.sarif");
    let results = &sarif["runs"][0]["results"];
    let place = |result: usize| &results[result]["locations"][0]["physicalLocation"];
    assert_eq!((&results[0]["ruleId"], &results[1]["ruleId"]), (&"gate-changed".into(), &"CON204".into()), "{sarif:#}");
    assert_eq!(place(0)["artifactLocation"]["uri"], BASELINE, "{sarif:#}");
    let committed = fs::read_to_string(ran.path(BASELINE)).expect("it is there");
    let line = committed.lines().position(|line| line == "name = \"app\"").expect("a name") + 1;
    assert_eq!(place(0)["region"]["startLine"], line);
    assert_eq!(
        (&place(1)["artifactLocation"]["uri"], &place(1)["region"]["startLine"]),
        (&"a%2Cb.py".into(), &7.into())
    );
    scene_refuses("gate r.toml --format pdf", "human, markdown");
    scene_refuses("gate r.toml --output gate.xml", "FORMAT=PATH");
}

fn scene_refuses(line: &str, says: &str) {
    scene().type_in(line).exits(2).says(says);
}
