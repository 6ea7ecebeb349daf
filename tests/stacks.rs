//! Python functions seen in real runs: each program spends its time where its text says, and must be seen there.
//!
//! Only shares are asserted, with wide margins, of programs whose phases last by the clock: a busy machine slows
//! them, and moves nothing from one function to another.

#[path = "support/measured.rs"]
mod measured;

use concadvise::notice::Notice;
use concadvise::observe::{Exit, Function, Mechanism, Observation, Settings, observe};
use measured::measured;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// One run at a time: what is open in this process is counted, and programs beside each other would slow each other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn python() -> PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    let ask = || {
        let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        let printed = asked.expect("python3 to be installed").stdout;
        PathBuf::from(String::from_utf8(printed).expect("a path").trim())
    };
    PYTHON.get_or_init(ask).clone()
}

fn run_by(python: &Path, program: &str, without: &[Mechanism]) -> Observation {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("app.py");
    fs::write(&file, program).expect("a file");
    let settings = Settings { without: without.to_vec(), ..Settings::default() };
    let argv: Vec<OsString> = vec![python.into(), file.into()];
    observe(&argv, &settings, &mut |_| {}).expect("python can be run")
}

/// A program in a file `app.py`, watched to its end.
fn run(program: &str) -> Observation {
    run_by(&python(), program, &[])
}

/// The shares of a function of the program: seen, active, holding the GIL. All zero when it was not seen.
fn shares(observation: &Observation, name: &str) -> [f64; 3] {
    let all: f64 = observation.functions.iter().map(|function| f64::from(function.seen)).sum();
    let named = |function: &&Function| {
        (function.name == name || function.name.ends_with(&format!(".{name}"))) && function.path.ends_with("app.py")
    };
    let function = observation.functions.iter().find(named).cloned().unwrap_or_default();
    [function.seen, function.active, function.holding].map(|count| if all > 0.0 { f64::from(count) / all } else { 0.0 })
}

#[track_caller]
fn check(observation: &Observation, name: &str, seen: std::ops::Range<f64>) -> [f64; 3] {
    let [share, active, holding] = shares(observation, name);
    assert!(seen.contains(&share), "{name} {share}: {:#?} {:?}", observation.functions, observation.sampling);
    [active / share, holding / share, share]
}

fn complains(observation: &Observation) -> bool {
    let ours = |notice: &Notice| matches!(notice, Notice::Unavailable { what, .. } if what.contains("functions"));
    observation.notices.iter().any(ours)
}

/// 70 % of the time waits in one function, 30 % computes in another.
const TWO: &str = "\
import time
def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(200))
def wait(seconds):
    time.sleep(seconds)
end = time.monotonic() + 4
while time.monotonic() < end:
    compute(0.03)
    wait(0.07)
";

#[test]
fn time_is_seen_where_it_goes() {
    measured(|| {
        let observation = run(TWO);
        let [active, holding, _] = check(&observation, "wait", 0.5..0.9);
        assert!(active < 0.2 && holding < 0.2, "{:#?}", observation.functions);
        let [active, holding, _] = check(&observation, "compute", 0.1..0.5);
        assert!(active > 0.8 && holding > 0.6, "{:#?}", observation.functions);
        let wait = observation.functions.iter().find(|function| function.name == "wait").expect("it was seen");
        assert_eq!((wait.line, &wait.inside), (7, &None));
        assert!(!complains(&observation), "{:?}", observation.notices);
    });
}

#[test]
fn nothing_is_looked_at_when_it_is_not_wanted_and_its_cost_is_small_when_it_is() {
    measured(|| {
        let without = run_by(&python(), TWO, &[Mechanism::Stacks]);
        assert_eq!((without.sampling.stacks, without.functions.len()), ((0, 0), 0));
        let with = run(TWO);
        assert!(with.sampling.stacks.0 > 0);
        // Half a per cent of a core, what attaching takes once, and what else differs from run to run.
        let share = |observation: &Observation| observation.sampling.own_cpu.div_duration_f64(observation.wall);
        assert!(share(&with) < share(&without) + 0.04, "{} and without {}", share(&with), share(&without));
    });
}

