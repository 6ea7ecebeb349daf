//! Asking git, with nothing that a hook or the caller left in the environment pointing it elsewhere, with no hook run
//! and no index written.

use super::attended::Attended;
use crate::report::escape::text;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Seek};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What tells git where things are instead of the folder that it is run in: `git rev-parse --local-env-vars`, without
/// those that hold configuration.
const ELSEWHERE: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Most of an answer that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// A command that is run in `folder`, and to which that is the repository.
pub(super) fn at_home<'c>(command: &'c mut Command, folder: &Path) -> &'c mut Command {
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    // Shells and some build tools believe it before they ask the kernel.
    command.current_dir(folder).env("PWD", folder)
}

/// `git WORDS` in a folder.
pub(super) fn git<W: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = W>) -> Command {
    let mut git = Command::new("git");
    at_home(&mut git, folder).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    git.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]).args(words).stdin(Stdio::null());
    git
}

/// What it answers, without the line end.
///
/// # Errors
/// What it said instead, as a clause.
pub(super) fn ask<const N: usize>(folder: &Path, words: [&str; N], attended: &Attended) -> Result<OsString, String> {
    let mut answer = answer(&mut git(folder, words), attended)?;
    if answer.last() == Some(&b'\n') {
        answer.pop();
    }
    Ok(OsString::from_vec(answer))
}

/// What it answers, byte by byte.
///
/// # Errors
/// What it said instead, as a clause.
pub(super) fn answer(git: &mut Command, attended: &Attended) -> Result<Vec<u8>, String> {
    // Files, because nobody empties a pipe while it is waited for.
    let file = || tempfile::tempfile().map_err(|why| format!("cannot make a temporary file: {why}"));
    let (out, err) = (file()?, file()?);
    let to = |file: &std::fs::File| file.try_clone().map(Stdio::from).map_err(|why| why.to_string());
    let ended = attended.status(git.stdout(to(&out)?).stderr(to(&err)?)).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => "there is no git in PATH; install it".to_owned(),
        _ => format!("git cannot be run: {why}"),
    })?;
    let read = |mut file: std::fs::File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.take(LONGEST).read_to_end(&mut bytes)).map(|_| bytes)
    };
    if ended.success() {
        return read(out).map_err(|why| why.to_string());
    }
    let said = read(err).map_err(|why| why.to_string())?;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rfind(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let last = last.or(said.lines().next_back()).unwrap_or("it said nothing").trim_start_matches("fatal: ");
    Err(format!("git says: {}", text(last)))
}

/// Whether git has the file, or something in the folder.
pub(super) fn tracks(top: &Path, path: &Path, attended: &Attended) -> bool {
    let below = path.strip_prefix(top).unwrap_or(path);
    let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    // Neither a wildcard nor a magic word, whatever is in a file's name.
    let words = ["--literal-pathspecs", "ls-files", "-z", "--"].map(OsStr::new);
    let asked = answer(&mut git(top, words.into_iter().chain([below.as_os_str()])), attended);
    asked.is_ok_and(|files| !files.is_empty())
}

/// Where in the repository `named` lies, where that is an absolute path into it; links are followed.
pub(super) fn inside(top: &Path, named: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(named));
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    (named.first() == Some(&b'/') && path.starts_with(top)).then_some(path)
}
