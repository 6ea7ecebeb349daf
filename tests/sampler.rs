//! The sampler against real programs: each is started, sampled for a while, and must be seen for what it does.
//!
//! Only shares and counts are asserted, with wide margins: the machine may be busy with other things.

#[path = "support/measured.rs"]
mod measured;

use concadvise::observe::kind::BlockedKind;
use concadvise::observe::sampler::{Sampled, Sampler};
use concadvise::observe::{WaitedOn, Worker};
use measured::measured;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const A_SECOND: Duration = Duration::from_secs(1);

/// One run at a time: programs run beside each other would change what is measured.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    nix::sys::prctl::set_child_subreaper(true).expect("to become a subreaper");
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn python(script: &str) -> Command {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let printed = asked.expect("python3 to be installed").stdout;
    let mut command = Command::new(String::from_utf8(printed).expect("a path").trim());
    command.args(["-c", script]);
    command
}

fn has_ended(child: &Child) -> bool {
    let id = Id::Pid(Pid::from_raw(child.id().cast_signed()));
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(id, flags), Ok(WaitStatus::StillAlive))
}

/// Samples `command`, which may hold itself until a line comes, until it ends by itself or `limit` has passed, then ends all that it left.
fn sample(command: &mut Command, limit: Duration) -> Sampled {
    let _alone = alone();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program to start");
    let pid = child.id().cast_signed();
    let mut sampler = Sampler::new(pid, &[]);
    let start = Instant::now();
    sampler.start(start);
    if let Some(input) = &mut child.stdin {
        let _nobody_need_read_it = input.write_all(b"go\n");
    }
    while start.elapsed() < limit && !has_ended(&child) {
        let due = sampler.tick(Instant::now());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let sampled = if has_ended(&child) {
        sampler.dying(pid, Instant::now());
        child.wait().expect("our own child");
        sampler.finish(Instant::now())
    } else {
        let sampled = sampler.finish(Instant::now());
        child.kill().expect("our own child");
        child.wait().expect("our own child");
        sampled
    };
    // What is left has become our own child, or its id is free and not yet anyone's.
    for process in sampled.processes.iter().filter(|process| process.pid != pid) {
        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(Pid::from_raw(process.pid), None);
    }
    sampled
}

/// Of the blocked ticks of `workers`, the share that was on `kind`; and all of them by kind, for the message.
fn share<'a>(workers: impl IntoIterator<Item = &'a Worker>, kind: BlockedKind) -> (f64, String) {
    let mut ticks = BTreeMap::new();
    for worker in workers {
        for (kind, count) in worker.blocked_ticks.iter() {
            *ticks.entry(kind).or_insert(0u32) += *count;
        }
    }
    let all: u32 = ticks.values().sum();
    let of_kind = ticks.get(&kind).copied().unwrap_or(0);
    (f64::from(of_kind) / f64::from(all.max(1)), format!("{ticks:?}"))
}

/// The workers that `of` picks are blocked on one kind for nearly all of their ticks.
fn check_kind(command: &mut Command, of: impl Fn(&&Worker) -> bool, kind: BlockedKind) {
    let sampled = sample(command, A_SECOND);
    let (share, ticks) = share(sampled.workers.iter().filter(of), kind);
    assert!(share >= 0.8, "{command:?} is blocked on {kind:?} in {share:.2} of its ticks: {ticks}");
    assert!(sampled.notices.iter().all(|notice| notice.code() != "unavailable"), "{:?}", sampled.notices);
}

fn anyone(_: &&Worker) -> bool {
    true
}

#[test]
fn a_sleeping_program_is_blocked_on_a_timer() {
    measured(|| {
        let sampled = sample(Command::new("sleep").arg("5"), A_SECOND);
        let (share, ticks) = share(&sampled.workers, BlockedKind::Timer);
        assert!(share >= 0.95, "{ticks}");
        let [worker] = &sampled.workers[..] else { panic!("{:?}", sampled.workers) };
        assert_eq!(worker.pid, worker.tid);
        assert!(worker.blocked() > worker.lifetime().mul_f64(0.9), "{worker:?}");
        assert_eq!(sampled.alive, 1);
    });
}

