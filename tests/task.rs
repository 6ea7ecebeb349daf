//! The user's own function, live: found or refused with a sentence, run by every model, and no model advised that gives
//! other results. The functions are in `fixtures/tasks`.

#[path = "support/measured.rs"]
mod measured;
#[path = "support/pythons.rs"]
mod pythons;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::observe::observe;
use concadvise::trial::Outcome;
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::python::task::TaskRunner;
use concadvise::trial::runner::{Launch, Runner, Spec};
use concadvise::trial::task::Asked;
use concadvise::trial::twin::TaskDemand;
use measured::measured;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use support::trying_scene;

const TASKS: u64 = 6;
/// Long enough for any run here on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The watched run, as short as one can be that still runs every item.
const SAMPLE: Duration = Duration::from_millis(200);

fn launch() -> Launch {
    Box::new(|argv, settings| observe(argv, settings, &mut |_| {}))
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/tasks/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// `good.py:double` with these items.
fn asked(function: &str, items: &str) -> Asked {
    Asked { function: fixture(function), items: items.to_owned(), ..Asked::default() }
}

fn runner_by(python: &str, asked: &Asked) -> Result<TaskRunner, String> {
    TaskRunner::new(Path::new(python), asked, 2, launch())
}

fn runner(asked: &Asked) -> TaskRunner {
    runner_by(python(), asked).expect("it can be used")
}

/// The interpreter behind `python3`: a shim would be asked for it anew by every test.
fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        String::from_utf8_lossy(&asked.expect("python3 is on PATH").stdout).trim().to_owned()
    })
}

/// A function that was watched, and so can be compared with.
fn watched(asked: &Asked) -> TaskRunner {
    let mut runner = runner(asked);
    runner.observe(SAMPLE, PATIENCE).expect("it runs");
    runner
}

fn spec(model: Model, start_method: Option<StartMethod>) -> Spec {
    let workers = if model == Model::Sequential { 1 } else { 2 };
    let setting = Setting { model, workers, chunk_size: None, start_method };
    Spec { setting, task: TaskDemand::default(), tasks: TASKS, repeats: 1, timeout: PATIENCE }
}

fn run(runner: TaskRunner, model: Model) -> Outcome {
    let fork = model.uses_processes().then_some(StartMethod::Fork);
    Runner::Task(Box::new(runner)).run(&spec(model, fork))
}

fn refused(asked: &Asked, sentence: &str) {
    let why = runner_by(python(), asked).err().unwrap_or_else(|| panic!("{asked:?} was not refused"));
    assert!(why.contains(sentence), "{asked:?}: {why}");
}

#[test]
fn what_cannot_be_used_is_refused_with_a_sentence() {
    let setup = Asked { setup: Some("prepar".into()), ..asked("good.py:double", "[1]") };
    let no_async = Asked { async_function: Some("sleepy".into()), ..asked("good.py:double", "[1]") };
    for (asked, sentence) in [
        (asked("nowhere.py:f", "[1]"), "there is no file"),
        (Asked { function: "no_such.module:f".into(), ..asked("", "[1]") }, "there is no module no_such"),
        (Asked { function: "justaname".into(), ..asked("", "[1]") }, "names no function; write FILE.py:function"),
        (asked("broken.py:work", "[1]"), "broken.py line 1: SyntaxError"),
        (asked("lacks.py:work", "[1]"), "No module named 'no_such_package'; --python chooses the interpreter"),
        (asked("exits.py:work", "[1]"), "ends the program; put that part under"),
        (asked("unguarded.py:work", "[1]"), "starts processes (unguarded.py line 9)"),
        (asked("good.py:duoble", "[1]"), "good has no duoble; did you mean double"),
        (asked("good.py:ITEMS", "[1]"), "is a list and cannot be called"),
        (asked("bad.py:two", "[1]"), "write a function of one argument"),
        (asked("bad.py:makes", "[1]"), "is a generator"),
        (asked("good.py:double", "[]"), "is empty"),
        (asked("good.py:double", "7"), "cannot be iterated over"),
        (asked("good.py:double", "'abc'"), "is one str and no collection"),
        (asked("good.py:double", "lod()"), "name 'lod' is not defined"),
        (asked("good.py:double", "range("), "cannot be worked out: SyntaxError"),
        (asked("good.py:double", "@/no/such/file"), "cannot read the items"),
        (asked("good.py:double", &fixture("empty.txt")), "is empty"),
        (asked("good.py:double", &fixture("wrong.jsonl")), "item 2 of"),
        (setup, "did you mean prepare"),
        (no_async, "is no async def"),
    ] {
        refused(&asked, sentence);
    }
}

