//! What is run: argv as given, the program it names, and the runtime that executes it.
//!
//! Looking at files is all it does; running is `observe`'s, reading Python source is `source`'s.

use std::ffi::OsString;
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
    /// A script whose first line names another interpreter.
    Script {
        /// The interpreter on the `#!` line.
        interpreter: PathBuf,
    },
    /// None of these, or not readable.
    Other,
}

/// A CPython interpreter and how it was asked to run the program.
#[derive(Debug, Clone, PartialEq)]
pub struct CPython {
    /// The interpreter itself; after a run, the executable the kernel says was running.
    pub executable: PathBuf,
    /// (major, minor, micro); `None` until asked.
    pub version: Option<(u8, u8, u8)>,
    /// Whether this build has a global interpreter lock; `None` until asked.
    pub gil: Option<bool>,
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
    /// Python was found running below another program, so its arguments were not ours to read.
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
}

impl Target {
    /// Looks at the command without running it.
    pub fn detect(argv: Vec<OsString>, path: Option<&std::ffi::OsStr>) -> Self {
        let _ = path;
        Self { argv, program: None, runtime: Runtime::Other }
    }

    /// Takes in what the run showed: the executable of the worker that did the work may be another than
    /// the command named (a shell shim, `env`, a launcher).
    pub fn refine(&mut self, executable_seen: &Path) {
        let _ = executable_seen;
    }
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
