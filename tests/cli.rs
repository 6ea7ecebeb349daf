//! What a person at the command line is promised: the target's own end, streams and signals; a report in every case
//! that has a run; a sentence in every case that has none.

#[path = "support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::report::recording::Recording;
use concadvise::report::schema::Document;
use concadvise::report::toml::read;
use concadvise::rules::Rules;
use concadvise::run::replay;
use measured::measured;
use nix::sys::signal::Signal;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;
use support::{scene, trying_scene};

#[test]
fn without_a_command_it_says_what_to_type() {
    scene().type_in("").exits(125).says("concadvise -- python3 app.py");
    scene().type_in("./prog --flag").exits(125).says("concadvise -- ./prog --flag");
    scene().type_in("--help").exits(0).says_nothing();
}

#[test]
fn a_command_that_is_not_there_is_127() {
    scene().watch(["no-such-command-anywhere"]).exits(127).says("no such command");
    scene().watch(["./no/such/file"]).exits(127).says("./no/such/file");
}

#[test]
fn a_file_that_may_not_be_executed_is_126() {
    scene().file("data.txt", 0o644, "hello").watch(["./data.txt"]).exits(126).says("data.txt");
}

#[test]
fn a_folder_is_126() {
    scene().watch(["/tmp"]).exits(126).says("/tmp");
}

#[test]
fn a_script_with_a_bad_interpreter_is_126_and_the_interpreter_is_named() {
    let ran = scene().file("run.py", 0o755, "#!/no/such/python\n").watch(["./run.py"]);
    ran.exits(126).says("/no/such/python");
}

#[test]
fn the_targets_status_is_ours() {
    for status in [0, 1, 3, 125, 255] {
        let ran = scene().watch_shell(&format!("exit {status}"));
        ran.exits(status).reports("target.exit_code", &status.to_string());
    }
}

#[test]
fn the_targets_signal_is_ours() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGSEGV, Signal::SIGPIPE] {
        let ran = scene().watch_shell(&format!("kill -{} $$", signal as i32));
        ran.dies_of(signal).reports("target.signal", &(signal as i32).to_string());
    }
}

#[test]
fn a_failing_target_is_reported_and_nothing_is_concluded_from_it() {
    let ran = trying_scene().watch_shell("exit 3").exits(3);
    let ran = ran.notices("target-failed").notices("trials-skipped");
    ran.reports("classification.class", "\"inconclusive\"");
}

#[test]
fn its_streams_and_environment_are_the_targets_own() {
    let ran = scene().input(b"typed in").watch_shell("cat; echo; echo oops >&2; echo $PWD");
    let folder = fs::canonicalize(ran.folder.path()).expect("a folder");
    ran.exits(0).says("oops").prints(&format!("typed in\n{}\n", folder.display()));
}

#[test]
fn a_quiet_run_says_nothing_of_its_own() {
    let ran = scene().option("--quiet").watch(["echo", "hello"]);
    ran.exits(0).says_nothing().prints("hello\n").reports("schema_version", "1");
}

#[test]
fn a_report_on_standard_output_comes_after_what_the_target_printed() {
    let ran = scene().option("--output").option("-").watch(["echo", "hello"]).exits(0).says("The work");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
    let report = printed.strip_prefix("hello\n").expect("the target's line first");
    assert_eq!(read(report).map(|report| report.target.exit_code), Ok(Some(0)));
    assert!(!ran.has("concadvise.toml"));
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_the_table_is_printed_all_the_same() {
    for (path, cause) in [("none/report.toml", "not found"), (".", "directory"), ("/dev/full", "No space left")] {
        let ran = scene().option("--output").option(path).watch(["true"]);
        ran.exits(125).says("The work").says(&format!("cannot write {path}")).says(cause);
    }
}

#[test]
fn a_report_into_a_pipe_is_written_once() {
    let scene = trying_scene().pipe("pipe").option("--output").option("pipe").option("--budget").option("300ms");
    let running = scene.start(["sleep", "0.6"]);
    let text = fs::read_to_string(running.path("pipe")).expect("what the pipe brought");
    running.end().exits(0);
    assert_eq!(read(&text).map(|report| report.complete), Ok(true), "{text}");
}

#[test]
fn the_targets_failure_goes_before_our_own() {
    scene().option("--output").option("none/x").watch_shell("exit 3").exits(3).says("cannot write none/x");
}

#[test]
fn broken_rules_are_refused_before_the_target_runs() {
    let broken = "class = \"cpu-bound\"\n[[rule]]\nid = \n";
    let ran =
        scene().file("mine/cpu_bound.toml", 0o644, broken).option("--rules").option("mine").watch(["touch", "ran"]);
    let ran = ran.exits(125).says("cpu_bound.toml").says("The target was not run");
    assert!(!ran.has("ran") && !ran.has("concadvise.toml"));
}

#[test]
fn words_that_are_no_text_reach_the_target_and_the_report() {
    let odd = OsString::from_vec(vec![b'a', 0xff, 0xfe]);
    let argv = ["sh", "-c", "printf %s \"$1\" | od -An -tx1", "sh"].map(OsString::from);
    let ran = scene().watch(argv.into_iter().chain([odd])).exits(0).prints(" 61 ff fe\n");
    let command = ran.key("target.command");
    assert!(command.contains(r"a\xff\xfe"), "{command}");
}

#[test]
fn an_interrupt_is_passed_on_and_the_report_is_marked_incomplete() {
    let patient = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.02; done";
    let ran = scene().start(["sh", "-c", patient]).prints("ready").send(Signal::SIGINT).end();
    ran.exits(7).prints("caught\n").reports("complete", "false").notices("interrupted");
}

#[test]
fn being_told_to_end_ends_the_target_and_then_us() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let ran = scene().start(["sh", "-c", "echo ready; exec sleep 300"]).prints("ready").send(signal).end();
        ran.dies_of(signal).reports("complete", "false").reports("target.signal", &(signal as i32).to_string());
    }
}

