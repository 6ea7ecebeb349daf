//! Interpreters to test with beside the one on `PATH`: pyenv's, oldest and newest sorts first, and those that the
//! variable `CONCADVISE_TEST_PYTHONS` names, separated by colons (3.14, a free-threaded build).

use std::path::{Path, PathBuf};

/// Versions of pyenv's that differ in what is tested.
const PYENV: [&str; 5] = ["3.8.18", "3.13.0", "3.13.0t", "3.14.0", "3.14.0t"];
const NAMED: &str = "CONCADVISE_TEST_PYTHONS";

/// Those that are there; says which.
pub fn others() -> Vec<PathBuf> {
    let pyenv = PYENV.map(|version| Path::new("/root/.pyenv/versions").join(version).join("bin/python3"));
    let named = std::env::var_os(NAMED).unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    for path in &named {
        assert!(path.is_file(), "{NAMED} names {}, which is not there", path.display());
    }
    let found: Vec<PathBuf> = pyenv.into_iter().filter(|path| path.is_file()).chain(named).collect();
    eprintln!("interpreters beside the one on PATH: {found:?} ({NAMED} names more)");
    found
}
