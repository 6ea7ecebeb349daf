//! What an interpreter says of itself, by running *it*: the one place of this stage that starts a process.
//!
//! Never user code: `-I` leaves out the user's folders and environment variables, `-S` the site packages and their
//! start-up hooks. Whether an answer is needed is the caller's to decide.

use super::CPython;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// An interpreter on a slow network file system may take seconds to start; a program that takes longer is something
/// else than an interpreter.
const PATIENCE: Duration = Duration::from_secs(10);
/// Much more than the answer is long.
const LONGEST_ANSWER: u64 = 8192;
/// Characters of a failure that are shown: the last lines of a traceback say the most.
const SHOWN: usize = 200;

/// Every build before 3.13 has the lock, and none of them the function that tells.
const QUESTION: &str = "
import sys
try:
    from concurrent.futures import InterpreterPoolExecutor
    pool = 1
except ImportError:
    pool = 0
gil = int(sys._is_gil_enabled()) if hasattr(sys, '_is_gil_enabled') else 1
print('concadvise', sys.implementation.name, *sys.version_info[:3], gil, pool)
";

/// Why an interpreter did not tell.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It could not be started.
    #[error("cannot start the Python interpreter {executable:?} to ask for its version: {source}; check that path")]
    Start {
        /// The interpreter.
        executable: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("the Python interpreter {executable:?} did not tell its version within {patience:?}; try it by hand")]
    Slow {
        /// The interpreter.
        executable: PathBuf,
        /// How long it had.
        patience: Duration,
    },
    /// It failed, or said something else than was asked for.
    #[error(
        "the Python interpreter {executable:?} did not tell its version ({status}): it said {said:?}; \
         CPython 3.6 or newer is needed"
    )]
    Garbled {
        /// The interpreter.
        executable: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        said: String,
    },
    /// It is an interpreter of Python, and not this one.
    #[error("the Python interpreter {executable:?} is {implementation:?} and not CPython; its executors are not tried")]
    NotCPython {
        /// The interpreter.
        executable: PathBuf,
        /// Its own name for itself.
        implementation: String,
    },
}

impl CPython {
    /// Runs the interpreter (never user code) and fills in `version`, `gil` and `interpreters`. Impure, and waits for
    /// at most ten seconds.
    ///
    /// # Errors
    /// When the interpreter cannot be started, does not answer, or is not CPython; nothing is filled in then.
    pub fn ask(&mut self) -> Result<(), AskError> {
        self.ask_within(PATIENCE)
    }

    fn ask_within(&mut self, patience: Duration) -> Result<(), AskError> {
        let executable = || self.executable.clone();
        let (status, said) = match self.run(patience) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(AskError::Slow { executable: executable(), patience }),
            Err(source) => return Err(AskError::Start { executable: executable(), source }),
        };
        let Some(answer) = said.lines().find_map(Answer::parse).filter(|_| status.success()) else {
            let said = end_of(&said);
            return Err(AskError::Garbled { executable: executable(), status, said });
        };
        if answer.implementation != "cpython" {
            return Err(AskError::NotCPython { executable: executable(), implementation: answer.implementation });
        }
        self.version = Some(answer.version);
        self.gil = Some(answer.gil);
        self.interpreters = Some(answer.interpreters);
        Ok(())
    }

    /// How it ended and what it printed; `None` when it was still running at the end of our patience. Its output goes
    /// to a file without a name, so that nobody waits for a pipe that a stray child keeps open.
    fn run(&self, patience: Duration) -> io::Result<Option<(ExitStatus, String)>> {
        let mut output = tempfile::tempfile()?;
        let mut command = Command::new(&self.executable);
        command.args(["-I", "-S", "-c", QUESTION]).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output.try_clone()?);
        let mut child = command.spawn()?;
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some((status, text(&mut output)?)));
            }
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

fn text(output: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.rewind()?;
    output.take(LONGEST_ANSWER).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn end_of(said: &str) -> String {
    let line = said.trim().lines().collect::<Vec<_>>().join("; ");
    line.chars().skip(line.chars().count().saturating_sub(SHOWN)).collect()
}

/// The line that [`QUESTION`] prints.
struct Answer {
    implementation: String,
    version: (u8, u8, u8),
    gil: bool,
    interpreters: bool,
}

impl Answer {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let ["concadvise", implementation, major, minor, micro, gil, interpreters] = words[..] else { return None };
        Some(Self {
            implementation: implementation.to_owned(),
            version: (major.parse().ok()?, minor.parse().ok()?, micro.parse().ok()?),
            gil: gil == "1",
            interpreters: interpreters == "1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::PythonEntry;
    use std::os::unix::fs::PermissionsExt;

    /// Asks a stand-in interpreter, a shell script with this body. One after another: a script that one thread still
    /// writes while another forks is "text file busy".
    fn check(body: &str, patience: Duration, expect: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let executable = folder.path().join("python3");
        std::fs::write(&executable, format!("#!/bin/sh\n{body}\n")).expect("a script");
        std::fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)).expect("its permission");
        let mut python = CPython::new(executable, PythonEntry::Unknown);
        let error = python.ask_within(patience).expect_err(body).to_string();
        assert!(error.contains(expect), "{body}: {error}");
        assert_eq!((python.version, python.gil, python.interpreters), (None, None, None), "{body}");
    }

    #[test]
    fn an_interpreter_that_does_not_answer_leaves_everything_unknown_and_says_why() {
        let patience = Duration::from_secs(60);
        check("echo concadvise pypy 3 10 14 1 0", patience, "is \"pypy\" and not CPython");
        check("echo Unknown option: -I >&2; exit 2", patience, "(exit status: 2): it said \"Unknown option: -I\"");
        check("echo concadvise cpython 3 11 7 1 0; exit 1", patience, "exit status: 1");
        check("echo concadvise cpython 3 eleven 7 1 0", patience, "did not tell its version");
        check("kill -9 $$", patience, "signal: 9");
        check("exec sleep 600", Duration::from_millis(20), "within 20ms");
        // A stray child that keeps the output open is not waited for.
        check("sleep 5 & echo no", patience, "it said \"no\"");
    }
}