#[test]
fn a_spinning_program_is_on_a_core_or_waits_for_one() {
    measured(|| {
        let sampled = sample(&mut sh("while :; do :; done"), A_SECOND);
        let [worker] = &sampled.workers[..] else { panic!("{:?}", sampled.workers) };
        assert!(worker.on_cpu + worker.runnable > worker.lifetime().mul_f64(0.8), "{worker:?}");
        assert!(worker.on_cpu > worker.runnable / 50, "{worker:?}");
        assert!(sampled.core_ticks.iter().sum::<u64>() > sampled.ticks / 2, "{:?}", sampled.core_ticks);
        let busy: Duration = sampled.timeline.buckets.iter().map(|bucket| bucket.on_cpu).sum();
        assert_eq!(busy, worker.on_cpu, "the timeline adds up to the workers");
    });
}

#[test]
fn a_reader_of_a_pipe_is_blocked_on_a_pipe() {
    measured(|| {
        check_kind(&mut Command::new("cat"), anyone, BlockedKind::Pipe);
    });
}

#[test]
fn a_shell_that_waits_is_blocked_on_its_child() {
    measured(|| {
        for script in ["sleep 5; :", "sleep 5 & wait"] {
            check_kind(&mut sh(script), |worker| worker.name == "sh", BlockedKind::Child);
        }
    });
}

#[test]
fn a_thread_that_waits_for_a_lock_is_blocked_on_a_lock() {
    measured(|| {
        check_kind(
            &mut python("import threading as t; l = t.Lock(); l.acquire(); l.acquire()"),
            anyone,
            BlockedKind::Lock,
        );
    });
}

#[test]
fn one_who_receives_from_the_network_is_blocked_on_the_network() {
    measured(|| {
        let connect =
            "import socket as s; a = s.create_server(('127.0.0.1', 0)); b = s.create_connection(a.getsockname());";
        for wait in [
            "b.recv(1)",
            "b.settimeout(9); b.recv(1)",
            "import select; select.select([b], [], [], 9)",
            "import selectors as q; e = q.DefaultSelector(); e.register(b, 1); e.select(9)",
        ] {
            check_kind(&mut python(&format!("{connect} {wait}")), anyone, BlockedKind::Network);
        }
    });
}

#[test]
fn a_server_without_a_client_is_idle() {
    measured(|| {
        let server = "import socket as s; a = s.create_server(('127.0.0.1', 0)); a.accept()";
        check_kind(&mut python(server), anyone, BlockedKind::Idle);
    });
}

#[test]
fn an_event_loop_that_sleeps_is_blocked_on_a_timer() {
    measured(|| {
        check_kind(&mut python("import asyncio; asyncio.run(asyncio.sleep(9))"), anyone, BlockedKind::Timer);
    });
}

#[test]
fn an_event_loop_waits_in_epoll_and_others_do_not() {
    measured(|| {
        let connect =
            "import socket as s; a = s.create_server(('127.0.0.1', 0)); b = s.create_connection(a.getsockname());";
        for (script, in_epoll, has_epoll) in [
            ("import asyncio; asyncio.run(asyncio.sleep(9))", 0.9..=1.0, true),
            ("import time; time.sleep(9)", 0.0..=0.0, false),
            (&format!("{connect} b.recv(1)"), 0.0..=0.0, false),
            // Waits for one socket by polling it.
            (&format!("{connect} b.settimeout(9); b.recv(1)"), 0.0..=0.0, false),
            ("import asyncio, time\nasync def main(): time.sleep(9)\nasyncio.run(main())", 0.0..=0.0, true),
        ] {
            let sampled = sample(&mut python(script), A_SECOND);
            let ([worker], [process]) = (&sampled.workers[..], &sampled.processes[..]) else { panic!("{sampled:?}") };
            let WaitedOn { one, several, epoll } = worker.waited_on;
            // Of some forty that a quiet machine gives: on a busy one the start takes its time.
            assert!(one + several + epoll >= 8, "{worker:?}");
            let share = f64::from(epoll) / f64::from(one + several + epoll);
            assert!(in_epoll.contains(&share) && several == 0, "{:?}: {script}", worker.waited_on);
            assert_eq!(process.has_epoll, has_epoll, "{script}");
        }
    });
}

