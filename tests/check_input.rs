//! Input that a check meets and cannot read, or had better not: it is told of, and everything else is checked.

#[path = "support/rights.rs"]
mod rights;

use rights::concadvise_without_rights;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

const BLOCKED: &str = "import time\n\n\nasync def fetch():\n    time.sleep(1)\n";

/// A folder with one file that has a finding.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("app.py"), BLOCKED).expect("a file");
    folder
}

/// Checks as one who may read only what its permissions say.
fn check(folder: &Path, words: &[&str]) -> Output {
    let mut command = concadvise_without_rights();
    command.arg("check").args(words).current_dir(folder).output().expect("it can be run")
}

/// Runs a check while `name` in a folder may not be read.
fn check_without(folder: &Path, name: &str, words: &[&str]) -> Output {
    let path = folder.join(name);
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("its permissions");
    let output = check(folder, words);
    // So that the folder can be removed by those who are not root.
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its permissions");
    output
}

#[track_caller]
fn assert_ended(output: &Output, status: i32, prints: &[&str], says: &[&str]) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told = format!("{}\n{stdout}\n{stderr}", output.status);
    assert_eq!(output.status.code(), Some(status), "{told}");
    assert!(prints.iter().all(|words| stdout.contains(words)), "{told}");
    assert!(says.iter().all(|words| stderr.contains(words)), "{told}");
}

#[test]
fn a_folder_that_may_not_be_read_is_told_of_and_the_others_are_checked() {
    let project = project();
    fs::create_dir(project.path().join("secret")).expect("a folder");
    fs::write(project.path().join("secret/app.py"), BLOCKED).expect("a file");
    let refusal = "secret: it cannot be read: Permission denied";
    let output = check_without(project.path(), "secret", &[]);
    assert_ended(&output, 1, &["app.py:5:5", "1 file checked: 1 warning"], &[refusal]);
    // Who names it asked for it.
    assert_ended(&check_without(project.path(), "secret", &["secret", "app.py"]), 2, &["app.py:5:5"], &[refusal]);
}

#[test]
fn a_file_that_may_not_be_read_is_told_of_and_the_others_are_checked() {
    let project = project();
    fs::write(project.path().join("secret.py"), BLOCKED).expect("a file");
    let refusal = "secret.py: it cannot be opened: Permission denied";
    assert_ended(&check_without(project.path(), "secret.py", &[]), 1, &["app.py:5:5"], &[refusal]);
    assert_ended(&check_without(project.path(), "secret.py", &["secret.py"]), 2, &[], &[refusal]);
}

#[test]
fn a_generated_file_of_50_megabytes_is_left_out_with_a_word() {
    let project = project();
    let mut file = fs::File::create(project.path().join("generated.py")).expect("a file");
    let rows = "    (1, 'name', [1.5, None], call(x)),\n".repeat(1000);
    file.write_all(BLOCKED.as_bytes()).expect("it is written");
    file.write_all(b"TABLE = [\n").expect("it is written");
    for _ in 0..50_000_000 / rows.len() {
        file.write_all(rows.as_bytes()).expect("it is written");
    }
    file.write_all(b"]\n").expect("it is written");
    let output = check(project.path(), &[]);
    assert_ended(&output, 1, &["app.py:5:5", "1 warning"], &["generated.py: it is longer than 8 MiB"]);
}
