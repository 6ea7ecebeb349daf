//! Stacks from a process's memory, by the `py-spy` library: never stopping the process, never its native frames.
//! The only file that knows that library.
//!
//! What is read may be torn, because the process runs on. The library takes lengths and offsets from it and may
//! panic; such a reading counts as failed, is not told on standard error, and no other process suffers.

use super::Python;
use super::activity::Blocked;
use super::credit::credited;
use super::in_loops;
use super::tally::Sighting;
use crate::notice::Notice;
use py_spy::config::{Config, LockingStrategy};
use py_spy::{PythonSpy, StackTrace};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The oldest minor version of Python 3 that says which task of the kernel a thread is.
const KNOWS_TASKS: u64 = 11;

/// Reads the stacks of processes.
pub struct Reader {
    config: Config,
    /// By image: processes born by `fork` alone have everything at the same addresses, so one attachment, which is
    /// what is dear, serves them all.
    attached: HashMap<u64, PythonSpy>,
}

/// Why the stacks of a process could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// We may not read its memory.
    Denied(String),
    /// The interpreter is one that cannot be read.
    Unsupported(String),
    /// Anything else; often it is only just starting, or ending.
    Unreadable(String),
    /// It has so many threads that a reading would cost too much.
    Crowded(usize),
}

impl Reader {
    /// With nothing attached.
    pub fn new() -> Self {
        let config = Config {
            blocking: LockingStrategy::NonBlocking,
            native: false,
            subprocesses: false,
            gil_only: false,
            dump_locals: 0,
            collect_thread_names: false,
            // Shorter ones are found by asking the file system for each.
            full_filenames: true,
            ..Config::default()
        };
        Self { config, attached: HashMap::new() }
    }

    /// Whether [`Reader::read`] can read it as it is.
    pub fn is_attached(&self, python: Python) -> bool {
        self.attached.contains_key(&python.image)
    }

    /// Finds out where everything is: 8 to 20 ms of CPU, most of it for the symbols of the interpreter's file.
    ///
    /// # Errors
    /// When it is gone, is no Python yet, or may not or cannot be read.
    pub fn attach(&mut self, python: Python) -> Result<(), Failure> {
        let executable = std::fs::read_link(format!("/proc/{}/exe", python.pid)).unwrap_or_default();
        if is_free_threaded(&executable) {
            return Err(Failure::Unsupported(format!("{} is a free-threaded build", executable.display())));
        }
        let spy = guarded(|| PythonSpy::new(python.pid, &self.config))?;
        self.attached.insert(python.image, spy);
        Ok(())
    }

    /// Forgets attachments of images that nobody has any more.
    pub fn retain(&mut self, mut is_alive: impl FnMut(u64) -> bool) {
        self.attached.retain(|image, _| is_alive(*image));
    }

    /// All its Python threads that are in any function.
    ///
    /// # Errors
    /// When it is gone or could not be read this time.
    pub fn read(&mut self, python: Python) -> Result<Vec<Sighting>, Failure> {
        let not_attached = || Failure::Unreadable("it is not attached".to_owned());
        let spy = self.attached.get_mut(&python.image).ok_or_else(not_attached)?;
        (spy.pid, spy.process.pid) = (python.pid, python.pid);
        let blocked = (spy.version.minor < KNOWS_TASKS).then(|| Blocked::read(python.pid));
        let mut traces = guarded(|| spy.get_stack_traces())?;
        if let Some(blocked) = blocked {
            let threads: Vec<u64> = traces.iter().map(|trace| trace.thread_id).collect();
            for (trace, waits) in traces.iter_mut().zip(blocked.waiting(&threads)) {
                trace.active &= !waits;
            }
        }
        Ok(traces.into_iter().filter_map(sighting).collect())
    }
}

/// The version in the name of its file ends so (PEP 703); what the library knows of objects is not true in it.
fn is_free_threaded(executable: &Path) -> bool {
    let name = executable.file_name().unwrap_or_default().to_string_lossy();
    let version = name.strip_prefix("python").unwrap_or_default();
    let flags = version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    version.starts_with(|c: char| c.is_ascii_digit()) && matches!(flags, "t" | "td")
}

