//! What only the first thread of a process can show: the fate of orphans, which the kernel gives to that thread, and of
//! signals, which reach any thread that does not block them. The usual harness runs tests on other threads, so this
//! file has a `main` of its own; started with `watch ARGV…` or `try ARGV…`, it is the one
//! that is sent signals.

use concadvise::notice::Notice;
use concadvise::observe::{Exit, Observation, Settings, Stdio, observe};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio as Streams};
use std::time::Duration;
use std::{env, fs, thread};

fn main() {
    let mut args = env::args_os().skip(1);
    match args.next() {
        Some(word) if word == "watch" => watch(&args.collect::<Vec<_>>(), Stdio::Inherit),
        Some(word) if word == "try" => watch(&args.collect::<Vec<_>>(), captured()),
        // Other words are the harness's flags and filters; there is too little here to filter.
        _ => {
            for (name, test) in TESTS {
                print!("test {name} ... ");
                test();
                println!("ok");
            }
        }
    }
}

macro_rules! tests {
    ($($name:ident)*) => { const TESTS: &[(&str, fn())] = &[$((stringify!($name), $name)),*]; };
}

tests! {
    an_orphan_s_time_is_in_the_totals
    a_daemon_of_the_user_s_run_is_left_running
    a_daemon_of_a_captured_run_is_ended
    children_from_before_are_not_the_run_s
    a_signal_sent_to_us_reaches_the_target_once
    a_key_on_the_terminal_is_not_sent_on
    what_the_target_sends_its_own_group_is_no_interruption
    an_interruption_ends_a_trial
    a_trial_dies_with_us
    what_was_ignored_blocked_or_closed_is_so_for_the_target
    an_ignored_hang_up_stays_ignored
    the_target_s_signal_can_be_died_of
}

fn run(argv: &[&str], stdio: Stdio) -> Observation {
    let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
    observe(&argv, &Settings { stdio, ..Settings::default() }, &mut |_| {}).expect("the command can be run")
}

fn captured() -> Stdio {
    Stdio::Capture { input: Vec::new() }
}

fn left_behind(observation: &Observation) -> Option<usize> {
    observation.notices.iter().find_map(|notice| match notice {
        Notice::LeftBehind { processes } => Some(*processes),
        _ => None,
    })
}

fn runs(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn kill(signal: &str, pid: u32) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill can be run");
    assert!(sent.success());
}

const BURN: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";

fn an_orphan_s_time_is_in_the_totals() {
    let alone = run(&["sh", "-c", BURN], captured()).totals.cpu();
    // The middle process ends at once, so the burning one is nobody's child but ours.
    let orphan = format!("(setsid sh -c '{BURN}; echo >&3' &) 3>&1 | cat");
    let orphaned = run(&["sh", "-c", &orphan], captured()).totals.cpu();
    assert!(orphaned >= alone.mul_f64(0.5), "{orphaned:?} against {alone:?}");
}

fn a_daemon_of_the_user_s_run_is_left_running() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let script = format!("setsid sleep 60 & echo $! >{}", file.path().display());
    let observation = run(&["sh", "-c", &script], Stdio::Inherit);
    let daemon: i32 = fs::read_to_string(file.path()).expect("it was written").trim().parse().expect("an id");
    assert!(runs(daemon));
    assert_eq!(left_behind(&observation), Some(1));
    assert_eq!(observation.exit, Some(Exit::Code(0)));

    let next = run(&["true"], Stdio::Inherit);
    assert!(runs(daemon));
    assert_eq!(left_behind(&next), None, "an earlier run's daemon is no matter of this one");
    kill("-KILL", daemon.unsigned_abs());
}

fn a_daemon_of_a_captured_run_is_ended() {
    for start in ["sleep 60 &", "setsid sleep 60 &", "(setsid sh -c 'sleep 60 & echo $!; wait' &) ; sleep 0.2; :"] {
        let observation = run(&["sh", "-c", &format!("{start} echo $!")], captured());
        let output = observation.output.as_ref().expect("it was captured");
        let daemons: Vec<i32> =
            String::from_utf8_lossy(&output.stdout).split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect();
        assert!(!daemons.is_empty(), "{start}");
        assert!(!daemons.iter().any(|daemon| runs(*daemon)), "{start}");
        assert_eq!(left_behind(&observation), None);
    }
}

fn children_from_before_are_not_the_run_s() {
    let mut ours = Command::new("sh").args(["-c", BURN]).spawn().expect("sh can be run");
    let mut lasting = Command::new("sleep").arg("60").spawn().expect("sleep can be run");
    let busy = run(&["sleep", "0.5"], captured());
    assert!(busy.totals.cpu() < Duration::from_millis(50), "{:?}", busy.totals);
    assert!(runs(lasting.id().cast_signed()), "a trial's end is not the end of others");
    lasting.kill().expect("it is our child");
    // The run may have reaped the first, which is then gone.
    let _ = (ours.wait(), lasting.wait());
}

/// Observes, then says in one line what it saw.
fn watch(argv: &[OsString], stdio: Stdio) {
    let observation =
        observe(argv, &Settings { stdio, ..Settings::default() }, &mut |_| {}).expect("the command can be run");
    println!("{:?} {:?} complete={}", observation.exit, observation.interrupted, observation.complete);
    if let Some(Exit::Signal(signal)) = observation.exit
        && env::var_os("RERAISE").is_some()
    {
        concadvise::sys::signals::reraise(signal);
    }
}

