//! CPython's lock read from outside, against programs that tell what they did themselves.
//!
//! The accuracy on a quiet machine is `bench/gil`'s to show; here the margins are wide, for the machine may be busy,
//! and such that an estimate that confuses held with released, or computing with waiting, fails.

#[path = "support/measured.rs"]
mod measured;

use concadvise::notice::Notice;
use concadvise::observe::kind::BlockedKind;
use concadvise::observe::{Exit, Gil, GilSamples, Mechanism, Observation, Settings, Stdio, observe};
use measured::measured;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Runs a program under observation, to its end or for so long.
fn watch(words: &[&str], timeout: Option<Duration>, without: &[Mechanism]) -> Observation {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let stdio = Stdio::Capture { input: Vec::new() };
    let settings = Settings { stdio, timeout, without: without.to_vec(), ..Settings::default() };
    observe(&words, &settings, &mut |_| {}).expect("the program starts")
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn python() -> String {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let printed = asked.expect("python3 to be installed").stdout;
    String::from_utf8(printed).expect("a path").trim().to_owned()
}

/// Runs a Python program to its end.
fn run(script: &str) -> Observation {
    let observation = watch(&[&python(), "-c", script], None, &[]);
    assert_eq!(observation.exit, Some(Exit::Code(0)), "{:?}", observation.output);
    observation
}

/// Every CPython that pyenv has, 3.8 or newer, and the one on the path.
fn interpreters() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".pyenv")));
    let folders = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok()).into_iter().flatten().flatten();
    let is_new = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let minor = name.strip_prefix("3.").and_then(|rest| rest.split(['.', '-', 't']).next()?.parse::<u32>().ok());
        minor.is_some_and(|minor| minor >= 8)
    };
    let found = folders.map(|folder| folder.path()).filter(is_new).map(|folder| folder.join("bin/python3"));
    let mut found: Vec<_> = found.filter(|path| path.exists()).collect();
    found.push(python().into());
    found.extend(["/usr/bin/python3".into()].into_iter().filter(|path: &PathBuf| path.exists()));
    found
}

/// What was read of the one process that computed the most.
fn samples(observation: &Observation) -> GilSamples {
    let samples = observation.processes.iter().filter_map(|process| match process.gil {
        Gil::Sampled(samples) => Some(samples),
        Gil::Absent | Gil::Unread => None,
    });
    samples.max_by_key(|samples| samples.on_cpu).unwrap_or_else(|| panic!("no lock was read: {observation:?}"))
}

/// What is said of a lock that could not be read.
fn complaint(observation: &Observation) -> Option<&Notice> {
    let of_lock = |notice: &&Notice| matches!(notice, Notice::Unavailable { what, .. } if what.contains("GIL"));
    observation.notices.iter().find(of_lock)
}

/// The part of the computing that held the lock.
fn share(samples: &GilSamples) -> f64 {
    samples.holding.as_secs_f64() / samples.on_cpu.as_secs_f64()
}

/// Computes with and without the lock in turns of some ten milliseconds, and prints the part with it. A turn is long
/// because asking for the time is a system call, at whose end a busy kernel likes to take the core away: many of them
/// in one of the two states would make the queue look like that state.
fn mix(held: f64) -> String {
    format!(
        "
import hashlib, time
buffer, clock, released = bytes(1 << 21), time.thread_time, 0.0
while (now := clock()) < 3:
    if now - released <= {held} * now:
        for _ in range(500000): pass
    else:
        for _ in range(8): hashlib.sha256(buffer).digest()
        released += clock() - now
print(1 - released / clock())
"
    )
}

#[test]
fn computing_that_holds_the_lock_is_told_from_computing_that_does_not() {
    for aim in [0.0, 0.5, 1.0] {
        measured(|| {
            let observation = run(&mix(aim));
            let printed =
                observation.output.as_ref().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            let truth: f64 = printed.expect("it was captured").trim().parse().expect("a share");
            let samples = samples(&observation);
            assert!(samples.computing >= 8, "{samples:?}");
            assert!((share(&samples) - truth).abs() < 0.2, "{}, in truth {truth}: {samples:?}", share(&samples));
        });
    }
}

#[test]
fn without_records_of_switches_it_is_known_too() {
    measured(|| {
        let script = mix(1.0);
        let observation = watch(&[&python(), "-c", &script], None, &[Mechanism::Switches, Mechanism::Stacks]);
        let samples = samples(&observation);
        assert!(share(&samples) > 0.8, "{samples:?}");
    });
}

