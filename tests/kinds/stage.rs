//! Where the labelled programs are built and watched, a few at a time.

use super::program::{Blocks, Language, Program};
use concadvise::observe::Worker;
use concadvise::observe::kind::{BlockedKind, ByKind};
use concadvise::report::recording::Recording;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Watched at once: nearly all of them do nothing but wait.
const AT_ONCE: usize = 3;
/// Size of the file that is read cold, larger than what a disk reads ahead of 64 random pages.
const DATA: usize = 64 << 20;
/// The exit status by which a program says that it could not be blocked that way here.
const NOT_HERE: i32 = 77;
/// A user without rights.
const NOBODY: u32 = 65534;
/// Part of its life that a program that never blocks may yet be found blocked: its start reads its own pages.
const NEVER: f64 = 0.1;

/// Sightings below which nothing can be said of one that blocks: the disk was too fast, or the machine too busy.
const FEWEST: u32 = 5;

/// How a program is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// With its system calls readable.
    Whole,
    /// With its system calls and descriptors hidden.
    FromOutside,
}

/// What came of watching a program.
#[derive(Debug)]
pub enum Outcome {
    /// It ran to its end.
    Watched {
        /// What its first thread was blocked on most; `None` when it was hardly blocked.
        kind: Option<BlockedKind>,
        /// All that its first thread was found blocked on.
        ticks: ByKind<u32>,
        /// Whether it was said that its system calls are hidden.
        said_hidden: bool,
    },
    /// It said why it cannot be blocked that way on this machine.
    NotHere(String),
    /// It did neither.
    Broken(String),
}

/// A folder with all that the programs need.
pub struct Stage {
    folder: TempDir,
    python: String,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// Builds the programs. One stage is set at a time.
    pub fn set(programs: &[Program]) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // Not below /tmp, which may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        let stage = Self { folder, python: python(), _alone: alone };
        let everyone = |path: PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("our own");
        everyone(stage.path(""), 0o777);
        let mut data = File::create(stage.path("data")).expect("a file");
        data.write_all(&vec![1; DATA]).expect("room for it");
        data.sync_all().expect("a disk");
        everyone(stage.path("data"), 0o644);
        stage.compile(programs);
        fs::copy(env!("CARGO_BIN_EXE_concadvise"), stage.path("concadvise")).expect("room for it");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compile(&self, programs: &[Program]) {
        let mut text = include_str!("prelude.c").to_owned();
        let mut table = "static struct program programs[] = {\n".to_owned();
        for Program { name, source, .. } in programs.iter().filter(|program| program.language == Language::C) {
            let _ = writeln!(text, "static int run_{name}(void) {{ {source} }}");
            let _ = writeln!(table, "    {{ \"{name}\", run_{name} }},");
        }
        let _ = writeln!(text, "{table}    {{ 0, 0 }}\n}};");
        fs::write(self.path("programs.c"), text).expect("a file");
        // Some programs have no use for what others share; `mq_open` and threads had libraries of their own.
        let arguments = ["-O1", "-w", "-pthread", "-o", "programs", "programs.c", "-lrt"];
        let built = Command::new("cc").args(arguments).current_dir(self.folder.path()).output().expect("a C compiler");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    /// Each program with what came of it, in their order.
    pub fn watch(&self, programs: &[Program], view: View) -> Vec<(Program, Outcome)> {
        let next = AtomicUsize::new(0);
        let outcomes: Vec<Mutex<Option<Outcome>>> = programs.iter().map(|_| Mutex::new(None)).collect();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((program, outcome)) = {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        programs.get(at).zip(outcomes.get(at))
                    } {
                        *outcome.lock().expect("nobody panics with it") = Some(self.watch_one(program, view));
                    }
                });
            }
        });
        let outcome = |cell: Mutex<Option<Outcome>>| cell.into_inner().ok().flatten().expect("each was watched");
        programs.iter().copied().zip(outcomes.into_iter().map(outcome)).collect()
    }

    fn watch_one(&self, program: &Program, view: View) -> Outcome {
        let record = self.path(&format!("{}.json", program.name));
        let mut command = Command::new(self.path("concadvise"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.args(["--no-trials", "--quiet", "--output", "/dev/null", "--record"]).arg(&record).arg("--");
        match program.language {
            Language::C => command.arg("./programs").arg(program.name),
            Language::Python => {
                command.arg(&self.python).arg("-c").arg(include_str!("prelude.py").to_owned() + program.source)
            }
        };
        if view == View::FromOutside {
            command.arg("hide");
            if geteuid().is_root() {
                command.gid(NOBODY).uid(NOBODY);
            }
        }
        let output = command.output().expect("concadvise starts");
        let ended = output.status.code() == Some(0)
            || [Signal::SIGALRM, Signal::SIGKILL].iter().any(|signal| output.status.signal() == Some(*signal as i32));
        match Recording::read(&record) {
            _ if output.status.code() == Some(NOT_HERE) => Outcome::NotHere(why(&output)),
            Ok(recording) if ended => judge(program, &recording),
            Ok(_) => Outcome::Broken(format!("{}: {}", output.status, why(&output))),
            Err(unread) => Outcome::Broken(format!("{unread}: {}", why(&output))),
        }
    }
}

/// What the program printed last, or what its status means.
fn why(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it was blocked for less than a tenth of its life").to_owned()
}

fn judge(program: &Program, recording: &Recording) -> Outcome {
    let observation = &recording.observation;
    let of_first = |worker: &&Worker| {
        observation.workers.first().is_some_and(|first| (worker.pid, worker.tid) == (first.pid, first.pid))
    };
    // What it was before an `exec` is a worker of its own.
    let first = observation.workers.iter().filter(of_first).max_by_key(|worker| worker.blocked());
    let Some(worker) = first else { return Outcome::Broken("nobody was seen".to_owned()) };
    let sightings = worker.blocked_ticks.iter().map(|(_, ticks)| ticks).sum::<u32>();
    if program.blocks != Blocks::Never && sightings < FEWEST {
        return Outcome::NotHere(format!("it was caught blocked {sightings} times"));
    }
    let most = worker.blocked_ticks.iter().max_by_key(|(_, ticks)| **ticks).filter(|(_, ticks)| **ticks > 0);
    let hardly = program.blocks == Blocks::Never && worker.blocked() <= worker.lifetime().mul_f64(NEVER);
    let said_hidden = observation.notices.iter().any(|notice| notice.to_string().starts_with("the system call"));
    let kind = most.map(|(kind, _)| kind).filter(|_| !hardly);
    Outcome::Watched { kind, ticks: worker.blocked_ticks, said_hidden }
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn python() -> String {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let printed = asked.expect("python3 to be installed").stdout;
    String::from_utf8(printed).expect("a path").trim().to_owned()
}
