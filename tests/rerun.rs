//! `--rerun`, live: every kind of executor is found where it is built, can be built otherwise without the program
//! noticing, and is not advised otherwise where it does notice. The programs are in `fixtures/rerun`; joblib is the
//! stub beside them, because the Python here need not have the real one.

#[path = "support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::observe::{Exit, Settings, Stdio, observe};
use concadvise::trial::Outcome;
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::rerun::command::Command;
use concadvise::trial::rerun::sites::{self, Site};
use concadvise::trial::runner::Launch;
use measured::measured;
use std::ffi::OsString;
use std::process;
use std::sync::OnceLock;
use std::time::Duration;
use support::{Scene, trying_scene};

/// What a fixture is said to take as it is: a run is then only ended after twenty times as long.
const WALL: Duration = Duration::from_secs(3);

/// The interpreter behind `python3`, and its version: a shim would be asked for it anew by every test.
fn python() -> &'static (String, (u8, u8)) {
    static FOUND: OnceLock<(String, (u8, u8))> = OnceLock::new();
    FOUND.get_or_init(|| {
        let ask = "import sys; print(sys.executable); print(sys.version_info[0]); print(sys.version_info[1])";
        let asked = process::Command::new("python3").args(["-c", ask]).output().expect("python3 is on PATH");
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        (lines[0].to_owned(), (lines[1].parse().expect("a number"), lines[2].parse().expect("a number")))
    })
}

/// `python3 WORDS…` in the folder of the fixtures.
fn argv(words: &str) -> Vec<OsString> {
    let folder = format!("{}/tests/fixtures/rerun", env!("CARGO_MANIFEST_DIR"));
    let script = "cd \"$1\" && shift && PYTHONPATH=$PYTHONPATH:stub exec \"$@\"";
    let shell = ["/bin/sh", "-c", script, "sh", &folder, &python().0].map(OsString::from);
    shell.into_iter().chain(words.split(' ').map(OsString::from)).collect()
}

fn command(words: &str, wall: Duration) -> Command {
    let launch: Launch = Box::new(|argv, settings| observe(argv, settings, &mut |_| {}));
    Command::new(&argv(words), None, (Exit::Code(0), wall), None, launch).expect("a folder")
}

/// The command, looked into once and run as it is once, and the sites in it by their lines.
fn scouted(words: &str) -> (Command, Vec<Site>) {
    let mut command = command(words, WALL);
    let (_, answers) = command.scout(&[sites::watch()]).unwrap_or_else(|why| panic!("{words}: {why}"));
    let mut found = sites::sites(&answers);
    found.sort_by_key(|site| site.line);
    let (outcome, _) = command.run(None, 1);
    assert!(matches!(outcome, Outcome::Ok(_)), "{words}: {outcome:?}");
    (command, found)
}

fn setting(model: Model, workers: usize) -> Setting {
    let start_method = (model == Model::Processes).then_some(StartMethod::Fork);
    Setting { model, workers, chunk_size: None, start_method }
}

/// What comes of the command with that site built otherwise.
fn turned(command: &mut Command, site: &Site, setting: Setting) -> Outcome {
    command.run(Some(sites::knob(site, &setting)), 1).0
}

#[test]
fn every_executor_is_found_where_it_is_built() {
    measured(|| {
        let mut cases = vec![
            ("threads.py", 0, "threads.py:8", "ThreadPoolExecutor", Model::Threads, 4, 24),
            ("processes.py", 0, "processes.py:8", "ProcessPoolExecutor", Model::Processes, 2, 24),
            ("pool.py", 0, "pool.py:9", "ThreadPool", Model::Threads, 2, 12),
            ("pool.py", 1, "pool.py:11", "Pool", Model::Processes, 2, 15),
            ("loop.py", 0, "loop.py:10", "default executor", Model::AsyncioThreads, 0, 40),
            ("-m package", 0, "package/engine.py:9", "ThreadPoolExecutor", Model::Threads, 4, 24),
            ("jobs.py", 0, "jobs.py:8", "joblib.Parallel", Model::Threads, 2, 12),
            ("exits.py", 0, "exits.py:8", "ThreadPoolExecutor", Model::Threads, 2, 4),
        ];
        if python().1 >= (3, 9) {
            cases.push(("to_thread.py", 0, "to_thread.py:9", "default executor", Model::AsyncioThreads, 0, 40));
        }
        for (words, at, place, executor, model, workers, tasks) in cases {
            let (_, found) = scouted(words);
            let site = found.get(at).unwrap_or_else(|| panic!("{words}: {found:?}"));
            assert_eq!(
                (site.place().as_str(), site.executor.as_str(), site.model),
                (place, executor, model),
                "{words}"
            );
            // A loop's own pool has a size that depends on the machine.
            assert!(workers == 0 || site.workers == workers, "{words}: {site:?}");
            // One that ends in the middle tells what it knew shortly before.
            assert!(site.tasks == tasks || words == "exits.py", "{words}: {site:?}");
            assert!(!site.library && site.built == 1, "{words}: {site:?}");
        }
    });
}

