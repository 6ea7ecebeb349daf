//! What a person is promised who attaches to what runs already: what it does from now on, its whole tree, told as the
//! main job tells it; and a target that cannot know it was watched.

#[path = "support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use measured::measured;
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};
use support::{Ran, Scene, scene};

/// Keeps a core busy for as many seconds as its first argument says.
const BURN: &str = "import sys, time\nend = time.process_time() + float(sys.argv[1])\n\
                    while time.process_time() < end: sum(range(1000))\n";

/// A process that runs beside the test, in a process group of its own, and ends with it.
struct Subject {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Subject {
    fn start(argv: &[&str]) -> Self {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdout }
    }

    fn python(script: &str) -> Self {
        Self::start(&["python3", "-u", "-c", script])
    }

    fn shell(script: &str) -> Self {
        Self::start(&["sh", "-c", script, BURN])
    }

    /// Waits for its next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        assert!(!line.is_empty(), "it ended without a word");
        line.trim_end().to_owned()
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of it and of the children that it waited for, in seconds.
    fn cpu(&self) -> f64 {
        cpu(self.pid())
    }

    fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What the kernel says of it that a watcher could have changed.
    fn marks(&self) -> Vec<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it lives");
        let kept = ["TracerPid", "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Cpus_allowed:", "PPid", "NSsid"];
        status.lines().filter(|line| kept.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).expect("a process id fits");
        // Not waited for yet, so the group is its own. One that has ended leaves nothing to do.
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let after_name = stat.rsplit(") ").next().expect("fields");
    let ticks: f64 = after_name.split(' ').skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn watched(seconds: &str) -> Scene {
    scene().option("--duration").option(seconds)
}

fn number(ran: &Ran, key: &str) -> f64 {
    ran.key(key).parse().unwrap_or_else(|_| panic!("no number at {key}: {:?}", ran.report()))
}

/// What was told is what the kernel counted, within a part of it and the coarseness of its ticks.
fn check_cpu(told: f64, counted: f64) {
    assert!((told - counted).abs() <= 0.15 * counted + 0.06, "told {told} s of CPU, the kernel counted {counted} s");
}

#[test]
fn a_server_under_load_is_reported_and_goes_on_serving() {
    measured(|| {
        let mut server = Subject::start(&["python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]);
        let greeting = server.line();
        let port: u16 =
            greeting.split(' ').skip_while(|word| *word != "port").nth(1).expect("a port").parse().expect("it");
        let get = move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        };
        get();
        let enough = AtomicBool::new(false);
        let marks = server.marks();
        let (before, ran) = thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    get();
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let before = server.cpu();
            let ran = watched("2s").attach(server.pid()).end();
            enough.store(true, Ordering::Relaxed);
            (before, ran)
        });
        let used = server.cpu() - before;
        assert!(server.lives());
        assert_eq!(server.marks(), marks);
        get();
        let ran = ran.exits(0).reports("complete", "true").reports("target.attached", "true");
        let ran = ran.reports("target.pid", &server.pid().to_string()).reports("target.runtime", "\"cpython\"");
        let ran = ran.says("-m http.server").says("It was watched for").reports("target.exit_code", "");
        assert!(used > 0.0);
        assert!(number(&ran, "profile.cpu_s") <= 1.15 * used + 0.06, "{} of {used}", number(&ran, "profile.cpu_s"));
    });
}

#[test]
fn one_that_sleeps_has_used_nothing_and_sleeps_on() {
    measured(|| {
        let mut subject = Subject::start(&["sleep", "300"]);
        let ran = watched("700ms").attach(subject.pid()).end().exits(0).reports("complete", "true");
        assert!(number(&ran, "profile.cpu_s") < 0.01);
        assert!(number(&ran, "profile.blocked_share") > 0.99);
        assert!(subject.lives());
    });
}

#[test]
fn what_it_did_before_is_not_of_the_run() {
    measured(|| {
        let burnt_then_sleeps = format!("import sys; sys.argv = ['', '1']\n{BURN}print('burnt')\ntime.sleep(300)");
        let mut subject = Subject::python(&burnt_then_sleeps);
        subject.line();
        assert!(subject.cpu() >= 0.9);
        let ran = watched("700ms").attach(subject.pid()).end().exits(0);
        assert!(number(&ran, "profile.cpu_s") < 0.1, "{}", number(&ran, "profile.cpu_s"));
    });
}

#[test]
fn nor_is_what_a_child_did_before_that_is_waited_for_now() {
    measured(|| {
        let script = "python3 -c \"${0}print('burnt', flush=True); time.sleep(1)\" 1; sleep 300";
        let mut subject = Subject::shell(script);
        subject.line();
        let ran = watched("3s").attach(subject.pid()).end().exits(0);
        assert!(subject.cpu() >= 0.9, "its parent has waited for it: {}", subject.cpu());
        assert!(number(&ran, "profile.cpu_s") < 0.3, "{}", number(&ran, "profile.cpu_s"));
    });
}

