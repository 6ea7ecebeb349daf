//! The harness for CPython targets: a small package of ours, run by the target's own interpreter.
//!
//! The package is kept as real Python files (`harness/`), written to a private folder while we need it. What it is
//! asked and what its answers mean is `runner`'s.

pub mod task;

use super::model::{Model, StartMethod};
use super::runner::Launch;
use super::runner::harness::Harness;
use super::runner::wire::Probed;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

macro_rules! package {
    ($($path:literal),* $(,)?) => { [$(($path, include_str!(concat!("harness/", $path)))),*] };
}

/// The package, by path below the folder it is run from.
const FILES: [(&str, &str); 16] = package![
    "__main__.py",
    "concadvise_harness/__init__.py",
    "concadvise_harness/answers.py",
    "concadvise_harness/calibrate.py",
    "concadvise_harness/demand.py",
    "concadvise_harness/executors.py",
    "concadvise_harness/gate.py",
    "concadvise_harness/load.py",
    "concadvise_harness/module.py",
    "concadvise_harness/protocol.py",
    "concadvise_harness/recorded.py",
    "concadvise_harness/sequence.py",
    "concadvise_harness/task.py",
    "concadvise_harness/twin.py",
    "concadvise_harness/user.py",
    "concadvise_harness/watch.py",
];

/// One CPython interpreter and the package for it.
pub struct Python {
    pub(super) harness: Harness,
    facts: Probed,
    /// Removed, with all that a killed harness left in it, when this is dropped.
    folder: TempDir,
}

impl Python {
    /// Asks the interpreter what it is.
    ///
    /// # Errors
    /// A sentence, when it does not run, is no CPython, or is older than 3.8.
    pub fn new(executable: &Path, launch: Launch) -> Result<Self, String> {
        // Isolated: neither the user's site-packages nor PYTHON* variables belong into a measurement of the models.
        Self::with(executable, &["-I"], launch)
    }

    /// The same, as the user's own programs are run.
    fn as_users(executable: &Path, launch: Launch) -> Result<Self, String> {
        Self::with(executable, &[], launch)
    }

    fn with(executable: &Path, options: &[&str], launch: Launch) -> Result<Self, String> {
        let folder = unpack().map_err(|error| {
            let temp = std::env::temp_dir();
            format!("cannot run Python trials: could not write to {}: {error}; set TMPDIR", temp.display())
        })?;
        let own = [executable.into()].into_iter().chain(options.iter().map(Into::into));
        let argv = own.chain([folder.path().into()]).collect();
        let mut harness = Harness::new(argv, launch);
        let facts: Probed = harness
            .probe()
            .map_err(|reason| format!("cannot run Python trials with {}: {reason}", executable.display()))?;
        if facts.implementation != "cpython" {
            return Err(format!(
                "cannot run Python trials with {}: it is {}, and only CPython is known",
                executable.display(),
                facts.implementation
            ));
        }
        // A launcher script would be observed, and paid for, in every trial.
        if let Some(real) = &facts.executable {
            harness.set_program(real.into());
        }
        Ok(Self { harness, facts, folder })
    }

    /// (major, minor, micro).
    pub const fn version(&self) -> (u8, u8, u8) {
        self.facts.version
    }

    /// Whether there is a GIL, and it is on.
    pub const fn gil(&self) -> bool {
        self.facts.gil
    }

    pub(super) fn available(&self, model: Model) -> Result<(), String> {
        match self.facts.models.iter().find(|(name, _)| name == model.name()) {
            Some((_, None)) => Ok(()),
            Some((_, Some(reason))) => Err(reason.clone()),
            None => Err("the Python harness does not know this model".to_owned()),
        }
    }

    pub(super) fn start_methods(&self) -> Vec<StartMethod> {
        let has = |method: &StartMethod| self.facts.start_methods.iter().any(|name| name == method.name());
        StartMethod::ALL.into_iter().filter(has).collect()
    }
}

/// The package in a folder that only this user can read or write.
fn unpack() -> std::io::Result<TempDir> {
    let private = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("concadvise-").permissions(private).tempdir()?;
    for (path, text) in FILES {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(path, text)?;
    }
    Ok(folder)
}
