//! Real runs through the library: that a target is started, watched and ended as the user would have it, and that a
//! trial leaves nothing behind. What needs the process's first thread (orphans, signals to us) is in `own_thread.rs`.

#[path = "support/measured.rs"]
mod measured;

use concadvise::notice::Notice;
use concadvise::observe::kind::BlockedKind;
use concadvise::observe::{Error, Exit, Observation, Settings, Stdio, observe};
use measured::measured;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Result;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn words<W: AsRef<OsStr>>(argv: &[W]) -> Vec<OsString> {
    argv.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// A user's own run of a shell command; `$1` is a file that it may write to.
fn run(script: &str, file: &Path) -> Observation {
    let argv = words(&[OsStr::new("sh"), OsStr::new("-c"), OsStr::new(script), OsStr::new("sh"), file.as_os_str()]);
    observe(&argv, &Settings::default(), &mut |_| {}).expect("sh can be run")
}

fn run_quietly(script: &str) -> Observation {
    run(script, Path::new("/dev/null"))
}

fn capture<W: AsRef<OsStr>>(argv: &[W], input: &[u8], timeout: Option<Duration>) -> Observation {
    let settings = Settings { stdio: Stdio::Capture { input: input.to_vec() }, timeout, ..Settings::default() };
    observe(&words(argv), &settings, &mut |_| {}).expect("the command can be run")
}

fn stdout(observation: &Observation) -> String {
    let output = observation.output.as_ref().expect("a captured run has output");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn codes(observation: &Observation) -> Vec<&'static str> {
    observation.notices.iter().map(Notice::code).collect()
}

#[test]
fn the_exit_status_is_kept() {
    for code in [0, 3, 255] {
        let observation = run_quietly(&format!("exit {code}"));
        assert_eq!(observation.exit, Some(Exit::Code(code)));
        assert!(observation.complete);
        assert_eq!(codes(&observation).contains(&"target-failed"), code != 0);
    }
}

#[test]
fn a_death_by_signal_is_seen() {
    for signal in [9, 15, 34] {
        let observation = run_quietly(&format!("kill -{signal} $$; sleep 60"));
        assert_eq!(observation.exit, Some(Exit::Signal(signal)));
        assert!(observation.complete, "it came to its own end");
    }
}

#[test]
fn a_command_that_cannot_run_is_refused_with_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, content: &[u8], mode| -> Result<OsString> {
        let file = folder.path().join(name);
        fs::write(&file, content)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
        Ok(file.into_os_string())
    };
    let refused = |command: &OsStr, said: &str| {
        let error = observe(&words(&[command]), &Settings::default(), &mut |_| {}).expect_err("it cannot run");
        assert!(error.to_string().contains(said), "{error}");
        error
    };
    for absent in ["", "no-such-command-at-all", "./no/such/file"] {
        assert!(matches!(refused(OsStr::new(absent), "no such command"), Error::NotFound { .. }));
    }
    for (command, said) in [
        (folder.path().as_os_str().to_owned(), "directory"),
        (write("unmarked", b"#!/bin/sh\n", 0o644)?, "chmod +x"),
        (write("orphaned", b"#!/no/such/shell -e\n", 0o755)?, "/no/such/shell"),
        (write("foreign", b"\x7fELF\0\0\0\0", 0o755)?, "architecture"),
        (OsString::from("a\0b"), "NUL"),
    ] {
        assert!(matches!(refused(&command, said), Error::NotExecutable { .. }));
    }
    Ok(())
}

#[test]
fn a_script_without_a_first_line_is_run_by_the_shell() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("script");
    fs::write(&script, "echo \"$1 $2\"\n")?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let observation = capture(&[script.as_os_str(), OsStr::new("one"), OsStr::new("two")], b"", None);
    assert_eq!(stdout(&observation), "one two\n");
    Ok(())
}

#[test]
fn words_that_are_no_utf8_arrive_unchanged() {
    let word = OsString::from_vec(b"\xff\xfe a\n\x80".to_vec());
    let observation = capture(&[OsStr::new("printf"), OsStr::new("%s"), &word], b"", None);
    let output = observation.output.expect("a captured run has output");
    assert_eq!(output.stdout, word.as_bytes());
}

