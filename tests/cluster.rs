//! The model `cluster`, live: a real Dask scheduler and two workers on loopback, from PyPI in an environment of their
//! own below `target/`. Every process started here is ended by the one that started it.

#[path = "support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::observe::observe;
use concadvise::trial::Outcome;
use concadvise::trial::cluster::Cluster;
use concadvise::trial::model::{Model, Setting};
use concadvise::trial::python::Python;
use concadvise::trial::python::task::TaskRunner;
use concadvise::trial::runner::{Launch, Runner, Spec};
use concadvise::trial::task::Asked;
use concadvise::trial::twin::TaskDemand;
use measured::measured;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};
use support::trying_scene;
use tempfile::TempDir;

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const TASKS: u64 = 12;

const APP: &str = "\
import threading, time

LOCK = threading.Lock()
READY = []


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


def prepare():
    READY.append(1)


def prepared(item):
    assert READY == [1], READY
    return item


def pointed(item):
    assert isinstance(item, Point)
    return Point(item.x + 1)


def odd_ones_raise(item):
    if item % 2:
        raise LookupError(f'no {item}')
    return item


def locked(item):
    with LOCK:
        return item


async def waits(item):
    import asyncio

    await asyncio.sleep(0.01)
    return item


def slow(marker):
    open(marker, 'w').close()
    time.sleep(1)
";

/// A process of ours, ended by its id when the test is over.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scheduler, its workers, and the folder that they write to.
struct Dask {
    address: String,
    scheduler: Ended,
    _workers: Vec<Ended>,
    _folder: TempDir,
}

/// An interpreter that has `distributed`, made once.
fn python() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dask");
        let python = folder.join("bin/python");
        if !succeeds(Command::new(&python).args(["-c", "import distributed"])) {
            let _ = std::fs::remove_dir_all(&folder);
            assert!(succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder)), "python3 -m venv failed");
            let installed = Command::new(&python).args(["-m", "pip", "install", "-q", "distributed"]).output();
            let installed = installed.expect("pip runs");
            let why = String::from_utf8_lossy(&installed.stderr).into_owned();
            assert!(
                installed.status.success(),
                "these tests need the package distributed, and pip could not install it from its registry: {why}"
            );
        }
        python
    })
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Dask {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).expect("a free port").port();
        let address = format!("tcp://127.0.0.1:{port}");
        let scheduler =
            dask(&folder, &["scheduler", "--host", "127.0.0.1", "--no-dashboard", "--port"], &port.to_string());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the scheduler did not start");
            thread::sleep(Duration::from_millis(50));
        }
        // Without a nanny each is one process, which ends when it is told to.
        let limits = ["--nthreads", "2", "--memory-limit", "512MiB", "--no-nanny", "--no-dashboard"];
        let worker = |_| dask(&folder, &[["worker"].as_slice(), &limits].concat(), &address);
        let workers = (0..2).map(worker).collect();
        let dask = Self { address, scheduler, _workers: workers, _folder: folder };
        while dask.joined().map(|cluster| cluster.workers) != Ok(2) {
            assert!(begun.elapsed() < PATIENCE, "its workers did not start");
            thread::sleep(Duration::from_millis(200));
        }
        dask
    }

    fn joined(&self) -> Result<Cluster, String> {
        twins().join(&self.address)
    }
}

fn dask(folder: &TempDir, words: &[&str], last: &str) -> Ended {
    let log = File::options().append(true).create(true).open(folder.path().join("log")).expect("a log");
    let child = Command::new(python())
        .args(["-m", "dask"])
        .args(words)
        .arg(last)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    Ended(child.expect("dask starts"))
}

fn launch() -> Launch {
    Box::new(|argv, settings| observe(argv, settings, &mut |_| {}))
}

fn twins() -> Runner {
    Runner::Python(Python::new(python(), launch()).expect("the interpreter runs"))
}

fn spec(workers: usize, chunk_size: Option<usize>) -> Spec {
    let setting = Setting { model: Model::Cluster, workers, chunk_size, start_method: None };
    let task = TaskDemand { cpu_held: Duration::from_millis(1), ..TaskDemand::default() };
    Spec { setting, task, tasks: TASKS, repeats: 2, timeout: PATIENCE }
}

/// What comes of a function of [`APP`] on the cluster, at two tasks in flight.
fn of_task(dask: &Dask, function: &str, items: &str, setup: Option<&str>) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let app = folder.path().join("app.py");
    std::fs::write(&app, APP).expect("written");
    let asked = Asked {
        function: format!("{}:{function}", app.display()),
        items: items.to_owned(),
        setup: setup.map(str::to_owned),
        ..Asked::default()
    };
    let mut task = TaskRunner::new(python(), &asked, 2, launch()).expect("it is found");
    task.observe(Duration::from_millis(200), PATIENCE).expect("it runs");
    let mut runner = Runner::Task(Box::new(task));
    runner.join(&dask.address).expect("the scheduler answers");
    runner.run(&spec(2, Some(2)))
}

