//! Hostile surroundings: the target keeps its own end, a report is written, and what could not be seen is said.
//!
//! Each case is a line of data. One that this machine or these rights cannot stage says so in its line and in the
//! count at the end, so that nothing reads as passed that was not run; hence a `main` of its own. What cannot be staged
//! anywhere by a test is listed there too, with the reason.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Exit status of `surround.py` where it cannot stage what it was asked for.
const CANNOT: i32 = 77;

/// One case.
struct Case {
    name: &'static str,
    /// Words of `surround.py`.
    surroundings: &'static [&'static str],
    /// The target, run by a shell; `@` is the case's folder.
    target: &'static str,
    /// Exit status of the target, and so of `concadvise`.
    status: i32,
    /// Words that must be in some notice.
    said: &'static [&'static str],
}

/// Computes for a moment and waits for a moment, in a process of its own.
const WORK: &str = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.3; exit 3";

const CASES: &[Case] = &[
    Case { name: "an ordinary user", surroundings: &["as-nobody"], target: WORK, status: 3, said: &[] },
    Case {
        name: "perf denied by a filter",
        surroundings: &["deny=perf_event_open"],
        target: WORK,
        status: 3,
        said: &["perf_event_paranoid"],
    },
    Case {
        name: "perf, ptrace and pidfd denied to an ordinary user",
        surroundings: &["as-nobody", "deny=perf_event_open,ptrace,process_vm_readv,pidfd_open"],
        target: WORK,
        status: 3,
        said: &["perf_event_paranoid"],
    },
    Case { name: "sixty-four files", surroundings: &["files=64"], target: WORK, status: 3, said: &[] },
    Case {
        name: "a program that may be executed and not read",
        surroundings: &["as-nobody"],
        target: "@/unreadable 0.5; exit 3",
        status: 3,
        said: &["the system call that a worker is blocked in"],
    },
    Case {
        name: "a child that becomes root",
        surroundings: &["as-nobody"],
        target: "@/setuid 0.5; exit 3",
        status: 3,
        said: &["the system call that a worker is blocked in"],
    },
    Case {
        name: "a child that becomes root, under hidepid",
        surroundings: &["hidepid", "as-nobody"],
        target: "@/setuid 0.5; exit 3",
        status: 3,
        said: &[],
    },
    Case { name: "no /proc at all", surroundings: &["no-proc"], target: WORK, status: 3, said: &["not visible"] },
    Case { name: "a machine at load 10", surroundings: &["neighbours"], target: WORK, status: 3, said: &[] },
];

/// What no test here can stage, and why.
const NOT_STAGED: &[(&str, &str)] = &[
    (
        "Yama ptrace_scope 3",
        "a setting of the whole machine, and for good once it is made; a filter on ptrace and an \
                             unreadable program stand for it",
    ),
    ("perf_event_paranoid 3 and 4", "a setting of the whole machine; a filter on perf_event_open answers the same"),
    ("a clock step", "a setting of the whole machine; every time we take is of a clock that cannot be stepped"),
];

fn main() {
    let folder = stage();
    let mut not_run = 0;
    for case in CASES {
        print!("test {} ... ", case.name);
        match run(case, folder.path()) {
            Ok(()) => println!("ok"),
            Err(why) => {
                not_run += 1;
                println!("NOT RUN: {why}");
            }
        }
    }
    for (name, why) in NOT_STAGED {
        println!("test {name} ... NOT RUN: {why}");
    }
    println!("\n{} ran, {} could not be staged", CASES.len() - not_run, not_run + NOT_STAGED.len());
    assert!(not_run < CASES.len(), "nothing could be staged at all; is there a python3?");
}

/// A folder that everybody may enter, with concadvise, a program that may not be read, and one that becomes root.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its permissions");
    open(folder.path(), 0o755);
    let sleep = which("sleep");
    for (from, name, mode) in [
        (Path::new(env!("CARGO_BIN_EXE_concadvise")), "concadvise", 0o755),
        (&sleep, "unreadable", 0o711),
        (&sleep, "setuid", 0o4755),
    ] {
        let to = folder.path().join(name);
        fs::copy(from, &to).expect("a copy");
        open(&to, mode);
    }
    folder
}

fn which(command: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path).map(|folder| folder.join(command)).find(|file| file.exists()).expect("it is installed")
}

/// Runs a case; an error says why it cannot be staged here.
fn run(case: &Case, folder: &Path) -> Result<(), String> {
    let own = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(own.path(), fs::Permissions::from_mode(0o777)).expect("its permissions");
    let neighbours = Neighbours::of(if case.surroundings.contains(&"neighbours") { 10 } else { 0 });
    let target = case.target.replace('@', &folder.display().to_string());
    let output = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/surround.py"))
        .args(case.surroundings.iter().filter(|word| **word != "neighbours"))
        .arg("--")
        .arg(folder.join("concadvise"))
        .args(["--no-trials", "--", "sh", "-c", &target])
        .current_dir(own.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|why| format!("python3: {why}"))?;
    drop(neighbours);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(CANNOT) {
        return Err(told.trim().to_owned());
    }
    assert_eq!(output.status.code(), Some(case.status), "{told}");
    let text = fs::read_to_string(own.path().join("concadvise.toml")).unwrap_or_else(|why| panic!("{why}\n{told}"));
    let report: toml::Table = text.parse().unwrap_or_else(|why| panic!("{why}\n{text}"));
    assert_eq!(report.get("complete"), Some(&toml::Value::Boolean(true)), "{text}");
    let number = |name| report["profile"].get(name).and_then(toml::Value::as_float);
    assert!(number("cpu_s") > Some(0.0) && number("wall_s") > number("cpu_s").map(|cpu| cpu / 2.0), "{text}");
    let notices = report.get("notice").map(ToString::to_string).unwrap_or_default();
    for words in case.said {
        assert!(notices.contains(words), "{words:?} is not said: {notices}\n{told}");
    }
    Ok(())
}

/// Programs that compute and nothing else, ended by the ids we hold.
struct Neighbours(Vec<Child>);

impl Neighbours {
    fn of(count: usize) -> Self {
        let start = |_| Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("sh can be run");
        Self((0..count).map(start).collect())
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
