//! What is run: argv as given, the program it names, and the runtime that executes it.
//!
//! Looking at files is all it does, but for [`CPython::ask`]; running is `observe`'s, reading Python source is
//! `source`'s.

mod ask;
pub mod binary;
mod detect;
mod env;
mod program;
mod python;
mod refusal;
mod running;

pub use ask::AskError;
pub use refusal::why_not_executable;

use binary::Inside;
use program::Format;
use python::Kind;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The command the user gave, and what could be told of it without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The words after `--`, any bytes, never through a shell.
    pub argv: Vec<OsString>,
    /// The file that `argv[0]` names, found on `PATH` where it has no slash; `None` when not found.
    pub program: Option<PathBuf>,
    /// What executes it.
    pub runtime: Runtime,
}

/// What executes the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Runtime {
    /// CPython, by whatever name it was started.
    CPython(CPython),
    /// A native executable.
    Native(Native),
    /// A script of another interpreter: a shell, Perl, Ruby, Node.
    Script {
        /// The interpreter that its first line, or the command, names.
        interpreter: PathBuf,
    },
    /// None of these, or not readable.
    Other,
}

/// A CPython interpreter and how it was asked to run the program.
#[derive(Debug, Clone, PartialEq)]
pub struct CPython {
    /// The interpreter, absolute, by the path it was started through and not the file behind it: started as
    /// `venv/bin/python` it has that environment's packages, and trials must run it the same way.
    pub executable: PathBuf,
    /// (major, minor, micro); `None` until asked.
    pub version: Option<(u8, u8, u8)>,
    /// Whether this build has a global interpreter lock; `None` until asked.
    pub gil: Option<bool>,
    /// Whether `concurrent.futures.InterpreterPoolExecutor` exists; `None` until asked.
    pub interpreters: Option<bool>,
    /// What was run.
    pub entry: PythonEntry,
}

/// How the Python program was named on the command line.
#[derive(Debug, Clone, PartialEq)]
pub enum PythonEntry {
    /// `python file.py`
    File(PathBuf),
    /// `python -m package.module`
    Module(String),
    /// `python -c CODE`
    Code,
    /// Standard input, or interactive.
    Stdin,
    /// Nothing that could be told: Python was found below another program and hides its arguments, or was only asked
    /// for its version.
    Unknown,
}

/// What an ELF file's headers say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Native {
    /// Machine, 32 or 64 bit, e.g. `x86_64`.
    pub arch: String,
    /// Whether it is linked statically.
    pub statically_linked: bool,
    /// Shared libraries it names (`DT_NEEDED`).
    pub libraries: Vec<String>,
    /// What it is built on; by default, that it was not looked into.
    pub inside: Inside,
}

impl Target {
    /// Looks at the command without running it. `path` is the value of `PATH`, `None` when it is unset.
    pub fn detect(argv: Vec<OsString>, path: Option<&OsStr>) -> Self {
        let program = argv.first().and_then(|word| program::find(word, path));
        let runtime = program.as_ref().map_or(Runtime::Other, |program| detect::runtime(program, &argv, path));
        Self { argv, program, runtime }
    }

    /// Takes in what the run showed: the executable of the worker that did the work, and the words its process was
    /// started with, may be others than the command named (a shell shim, `nice`, a launcher).
    ///
    /// Only an interpreter changes what executes the target: a script stays a script whatever native commands it runs.
    pub fn refine(&mut self, executable_seen: &Path, argv_seen: &[OsString]) {
        let Ok(Format::Elf(headers)) = Format::of(executable_seen) else { return };
        match (python::kind(executable_seen, &headers.native), &mut self.runtime) {
            (Kind::CPython, Runtime::CPython(known)) if is_same_file(&known.executable, executable_seen) => {
                if known.entry == PythonEntry::Unknown {
                    known.entry = entry_seen(executable_seen, argv_seen);
                }
            }
            (Kind::CPython, runtime) => {
                let executable = as_invoked(executable_seen, argv_seen);
                *runtime = Runtime::CPython(CPython::new(executable, entry_seen(executable_seen, argv_seen)));
            }
            (Kind::OtherImplementation, runtime) => *runtime = Runtime::Other,
            (Kind::Foreign, runtime @ Runtime::Other) => *runtime = Runtime::Native(headers.native),
            (Kind::Foreign, _) => {}
        }
    }
}

impl CPython {
    /// An interpreter that was not asked yet.
    pub const fn new(executable: PathBuf, entry: PythonEntry) -> Self {
        Self { executable, version: None, gil: None, interpreters: None, entry }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The kernel shows the file behind every link; `argv[0]` is what Python itself finds its environment by. It is
/// believed only where it leads to that file, through the search path we share with the target where it is a bare name.
fn as_invoked(executable_seen: &Path, argv_seen: &[OsString]) -> PathBuf {
    let path = std::env::var_os("PATH");
    let invoked = argv_seen.first().and_then(|word| program::find(word, path.as_deref()));
    let invoked = invoked.filter(|invoked| is_same_file(invoked, executable_seen));
    detect::absolute(invoked.as_deref().unwrap_or(executable_seen))
}

/// A process may overwrite its arguments with a title; they are read as Python's only while they begin with Python.
fn entry_seen(executable_seen: &Path, argv_seen: &[OsString]) -> PythonEntry {
    match argv_seen.split_first() {
        Some((word, args)) if begins_with_python(executable_seen, Path::new(word)) => python::entry(args),
        _ => PythonEntry::Unknown,
    }
}

fn begins_with_python(executable_seen: &Path, word: &Path) -> bool {
    word.file_name().is_some_and(python::named_python) || is_same_file(word, executable_seen)
}

impl Runtime {
    /// One word for reports: `cpython`, `native`, `script`, `other`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CPython(_) => "cpython",
            Self::Native(_) => "native",
            Self::Script { .. } => "script",
            Self::Other => "other",
        }
    }
}
