//! Every executor model is really run, by both harnesses. Launched plainly here and not under our observer, which has
//! its own tests: what is looked at is the harness.

#[path = "support/measured.rs"]
mod measured;
#[path = "support/pythons.rs"]
mod pythons;

use concadvise::observe::kind::BlockedKind;
use concadvise::observe::{Exit, Observation, Output, Settings, Stdio};
use concadvise::trial::model::{Model, Setting, StartMethod};
use concadvise::trial::native::Native;
use concadvise::trial::python::Python;
use concadvise::trial::runner::{Launch, Runner, Spec};
use concadvise::trial::twin::TaskDemand;
use concadvise::trial::{Measurement, Outcome};
use concadvise::units::Bytes;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Long enough for any trial here, on any machine that is not out of order.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the observer does of which these tests have need: no more than run it, and end it in time.
fn launch() -> Launch {
    Box::new(|argv, settings| Ok(run_plainly(argv, settings).expect("the harness starts or says why not")))
}

fn run_plainly(argv: &[OsString], settings: &Settings) -> std::io::Result<Observation> {
    let Stdio::Capture { input } = &settings.stdio else { panic!("a harness's output is captured") };
    let piped = std::process::Stdio::piped;
    let started = Instant::now();
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).process_group(0).stdin(piped()).stdout(piped()).stderr(piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let output = Output { stdout: Vec::new(), stderr: error.to_string().into_bytes() };
            return Ok(Observation { exit: Some(Exit::Code(127)), output: Some(output), ..Observation::default() });
        }
    };
    // It may end without having read its input; what it says then is what counts.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let (mut stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let (done, wait): (Sender<()>, _) = channel();
    let timeout = settings.timeout.unwrap_or(PATIENCE);
    let watch = std::thread::spawn(move || {
        if wait.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
            let _ = killpg(group, Signal::SIGKILL);
        }
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).map(|_| bytes)
    });
    let mut output = Output::default();
    stdout.read_to_end(&mut output.stdout)?;
    let status = child.wait()?;
    drop(done);
    watch.join().expect("it only waits");
    output.stderr = errors.join().expect("it only reads")?;
    let exit = status.code().map(Exit::Code).or(status.signal().map(Exit::Signal));
    Ok(Observation { exit, wall: started.elapsed(), output: Some(output), ..Observation::default() })
}

fn python() -> Runner {
    Runner::Python(Python::new(Path::new("python3"), launch()).expect("python3 is on PATH"))
}

fn native() -> Runner {
    Runner::Native(Native::new(PathBuf::from(env!("CARGO_BIN_EXE_concadvise")), launch()))
}

fn setting(model: Model, workers: usize) -> Setting {
    Setting { model, workers, chunk_size: None, start_method: None }
}

fn spec(setting: Setting, task: TaskDemand) -> Spec {
    Spec { setting, task, tasks: 16, repeats: 3, timeout: PATIENCE }
}

fn waits(kind: BlockedKind, time: Duration) -> TaskDemand {
    let mut task = TaskDemand::default();
    task.waits[kind] = time;
    task
}

/// A little of everything.
fn sampler() -> TaskDemand {
    TaskDemand {
        cpu_held: Duration::from_micros(200),
        cpu_released: Duration::from_micros(200),
        memory: Bytes(1 << 20),
        argument: Bytes(3_000),
        result: Bytes(70_000),
        ..waits(BlockedKind::Network, Duration::from_millis(1))
    }
}

fn measured(runner: &mut Runner, spec: &Spec) -> Measurement {
    match runner.run(spec) {
        Outcome::Ok(measurement) => measurement,
        other => panic!("{:?}: {other:?}", spec.setting),
    }
}

/// Every setting that a runner says it can run, with two workers.
fn settings(runner: &Runner) -> Vec<Setting> {
    let mut all = Vec::new();
    for (model, available) in runner.models() {
        if available.is_err() {
            continue;
        }
        let methods: Vec<Option<StartMethod>> = match model.uses_processes() {
            true => runner.start_methods().into_iter().map(Some).collect(),
            false => vec![None],
        };
        for start_method in methods {
            for chunk_size in [None, Some(5)] {
                all.push(Setting { start_method, chunk_size, ..setting(model, 2) });
            }
        }
    }
    all
}

