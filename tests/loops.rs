//! Programs that build no executor: their calls for each item are found, measured and recorded in a run of the program,
//! and run again under the models. The programs are in `fixtures/loops`.

#[path = "support/measured.rs"]
mod measured;

use concadvise::observe::observe;
use concadvise::source::loops::Loops;
use concadvise::source::program::Program;
use concadvise::trial::Outcome;
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::python::task::TaskRunner;
use concadvise::trial::rerun::calls::{Chosen, PART, choose, part};
use concadvise::trial::rerun::injection::Injection;
use concadvise::trial::runner::{Launch, Runner, Spec};
use concadvise::trial::task::Asked;
use concadvise::trial::twin::TaskDemand;
use measured::measured;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

/// Long enough for any run here on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
const SAMPLE: Duration = Duration::from_millis(50);
const TASKS: u64 = 6;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/loops")
}

fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        String::from_utf8_lossy(&asked.expect("python3 is on PATH").stdout).trim().to_owned()
    })
}

/// Every CPython from 3.8 on that is here, the one on PATH among them.
fn pythons() -> Vec<String> {
    let versions = fs::read_dir("/root/.pyenv/versions").into_iter().flatten().flatten();
    let paths = versions.map(|entry| entry.path().join("bin/python3").to_string_lossy().into_owned());
    let new_enough = |path: &String| {
        let asked = Command::new(path).args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let mut all: Vec<String> = paths.filter(new_enough).chain([python().to_owned()]).collect();
    all.sort();
    all.dedup();
    all
}

/// One program that ran with our package in it.
struct Scouted {
    injection: Injection,
    loops: Loops,
    output: Output,
}

/// Runs `words` in the folder of fixtures, as `python words`.
fn scouted(python: &str, words: &[&str]) -> Scouted {
    let loops = match words {
        ["-m", name, ..] => Loops::of(&Program::of_module(name, &fixtures())),
        [file, ..] => Loops::of(&Program::of_script(&fixtures().join(file))),
        [] => panic!("a program has a name"),
    };
    let injection = Injection::new().expect("there is room");
    injection.plan(None, &[(PART, part(&loops))]).expect("there is room");
    let mut command = Command::new(python);
    command.args(words).current_dir(fixtures()).envs(injection.environment());
    command.env("LOOPS_MARK", injection.folder().join("mark"));
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(injection.answers().trouble, None, "{words:?}");
    Scouted { injection, loops, output }
}

impl Scouted {
    fn chosen(&self) -> Result<Chosen, String> {
        choose(&self.loops, &self.injection.answers())
    }

    fn runner(&self, python: &str) -> Result<TaskRunner, String> {
        let chosen = self.chosen()?;
        let recorded = Some(chosen.recorded(self.injection.folder()));
        let asked = Asked { function: chosen.function(), recorded, ..Asked::default() };
        let launch: Launch = Box::new(|argv, settings| observe(argv, settings, &mut |_| {}));
        TaskRunner::new(Path::new(python), &asked, 2, launch)
    }
}

fn spec(model: Model, start_method: Option<StartMethod>) -> Spec {
    let setting = Setting { model, workers: 2, chunk_size: None, start_method };
    Spec { setting, task: TaskDemand::default(), tasks: TASKS, repeats: 1, timeout: PATIENCE }
}

/// The program's own function runs under these models, and gives what it gives one after another. Returns the caveats.
fn models_agree(python: &str, scouted: &Scouted, models: &[(Model, Option<StartMethod>)]) -> Vec<String> {
    let mut task = scouted.runner(python).expect("it can be called");
    task.observe(SAMPLE, PATIENCE).expect("it runs");
    assert!(task.task().compared, "{:?}", task.notes());
    let notes = task.notes().to_vec();
    let mut runner = Runner::Task(Box::new(task));
    for (model, method) in models {
        let outcome = runner.run(&spec(*model, *method));
        assert!(matches!(&outcome, Outcome::Ok(ran) if ran.tasks == TASKS), "{python} {model} {method:?}: {outcome:?}");
    }
    notes
}

const THREADS: (Model, Option<StartMethod>) = (Model::Threads, None);
const FORK: (Model, Option<StartMethod>) = (Model::Processes, Some(StartMethod::Fork));
const SPAWN: (Model, Option<StartMethod>) = (Model::Processes, Some(StartMethod::Spawn));
const SERVER: (Model, Option<StartMethod>) = (Model::Processes, Some(StartMethod::Forkserver));

#[test]
fn the_calls_of_every_sort_of_program_are_chosen_and_run_again() {
    measured(|| {
        for (words, function, calls, form, note) in [
            (&["guarded.py"][..], "guarded.py:fetch", 40, "loop at guarded.py:22", "FACTOR had been set"),
            (
                &["unguarded.py"],
                "unguarded.py:scaled",
                30,
                "loop at unguarded.py:25",
                "does its work when it is imported",
            ),
            (&["-m", "pack.job"], "steps.py:measure", 30, "comprehension at job.py:15", ""),
            (&["method.py"], "method.py:Client.get", 30, "comprehension at method.py:17", ""),
            (
                &["closure.py"],
                "closure.py:main.work",
                30,
                "comprehension at closure.py:14",
                "is defined inside another",
            ),
            (&["mapped.py"], "mapped.py:<lambda>", 30, "map at mapped.py:6", "has no name"),
            (&["nested.py"], "nested.py:inner", 30, "comprehension at nested.py:12", ""),
            (&["changed.py"], "changed.py:consume", 30, "loop at changed.py:15", ""),
            (&["recursive.py"], "recursive.py:fib", 12, "comprehension at recursive.py:9", ""),
            (&["leaves.py"], "leaves.py:fetch", 30, "loop at leaves.py:12", ""),
            (&["raises.py"], "raises.py:fetch", 30, "loop at raises.py:14", "raised for"),
        ] {
            let scouted = scouted(python(), words);
            let chosen = scouted.chosen().unwrap_or_else(|why| panic!("{words:?}: {why}"));
            assert_eq!((chosen.function().as_str(), chosen.calls), (function, calls), "{words:?}");
            assert!(chosen.to_string().contains(form), "{chosen}");
            assert_eq!(chosen.kept, calls, "{words:?}: {:?}", chosen.notes);
            if words[0] == "changed.py" {
                continue; // A trial runs an item more than once, and there is nothing in it then.
            }
            let models = if words[0] == "method.py" { THREADS } else { SPAWN };
            let notes = models_agree(python(), &scouted, &[models]);
            assert!(notes.iter().any(|said| said.contains(note)) || note.is_empty(), "{words:?}: {notes:?}");
            let mark = fs::read_to_string(scouted.injection.folder().join("mark")).unwrap_or_default();
            assert_eq!(mark, if words[0] == "unguarded.py" { "x" } else { "" }, "{words:?}: its work was done again");
        }
    });
}

#[test]
fn every_python_records_and_runs_what_it_recorded() {
    measured(|| {
        for python in pythons() {
            for (words, models) in
                [("guarded.py", &[SPAWN][..]), ("unguarded.py", &[SERVER]), ("closure.py", &[FORK, SPAWN])]
            {
                let scouted = scouted(&python, &[words]);
                models_agree(&python, &scouted, models);
            }
            let coroutine = scouted(&python, &["coroutine.py"]);
            let chosen = coroutine.chosen().expect("it is worth it");
            assert_eq!((chosen.calls, chosen.kept), (30, 30), "{python}");
            models_agree(&python, &coroutine, &[(Model::Asyncio, None)]);
        }
    });
}

#[test]
fn the_program_prints_what_it_prints_without_us() {
    measured(|| {
        for words in [&["guarded.py"][..], &["method.py"], &["recursive.py"], &["changed.py"], &["coroutine.py"]] {
            let plain = Command::new(python()).args(words).current_dir(fixtures()).output().expect("it starts");
            let looked_into = scouted(python(), words).output;
            assert_eq!(
                String::from_utf8_lossy(&looked_into.stdout),
                String::from_utf8_lossy(&plain.stdout),
                "{words:?}"
            );
            assert_eq!(
                String::from_utf8_lossy(&looked_into.stderr),
                String::from_utf8_lossy(&plain.stderr),
                "{words:?}"
            );
        }
    });
}

#[test]
fn what_cannot_be_tried_says_why() {
    measured(|| {
        for (words, sentence) in [
            (&["carried.py"][..], "each call needs total"),
            (&["stubborn.py", "generator"], "argument numbers is a generator and cannot be pickled"),
            (&["stubborn.py", "socket"], "argument client.pair[0] is a socket.socket and cannot be pickled"),
        ] {
            let why = scouted(python(), words).chosen().expect_err("it cannot be tried");
            assert!(why.contains(sentence), "{words:?}: {why}");
        }
        let why = scouted(python(), &["reads.py"]).runner(python()).err().expect("it cannot be called");
        assert!(why.contains("reads DEVICE, which was set when the program ran"), "{why}");
    });
}

#[test]
fn arguments_are_kept_as_they_were_before_the_call() {
    measured(|| {
        let scouted = scouted(python(), &["changed.py"]);
        let chosen = scouted.chosen().expect("it is worth it");
        let folder = chosen.recorded(scouted.injection.folder()).folder;
        let read = "import pickle, sys\nc = pickle.load(open(sys.argv[1], 'rb'))\nprint(pickle.loads(c[0][0]), c[1])";
        let call = folder.join("7.call");
        let output = Command::new(python()).args(["-c", read]).arg(call).output().expect("it starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[7, 7] {}");
    });
}

#[test]
fn very_many_calls_leave_a_bounded_sample_that_only_we_can_read() {
    let scouted = scouted(python(), &["tiny.py"]);
    let answers = scouted.injection.answers();
    let told = answers.of(PART).last().expect("it told");
    assert_eq!((told["calls"][0]["calls"].as_u64(), told["calls"][0]["recorded"].as_u64()), (Some(100_000), Some(200)));
    assert!(answers.of(PART).count() < 100, "{} lines", answers.of(PART).count());
    let folder = scouted.injection.folder().join(PART);
    let mode = |path: &Path| fs::metadata(path).map(|facts| facts.permissions().mode() & 0o777).unwrap_or_default();
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<PathBuf> =
        fs::read_dir(folder.join("0")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    assert_eq!(files.len(), 201, "two hundred calls and what they are of");
    assert!(files.iter().all(|file| mode(file) == 0o600));
}
