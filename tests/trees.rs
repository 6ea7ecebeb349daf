//! Whole trees: whatever a target does with its processes, its workers add up to what the kernel accounted, its end is
//! its own, and nothing is left running but what it left itself.
//!
//! Some need rights that not every machine gives. The usual harness knows only passed and failed, so this file has a
//! `main` of its own that says which were not run, and why.

#[path = "support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "each file of tests uses a part of it")]
mod support;

use concadvise::notice::Notice;
use concadvise::observe::{Exit, Observation, Worker};
use concadvise::report::recording::Recording;
use measured::measured;
use std::cell::Cell;
use std::panic::catch_unwind;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};
use support::{Ran, scene};

/// Why a test could not be run here.
struct NotRun(String);

type Tested = Result<(), NotRun>;

macro_rules! tests {
    ($($name:ident)*) => { const TESTS: &[(&str, fn() -> Tested)] = &[$((stringify!($name), $name)),*]; };
}

tests! {
    children_that_live_a_millisecond_are_all_seen_and_in_their_parent_s_line
    a_double_fork_is_followed_to_its_end
    a_daemon_that_ends_within_the_run_is_counted
    a_daemon_that_stays_is_said_and_left_alone
    a_chain_of_execs_is_one_process
    a_thread_pool_that_grows_and_shrinks_adds_up
    a_target_that_renames_itself_is_shown_safely
    a_target_that_closes_every_descriptor_is_watched_to_its_end
    a_target_stopped_and_continued_by_its_child_is_not_computing_meanwhile
    a_pid_namespace_of_its_own_is_seen_into
    an_id_given_to_another_is_another_process
    a_child_of_another_user_is_counted
}

/// Runs those whose names hold a word of the command line, or all; other words are the harness's flags.
fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (mut failed, mut not_run) = (Vec::new(), Vec::new());
    for (name, test) in
        TESTS.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word)))
    {
        print!("test {name} ... ");
        match catch_unwind(|| measured(test)) {
            Ok(Ok(())) => println!("ok"),
            Ok(Err(NotRun(why))) => {
                println!("NOT RUN: {why}");
                not_run.push(name);
            }
            Err(_) => {
                println!("FAILED");
                failed.push(name);
            }
        }
    }
    println!("\nfailed: {failed:?}; not run here: {not_run:?}");
    assert!(failed.is_empty(), "{failed:?} failed");
}