#[test]
fn a_program_does_the_same_whatever_it_builds() {
    measured(|| {
        let all = [Model::Sequential, Model::Threads, Model::Processes];
        for (words, at, models) in [
            ("threads.py", 0, &all[..]),
            ("processes.py", 0, &all[..]),
            ("pool.py", 0, &all[..]),
            ("pool.py", 1, &all[..]),
            ("-m package", 0, &all[..]),
            ("loop.py", 0, &[Model::Sequential, Model::AsyncioThreads][..]),
        ] {
            let (mut command, found) = scouted(words);
            assert!(command.comparable().is_some_and(|comparable| comparable.doubt().is_none()), "{words}");
            for model in models {
                let workers = if *model == Model::Sequential { 1 } else { 3 };
                let outcome = turned(&mut command, &found[at], setting(*model, workers));
                assert!(matches!(outcome, Outcome::Ok(_)), "{words} under {model}: {outcome:?}");
            }
        }
    });
}

#[test]
fn chunks_and_other_starts_are_knobs_too() {
    measured(|| {
        let (mut command, found) = scouted("pool.py");
        for start_method in [StartMethod::Spawn, StartMethod::Forkserver] {
            let chunked =
                Setting { chunk_size: Some(3), start_method: Some(start_method), ..setting(Model::Processes, 2) };
            let outcome = turned(&mut command, &found[1], chunked);
            assert!(matches!(outcome, Outcome::Ok(_)), "{start_method:?}: {outcome:?}");
        }
    });
}

#[test]
fn joblib_is_told_another_backend() {
    let (mut command, found) = scouted("jobs.py");
    // The stub prints what it was told, which is not what it prints as it is.
    let outcome = turned(&mut command, &found[0], setting(Model::Processes, 3));
    assert!(matches!(&outcome, Outcome::Unsafe(why) if why.contains("\"3 LokyBackend\"")), "{outcome:?}");
}

#[test]
fn another_output_is_unsafe_with_the_first_line_that_differs() {
    measured(|| {
        let (mut command, found) = scouted("changes.py");
        let outcome = turned(&mut command, &found[0], setting(Model::Processes, 2));
        let differs = "line 2 of what it prints is \"seen 0\", before \"seen 8\"";
        assert!(matches!(&outcome, Outcome::Unsafe(why) if why == differs), "{outcome:?}");
        let outcome = turned(&mut command, &found[0], setting(Model::Threads, 4));
        assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
    });
}

#[test]
fn what_cannot_be_sent_is_known_beforehand_and_fails_with_its_reason() {
    let (mut command, found) = scouted("closures.py");
    assert!(found[0].unsent.as_ref().is_some_and(|why| why.contains("cannot be pickled")), "{found:?}");
    let outcome = turned(&mut command, &found[0], setting(Model::Processes, 2));
    assert!(matches!(&outcome, Outcome::Unsafe(why) if why.contains("exited with status 1")), "{outcome:?}");
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let (_, found) = scouted("meets.py");
    let mut command = command("meets.py", Duration::from_millis(10));
    let outcome = turned(&mut command, &found[0], setting(Model::Sequential, 1));
    assert!(matches!(&outcome, Outcome::Unsafe(why) if why.contains("it hangs")), "{outcome:?}");
}

#[test]
fn a_program_that_cannot_be_looked_into_is_refused_with_a_sentence() {
    for (words, sentence) in [
        ("-I -c pass", "no Python in it took in our package"),
        ("-S -c pass", "no Python in it took in our package"),
        ("reads.py", "EOFError"),
    ] {
        let refused = command(words, WALL).scout(&[sites::watch()]).err();
        assert!(refused.as_ref().is_some_and(|why| why.contains(sentence)), "{words}: {refused:?}");
    }
}