#[test]
fn every_cpython_that_is_installed_is_read() {
    let interpreters = interpreters();
    assert!(!interpreters.is_empty());
    for interpreter in interpreters {
        measured(|| {
            let name = interpreter.to_str().expect("a plain path");
            let loop_for_a_while = "import time\nwhile time.process_time() < 2: pass";
            let observation = watch(&[name, "-S", "-c", loop_for_a_while], None, &[]);
            let samples = samples(&observation);
            assert!(samples.computing > 3 && share(&samples) > 0.85, "{name}: {samples:?}");
        });
    }
}

#[test]
fn a_sleeping_program_does_not_hold_it() {
    measured(|| {
        // Few sleeps, each long: on a busy machine one who wakes waits for a core with the lock in hand.
        let observation = run("import time\nfor _ in range(8): time.sleep(0.4)");
        let samples = samples(&observation);
        assert!(samples.samples > 20 && samples.held * 5 < samples.samples, "{samples:?}");
    });
}

#[test]
fn threads_that_take_turns_hold_it_all_the_time_and_wait_for_it_and_for_no_other_lock() {
    measured(|| {
        let observation = run("
import threading, time
def work():
    while time.process_time() < 1.5: sum(range(100))
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
");
        let samples = samples(&observation);
        assert!(share(&samples) > 0.75 && samples.handovers > 20, "{samples:?}");
        // The first thread joins the others, which is a wait for a lock of another sort.
        let others = observation.workers.iter().filter(|worker| worker.tid != worker.pid);
        let ticks = |kind| others.clone().map(|worker| worker.blocked_ticks[kind]).sum::<u32>();
        let (gil, lock) = (ticks(BlockedKind::Gil), ticks(BlockedKind::Lock));
        assert!(gil > 15 && gil > 5 * lock, "{gil} waits for the GIL, {lock} for other locks");
        let main = observation.workers.iter().find(|worker| worker.tid == worker.pid).expect("it was seen");
        assert!(main.blocked_ticks[BlockedKind::Lock] > main.blocked_ticks[BlockedKind::Gil], "{main:?}");
    });
}

#[test]
fn children_that_are_forked_later_are_read_each_for_itself() {
    measured(|| {
        let observation = run("
import os, time
time.sleep(0.3)
for _ in range(2):
    if os.fork() == 0:
        while time.process_time() < 2: pass
        os._exit(0)
[os.wait() for _ in range(2)]
");
        let children = observation.processes.iter().filter(|process| process.pid != observation.workers[0].pid);
        let read: Vec<_> = children.map(|process| process.gil).collect();
        let holding =
            |gil: &&Gil| matches!(gil, Gil::Sampled(samples) if samples.computing > 2 && share(samples) > 0.8);
        assert_eq!(read.iter().filter(holding).count(), 2, "{read:?}");
    });
}

#[test]
fn another_switch_interval_than_the_usual_one_does_not_hide_it() {
    measured(|| {
        let observation = run("
import sys, time
sys.setswitchinterval(0.0001)
while time.process_time() < 2: pass
");
        assert!(share(&samples(&observation)) > 0.8);
    });
}

#[test]
fn a_program_that_becomes_another_is_read_anew() {
    measured(|| {
        let script = format!(
            "
import os, time
time.sleep(0.4)
os.execv({:?}, ['python', '-c', 'import time\\nwhile time.process_time() < 2: pass'])
",
            python()
        );
        let samples = samples(&run(&script));
        assert!(samples.computing > 5 && share(&samples) > 0.8, "{samples:?}");
    });
}

#[test]
fn what_is_no_cpython_has_none() {
    let observation = watch(&["sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"], None, &[]);
    assert!(observation.processes.iter().all(|process| process.gil == Gil::Unread));
    assert_eq!(complaint(&observation), None);
}

#[test]
fn interpreters_that_start_and_end_at_once_are_let_be() {
    let python = python();
    let script = format!("i=0; while [ $i -lt 200 ]; do {python} -I -S -c pass || exit 1; i=$((i+1)); done");
    let observation = watch(&["sh", "-c", &script], None, &[]);
    assert_eq!(observation.exit, Some(Exit::Code(0)), "{:?}", observation.output);
    assert_eq!(complaint(&observation), None);
}

#[test]
fn interpreters_that_are_killed_while_they_are_read_do_no_harm() {
    let python = python();
    for age in (20..180).step_by(8).map(Duration::from_millis) {
        let observation = watch(&[&python, "-S", "-c", "while True: pass"], Some(age), &[]);
        assert!(observation.timed_out);
        assert_eq!(complaint(&observation), None);
    }
}

#[test]
fn who_does_not_want_it_read_is_obeyed() {
    let script = "import time\nwhile time.process_time() < 0.3: pass";
    let observation = watch(&[&python(), "-c", script], None, &[Mechanism::Gil]);
    assert!(observation.processes.iter().all(|process| process.gil == Gil::Unread));
}