#[test]
fn an_interrupt_among_the_trials_keeps_what_the_run_showed() {
    measured(|| {
        let running = trying_scene().option("--budget").option("100s").start(["sleep", "0.6"]);
        let ran = running.writes("concadvise.toml").send(Signal::SIGINT).end();
        ran.dies_of(Signal::SIGINT)
            .reports("complete", "false")
            .notices("trials-interrupted")
            .reports("target.exit_code", "0");
    });
}

#[test]
fn a_target_that_closes_its_streams_is_watched_all_the_same() {
    scene().watch_shell("exec 0<&- 1>&- 2>&-; exit 4").exits(4).reports("target.exit_code", "4");
}

#[test]
fn a_target_of_a_millisecond_is_too_short_to_judge_and_is_said_so() {
    measured(|| {
        let ran = scene().watch(["true"]).exits(0).reports("complete", "true");
        ran.reports("classification.class", "\"inconclusive\"").says("To settle it");
    });
}

#[test]
fn hundreds_of_megabytes_pass_by_untouched() {
    let ran = scene().stdout(Stdio::null()).watch(["head", "-c", "200000000", "/dev/zero"]);
    ran.exits(0).reports("complete", "true");
}

#[test]
fn two_thousand_short_children_are_all_accounted_for() {
    measured(|| {
        let script = "i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done";
        let ran = scene().watch_shell(script).exits(0).reports("complete", "true");
        let cpu: f64 = ran.key("profile.cpu_s").parse().expect("a number");
        assert!(cpu > 0.1, "2,000 processes cost more CPU than {cpu} s");
    });
}

#[test]
fn of_a_thousand_threads_the_heaviest_are_listed() {
    measured(|| {
        let script = "import threading, time\n\
                  started = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(1000)]\n\
                  [t.start() for t in started]\n[t.join() for t in started]\n";
        let ran = scene().watch(["python3", "-c", script]).exits(0).notices("workers-not-listed");
        let listed = ran.report().get("worker").and_then(|rows| rows.as_array().map(Vec::len));
        assert_eq!(listed, Some(256));
    });
}

#[test]
fn a_daemon_is_left_alone_and_said_to_be_left() {
    let ran = scene().watch_shell("setsid sleep 5 </dev/null >/dev/null 2>&1 & sleep 0.2; exit 0");
    ran.exits(0).notices("left-behind").reports("complete", "true");
}

#[test]
fn a_report_is_shown_again_as_it_was_shown_first() {
    let ran = scene().watch(["sleep", "0.2"]).exits(0);
    let page = ran.stderr.split("\nThe whole report is in").next().expect("the page").trim_start().to_owned();
    let report = fs::read_to_string(ran.path("concadvise.toml")).expect("the report");
    let again = || scene().file("r.toml", 0o644, &report);
    again().type_in("report r.toml").exits(0).prints(&page);
    again().type_in("report r.toml --format toml").exits(0).prints(&report);
}

#[test]
fn a_report_that_is_none_is_refused() {
    for (text, sentence) in [("", "schema_version"), ("schema_version = 9", "schema_version 9"), ("]", "not TOML")] {
        scene().file("r.toml", 0o644, text).type_in("report r.toml").exits(2).says("r.toml").says(sentence).prints("");
    }
    scene().type_in("report none.toml").exits(2).says("none.toml");
}

#[test]
fn a_recording_is_judged_again_as_it_was_judged_live() {
    measured(|| {
        let ran = scene().option("--record").option("run.json").watch(["sleep", "0.6"]).exits(0);
        let recording = Recording::read(&ran.path("run.json")).expect("a recording");
        let again = Document::of(&replay(recording, &Rules::embedded()));
        let live = read(&fs::read_to_string(ran.path("concadvise.toml")).expect("the report"));
        assert_eq!(live, Ok(again));
    });
}

#[test]
fn rules_are_listed_shown_and_checked() {
    let ran = scene().type_in("rules list").exits(0);
    let listed = String::from_utf8_lossy(&ran.stdout).into_owned();
    let id = listed.lines().find(|line| line.starts_with("  ")).and_then(|line| line.split_whitespace().next());
    let id = id.expect("a rule").to_owned();
    let shown = scene().type_in(&format!("rules show {id}")).exits(0);
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&id));
    scene().type_in(&format!("explain {id}")).exits(0);
    scene().type_in("rules show no-such-rule").exits(2).says("no-such-rule");
    scene().file("mine/x.toml", 0o644, "class = 3").type_in("rules check mine").exits(1).says("x.toml");
}

#[test]
fn completions_and_the_manual_are_printed() {
    for line in ["completions bash", "completions fish", "man", "--version"] {
        let ran = scene().type_in(line).exits(0).says_nothing();
        assert!(!ran.stdout.is_empty() && !String::from_utf8_lossy(&ran.stdout).contains("__twin"));
    }
}