#[test]
fn one_who_writes_through_to_a_file_is_blocked_on_nothing_but_the_disk() {
    measured(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let file = format!("of={}", folder.path().join("written").display());
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", &file, "bs=4k", "count=100000", "oflag=sync", "status=none"]);
        let sampled = sample(&mut dd, A_SECOND);
        let (share, ticks) = share(&sampled.workers, BlockedKind::Disk);
        // A file system in memory never blocks it.
        let blocked: u32 = sampled.workers.iter().flat_map(|worker| worker.blocked_ticks.iter()).map(|(_, n)| *n).sum();
        assert!(share >= 0.8 || blocked < 10, "{ticks}");
    });
}

#[test]
fn every_one_of_two_hundred_threads_is_seen() {
    measured(|| {
        let script = "import threading as t, time
for _ in range(200): t.Thread(target=time.sleep, args=(1,)).start()";
        let sampled = sample(&mut python(script), A_SECOND * 5);
        assert_eq!(sampled.workers.len(), 201);
        let sleepers = sampled.workers.iter().filter(|worker| worker.blocked_ticks[BlockedKind::Timer] > 0).count();
        assert!(sleepers >= 200, "{sleepers} were seen to sleep");
        assert_eq!(sampled.processes.len(), 1);
    });
}

#[test]
fn threads_that_replace_one_another_are_all_seen() {
    measured(|| {
        let script = "import threading as t, time
for _ in range(10):
    a = t.Thread(target=time.sleep, args=(0.25,)); a.start(); a.join()";
        let sampled = sample(&mut python(script), A_SECOND * 5);
        assert!(sampled.workers.len() >= 10, "{} workers", sampled.workers.len());
    });
}

#[test]
fn the_whole_tree_is_found() {
    measured(|| {
        let sampled = sample(&mut sh("sh -c 'sleep 5; :'; :"), A_SECOND);
        let mut names: Vec<&str> = sampled.workers.iter().map(|worker| worker.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["sh", "sh", "sleep"]);
        assert_eq!(sampled.alive, 3);
        let of = |pid| sampled.processes.iter().find(|process| process.pid == pid);
        let sleep = sampled.processes.iter().find(|process| process.argv == ["sleep", "5"]).expect("its command line");
        assert!(sleep.executable.is_some() && sleep.peak_rss.0 > 0, "{sleep:?}");
        assert!(of(sleep.parent).and_then(|parent| of(parent.parent)).is_some(), "{:?}", sampled.processes);
    });
}

#[test]
fn an_orphan_is_adopted() {
    measured(|| {
        // The middle shell ends at once, so the first sleeper loses its parent.
        let sampled = sample(&mut sh("read go; (sleep 5 &); sleep 0.3"), A_SECOND * 5);
        let sleepers = sampled.workers.iter().filter(|worker| worker.name == "sleep").count();
        assert_eq!(sleepers, 2, "{:?}", sampled.workers);
        assert_eq!(sampled.alive, 1, "the orphan outlives the first process");
    });
}

#[test]
fn another_program_in_the_same_process_is_noticed() {
    measured(|| {
        let sampled = sample(&mut sh("read go; sleep 0.3; exec sleep 5"), A_SECOND);
        let root = sampled.processes.iter().find(|process| process.argv == ["sleep", "5"]).expect("the new program");
        let workers: Vec<&Worker> = sampled.workers.iter().filter(|worker| worker.pid == root.pid).collect();
        let [before, after] = workers[..] else { panic!("one for each program: {workers:?}") };
        assert_eq!((before.name.as_str(), after.name.as_str()), ("sh", "sleep"));
        assert_eq!(before.died, after.born);
        assert!(before.blocked_ticks[BlockedKind::Child] > 0 && after.blocked_ticks[BlockedKind::Child] == 0);
        assert!(after.voluntary_switches.is_some_and(|count| count < 10), "it slept once: {after:?}");
        let launch = sampled.launch.expect("a shell went before");
        assert_eq!(launch.until, after.born);
        assert!(launch.until >= Duration::from_millis(300) && (1..sampled.ticks).contains(&launch.ticks), "{launch:?}");
    });
}

