//! What a person is promised who compares two commits beside one another: each runs in a folder of its own, made by the
//! same command, in turn; nothing of theirs is touched and nothing is left; and what goes wrong is a sentence.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

#[path = "support/measured.rs"]
mod measured;

use measured::measured;
use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Scene, scene};

/// git in a folder, with nobody's configuration and no hook's environment.
fn git(folder: &Path, line: &str) -> String {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        git.env_remove(name);
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder);
    git.args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]);
    let ran = git.args(line.split(' ')).output().expect("git is installed");
    assert!(ran.status.success(), "git {line}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// A scene that is a repository with two commits, each of those files over those before.
fn repository<T: AsRef<str>>(base: &[(&str, T)], head: &[(&str, T)]) -> Scene {
    let mut scene = scene().file(".gitignore", 0o644, ".stderr\nlog\n");
    git(&scene.path("."), "init --quiet");
    for files in [base, head] {
        scene = files.iter().fold(scene, |scene, (name, text)| scene.file(name, 0o755, text.as_ref()));
        git(&scene.path("."), "add --all");
        git(&scene.path("."), "commit --quiet --allow-empty -m x");
    }
    scene
}

/// Says which revision it is, what was built, where it runs, and what git thinks, and then waits a little.
fn app(revision: &str) -> String {
    format!("echo {revision} $(cat made -) $(pwd) $PWD $(git rev-parse --show-toplevel) >> $LOG\nsleep 0.3\n")
}

#[test]
fn both_sides_are_made_and_run_in_turn_in_folders_of_their_own_and_nothing_is_left() {
    let build =
        |revision: &str| format!("#!/bin/sh\ntest ! -e made && echo made-of-{revision} > made && echo building\n");
    // Without trials no run is evidence, and so none is made up for.
    let config = "[[target]]\nname = \"app\"\ncommand = [\"sh\", \"app.sh\"]\noptions = [\"--no-trials\"]\n";
    let files = |revision: &str| {
        let config = ("in/concadvise.config.toml", config.to_owned());
        [("in/app.sh", app(revision)), ("in/build.sh", build(revision)), config]
    };
    let scene = repository(&files("old"), &files("new"));
    let hook = "#!/bin/sh\necho hooked >> $LOG\n";
    let scene = scene.file(".git/hooks/post-checkout", 0o755, hook);
    // Edited and not committed, half of it staged.
    let scene = scene.file("in/app.sh", 0o755, "echo edited >> $LOG\n");
    git(&scene.path("."), "add in/app.sh");
    let scene = scene.file("in/app.sh", 0o755, "echo edited again >> $LOG\n").file("in/new", 0o644, "");
    let log = scene.path("log");
    let state = |folder: &Path| {
        let index = fs::read(folder.join(".git/index")).expect("an index");
        let told = ["status --porcelain", "branch --all", "stash list", "worktree list"].map(|line| git(folder, line));
        (index, told)
    };
    let before = state(&scene.path("."));
    let ran = scene
        .below("in")
        .env("LOG", &log.to_string_lossy())
        .env("GIT_DIR", "/nonexistent")
        .input(b"for-one-alone")
        .env("GIT_INDEX_FILE", "/nonexistent")
        .type_in("gate --paired HEAD~1 --build ./build.sh --fail-on-inconclusive")
        .exits(3)
        .says("what is not committed is not what runs")
        .says("building");
    let page = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        page.contains("app: inconclusive") && page.contains("the base is HEAD~1 (") && !page.contains("building"),
        "{page}"
    );
    let log = fs::read_to_string(log).expect("they ran");
    let lines: Vec<Vec<&str>> = log.lines().map(|line| line.split(' ').collect()).collect();
    let revisions: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(revisions, ["old", "new", "new", "old"], "{log}");
    for line in &lines {
        let [revision, made, folder, variable, top] = line.as_slice() else { panic!("five words: {log}") };
        let side = if *revision == "old" { "base" } else { "head" };
        assert_eq!((*made, *folder), (&*format!("made-of-{revision}"), *variable), "{log}");
        assert!(folder.ends_with(&format!("/{side}/in")) && top.ends_with(&format!("/{side}")), "{log}");
        assert!(!Path::new(top).exists(), "{top} is left");
    }
    assert_eq!(state(&ran.path(".")), before);
    assert!(!ran.has(".git/worktrees"), "git still knows them");
}