#[test]
fn an_interpreter_that_does_not_run_is_named() {
    let why = runner_by("/no/such/python", &asked("good.py:double", "[1]")).err().expect("it is not there");
    assert!(why.contains("/no/such/python"), "{why}");
}

#[test]
fn items_come_from_expressions_files_names_and_generators_and_are_bounded() {
    for (items, count, note) in [
        ("range(5)".to_owned(), 5, None),
        ("some()".to_owned(), 4, None),
        ("(n for n in range(3) if n)".to_owned(), 2, None),
        ("{1: 2}".to_owned(), 1, None),
        (fixture("lines.txt"), 3, None),
        (format!("@{}", fixture("lines.jsonl")), 2, None),
        (format!("{}:ITEMS", fixture("good.py")), 3, None),
        ("endless()".to_owned(), 10_000, Some("there are more than 10000 items")),
    ] {
        let runner = runner(&asked("good.py:double", &items));
        assert_eq!(runner.task().items, count, "{items}");
        let said = runner.notes().join("\n");
        assert_eq!(said.contains(note.unwrap_or("there are more")), note.is_some(), "{items}: {said}");
    }
    let slow = runner(&asked("slow.py:work", "[1]"));
    assert!(slow.notes().iter().any(|note| note.contains("which every new process pays again")), "{:?}", slow.notes());
}

/// Runs these models, each by every start method where there are several.
fn models_agree(python: &str, asked: &Asked, models: &[Model], every_start: bool) {
    let mut task = runner_by(python, asked).expect("it can be used");
    task.observe(SAMPLE, PATIENCE).expect("it runs");
    let mut runner = Runner::Task(Box::new(task));
    let all = runner.start_methods();
    for model in models {
        let methods = match (*model, every_start) {
            (Model::Processes, true) => all.iter().copied().map(Some).collect(),
            (model, _) => vec![model.uses_processes().then_some(StartMethod::Fork)],
        };
        for method in methods {
            let outcome = runner.run(&spec(*model, method));
            assert!(matches!(&outcome, Outcome::Ok(ran) if ran.tasks == TASKS), "{python} {model}: {outcome:?}");
        }
    }
}

#[test]
fn every_model_runs_the_function_on_old_and_new_interpreters() {
    measured(|| {
        use Model::{Asyncio, AsyncioProcesses, AsyncioThreads, Interpreters, Processes, Sequential, Threads};
        let both = Asked { async_function: Some("asleepy".into()), ..asked("good.py:sleepy", "range(6)") };
        let others = pythons::others();
        for python in [python()].into_iter().chain(others.iter().filter_map(|path| path.to_str())) {
            let mut all = vec![Sequential, Threads, Processes, Asyncio, AsyncioThreads, AsyncioProcesses];
            let (_, version, _) = runner_by(python, &both).expect("it can be used").interpreter();
            if version >= (3, 14, 0) {
                all.push(Interpreters);
            }
            models_agree(python, &both, &all, true);
        }
        let alone = asked("good.py:asleepy", "range(6)");
        models_agree(python(), &alone, &[Sequential, Threads, Processes, Asyncio], false);
    });
}

#[test]
fn results_agree_whatever_the_function_returns_prints_or_raises() {
    measured(|| {
        let setup = Asked { setup: Some("prepare".into()), ..asked("good.py:prepared", "range(6)") };
        models_agree(python(), &setup, &[Model::Sequential, Model::Threads, Model::Processes], true);
        for function in ["good.py:mixed_bag", "good.py:odd_ones_raise", "good.py:chatty", "good.py:Shop.price"] {
            models_agree(python(), &asked(function, "range(6)"), &[Model::Threads, Model::Processes], false);
        }
    });
}

