//! The code that a recommendation offers to paste is code: each Python sketch is run by the interpreter on `PATH`,
//! with a function and items of the names that it uses.

use concadvise::host::Host;
use concadvise::profile::Profile;
use concadvise::recommendation::recommend;
use concadvise::rules::{Decision, Facts, WorkersRule};
use concadvise::target::{CPython, PythonEntry, Runtime, Target};
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::{Evidence, Measurement, Outcome, Trial};
use concadvise::units::Share;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The sketch of a recommendation in which that model won with two workers.
fn snippet(runtime: Runtime, model: Model) -> String {
    let start_method = model.uses_processes().then_some(StartMethod::Forkserver);
    let chunk_size = matches!(model, Model::Processes | Model::Interpreters).then_some(3);
    let workers = if model == Model::Sequential { 1 } else { 2 };
    let setting = Setting { model, workers, chunk_size, start_method };
    let walls = vec![Duration::from_secs(1)];
    let outcome = Outcome::Ok(Measurement { tasks: 1, walls, ..Measurement::default() });
    let trial = Trial { setting, evidence: Evidence::Task, outcome };
    let decision = Decision {
        rule: "a-rule".to_owned(),
        admit: vec![model],
        workers: WorkersRule::Waits,
        reason: "Because.".to_owned(),
        path: Vec::new(),
        confidence: Share::ONE,
        undecided: Vec::new(),
        advice: Vec::new(),
    };
    let target = Target { argv: Vec::new(), program: None, runtime };
    let facts = Facts::default();
    recommend(&decision, &facts, &Host::default(), &Profile::default(), &target, None, &[trial]).snippet
}

fn python(minor: u8) -> Runtime {
    let executable = PathBuf::from("python3");
    Runtime::CPython(CPython {
        executable,
        version: Some((3, minor, 0)),
        gil: Some(true),
        interpreters: None,
        entry: PythonEntry::Code,
    })
}

/// Runs a program of the sketch and what it takes for granted.
fn run(sketch: &str, given: &str, args: &[&str]) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("sketch.py");
    std::fs::write(&file, format!("{given}\nitems = list(range(7))\n\n{sketch}")).expect("a written sketch");
    let output = Command::new("python3").args(args).arg(&file).output().expect("python3 on PATH");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{sketch}\n{error}");
}

#[test]
fn each_python_sketch_runs() {
    let plain = "def work(item):\n    return item";
    let asynchronous = "async def work(item):\n    return item";
    let two_parts = "def fetch(item):\n    return item\n\ndef compute(data):\n    return data";
    for (model, given) in [
        (Model::Sequential, plain),
        (Model::Threads, plain),
        (Model::Processes, plain),
        (Model::Asyncio, asynchronous),
        (Model::AsyncioThreads, plain),
        (Model::AsyncioProcesses, two_parts),
    ] {
        // The form for interpreters without task groups runs on all of them.
        run(&snippet(python(8), model), given, &[]);
    }
}

#[test]
fn sketches_of_what_the_interpreter_may_not_have_are_at_least_python() {
    let parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
    for model in [Model::Interpreters, Model::Cluster, Model::Asyncio, Model::AsyncioThreads, Model::AsyncioProcesses] {
        run(&snippet(python(14), model), "", &["-c", parse]);
    }
}

#[test]
fn another_runtime_gets_no_python() {
    for (runtime, word) in [
        (Runtime::Native(concadvise::target::Native::default()), "rayon"),
        (Runtime::Script { interpreter: PathBuf::from("/bin/sh") }, "xargs -0"),
    ] {
        let model = if word == "rayon" { Model::Threads } else { Model::Processes };
        let sketch = snippet(runtime, model);
        assert!(sketch.contains(word) && !sketch.contains("import"), "{sketch}");
    }
}