fn check_all_models(mut runner: Runner, at_least: &[Model]) {
    let settings = settings(&runner);
    for model in at_least {
        assert!(settings.iter().any(|setting| setting.model == *model), "{model} was not offered");
    }
    for setting in settings {
        let measurement = measured(&mut runner, &spec(setting, sampler()));
        assert_eq!((measurement.tasks, measurement.walls.len()), (16, 3), "{setting:?}");
        assert!(measurement.walls.iter().all(|wall| !wall.is_zero()), "{setting:?}");
        assert!(measurement.dispatch.is_some_and(|cost| !cost.is_zero()), "{setting:?}");
    }
}

#[test]
fn every_python_model_runs_all_its_tasks_in_every_repeat() {
    use Model::{Asyncio, AsyncioProcesses, AsyncioThreads, Processes, Sequential, Threads};
    let all = [Sequential, Threads, Asyncio, Processes, AsyncioThreads, AsyncioProcesses];
    check_all_models(python(), &all);
    for other in pythons::others() {
        let python = Python::new(&other, launch()).expect("it is an interpreter");
        let newest = python.version() >= (3, 14, 0);
        let all = all.into_iter().chain(newest.then_some(Model::Interpreters)).collect::<Vec<_>>();
        check_all_models(Runner::Python(python), &all);
    }
}

#[test]
fn every_native_model_runs_all_its_tasks_in_every_repeat() {
    use Model::{Asyncio, AsyncioThreads, Processes, Sequential, Threads};
    check_all_models(native(), &[Sequential, Threads, Asyncio, Processes, AsyncioThreads]);
}

/// Time of `model` with 8 workers, as a part of the sequential time.
fn against_sequential(runner: &mut Runner, model: Model, task: &TaskDemand) -> f64 {
    let alone = measured(runner, &spec(Setting::SEQUENTIAL, task.clone())).per_task();
    let together = measured(runner, &spec(setting(model, 8), task.clone())).per_task();
    together.as_secs_f64() / alone.as_secs_f64()
}

fn check_waits(mut runner: Runner) {
    let wait = Duration::from_millis(20);
    for (model, kind, overlaps) in [
        (Model::Threads, BlockedKind::Network, true),
        (Model::Threads, BlockedKind::Disk, true),
        (Model::Asyncio, BlockedKind::Timer, true),
        (Model::Asyncio, BlockedKind::Disk, false),
        (Model::AsyncioThreads, BlockedKind::Disk, true),
    ] {
        let part = against_sequential(&mut runner, model, &waits(kind, wait));
        assert_eq!(part < 0.5, overlaps, "{model}, {}: {part:.2} of the sequential time", kind.name());
    }
}

#[test]
fn waits_overlap_where_the_model_lets_them_in_python() {
    measured::measured(|| {
        check_waits(python());
    });
}

#[test]
fn waits_overlap_where_the_model_lets_them_natively() {
    measured::measured(|| {
        check_waits(native());
    });
}

/// A sleep of 5 µs lasts some 60 µs, one of 100 µs some 160 µs: without care the shorter wait would look far too long.
fn check_short_waits(mut runner: Runner) {
    let mut per_task = |us| {
        let task = waits(BlockedKind::Pipe, Duration::from_micros(us));
        measured(&mut runner, &Spec { tasks: 2_000, ..spec(Setting::SEQUENTIAL, task) }).per_task().as_secs_f64()
    };
    let part = per_task(5) / per_task(100);
    assert!(part < 0.25, "a wait of 5 µs takes {part:.2} of one of 100 µs");
}

#[test]
fn waits_below_the_timers_precision_are_not_rounded_up() {
    measured::measured(|| {
        check_short_waits(python());
        check_short_waits(native());
    });
}

fn check_calibration(mut runner: Runner) {
    let calibration = runner.calibration().expect("the harness runs");
    // The machine that tests run on may be very busy: this tells a wrong unit or clock, not a few per cent.
    for ratio in [calibration.held_ratio, calibration.released_ratio] {
        assert!((0.4..2.5).contains(&ratio), "{calibration:?}");
    }
    assert_eq!(runner.calibration(), Ok(calibration), "it is measured once");
}

