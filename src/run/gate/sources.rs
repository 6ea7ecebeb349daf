//! What a gate reads: baseline, reports, configuration. Each is bounded, because each is untrusted.

use super::Named;
use crate::gate::Baseline;
use crate::gate::current::Current;
use crate::gate::show::Place;
use crate::gate::wire::{self, Config};
use crate::reading;
use crate::report::escape::word;
use crate::report::toml;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The configuration's own file; `concadvise.toml` is the name of the report.
const CONFIG: &str = "concadvise.config.toml";
const PYPROJECT: &str = "pyproject.toml";

/// The baseline that is there.
pub(super) fn baseline(path: &Path) -> Result<Baseline, String> {
    existing(path)?.ok_or_else(|| {
        format!(
            "there is no baseline {}; make one with `concadvise gate --update REPORT` (or `-- COMMAND`), and commit it",
            word(path.as_os_str())
        )
    })
}

/// The baseline; `None` when there is no such file.
pub(super) fn existing(path: &Path) -> Result<Option<Baseline>, String> {
    let shown = word(path.as_os_str());
    match reading::named(path, wire::LARGEST) {
        Ok(text) => wire::read(&shown, &text).map(Some),
        Err(why) if why.is_missing() => Ok(None),
        Err(why) => Err(format!("cannot read the baseline {shown}: {why}")),
    }
}

/// Where the baseline lies, and its targets in it.
pub(super) fn place(path: &Path) -> Place {
    let lines = reading::text(path, wire::LARGEST).map(|text| wire::lines(&text)).unwrap_or_default();
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    Place { base, path: path.to_owned(), lines }
}

/// A report, as `FILE` or `NAME=FILE`.
pub(super) fn report(named: &OsString, usual: Option<&str>) -> Result<Named, String> {
    let (name, path) = split(named);
    let shown = word(path);
    let refuse = |why: String| format!("cannot use the report {shown}: {why}");
    let text = reading::named(Path::new(path), toml::LONGEST).map_err(|why| refuse(why.to_string()))?;
    let current = toml::read(&text).and_then(|document| Current::of(&document)).map_err(refuse)?;
    Ok(Named { name: name.or_else(|| usual.map(str::to_owned)), words: None, current })
}

/// A word that is a file is a file, whatever is in its name.
fn split(named: &OsStr) -> (Option<String>, &OsStr) {
    let bytes = named.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0 && !Path::new(named).exists());
    match at {
        Some(at) => {
            let name = String::from_utf8_lossy(&bytes[..at]).into_owned();
            (Some(name), OsStr::from_bytes(&bytes[at + 1..]))
        }
        None => (None, named),
    }
}

/// What was named; else the configuration's own file, else `pyproject.toml`, else nothing.
pub(super) fn config(named: Option<&Path>) -> Result<Config, String> {
    let way = if named.is_some() { reading::named } else { reading::text };
    let read = |path: &Path| match way(path, wire::LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.is_missing() && named.is_none() => Ok(None),
        Err(why) => Err(format!("cannot read the configuration {}: {why}", word(path.as_os_str()))),
    };
    let is_pyproject = |path: &Path| path.file_name().is_some_and(|name| name == PYPROJECT);
    let paths = named.map_or_else(|| vec![Path::new(CONFIG), Path::new(PYPROJECT)], |named| vec![named]);
    for path in paths {
        let Some(text) = read(path)? else { continue };
        let shown = word(path.as_os_str());
        if !is_pyproject(path) {
            return wire::of_config(&shown, &text);
        }
        if let Some(config) = wire::of_pyproject(&shown, &text)? {
            return Ok(config);
        }
    }
    Ok(Config::default())
}