#[test]
fn a_model_that_gives_other_results_is_unsafe_and_one_after_another_never_is() {
    measured(|| {
        for (function, model, sentence) in [
            ("bad.py:counts", Model::Threads, "one after another it gave"),
            ("bad.py:counts", Model::Processes, "one after another it gave"),
            ("bad.py:differs_in_a_thread", Model::Threads, "item 1 (1): it gave -1, and one after another it gave 1"),
            ("bad.py:raises_in_a_thread", Model::Threads, r"it raised ValueError: not here\x1b[31m"),
            ("bad.py:dies_in_a_child", Model::Processes, "a worker process ended in the middle of a task"),
            ("bad.py:deadlocks", Model::Threads, "no task ended for 5 s, so it hangs (2 at bad.py line 25)"),
        ] {
            let asked = asked(function, "range(6)");
            let mut runner = Runner::Task(Box::new(watched(&asked)));
            let fork = model.uses_processes().then_some(StartMethod::Fork);
            let outcome = runner.run(&spec(model, fork));
            assert!(matches!(&outcome, Outcome::Unsafe(why) if why.contains(sentence)), "{function}: {outcome:?}");
            let outcome = runner.run(&spec(Model::Sequential, None));
            assert!(matches!(outcome, Outcome::Ok(_)), "{function} alone: {outcome:?}");
        }
        let ignoring = Asked { ignore_results: true, ..asked("bad.py:differs_in_a_thread", "range(6)") };
        assert!(matches!(run(watched(&ignoring), Model::Threads), Outcome::Ok(_)), "its results are ignored");
    });
}

#[test]
fn what_the_function_itself_does_not_keep_to_is_said_and_no_model_blamed() {
    measured(|| {
        for (function, compared, note) in [
            ("bad.py:lucky", false, "another process gave another result for item 0"),
            ("bad.py:of_this_process", false, "another process gave another result for item 0"),
            ("bad.py:counts", true, "so it depends on what ran before it"),
            (
                "good.py:odd_ones_raise",
                true,
                "raised for 3 of 6 items even one after another (item 1: LookupError: no 1)",
            ),
            ("good.py:leaves", true, ""),
            ("good.py:remembered", true, "answers an item again from memory"),
            ("bad.py:unsent", false, "have no content that could be compared"),
        ] {
            let mut runner = runner(&asked(function, "range(6)"));
            let observed = runner.observe(Duration::from_secs(1), PATIENCE);
            if note.is_empty() {
                let why = observed.expect_err("every item raises");
                assert!(why.contains("raised for every one of 6 items (item 0: SystemExit: 3)"), "{function}: {why}");
                continue;
            }
            observed.expect("it runs");
            let said = runner.notes().join("\n");
            assert!(said.contains(note), "{function}: {said}");
            assert_eq!(runner.task().compared, compared, "{function}");
            if !compared && function != "bad.py:unsent" {
                assert!(matches!(run(runner, Model::Threads), Outcome::Ok(_)), "{function}");
            }
        }
    });
}

#[test]
fn what_cannot_be_sent_leaves_the_models_without_processes() {
    for (function, items, sentence) in [
        ("bad.py:square", "range(6)", "square cannot be sent to another process"),
        ("good.py:double", "[lambda: 1]", "an item cannot be sent to another process"),
        ("bad.py:unsent", "range(6)", "what it returns cannot be sent from another process"),
    ] {
        let ignoring = Asked { ignore_results: true, ..asked(function, items) };
        let mut task = runner(&ignoring);
        if function != "good.py:double" {
            task.observe(SAMPLE, PATIENCE).expect("it runs");
        }
        let outcome = run(task, Model::Processes);
        assert!(matches!(&outcome, Outcome::NotApplicable(why) if why.contains(sentence)), "{function}: {outcome:?}");
    }
}

#[test]
fn what_sending_costs_is_measured() {
    measured(|| {
        let large = watched(&asked("good.py:large", "range(6)"));
        let small = watched(&asked("good.py:double", "range(6)"));
        let result = |runner: &TaskRunner| runner.task().result.expect("it was pickled").0;
        assert!(result(&large) > 1 << 20 && result(&small) < 1 << 10);
        assert!(large.task().pickle > small.task().pickle && small.task().argument.is_some());
    });
}

#[test]
fn a_function_that_does_not_end_or_ends_everything_is_reported_with_the_reason() {
    for (function, sentence) in [
        ("bad.py:never_returns", "did not end within 5.00 s; give it smaller items or a larger --budget"),
        ("bad.py:kills_itself", "could not run: the harness ended with status 9"),
    ] {
        let mut runner = runner(&asked(function, "range(6)"));
        let why = runner.observe(SAMPLE, Duration::from_secs(1)).expect_err("it does not run");
        assert!(why.contains(function) && why.contains(sentence), "{why}");
    }
}