#[test]
fn a_target_that_closes_its_streams_is_watched_to_its_end() {
    let closing = "exec <&- >&- 2>&-; sleep 0.2; exit 5";
    for observation in [run_quietly(closing), capture(&["sh", "-c", closing], b"unread", None)] {
        assert_eq!(observation.exit, Some(Exit::Code(5)));
        assert!(observation.wall >= Duration::from_millis(200));
    }
}

#[test]
fn totals_account_for_two_thousand_short_children() {
    measured(|| {
        let script = "i=0; while [ $i -lt 2000 ]; do (:); i=$((i+1)); done; times";
        let observation = capture(&["sh", "-c", script], b"", None);
        let told: f64 = stdout(&observation).split_ascii_whitespace().filter_map(seconds).sum();
        let kernel = observation.totals.cpu().as_secs_f64();
        // `times` tells in steps of 10 ms or of 1 µs, rounded down, four times; the kernel adds the shell's own last breath.
        assert!((kernel - told).abs() < 0.05 + told * 0.01, "the shell says {told} s, the totals {kernel} s");
        assert!(observation.totals.voluntary_switches >= 2000, "the shell waited for each child");
    });
}

/// A time as the shell's `times` writes it: `0m1.25s`.
fn seconds(word: &str) -> Option<f64> {
    let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[test]
fn a_captured_run_reads_its_input_and_its_output_is_bounded() {
    let input = vec![b'a'; 3 << 20];
    let observation = capture(&["cat"], &input, None);
    assert_eq!(observation.output.expect("it was captured").stdout, input);

    let observation = capture(&["sh", "-c", "head -c 50000000 /dev/zero; echo done >&2"], b"", None);
    let output = observation.output.expect("it was captured");
    assert_eq!(output.stdout.len(), 8 << 20);
    assert_eq!(output.stderr, b"done\n");
}

#[test]
fn a_timeout_ends_the_whole_group() -> Result<()> {
    let script = "sleep 60 & echo $!; sleep 60";
    let observation = capture(&["sh", "-c", script], b"", Some(Duration::from_millis(300)));
    assert!(observation.timed_out && !observation.complete);
    assert_eq!(observation.exit, Some(Exit::Signal(9)));
    let left: i32 = stdout(&observation).trim().parse().expect("the script prints an id");
    assert!(has_ended(left));
    Ok(())
}

/// Whether a process is gone or about to be: a zombie counts, because its reaper may be another thread or process.
fn has_ended(pid: i32) -> bool {
    let ended = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains(") Z ") || stat.contains(") X "),
        Err(_) => true,
    };
    (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        ended()
    })
}

/// The signals of that line of a status.
fn signals(status: &str, field: &str) -> u64 {
    let set = status.lines().find_map(|line| line.strip_prefix(field)).expect("the kernel tells it");
    u64::from_str_radix(set, 16).expect("hexadecimal")
}

#[test]
fn the_target_starts_with_the_signals_that_we_were_given_and_no_descriptor_of_ours() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let ask = "exec grep Sig /proc/self/status >$1";
    run(ask, file.path());
    let watched = fs::read_to_string(file.path())?;
    assert!(Command::new("sh").args(["-c", ask, "sh"]).arg(file.path()).status()?.success());
    let plain = fs::read_to_string(file.path())?;
    // Two signals belong to the C library, whose posix_spawn (cargo's way of starting us) may leave them ignored. The
    // library of Rust gives every child the default for SIGPIPE, we what there was: the default unless whoever started
    // the tests (Python, a shell with `&`) ignores signals, which the others tell.
    let (c_library, pipe) = (0b11 << 31, 1 << 12);
    for field in ["SigBlk:\t", "SigIgn:\t"] {
        let (watched, plain) = (signals(&watched, field) & !c_library, signals(&plain, field) & !c_library);
        let unsure = if plain == 0 { 0 } else { pipe };
        assert_eq!(watched & !unsure, plain & !unsure, "{field}");
    }

    // What we were started with open, a target is given too.
    let list = "exec ls /proc/self/fd >$1";
    run(list, file.path());
    let watched = fs::read_to_string(file.path())?;
    let started = Command::new("sh").args(["-c", list, "sh"]).arg(file.path()).status()?;
    assert!(started.success());
    assert_eq!(watched, fs::read_to_string(file.path())?);
    Ok(())
}