#[test]
fn synthetic_work_costs_about_the_cpu_time_asked_for() {
    measured::measured(|| {
        check_calibration(python());
        check_calibration(native());
    });
}

#[test]
fn a_model_that_cannot_apply_says_why() {
    let Runner::Python(interpreter) = python() else { panic!("a Python runner") };
    let old = interpreter.version() < (3, 14, 0);
    let mut runner = Runner::Python(interpreter);
    let interpreters = spec(setting(Model::Interpreters, 2), TaskDemand::default());
    match runner.run(&interpreters) {
        Outcome::NotApplicable(reason) => assert!(old && reason.contains("needs CPython 3.14"), "{reason}"),
        outcome => assert!(!old && matches!(outcome, Outcome::Ok(_)), "{outcome:?}"),
    }
    let mut native = native();
    let spawned = Setting { start_method: Some(StartMethod::Spawn), ..setting(Model::Processes, 2) };
    for setting in
        [setting(Model::Interpreters, 2), setting(Model::AsyncioProcesses, 2), setting(Model::Cluster, 2), spawned]
    {
        let outcome = native.run(&spec(setting, TaskDemand::default()));
        assert!(matches!(&outcome, Outcome::NotApplicable(reason) if reason.len() > 10), "{setting:?}: {outcome:?}");
    }
    for runner in [runner, native] {
        let named: Vec<Model> = runner.models().into_iter().map(|(model, _)| model).collect();
        assert_eq!(named, Model::ALL, "no model is passed over in silence");
    }
}

#[test]
fn a_trial_that_does_not_end_in_time_has_failed() {
    for mut runner in [python(), native()] {
        for model in [Model::Sequential, Model::Threads, Model::Processes] {
            let endless = waits(BlockedKind::Disk, Duration::from_secs(1_000));
            let spec = Spec { timeout: Duration::from_millis(500), ..spec(setting(model, 2), endless) };
            let outcome = runner.run(&spec);
            assert!(matches!(&outcome, Outcome::Failed(reason) if reason.contains("did not finish")), "{outcome:?}");
        }
    }
}

#[test]
fn work_that_does_not_fit_in_memory_has_failed() {
    let huge = TaskDemand { memory: Bytes(1 << 50), ..TaskDemand::default() };
    for mut runner in [python(), native()] {
        for model in [Model::Sequential, Model::Threads, Model::Processes] {
            let outcome = runner.run(&spec(setting(model, 2), huge.clone()));
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
    }
}

#[test]
fn an_interpreter_that_is_none_is_refused_with_its_path() {
    for (path, why) in [("/nonexistent/python3", "No such file"), ("/bin/false", "status 1"), ("/bin/true", "answer")] {
        let refusal = Python::new(Path::new(path), launch()).err().expect("not an interpreter");
        assert!(refusal.contains(path) && refusal.contains(why), "{refusal}");
    }
}

#[test]
fn a_launcher_is_left_out_once_the_interpreter_behind_it_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let launcher = folder.path().join("python3");
    std::fs::write(&launcher, "#!/bin/sh\necho hello\necho '{}'\nexec python3 \"$@\"\n").expect("written");
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let (sender, seen) = channel();
    let launch: Launch = Box::new(move |argv, settings| {
        sender.send(argv.to_vec()).expect("the test listens");
        Ok(run_plainly(argv, settings).expect("it starts"))
    });
    let mut runner = Runner::Python(Python::new(&launcher, launch).expect("a launcher will do"));
    let measurement = measured(&mut runner, &spec(Setting::SEQUENTIAL, TaskDemand::default()));
    assert_eq!(measurement.walls.len(), 3);
    drop(runner);
    let argvs: Vec<Vec<OsString>> = seen.into_iter().collect();
    assert_eq!(argvs[0][0], launcher);
    assert!(argvs[1..].iter().all(|argv| argv[0] != launcher), "{argvs:?}");
    assert!(!Path::new(&argvs[0][2]).exists(), "the package is removed with its runner");
}