#[test]
fn a_runs_environment_is_ours_with_the_additions_over_it() {
    let environment = vec![("HOME".into(), "/nowhere".into()), ("OWN_WORD".into(), "a b=c".into())];
    let settings = Settings { stdio: Stdio::Capture { input: Vec::new() }, environment, ..Settings::default() };
    let argv = ["/bin/sh", "-c", "echo \"$HOME|$OWN_WORD|${PATH:+path}\"; env | grep -c ^HOME="].map(OsString::from);
    let ran = observe(&argv, &settings, &mut |_| {}).expect("sh runs");
    let printed = ran.output.expect("captured").stdout;
    assert_eq!(String::from_utf8_lossy(&printed), "/nowhere|a b=c|path\n1\n");
}

fn scene(file: &str) -> Scene {
    let text = std::fs::read_to_string(format!("{}/tests/fixtures/rerun/{file}", env!("CARGO_MANIFEST_DIR")));
    trying_scene().option("--rerun").file("app.py", 0o644, &text.expect("a fixture"))
}

/// The report's rows of that name.
fn rows(report: &toml::Table, name: &str) -> Vec<toml::Table> {
    let rows = report.get(name).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    rows.into_iter().filter_map(|row| row.as_table().cloned()).collect()
}

fn word<'a>(row: &'a toml::Table, key: &str) -> &'a str {
    row.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

#[test]
fn waiting_in_too_few_processes_is_advised_more_workers_at_its_line() {
    measured(|| {
        let ran = scene("rests.py").option("--budget").option("40").watch([python().0.as_str(), "app.py"]);
        let ran = ran.exits(0).prints("20540\n6\n").says("At app.py:13 use");
        let report = ran.report();
        let found = rows(&report, "site");
        assert_eq!(found.len(), 2, "{found:?}");
        let [first, second] = &found[..] else { return };
        assert_eq!((word(first, "path"), word(first, "executor")), ("app.py", "ProcessPoolExecutor"));
        let number = |key: &str| first.get(key).and_then(toml::Value::as_float).unwrap_or_default();
        let workers = first.get("workers").and_then(toml::Value::as_integer).unwrap_or_default();
        assert!(workers >= 6 && number("speedup_now") > 1.5, "{first:?}");
        assert!(
            second.get("speedup_now").is_none() && word(second, "reason").contains("no setting could"),
            "{second:?}"
        );
        assert!(ran.key("recommendation.evidence").contains("program"));
        assert!(ran.key("recommendation.site").contains("app.py:13"));
        let trials = rows(&report, "trial");
        assert!(trials.iter().all(|trial| word(trial, "site") == "app.py:13"), "{trials:?}");
        for model in ["sequential", "threads", "processes"] {
            let ok = |trial: &&toml::Table| word(trial, "model") == model && word(trial, "outcome") == "ok";
            assert!(trials.iter().any(|trial| ok(&trial)), "{model}: {trials:?}");
        }
        assert!(!ran.has("__pycache__"), "nothing is left");
    });
}

#[test]
fn with_nothing_to_turn_the_synthetic_workload_is_tried_and_that_is_said() {
    measured(|| {
        let program = "import time\nfor _ in range(8):\n    time.sleep(0.05)\n    sum(range(300000))\nprint('done')\n";
        let nothing = trying_scene().option("--rerun").option("--budget").option("2").file("app.py", 0o644, program);
        let ran = nothing.watch([python().0.as_str(), "app.py"]).exits(0).prints("done\n");
        ran.notices("nothing-to-turn").says("concurrent.futures");
        let isolated = scene("rests.py").option("--budget").option("2");
        let report = isolated.watch([python().0.as_str(), "-I", "app.py"]).exits(0).report();
        let said =
            rows(&report, "notice").iter().any(|row| word(row, "message").contains("python -I ignores PYTHONPATH"));
        assert!(said, "{report:?}");
    });
}

#[test]
fn a_program_that_fails_is_not_run_again() {
    let program = "open('runs', 'a').write('x')\nraise SystemExit(3)\n";
    let failing = trying_scene().option("--rerun").file("app.py", 0o644, program);
    let ran = failing.watch([python().0.as_str(), "app.py"]).exits(3);
    assert_eq!(std::fs::read_to_string(ran.path("runs")).expect("it ran"), "x");
}
