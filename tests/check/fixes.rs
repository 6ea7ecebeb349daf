//! `--fix`, `--unsafe-fixes`, `--diff`: what is changed, what is not, and that it can be looked at before.

use super::{page, project};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

const SCRIPT: &str = "\
import asyncio
import time
from concurrent.futures import ProcessPoolExecutor


async def wait():
    time.sleep(1)


with ProcessPoolExecutor() as pool:
    print(list(pool.map(abs, [1])))
";

fn guarded(script: &str) -> String {
    let (head, block) = script.split_once("with ").expect("a block");
    format!("{head}if __name__ == \"__main__\":\n    with {}", block.replace("\n    ", "\n        "))
}

#[test]
fn safe_fixes_are_applied_and_unsafe_ones_only_when_asked_for() {
    let ran = project(&[("app.py", SCRIPT)]).type_in("check").exits(1);
    let told = page(&ran);
    assert!(told.contains("= with --fix: put it below") && told.contains("= with --unsafe-fixes: use await"), "{told}");
    assert!(told.ends_with("2 warnings; 1 can be fixed with --fix, 1 more with --unsafe-fixes\n"), "{told}");

    let ran = project(&[("app.py", SCRIPT)]).type_in("check --fix").exits(1).says("1 fix applied in 1 file");
    assert_eq!(fs::read_to_string(ran.path("app.py")).expect("it is there"), guarded(SCRIPT));
    assert!(page(&ran).ends_with("1 warning; 1 can be fixed with --unsafe-fixes\n"), "{}", page(&ran));

    let ran = project(&[("app.py", SCRIPT)]).type_in("check --unsafe-fixes").exits(0).says("2 fixes applied in 1 file");
    let expected = guarded(SCRIPT).replace("time.sleep(1)", "await asyncio.sleep(1)");
    assert_eq!(fs::read_to_string(ran.path("app.py")).expect("it is there"), expected);
    assert!(page(&ran).ends_with("no findings\n"), "{}", page(&ran));
}

#[test]
fn a_fixed_program_runs() {
    let ran = project(&[("app.py", SCRIPT)]).type_in("check --unsafe-fixes").exits(0);
    let ran = Command::new("python3").arg(ran.path("app.py")).output().expect("python3");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "[1]\n");
}

#[test]
fn what_is_suppressed_or_not_asked_for_is_not_fixed() {
    let ignored = "[tool.concadvise.check]\nper-file-ignores = { 'app.py' = ['CON204'] }\n";
    for (files, line) in [
        (&[("app.py", SCRIPT)][..], "check --fix --ignore CON204"),
        (&[("app.py", SCRIPT), ("pyproject.toml", ignored)], "check --fix"),
        (&[("app.py", &*format!("# concadvise: noqa: CON204\n{SCRIPT}"))], "check --fix"),
    ] {
        let ran = project(files).type_in(line).exits(1).says_nothing();
        let text = fs::read_to_string(ran.path("app.py")).expect("it is there");
        assert_eq!(text, files[0].1, "{line}");
    }
}

#[test]
fn a_diff_is_what_patch_applies_and_nothing_is_written() {
    let ran = project(&[("app.py", SCRIPT), ("b.py", "x = 1\n")]).type_in("check --diff --unsafe-fixes").exits(1);
    assert_eq!(fs::read_to_string(ran.path("app.py")).expect("it is there"), SCRIPT);
    let diff = page(&ran);
    assert!(diff.starts_with("--- a/app.py\n+++ b/app.py\n@@ "), "{diff}");
    assert!(diff.contains("-    time.sleep(1)\n+    await asyncio.sleep(1)\n"), "{diff}");
    // `git apply` is on every machine that builds this.
    let mut git = Command::new("git")
        .args(["apply", "-"])
        .current_dir(ran.folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("git");
    git.stdin.take().expect("a pipe").write_all(diff.as_bytes()).expect("it reads");
    assert!(git.wait().expect("it ends").success(), "{diff}");
    let expected = guarded(SCRIPT).replace("time.sleep(1)", "await asyncio.sleep(1)");
    assert_eq!(fs::read_to_string(ran.path("app.py")).expect("it is there"), expected);
    project(&[("b.py", "x = 1\n")]).type_in("check --diff").exits(0).prints("");
}

#[test]
fn the_files_mode_and_line_ends_stay_and_a_link_stays_a_link() {
    let text = format!("\u{feff}{}", SCRIPT.replace('\n', "\r\n"));
    let scene = project(&[]).file("real.py", 0o640, &text);
    // The link is made by a first run's folder, which is this one.
    let ran = scene.type_in("check --diff --isolated real.py").exits(1);
    symlink("real.py", ran.path("link.py")).expect("a link");
    let again = Command::new(env!("CARGO_BIN_EXE_concadvise"))
        .args(["check", "--fix", "--select", "CON204", "link.py"])
        .current_dir(ran.folder.path())
        .output()
        .expect("concadvise starts");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(fs::symlink_metadata(ran.path("link.py")).expect("it is there").is_symlink());
    let real = fs::metadata(ran.path("real.py")).expect("it is there");
    assert_eq!(real.permissions().mode() & 0o777, 0o640);
    let expected = format!("\u{feff}{}", guarded(SCRIPT).replace('\n', "\r\n"));
    assert_eq!(fs::read_to_string(ran.path("real.py")).expect("text"), expected);
}

#[test]
fn a_notebook_and_what_does_not_parse_are_refused_with_a_sentence() {
    let book =
        r#"{"cells": [{"cell_type": "code", "source": "import asyncio, time\nasync def f():\n    time.sleep(1)"}]}"#;
    let ran = project(&[("book.ipynb", book)]).type_in("check --unsafe-fixes").exits(1).says("it is a notebook");
    assert_eq!(fs::read_to_string(ran.path("book.ipynb")).expect("it is there"), book);
    let broken = format!("{SCRIPT}x = (\n");
    let ran = project(&[("app.py", &*broken)]).type_in("check --unsafe-fixes").exits(1).says("not fixed: line");
    assert_eq!(fs::read_to_string(ran.path("app.py")).expect("it is there"), broken);
}