#[test]
fn a_signal_ends_the_run_and_leaves_nothing() {
    let app = "git rev-parse --show-toplevel > $LOG.part; mv $LOG.part $LOG; exec sleep 600\n";
    let scene = repository(&[("app.sh", app)], &[]);
    let log = scene.path("log").to_string_lossy().into_owned();
    let running = scene.env("LOG", &log).begin("gate --paired HEAD -- sh app.sh").writes("log");
    let ran = running.send(Signal::SIGTERM).end().dies_of(Signal::SIGTERM);
    let top = fs::read_to_string(ran.path("log")).expect("it ran");
    assert!(!Path::new(top.trim_end()).exists(), "{top} is left");
    assert!(!ran.has(".git/worktrees") && !String::from_utf8_lossy(&ran.stdout).contains("passes"));
}

#[test]
fn what_cannot_be_compared_is_told_what_to_do() {
    let base = [("app.sh", "true\n"), ("check.sh", "#!/bin/sh\ntest ! -e app.py\n")];
    let two = || repository(&base, &[("new/app.sh", "true\n"), ("app.py", "")]);
    let here = two();
    let absolute = format!("gate --paired HEAD~1 -- sh {}", here.path("app.sh").display());
    here.type_in(&absolute).exits(2).says("both sides would run the same code").says("as in app.sh");
    for (line, status, says) in [
        ("gate --paired HEAD~7 -- true", 2, "git knows no commit HEAD~7 here"),
        ("gate --paired nobody -- true", 2, "git fetch"),
        ("gate --paired=-x -- true", 2, "git knows no commit -x"),
        ("gate --paired HEAD", 2, "[[target]]"),
        ("gate --paired HEAD r.toml", 2, "cannot be used with"),
        ("gate --paired HEAD --update -- true", 2, "cannot be used with"),
        ("gate --paired HEAD --pairs 1 -- true", 2, "2..=50"),
        ("gate --build make -- true", 2, "--paired"),
        ("gate --paired HEAD~1 --build false -- true", 4, "failed (exit status: 1) at HEAD~1 ("),
        ("gate --paired HEAD~1 --build ./check.sh -- true", 4, "failed (exit status: 1) at HEAD ("),
        ("gate --paired HEAD -- ./missing", 2, "could not be run"),
    ] {
        let ran = two().type_in(line).exits(status).says(says);
        assert!(!ran.has(".git/worktrees"), "{line} leaves worktrees");
    }
    two().below("new").type_in("gate --paired HEAD~1 -- sh app.sh").exits(2).says("HEAD~1 has no folder new");
    two().env("PATH", "/nonexistent").type_in("gate --paired HEAD -- true").exits(2).says("there is no git in PATH");
    scene().env("GIT_CEILING_DIRECTORIES", "/").type_in("gate --paired HEAD -- true").exits(2).says("and here is none");
    let empty = scene();
    git(&empty.path("."), "init --quiet");
    empty.type_in("gate --paired HEAD -- true").exits(2).says("there is no commit yet");
    let (origin, clone) = (two(), scene());
    git(&clone.path("."), &format!("clone --quiet --depth 1 file://{} here", origin.path(".").display()));
    clone.below("here").type_in("gate --paired HEAD~1 -- sh app.sh").exits(2).says("fetch-depth: 0");
}

#[test]
fn a_program_that_the_change_adds_is_not_compared_and_fails_nothing() {
    let scene = || repository(&[], &[("app", "#!/bin/sh\nsleep 0.2\n")]);
    let ran = scene().type_in("gate --paired HEAD~1 --budget 200ms -- ./app").exits(0);
    let page = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(page.contains("app is not compared, HEAD~1 (") && page.contains("no targets: the gate passes"), "{page}");
    scene().type_in("gate --paired HEAD~1 --budget 200ms --fail-on-inconclusive -- ./app").exits(3);
}