#[test]
fn a_cluster_runs_twins_and_functions_and_what_it_cannot_run_is_told() {
    measured(|| {
        let dask = Dask::start();
        let cluster = dask.joined().expect("it answers");
        assert_eq!((cluster.workers, cluster.threads, cluster.hosts), (2, 4, 1));
        assert_eq!(cluster.memory_each.map(|each| each.0), Some(512 << 20));

        let mut runner = twins();
        runner.join(&dask.address).expect("it answers");
        for (workers, chunk_size) in [(1, None), (4, None), (4, Some(3))] {
            let outcome = runner.run(&spec(workers, chunk_size));
            assert!(matches!(&outcome, Outcome::Ok(ran) if ran.walls.len() == 2 && ran.tasks == TASKS), "{outcome:?}");
        }

        for (function, items, setup) in [
            ("pointed", "[Point(i) for i in range(12)]", None),
            ("prepared", "range(12)", Some("prepare")),
            ("odd_ones_raise", "range(12)", None),
            ("waits", "range(12)", None),
        ] {
            let outcome = of_task(&dask, function, items, setup);
            assert!(matches!(&outcome, Outcome::Ok(ran) if ran.tasks == TASKS), "{function}: {outcome:?}");
        }
        let outcome = of_task(&dask, "locked", "range(12)", None);
        let sentence = "locked cannot be sent to the cluster: cannot pickle '_thread.lock' object";
        assert!(matches!(&outcome, Outcome::NotApplicable(why) if why.contains(sentence)), "{outcome:?}");

        // The whole way, while there is a cluster.
        let ran = trying_scene()
            .file("app.py", 0o644, "import time\n\n\ndef work(item):\n    time.sleep(0.02)\n    return item\n")
            .type_in(&format!(
                "--budget 40s --cluster {} --python {} --task app.py:work --items range(40)",
                dask.address,
                python().display()
            ))
            .exits(0)
            .reports("cluster.threads", "4")
            .reports("cluster.address", &format!("\"{}\"", dask.address));
        let rows = ran.report().get("trial").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let ok = |row: &toml::Value| {
            let key = |name: &str| row.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
            key("model") == "cluster" && key("outcome") == "ok"
        };
        assert!(rows.iter().any(ok), "{rows:?}");
    });
}

#[test]
fn a_scheduler_that_dies_in_the_middle_fails_the_trial_and_no_more() {
    let mut dask = Dask::start();
    let folder = tempfile::tempdir().expect("a folder");
    let app = folder.path().join("app.py");
    std::fs::write(&app, APP).expect("written");
    let function = format!("{}:slow", app.display());
    let marker = folder.path().join("running");
    let asked = Asked { function, items: format!("['{}'] * 12", marker.display()), ..Asked::default() };
    let mut runner = Runner::Task(Box::new(TaskRunner::new(python(), &asked, 2, launch()).expect("it is found")));
    runner.join(&dask.address).expect("it answers");
    let mut scheduler = std::mem::replace(&mut dask.scheduler, Ended(Command::new("true").spawn().expect("it runs")));
    let ending = thread::spawn(move || {
        let begun = Instant::now();
        while !marker.exists() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = scheduler.0.kill();
        scheduler
    });
    let outcome = runner.run(&Spec { repeats: 3, ..spec(2, None) });
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("the scheduler at")), "{outcome:?}");
    drop(ending.join());
    let outcome = runner.run(&spec(2, None));
    assert!(matches!(&outcome, Outcome::NotApplicable(why) if why.contains("nobody answers")), "{outcome:?}");
    let threads = Setting { model: Model::Threads, chunk_size: None, ..spec(2, None).setting };
    let outcome = runner.run(&Spec { setting: threads, tasks: 2, repeats: 1, ..spec(2, None) });
    assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
}

#[test]
fn an_address_that_is_no_dask_scheduler_is_told_of_soon_and_why() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    // That the harness says so itself means that it did not have to be stopped for saying nothing.
    let why = twins().join(&format!("tcp://127.0.0.1:{port}")).expect_err("it says nothing");
    assert!(why.contains("did not answer as a Dask scheduler"), "{why}");
    drop(silent);
    let why = twins().join(&format!("tcp://127.0.0.1:{port}")).expect_err("nobody is there");
    assert!(why.contains("nobody answers at tcp://127.0.0.1:") && why.contains("refused"), "{why}");
}

#[test]
fn without_distributed_or_an_answer_the_other_models_are_tried_and_a_report_is_written() {
    measured(|| {
        let bare = tempfile::tempdir().expect("a folder");
        let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(bare.path()).status();
        assert!(made.expect("python3 on PATH").success(), "python3 -m venv failed");
        for (python, sentence) in
            [(bare.path().join("bin/python"), "-m pip install distributed"), (python().to_owned(), "nobody answers at")]
        {
            trying_scene()
                .file("app.py", 0o644, "import time\n\n\ndef work(item):\n    time.sleep(0.02)\n    return item\n")
                .type_in(&format!(
                    "--budget 12s --cluster tcp://127.0.0.1:1 --python {} --task app.py:work --items range(40)",
                    python.display()
                ))
                .exits(0)
                .says(sentence)
                .reports("recommendation.evidence", "\"task\"")
                .reports("cluster", "")
                .notices("cluster-not-tried");
        }
    });
}