fn watcher(script: &str) -> Command {
    ourselves("watch", script)
}

fn ourselves(how: &str, script: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this file"));
    command.args([how, "sh", "-c", script]).stdin(Streams::null()).stdout(Streams::piped());
    command
}

/// Starts it and waits until the target says that it is ready.
fn ready(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.spawn().expect("this file can be run");
    let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    (child, output)
}

fn rest(mut child: Child, mut output: BufReader<ChildStdout>) -> String {
    let mut text = String::new();
    output.read_to_string(&mut text).expect("text");
    child.wait().expect("it is our child");
    text
}

/// Counts what it gets, and ends a moment after the first.
const COUNTING: &str = "n=0; trap 'n=$((n+1))' INT TERM USR1; echo ready; \
                        while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; sleep 0.3; echo got $n; exit 7";

fn a_signal_sent_to_us_reaches_the_target_once() {
    for (signal, interrupted) in [("-TERM", "Some(15) complete=false"), ("-USR1", "None complete=true")] {
        let (child, output) = ready(&mut watcher(COUNTING));
        kill(signal, child.id());
        assert_eq!(rest(child, output), format!("got 1\nSome(Code(7)) {interrupted}\n"));
    }
}

fn a_key_on_the_terminal_is_not_sent_on() {
    // The terminal itself has told whom it means: the target, which is in our process group, or not the target, which
    // has left it. `script` makes a terminal, into which Ctrl-C is typed; on it a line ends in `\r\n`.
    let exe = env::current_exe().expect("this file");
    let patient = COUNTING.replace("while [ $n = 0 ]; do sleep 0.05; done; ", "");
    for (how, script, got) in [("sh", COUNTING, 1), ("setsid sh", &patient, 0)] {
        let mut child = Command::new("script")
            .args(["-qec", &format!("{} watch {how} -c \"$SCRIPT\"", exe.display()), "/dev/null"])
            .env("SCRIPT", script)
            .stdin(Streams::piped())
            .stdout(Streams::piped())
            .spawn()
            .expect("script (of bsdutils) can be run");
        let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), "ready");
        let mut keys = child.stdin.take().expect("it is a pipe");
        keys.write_all(b"\x03").expect("typed");
        let text = rest(child, output);
        drop(keys);
        assert!(text.contains(&format!("got {got}\r\nSome(Code(7)) Some(2) complete=false")), "{text:?}");
    }
}

fn what_the_target_sends_its_own_group_is_no_interruption() {
    let mut command = watcher("n=0; trap 'n=$((n+1))' TERM; kill -TERM 0; sleep 0.3; echo got $n");
    let output = command.process_group(0).output().expect("this file can be run");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "got 1\nSome(Code(0)) None complete=true\n");
}

/// A trial under way, and its id, from the file that it wrote it to.
fn trial() -> (Child, i32) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let script = format!("trap '' INT TERM; echo $$ >{}; while :; do sleep 0.1; done", file.path().display());
    let child = ourselves("try", &script).process_group(0).spawn().expect("this file can be run");
    loop {
        match fs::read_to_string(file.path()).expect("a file").trim().parse() {
            Ok(pid) => return (child, pid),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn an_interruption_ends_a_trial() {
    let (child, pid) = trial();
    kill("-INT", child.id());
    let output = child.wait_with_output().expect("it is our child");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Some(Signal(9)) Some(2) complete=false\n");
    assert!(!runs(pid));
}

fn a_trial_dies_with_us() {
    let (mut child, pid) = trial();
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    let dies = (0..400).any(|_| {
        thread::sleep(Duration::from_millis(5));
        !runs(pid)
    });
    if !dies {
        kill("-KILL", pid.unsigned_abs());
    }
    assert!(dies);
}

fn what_was_ignored_blocked_or_closed_is_so_for_the_target() {
    let state = "grep -E 'SigBlk|SigIgn' /proc/self/status; test -e /proc/self/fd/0 || echo closed";
    let set_up = "exec 0<&-; exec env --ignore-signal=PIPE,CHLD --block-signal=USR2";
    let shown = |command: &str| {
        let output = Command::new("sh").args(["-c", &format!("{set_up} {command}"), "sh", state]).output();
        String::from_utf8_lossy(&output.expect("sh can be run").stdout).into_owned()
    };
    let exe = env::current_exe().expect("this file");
    let (direct, watched) = (shown("sh -c \"$1\""), shown(&format!("{} watch sh -c \"$1\"", exe.display())));
    assert!(direct.ends_with("closed\n"), "{direct}");
    assert_eq!(watched, format!("{direct}Some(Code(0)) None complete=true\n"));
}

fn an_ignored_hang_up_stays_ignored() {
    let inner = watcher("echo ready; sleep 0.5; exit 4");
    let mut command = Command::new("nohup");
    command.arg(inner.get_program()).args(inner.get_args()).stdin(Streams::null()).stdout(Streams::piped());
    let (child, output) = ready(&mut command);
    kill("-HUP", child.id());
    assert_eq!(rest(child, output), "Some(Code(4)) None complete=true\n");
}

fn the_target_s_signal_can_be_died_of() {
    for signal in [2, 9, 11, 15, 34] {
        let mut command = watcher(&format!("ulimit -c 0; kill -{signal} $$"));
        let status = command.env("RERAISE", "").stdout(Streams::null()).status().expect("this file can be run");
        assert_eq!(status.signal(), Some(signal));
        assert!(!status.core_dumped());
    }
}