#[test]
fn a_launcher_s_helpers_and_its_own_time_are_told_apart_from_the_program_s() {
    measured(|| {
        let helpers = "i=0; while [ $i -lt 30 ]; do /bin/true; i=$((i+1)); done;";
        let spin = "import time; e = time.thread_time() + 0.3
while time.thread_time() < e: pass
for _ in range(20): time.sleep(0.01)";
        let interpreter = python("").get_program().to_string_lossy().into_owned();
        let sampled = sample(sh(&format!("{helpers} exec \"$0\" -c \"$1\"")).args([&interpreter, spin]), A_SECOND * 5);
        let launch = sampled.launch.expect("a shell went before");
        let after: Vec<&Worker> = sampled.workers.iter().filter(|worker| worker.died > launch.until).collect();
        let [worker] = after[..] else { panic!("{after:?}") };
        let process = sampled.processes.iter().find(|process| process.pid == worker.pid).expect("its process");
        assert_eq!(process.executable, std::fs::canonicalize(&interpreter).ok());
        assert!(worker.on_cpu >= Duration::from_millis(290), "{worker:?}");
        let launching: Duration =
            sampled.workers.iter().filter(|worker| worker.died <= launch.until).map(|worker| worker.on_cpu).sum();
        assert!(launch.cpu >= launching && launch.cpu < launching + worker.on_cpu, "{launch:?}, seen {launching:?}");
        // Twenty sleeps, a few waits for the disk; the shell's thirty for its helpers are not among them.
        assert!((20..50).contains(&worker.voluntary_switches.expect("readable")), "{worker:?}");
    });
}

#[test]
fn a_child_that_becomes_what_it_was_forked_for_is_one_worker() {
    measured(|| {
        let sampled = sample(&mut sh("sleep 0.2; sleep 0.2; :"), A_SECOND);
        assert_eq!(sampled.workers.len(), 3, "{:?}", sampled.workers);
        assert_eq!(sampled.launch, None);
    });
}

#[test]
fn a_program_that_ends_at_once_still_leaves_its_readings() {
    measured(|| {
        let sampled = sample(&mut sh("read go; exec true"), A_SECOND);
        let [worker] = &sampled.workers[..] else { panic!("{:?}", sampled.workers) };
        assert!(worker.on_cpu > Duration::ZERO && worker.lifetime() > Duration::ZERO, "{worker:?}");
        assert!(worker.voluntary_switches.is_some());
    });
}

#[test]
fn the_workers_add_up_to_what_the_kernel_accounts() {
    measured(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let told = folder.path().join("process_time");
        let script = format!(
            "import threading as t, time
def spin():
    end = time.time() + 0.7
    while time.time() < end: pass
    time.sleep(0.1)
threads = [t.Thread(target=spin) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
open({told:?}, 'w').write(str(time.process_time()))"
        );
        let sampled = sample(&mut python(&script), A_SECOND * 5);
        let kernel: f64 = std::fs::read_to_string(&told).expect("its own account").parse().expect("seconds");
        let workers: Duration = sampled.workers.iter().map(|worker| worker.on_cpu).sum();
        assert!((workers.as_secs_f64() / kernel - 1.0).abs() < 0.1, "{workers:?} of {kernel} s");
        let timeline: Duration = sampled.timeline.buckets.iter().map(|bucket| bucket.on_cpu).sum();
        assert_eq!(timeline, workers);
    });
}

#[test]
// Three seconds, because on a busy machine the page walk waits for its budget.
fn memory_is_seen_while_it_is_held() {
    let held = 64 << 20;
    let sampled = sample(&mut python(&format!("import time; a = bytearray({held}); time.sleep(10)")), 3 * A_SECOND);
    let [process] = &sampled.processes[..] else { panic!("{:?}", sampled.processes) };
    let bounds = held..2 * held;
    assert!(bounds.contains(&process.peak_rss.0), "{process:?}");
    assert!(process.peak_uss.is_some_and(|uss| bounds.contains(&uss.0)), "{process:?}");
    assert!(process.peak_pss.is_some_and(|pss| bounds.contains(&pss.0)), "{process:?}");
    assert!(bounds.contains(&sampled.peak_memory.0), "{:?}", sampled.peak_memory);
}

#[test]
fn our_limit_of_open_files_is_raised_only_meanwhile() {
    measured(|| {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let _alone = alone();
        let limit = || getrlimit(Resource::RLIMIT_NOFILE).expect("our own limit");
        let (_, hard) = limit();
        setrlimit(Resource::RLIMIT_NOFILE, 256, hard).expect("to lower our own limit");
        let before = limit();
        let sampler = Sampler::new(std::process::id().cast_signed(), &[]);
        assert!(limit().0 > 256 || hard <= 256);
        drop(sampler);
        assert_eq!(limit(), before);
    });
}