#[test]
fn waiting_that_became_computing_fails_when_that_is_sure_and_is_never_called_the_same() {
    let waits = "import time\nfor _ in range(20):\n    time.sleep(0.1)\n";
    let computes = "import time\nwhile time.process_time() < 2.0:\n    sum(range(1000))\n";
    let paired = |rev: &str| {
        let config = "[[target]]\nname = \"app\"\ncommand = [\"python3\", \"app.py\"]\n";
        let scene = repository(&[("app.py", waits), ("concadvise.config.toml", config)], &[("app.py", computes)]);
        scene.type_in(&format!("gate --paired {rev} --budget 6s"))
    };
    measured(|| {
        let ran = paired("HEAD~1");
        let page = String::from_utf8_lossy(&ran.stdout).into_owned();
        // On a machine that others use it may be inconclusive, as it should; that it is changed where it is sure is claimed in `gate::pairs`.
        let (changed, unsure) = (page.contains("app: changed (drift of code)"), page.contains("app: inconclusive"));
        assert!(changed || unsure, "{page}");
        let ran = ran.exits(i32::from(changed));
        assert_eq!(changed, page.contains("runs agree on it"), "{page}{}", ran.stderr);
        assert!(page.contains("moved   wait_share") && !page.contains("gate --update"), "{page}");
    });
    measured(|| paired("HEAD").exits(0).says("both sides are the same commit"));
}

#[test]
fn errors_on_lines_that_the_pull_request_changed_are_annotated_first() {
    let clean = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/primes/expected.toml"));
    let clean = clean.expect("a sample");
    let error = |path: &str, line: u32| {
        format!(
            "\n[[finding]]\ncode = \"CON204\"\nlevel = \"error\"\npath = \"{path}\"\nline = {line}\nmessage = \"m\"\n"
        )
    };
    let places = [("a.py", 1), ("a.py", 3), ("na ïve.py", 2), ("other/c.py", 1)];
    let report = clean.clone() + &places.map(|(path, line)| error(path, line)).concat();
    let made = scene().file("r.toml", 0o644, &clean).type_in("gate --update app=r.toml").exits(0);
    let baseline = fs::read_to_string(made.path("concadvise.baseline.toml")).expect("a baseline");
    let base = [("in/a.py", "1\n2\n3\n"), ("in/na ïve.py", "1\n")];
    let head = [("in/a.py", "1\n2\nthree\n"), ("in/na ïve.py", "1\n2\n"), ("c.py", "1\n")];
    for (options, variable, order) in [
        ("--base main~1", "", ["a.py,line=3", "na ïve.py,line=2", "a.py,line=1", "other/c.py,line=1"]),
        ("", "main", ["a.py,line=3", "na ïve.py,line=2", "a.py,line=1", "other/c.py,line=1"]),
        ("", "", ["a.py,line=1", "a.py,line=3", "na ïve.py,line=2", "other/c.py,line=1"]),
        ("--base nobody", "", ["a.py,line=1", "a.py,line=3", "na ïve.py,line=2", "other/c.py,line=1"]),
    ] {
        let scene = repository(&base, &head).file("in/r.toml", 0o644, &report);
        git(&scene.path("."), "branch -M main");
        git(&scene.path("."), "update-ref refs/remotes/origin/main main~1");
        let scene = scene.file("in/concadvise.baseline.toml", 0o644, &baseline).env("GITHUB_BASE_REF", variable);
        let ran = scene.below("in").type_in(&format!("gate app=r.toml --format github {options}")).exits(1);
        let page = String::from_utf8_lossy(&ran.stdout).into_owned();
        let places = page.lines().filter_map(|line| line.strip_prefix("::error file=")?.split_once(",title"));
        assert_eq!(places.map(|(place, _)| place).collect::<Vec<_>>(), order, "{options} {variable}: {page}");
        assert_eq!(ran.stderr.contains("is not known, so all are alike"), options.contains("nobody"), "{}", ran.stderr);
    }
}