#[test]
fn one_that_ends_meanwhile_is_watched_to_its_end() {
    measured(|| {
        for status in [0, 3] {
            let subject = Subject::shell(&format!("sleep 1; exit {status}"));
            let begun = Instant::now();
            let ran = watched("1h").attach(subject.pid()).end().exits(0);
            assert!(begun.elapsed() < Duration::from_secs(600));
            // Nobody has waited for it yet, so the kernel can tell how it ended.
            let ran = ran.reports("complete", "true").reports("target.exit_code", &status.to_string());
            if status != 0 {
                ran.notices("target-failed").reports("classification.class", "\"inconclusive\"");
            }
        }
    });
}

#[test]
fn threads_that_are_born_meanwhile_are_seen() {
    measured(|| {
        let grows = "import threading, time\nprint('up')\ntime.sleep(0.7)\nfor _ in range(12):\n \
                 threading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n time.sleep(0.03)\n\
                 time.sleep(300)\n";
        let mut subject = Subject::python(grows);
        subject.line();
        let ran = watched("3s").attach(subject.pid()).end().exits(0);
        let rows = ran.report().get("worker").and_then(|rows| rows.as_array().map(Vec::len));
        assert_eq!(rows, Some(13));
    });
}

#[test]
fn processes_too_short_to_be_seen_are_accounted_for() {
    measured(|| {
        let mut subject = Subject::shell("echo up; while :; do /bin/true; done");
        subject.line();
        let running = watched("3s").attach(subject.pid());
        let before = subject.cpu();
        let ran = running.end().exits(0);
        check_cpu(number(&ran, "profile.cpu_s"), subject.cpu() - before);
    });
}

#[test]
fn one_whose_parent_dies_is_followed() {
    measured(|| {
        let script = "sh -c 'python3 -c \"$0\" 300 & echo $!; sleep 1' \"$0\"; sleep 300";
        let mut subject = Subject::shell(script);
        let burner: u32 = subject.line().parse().expect("its id");
        let running = watched("4s").attach(subject.pid());
        let before = cpu(burner);
        let ran = running.end().exits(0);
        let orphan = fs::read_to_string(format!("/proc/{burner}/status")).expect("it lives");
        assert!(!orphan.contains(&format!("PPid:\t{}\n", subject.pid())), "{orphan}");
        check_cpu(number(&ran, "profile.cpu_s"), cpu(burner) - before);
    });
}

#[test]
fn an_interrupt_lets_it_go_and_still_reports() {
    let mut subject = Subject::start(&["sleep", "300"]);
    let running = watched("1h").option("--record").option("run.json").attach(subject.pid());
    // Its open files show when it has begun to watch.
    let watching = || {
        let files = fs::read_dir(format!("/proc/{}/fd", running.pid())).into_iter().flatten().flatten();
        let links: Vec<_> = files.filter_map(|file| fs::read_link(file.path()).ok()).collect();
        links.iter().any(|link| link.to_string_lossy().contains(&format!("/{}/task/", subject.pid())))
    };
    while !watching() {
        thread::sleep(Duration::from_millis(5));
    }
    let ran = running.send(Signal::SIGINT).end().exits(0);
    ran.reports("complete", "false").notices("detached").notices("trials-skipped");
    assert!(subject.lives());
}

#[test]
fn being_told_to_end_is_not_passed_on() {
    let mut subject = Subject::start(&["sleep", "300"]);
    let ran = watched("3s").attach(subject.pid());
    thread::sleep(Duration::from_millis(700));
    ran.send(Signal::SIGTERM).end().dies_of(Signal::SIGTERM);
    assert!(subject.lives());
}

#[test]
fn what_cannot_be_attached_to_is_told_in_a_sentence() {
    let check = |pid: u32, words: &str| {
        let ran = watched("1s").attach(pid).end().exits(2).says("cannot attach to").says(words);
        assert!(!ran.has("concadvise.toml"));
    };
    check(i32::MAX.unsigned_abs(), "no such process");
    check(std::process::id(), "would watch itself");
    let subject = Subject::shell("exit 0");
    while !fs::read_to_string(format!("/proc/{}/stat", subject.pid())).is_ok_and(|stat| stat.contains(") Z ")) {
        thread::sleep(Duration::from_millis(5));
    }
    check(subject.pid(), "it has ended");
}

#[test]
fn broken_rules_are_refused_before_anything_is_watched() {
    let scene = watched("1h").file("mine/cpu_bound.toml", 0o644, "class = \"cpu-bound\"\n[[rule]]\nid = \n");
    let subject = Subject::start(&["sleep", "300"]);
    let ran = scene.option("--rules").option("mine").attach(subject.pid()).end();
    ran.exits(125).says("cpu_bound.toml").says("Nothing was watched");
}