#[test]
fn a_teardown_that_raises_fails_the_trial_and_is_named() {
    let asked = Asked { teardown: Some("complain".into()), ..asked("good.py:double", "range(6)") };
    let outcome = run(runner(&asked), Model::Threads);
    assert!(
        matches!(&outcome, Outcome::Failed(why) if why == "the teardown raised OSError: no disk to tidy"),
        "{outcome:?}"
    );
}

#[test]
fn threads_of_native_libraries_are_limited_where_they_would_be_too_many() {
    measured(|| {
        let asked = asked("native/inner.py:limited", "range(6)");
        let mut runner = watched(&asked);
        let inner = runner.task().inner_threads.expect("it imports what stands for NumPy");
        let cpus = usize::try_from(inner).expect("a few");
        assert!(runner.task().environment.is_empty(), "one worker is not limited");
        let outcome = run(watched(&asked), Model::Threads);
        if cpus * 2 > 2 {
            assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
            runner = watched(&asked);
            let mut all = Runner::Task(Box::new(runner));
            all.run(&spec(Model::Threads, None));
            let Runner::Task(runner) = all else { panic!("it is one") };
            assert!(runner.task().environment.contains(&"OMP_NUM_THREADS=1".to_owned()));
        } else {
            assert!(matches!(outcome, Outcome::Unsafe(_)), "one thread each is not too many: {outcome:?}");
        }
    });
}

#[test]
fn the_whole_way_from_the_command_line_to_the_report() {
    measured(|| {
        let ran = trying_scene()
            .file(
                "app.py",
                0o644,
                "import time\n\n\ndef fetch(item):\n    time.sleep(0.02)\n    print(item)\n    return item\n",
            )
            .type_in("--budget 20s --task app.py:fetch --items range(100)")
            .exits(0)
            .prints("")
            .says("Trials of your function")
            .reports("recommendation.evidence", "\"task\"")
            .reports("task.function", "\"app.py:fetch\"")
            .reports("task.tasks", "100")
            .reports("task.results_compared", "true");
        assert_eq!(ran.key("recommendation.model"), "\"threads\"");
        assert!(
            ran.key("recommendation.snippet").contains("from app import fetch"),
            "{}",
            ran.key("recommendation.snippet")
        );
        assert!(!ran.has("app.pyc"));
    });
}

/// The sentence of a report on what was tried under the free-threaded interpreter behind `launcher`.
fn under_free_threaded(launcher: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("python3.99t");
    std::fs::write(&file, launcher).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let app = "def work(item):\n    return sum(n * item for n in range(20000))\n";
    std::fs::write(folder.path().join("app.py"), app).expect("written");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [folder.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let output = Command::new(env!("CARGO_BIN_EXE_concadvise"))
        .args(["--budget", "12s", "--task", "app.py:work", "--items", "range(200)", "--python", python()])
        .env("PATH", std::env::join_paths(paths).expect("a path"))
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let report = std::fs::read_to_string(folder.path().join("concadvise.toml")).expect("a report");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("interpreter = ") && report.contains("python3.99t"), "{report}");
    let sentence = report.lines().find(|line| line.contains("Under free-threaded CPython"));
    sentence.unwrap_or_else(|| panic!("no word of it: {report}")).to_owned()
}

#[test]
fn a_free_threaded_interpreter_that_is_found_is_an_alternative_or_the_reason_why_not() {
    measured(|| {
        let why = under_free_threaded("#!/bin/sh\necho it lacks everything >&2\nexit 1\n");
        assert!(why.contains("could not be tried") && why.contains("it lacks everything"), "{why}");
        for other in pythons::others() {
            let other = other.display().to_string();
            let (_, _, gil) = runner_by(&other, &asked("good.py:double", "[1]")).expect("it runs").interpreter();
            if !gil {
                let said = under_free_threaded(&format!("#!/bin/sh\nexec {other} \"$@\"\n"));
                assert!(said.contains("2 threads took"), "{other}: {said}");
            }
        }
    });
}

#[test]
fn a_function_that_cannot_be_tried_has_a_report_all_the_same() {
    trying_scene()
        .file("app.py", 0o644, "def fetch(item):\n    return item\n")
        .type_in("--task app.py:fetsh --items range(9)")
        .exits(125)
        .says("app has no fetsh; did you mean fetch?")
        .reports("complete", "false")
        .reports("task.function", "\"app.py:fetsh\"")
        .notices("trials-skipped");
}