thread_local! {
    /// What was taken during the last run.
    static TAKEN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Runs `argv` under concadvise; what was recorded, and what came of it.
fn watch(argv: &[&str]) -> (Observation, Ran) {
    let before = taken();
    let ran = scene().option("--quiet").option("--record").option("run.json").watch(argv);
    TAKEN.set(taken().saturating_sub(before));
    let recording = Recording::read(&ran.path("run.json"));
    let recording = recording.unwrap_or_else(|why| panic!("{argv:?}: {why}; it said: {}", ran.stderr));
    (recording.observation, ran)
}

fn shell(script: &str) -> (Observation, Ran) {
    watch(&["sh", "-c", script])
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn interpreter() -> String {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let printed = asked.expect("python3 to be installed").stdout;
    String::from_utf8(printed).expect("a path").trim().to_owned()
}

/// `burn(seconds)` uses that much CPU time of its thread.
const BURN: &str = "
import os, sys, time, signal, threading
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
";

fn python(script: &str) -> (Observation, Ran) {
    watch(&[&interpreter(), "-c", &format!("{BURN}{script}")])
}

fn seen(observation: &Observation) -> Duration {
    observation.workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + observation.folded.on_cpu
}

/// What interrupts and the machine's host took from all cores since it started. Between two switches a worker has it
/// too, and the kernel accounts for it apart.
fn taken() -> Duration {
    let text = fs::read_to_string("/proc/stat").expect("the kernel's counts");
    let counts = text.lines().next().unwrap_or_default().split_ascii_whitespace().skip(1);
    let ticks: u32 = counts.skip(5).take(3).filter_map(|count| count.parse::<u32>().ok()).sum();
    Duration::from_millis(10) * ticks
}

/// The workers' CPU time is the kernel's, within 1 % or 3 ms and what was taken from them meanwhile.
fn adds_up(observation: &Observation) {
    let (seen, kernel) = (seen(observation), observation.totals.cpu());
    let most = kernel.mul_f64(0.01).max(Duration::from_millis(3)) + TAKEN.with(Cell::get);
    assert!(seen.abs_diff(kernel) <= most, "workers {seen:?}, kernel {kernel:?}: {:#?}", observation.workers);
}

fn burnt(worker: &Worker, seconds: f64) -> bool {
    worker.on_cpu.as_secs_f64() >= seconds
}

fn left_behind(observation: &Observation) -> Option<usize> {
    observation.notices.iter().find_map(|notice| match notice {
        Notice::LeftBehind { processes } => Some(*processes),
        _ => None,
    })
}

/// The number that the target wrote to a file of its folder.
fn number(ran: &Ran, name: &str) -> i32 {
    fs::read_to_string(ran.path(name)).expect("it was written").trim().parse().expect("a number")
}

fn runs(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn children_that_live_a_millisecond_are_all_seen_and_in_their_parent_s_line() -> Tested {
    let script = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; sleep 0.2; exit 2";
    let ran = scene().option("--record").option("run.json").watch(["sh", "-c", script]);
    let observation = Recording::read(&ran.path("run.json")).expect("it was recorded").observation;
    adds_up(&observation);
    let report = ran.report();
    let rows = report["worker"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["name"].as_str() == Some("sh")).expect("the shell's row");
    // The last sleep lives longer, and any that a busy machine kept from its end.
    assert!(rows.len() < 20, "{} rows", rows.len());
    let children = row["children"].as_integer().expect("a count");
    assert!(children <= 300 && children as usize + rows.len() >= 302, "{children} and {} rows", rows.len());
    let (cpu, kernel) = (row["children_cpu_s"].as_float().expect("a time"), observation.totals.cpu().as_secs_f64());
    assert!(cpu > 0.3 * kernel && cpu < kernel, "{cpu} s of {kernel} s");
    let ran = ran.exits(2);
    assert!(ran.stderr.contains("short-lived processes"), "{}", ran.stderr);
    Ok(())
}

fn a_double_fork_is_followed_to_its_end() -> Tested {
    let (observation, ran) = python(
        "
r, w = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        burn(0.3)
        os.write(w, b'done')
        os._exit(0)
    os._exit(0)
os.wait()
os.read(r, 4)
time.sleep(0.1)
sys.exit(3)",
    );
    ran.exits(3);
    adds_up(&observation);
    let root = observation.workers.first().expect("the first process");
    let grandchild = observation.workers.iter().find(|worker| burnt(worker, 0.29)).expect("it was seen");
    assert_ne!(grandchild.pid, root.pid);
    assert_eq!(left_behind(&observation), None);
    Ok(())
}

fn a_daemon_that_ends_within_the_run_is_counted() -> Tested {
    let script = format!("{BURN}burn(0.3)");
    let (observation, ran) = watch(&["sh", "-c", "setsid \"$0\" -c \"$1\" & wait; exit 4", &interpreter(), &script]);
    ran.exits(4);
    adds_up(&observation);
    assert!(observation.workers.iter().any(|worker| burnt(worker, 0.3)), "{:#?}", observation.workers);
    assert_eq!(left_behind(&observation), None);
    Ok(())
}

fn a_daemon_that_stays_is_said_and_left_alone() -> Tested {
    let (observation, ran) = shell("setsid sleep 60 >/dev/null 2>&1 & echo $! >daemon; sleep 0.2; exit 5");
    let daemon = number(&ran, "daemon");
    let alive = runs(daemon);
    Command::new("kill").args(["-KILL", &daemon.to_string()]).status().expect("kill can be run");
    assert!(alive, "it was to be left alone");
    ran.notices("left-behind").exits(5);
    assert_eq!(left_behind(&observation), Some(1));
    // The kernel accounts for what ended; the workers tell of the one that stays, too.
    let kernel = observation.totals.cpu();
    assert!(seen(&observation) + Duration::from_millis(3) >= kernel, "kernel {kernel:?}: {:#?}", observation.workers);
    Ok(())
}

fn a_chain_of_execs_is_one_process() -> Tested {
    let script = format!("{BURN}burn(0.3); sys.exit(6)");
    let chain = "exec env X=1 \"$0\" -c \"$1\"";
    let (observation, ran) = watch(&["sh", "-c", chain, &interpreter(), &script]);
    ran.exits(6);
    adds_up(&observation);
    let [process] = &observation.processes[..] else { panic!("{:#?}", observation.processes) };
    assert!(process.argv.iter().any(|word| word == "-c"), "{process:?}");
    assert!(burnt(observation.workers.last().expect("its worker"), 0.3), "{:#?}", observation.workers);
    Ok(())
}

fn a_thread_pool_that_grows_and_shrinks_adds_up() -> Tested {
    let (observation, ran) = python(
        "
from concurrent.futures import ThreadPoolExecutor
for workers in (1, 20, 1):
    with ThreadPoolExecutor(workers) as pool:
        barrier = threading.Barrier(workers)
        list(pool.map(lambda _: (barrier.wait(), burn(0.4 / workers)), range(workers)))",
    );
    ran.exits(0);
    adds_up(&observation);
    let most = observation.timeline.buckets.iter().map(|bucket| bucket.workers).max();
    assert_eq!(most, Some(21), "twenty and the first: {:?}", observation.workers.len());
    // The kernel counts the pools' threads of before and after; each is a worker of its own.
    assert_eq!(observation.workers.len(), 23);
    Ok(())
}

fn a_target_that_renames_itself_is_shown_safely() -> Tested {
    let (observation, ran) = python(
        r"
import ctypes
ctypes.CDLL(None).prctl(15, b'\xff) (\x1b[31m\n', 0, 0, 0)
burn(0.3); time.sleep(0.1)
sys.exit(7)",
    );
    let report = ran.report();
    let row = report["worker"].as_array().and_then(|rows| rows.first()).expect("its row");
    let name = row["name"].as_str().expect("a name");
    assert!(name.contains(r"\x1b[31m") && !name.contains('\x1b'), "{name}");
    assert!(!ran.stderr.contains('\x1b'), "{}", ran.stderr);
    ran.exits(7);
    adds_up(&observation);
    let [worker] = &observation.workers[..] else { panic!("{:#?}", observation.workers) };
    assert!(worker.name.contains(") ("), "{worker:?}");
    Ok(())
}

fn a_target_that_closes_every_descriptor_is_watched_to_its_end() -> Tested {
    let (observation, ran) = python("os.closerange(0, 1024); burn(0.3); time.sleep(0.1); os._exit(8)");
    ran.exits(8);
    adds_up(&observation);
    assert!(observation.complete);
    Ok(())
}

fn a_target_stopped_and_continued_by_its_child_is_not_computing_meanwhile() -> Tested {
    let (observation, ran) = python(
        "
if os.fork() == 0:
    time.sleep(0.2)
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(0.6)
    os.kill(os.getppid(), signal.SIGCONT)
    os._exit(0)
burn(0.4)
os.wait()
sys.exit(9)",
    );
    ran.exits(9);
    adds_up(&observation);
    assert_eq!(observation.exit, Some(Exit::Code(9)));
    let root = observation.workers.first().expect("the first process");
    assert!(root.blocked() >= Duration::from_millis(400), "it was stopped for 0.6 s: {root:?}");
    assert!(observation.wall >= Duration::from_secs(1));
    Ok(())
}

/// Whether a new PID namespace can be had here.
fn namespace() -> Tested {
    let tried = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(NotRun(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) => Err(NotRun(format!("unshare: {error}"))),
    }
}

fn a_pid_namespace_of_its_own_is_seen_into() -> Tested {
    namespace()?;
    let script = format!("{BURN}print(os.getpid(), flush=True); burn(0.3); sys.exit(10)");
    let python = interpreter();
    // The shell is the namespace's first process.
    let inside = "\"$0\" -c \"$1\"; exit $?";
    let argv = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", inside, &python, &script];
    let (observation, ran) = watch(&argv);
    let ran = ran.exits(10);
    let inner: i32 = String::from_utf8_lossy(&ran.stdout).trim().parse().expect("its own id");
    adds_up(&observation);
    let worker = observation.workers.iter().find(|worker| burnt(worker, 0.3)).expect("it was seen");
    assert_ne!(worker.pid, inner, "it is known by our namespace's id");
    assert_eq!(left_behind(&observation), None);
    Ok(())
}

fn an_id_given_to_another_is_another_process() -> Tested {
    namespace()?;
    // Inside a namespace root may say which id comes next, so concadvise is in there, too, and sees the same id twice.
    let script = format!(
        "{BURN}
def child(seconds):
    open('/proc/sys/kernel/ns_last_pid', 'w').write('3000')
    pid = os.fork()
    if pid == 0:
        burn(seconds); os._exit(0)
    os.waitpid(pid, 0)
    return pid
first, second = child(0.2), child(0.4)
sys.exit(12 if first == second else 1)"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let status = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_concadvise"), "--quiet", "--no-trials"])
        .args(["--record", "run.json", "--", &interpreter(), "-c", &script])
        .current_dir(folder.path())
        .status()
        .expect("unshare can be run");
    match status.code() {
        Some(12) => {}
        Some(1) => return Err(NotRun("the kernel did not give the same id twice".to_owned())),
        _ => panic!("{status}"),
    }
    let recording = Recording::read(&folder.path().join("run.json")).expect("it was recorded");
    let observation = recording.observation;
    adds_up(&observation);
    let mut children: Vec<&Worker> = observation.workers.iter().filter(|worker| burnt(worker, 0.19)).collect();
    children.sort_by_key(|worker| worker.born);
    let [first, second] = children[..] else { panic!("{:#?}", observation.workers) };
    assert_eq!(first.pid, second.pid);
    assert!(!burnt(first, 0.3) && burnt(second, 0.39), "{first:?} {second:?}");
    Ok(())
}

fn a_child_of_another_user_is_counted() -> Tested {
    let nobody = "65534";
    let as_nobody = ["setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"];
    let can = Command::new(as_nobody[0]).args(&as_nobody[1..]).arg("true").output();
    match can {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Err(NotRun(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) => return Err(NotRun(format!("setpriv: {error}"))),
    }
    // The interpreter may lie where nobody may look, so a shell does the work.
    let work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 11";
    let (observation, ran) =
        watch(&[&["sh", "-c", "\"$@\"; exit $?", "sh"][..], &as_nobody, &["sh", "-c", work]].concat());
    ran.exits(11);
    adds_up(&observation);
    let child = observation.workers.iter().max_by_key(|worker| worker.on_cpu).expect("a worker");
    assert_ne!(child.pid, observation.workers[0].pid);
    Ok(())
}