#[test]
fn a_library_s_time_is_its_caller_s() {
    measured(|| {
        let observation = run("\
import queue, json, time
def receive():
    inbox = queue.Queue()
    try:
        inbox.get(timeout=0.1)
    except queue.Empty:
        pass
def parse():
    text = json.dumps([[n] for n in range(2000)])
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        json.JSONDecoder().decode(text)
end = time.monotonic() + 3
while time.monotonic() < end:
    receive()
    parse()
");
        check(&observation, "receive", 0.25..0.75);
        check(&observation, "parse", 0.25..0.75);
        let named = |name| observation.functions.iter().find(|function| function.name == name).expect("it was seen");
        assert_eq!(named("receive").line, 5);
        assert!(named("receive").inside.as_deref().is_some_and(|inside| inside.ends_with("(threading.py)")));
        assert_eq!(named("parse").line, 12);
        assert!(named("parse").inside.as_deref().is_some_and(|inside| inside.ends_with("(decoder.py)")));
    });
}

/// One thread computes, three wait, the first one joins them; all for the same time.
const THREADS: &str = "\
import threading, time
end = time.monotonic() + 1.5
def compute():
    while time.monotonic() < end:
        sum(range(200))
def wait():
    time.sleep(max(0, end - time.monotonic()))
threads = [threading.Thread(target=wait) for _ in range(3)] + [threading.Thread(target=compute)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
";

#[test]
fn every_thread_is_seen_in_every_interpreter_that_is_installed() {
    measured(|| {
        let mut interpreters = vec![python()];
        let others = fs::read_dir(interpreters[0].join("../../..")).into_iter().flatten().flatten();
        let others = others.map(|version| version.path().join("bin/python3"));
        interpreters.extend(others.filter(|path| path.exists() && path.to_string_lossy().contains("/versions/3")));
        for interpreter in interpreters {
            let observation = run_by(&interpreter, THREADS, &[]);
            let [waiting, holding, _] = check(&observation, "wait", 0.5..0.7);
            assert!(waiting < 0.2 && holding < 0.2, "{}: {:#?}", interpreter.display(), observation.functions);
            let [active, ..] = check(&observation, "compute", 0.1..0.3);
            assert!(active > 0.8, "{}: {:#?}", interpreter.display(), observation.functions);
            let [joining, ..] = check(&observation, "<module>", 0.1..0.3);
            assert!(joining < 0.3, "{}: {:#?}", interpreter.display(), observation.functions);
        }
    });
}

#[test]
fn children_are_seen_however_they_are_started() {
    measured(|| {
        for method in ["fork", "spawn"] {
            let observation = run(&format!(
                "\
import multiprocessing, time
def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(200))
if __name__ == '__main__':
    with multiprocessing.get_context('{method}').Pool(2) as pool:
        pool.map(compute, [4, 4])
"
            ));
            let [active, ..] = check(&observation, "compute", 0.05..0.95);
            assert!(active > 0.8, "{method}: {:#?}", observation.functions);
            assert_eq!(observation.exit, Some(Exit::Code(0)));
        }
    });
}

#[test]
fn a_program_that_ends_or_is_killed_while_it_is_read_is_no_trouble() {
    measured(|| {
        let churn = "\
import os, signal, sys, threading, time
def deep(n):
    return deep(n - 1) if n else time.sleep(0.001)
end = time.monotonic() + 1
while time.monotonic() < end:
    threads = [threading.Thread(target=deep, args=(60,)) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
";
        for (program, expected) in [
            ("pass".to_owned(), Exit::Code(0)),
            ("import time; time.sleep(0.13)".to_owned(), Exit::Code(0)),
            (format!("{churn}sys.exit(7)\n"), Exit::Code(7)),
            (format!("{churn}os.kill(os.getpid(), signal.SIGKILL)\n"), Exit::Signal(9)),
            (
                format!("{churn}os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(.3)'])\n"),
                Exit::Code(0),
            ),
            ("import ctypes, time; time.sleep(0.3); ctypes.string_at(0)".to_owned(), Exit::Signal(11)),
        ] {
            let observation = run(&program);
            assert_eq!(observation.exit, Some(expected), "{program}");
            assert!(!complains(&observation), "{program}: {:?}", observation.notices);
        }
    });
}

#[test]
fn no_thread_and_no_descriptor_is_left_of_it() {
    measured(|| {
        let entries = |folder: &str| fs::read_dir(folder).expect("our own").flatten().collect::<Vec<_>>();
        let reading = || {
            let names = entries("/proc/self/task").into_iter().map(|task| fs::read_to_string(task.path().join("comm")));
            names.flatten().any(|name| name.trim() == "stacks")
        };
        let mut open = Vec::new();
        for _ in 0..3 {
            assert!(run("import time; time.sleep(1)").sampling.stacks.0 > 0);
            let _alone = alone();
            // An attachment under way at the end is not waited for.
            assert!((0..500).any(|_| {
                thread::sleep(Duration::from_millis(10));
                !reading()
            }));
            open.push(entries("/proc/self/fd").len());
        }
        assert!(open[2] <= open[0], "{open:?}");
    });
}

#[test]
fn a_program_that_is_no_python_is_not_looked_at() {
    measured(|| {
        let _alone = alone();
        let argv = ["sh", "-c", "sleep 0.3"].map(OsString::from);
        let observation = observe(&argv, &Settings::default(), &mut |_| {}).expect("sh can be run");
        assert_eq!((observation.sampling.stacks, observation.functions.len()), ((0, 0), 0));
        assert!(!complains(&observation));
    });
}