/// The process group and session in `/proc/PID/stat`.
fn group_and_session(stat: &str) -> Vec<&str> {
    let (_, after_name) = stat.rsplit_once(") ").expect("the name is in brackets");
    after_name.split(' ').skip(2).take(2).collect()
}

#[test]
fn a_user_s_run_stays_in_our_process_group_and_a_captured_one_has_its_own() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    run("cat /proc/self/stat >$1", file.path());
    let (theirs, ours) = (fs::read_to_string(file.path())?, fs::read_to_string("/proc/self/stat")?);
    assert_eq!(group_and_session(&theirs), group_and_session(&ours));

    let captured = stdout(&capture(&["cat", "/proc/self/stat"], b"", None));
    let [group, session] = group_and_session(&captured)[..] else { panic!("two fields") };
    assert_eq!(Some(group), captured.split(' ').next(), "it founded a group");
    assert_eq!(session, group_and_session(&ours)[1]);
    Ok(())
}

#[test]
fn many_runs_leave_nothing_open() -> Result<()> {
    capture(&["true"], b"", None);
    let open = || -> Result<usize> { Ok(fs::read_dir("/proc/self/fd")?.count()) };
    let before = open()?;
    for _ in 0..40 {
        capture(&["true"], b"input", None);
        run_quietly(":");
        observe(&words(&["no-such-command"]), &Settings::default(), &mut |_| {}).expect_err("it is not there");
    }
    // Other tests of this file run beside this one and hold a dozen or so.
    assert!(open()? < before + 40);
    Ok(())
}

#[test]
fn progress_is_told_a_few_times_a_second() {
    measured(|| {
        let mut told = Vec::new();
        let settings = Settings::default();
        observe(&words(&["sleep", "0.7"]), &settings, &mut |progress| told.push(progress.elapsed))
            .expect("sleep can be run");
        assert!((2..=5).contains(&told.len()), "{told:?}");
        assert!(told.is_sorted());
    });
}

#[test]
fn counters_are_there_or_missed_aloud() {
    let observation = run_quietly("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; (:)");
    let counted = |name| observation.counters.iter().find(|counter| counter.name == name).map(|counter| counter.value);
    let missed = |word| {
        observation
            .notices
            .iter()
            .any(|notice| matches!(notice, Notice::Unavailable { what, .. } if what.contains(word)))
    };
    for (name, group) in
        [("task-clock", "task clock"), ("context-switches", "switches"), ("instructions", "instructions")]
    {
        assert_ne!(counted(name).is_some(), missed(group), "{name}");
        assert_ne!(counted(name), Some(0), "{name}");
    }
}

#[test]
fn what_we_were_before_the_target_is_no_launch() {
    measured(|| {
        for _ in 0..10 {
            assert_eq!(capture(&["sleep", "0.05"], b"", None).launch, None);
        }
    });
}

#[test]
fn the_helpers_of_a_launcher_are_nobody_s_missing_work() {
    measured(|| {
        let observation = run_quietly("i=0; while [ $i -lt 30 ]; do /bin/true; i=$((i+1)); done; exec sleep 0.3");
        let launch = observation.launch.expect("a shell went before");
        assert!(launch.until < observation.wall && launch.ticks < observation.sampling.ticks, "{launch:?}");
        assert!(!codes(&observation).contains(&"unseen-workers"), "{:?}", observation.notices);
        // What was seen in the tick that found the program is the program's: the shell never slept.
        let slept = |before: bool| -> u32 {
            let workers = observation.workers.iter().filter(|worker| (worker.died <= launch.until) == before);
            workers.map(|worker| worker.blocked_ticks[BlockedKind::Timer]).sum()
        };
        assert_eq!(slept(true), 0, "{:#?}", observation.workers);
        assert!(slept(false) > 0, "{:#?}", observation.workers);
        let profile = concadvise::profile::Profile::of(&observation, &concadvise::host::Host::default());
        let today = (profile.today.processes, profile.today.threads);
        assert_eq!(today, (1, 1), "{launch:?} {:#?} {:#?}", observation.workers, profile.workers);
        assert!(profile.startup >= launch.until);
        assert!(profile.demand.wait_count.is_some_and(|count| count < 10), "{:?}", profile.demand);
    });
}