fn sighting(trace: StackTrace) -> Option<Sighting> {
    let StackTrace { pid, mut frames, active, owns_gil, .. } = trace;
    let line_of = |line: i32| u32::try_from(line).unwrap_or_default();
    let in_loop = in_loops::lines(frames.iter().map(|frame| (frame.filename.as_str(), line_of(frame.line))));
    let credited = credited(frames.iter().map(|frame| frame.filename.as_str()))?;
    let inside = frames.first().filter(|_| credited > 0).map(|top| {
        let file = Path::new(&top.filename).file_name().unwrap_or_default();
        format!("{} ({})", top.name, file.to_string_lossy())
    });
    let frame = frames.swap_remove(credited);
    let line = line_of(frame.line);
    let function = (frame.name, PathBuf::from(frame.filename));
    // Who holds the GIL runs, even where the kernel was asked a moment before.
    Some(Sighting { function, line, inside, active: active || owns_gil, holding: owns_gil, in_loop, pid })
}

/// Calls the library; its errors as ours, its panics as errors.
fn guarded<T, E>(call: impl FnOnce() -> Result<T, E>) -> Result<T, Failure>
where
    E: AsRef<dyn std::error::Error + Send + Sync>,
{
    static INSTALLED: Once = Once::new();
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::of(error.as_ref())),
        Err(_) => Err(Failure::Unreadable("what was read of its memory makes no sense".to_owned())),
    }
}

impl Failure {
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = || std::iter::successors(Some(error), |error| error.source());
        let mut words: Vec<String> = chain().map(ToString::to_string).collect();
        // Some of its errors say what their cause says.
        words.dedup_by(|cause, error| error.ends_with(cause.as_str()));
        let words = words.join(": ");
        let denied = |error: &(dyn std::error::Error + 'static)| {
            let io = error.downcast_ref::<std::io::Error>();
            io.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
                || error.to_string().contains("Operation not permitted")
        };
        if chain().any(denied) {
            return Self::Denied(words);
        }
        if words.contains("Unsupported version") { Self::Unsupported(words) } else { Self::Unreadable(words) }
    }

    /// Whether trying again is of little use.
    pub const fn will_stay(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Unsupported(_) | Self::Crowded(_))
    }

    /// What is missing because of it, and what to do.
    pub fn notice(self, pid: i32) -> Notice {
        let (why, remedy) = match self {
            Self::Denied(why) => {
                (why, "run concadvise as the target's user or as root, and set kernel.yama.ptrace_scope to 0 or 1")
            }
            Self::Unsupported(why) => {
                (why, "this version can name the functions of CPython 3.3 to 3.15, built with the GIL")
            }
            Self::Unreadable(why) => (why, "no function is named, and nothing else is affected"),
            Self::Crowded(threads) => (
                format!("reading {threads} threads would cost too much"),
                "no function of it is named, and nothing else is affected",
            ),
        };
        let why = format!("process {pid}: {why}");
        Notice::Unavailable { what: "the Python functions that the time is spent in", why, remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_threaded_build_is_known_by_its_name() {
        for (path, expected) in [
            ("/usr/bin/python3.13t", true),
            ("/opt/bin/python3.14td", true),
            ("/usr/bin/python3.13", false),
            ("/usr/bin/python3", false),
            ("/usr/bin/python3.8d", false),
            ("/usr/bin/pythont", false),
            ("", false),
        ] {
            assert_eq!(is_free_threaded(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_panic_of_the_library_is_a_failed_reading() {
        let torn: Result<(), Box<dyn std::error::Error + Send + Sync>> = Ok(());
        assert!(guarded(|| torn).is_ok());
        let result = guarded(|| -> Result<(), Box<dyn std::error::Error + Send + Sync>> { panic!("out of bounds") });
        assert!(matches!(result, Err(Failure::Unreadable(_))), "{result:?}");
    }

    #[test]
    fn a_refusal_of_the_kernel_is_told_from_other_failures_and_each_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot copy: {0}")]
        struct Copying(#[source] std::io::Error);
        let of = |code| Failure::of(&Copying(std::io::Error::from_raw_os_error(code)));
        let denied = |why: &str| Failure::Denied(format!("cannot copy: {why}"));
        assert_eq!(of(1), denied("Operation not permitted (os error 1)"));
        assert_eq!(of(13), denied("Permission denied (os error 13)"));
        let Failure::Unreadable(why) = of(14) else { panic!("a bad address is no refusal") };
        assert_eq!(why, "cannot copy: Bad address (os error 14)");
    }

    #[test]
    fn a_process_that_is_no_python_is_refused() {
        let us = Python { pid: std::process::id().cast_signed(), image: 1 };
        let mut reader = Reader::new();
        assert!(reader.attach(us).is_err());
        assert!(!reader.is_attached(us) && reader.read(us).is_err());
    }
}
