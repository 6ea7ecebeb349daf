//! Why the kernel would not execute a command, as a sentence: it says a number, the file says the rest.

use super::Error;
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Longest first line that the kernel reads of a script (`BINPRM_BUF_SIZE`).
const FIRST_LINE: u64 = 256;

/// What to tell of `error`, which ended the attempt to execute one of `candidates` under the name `command`.
pub(super) fn refusal(command: &OsStr, candidates: &[PathBuf], error: io::Error) -> Error {
    let found = candidates.iter().find(|file| fs::metadata(file).is_ok());
    let named_by_path = command.as_bytes().contains(&b'/');
    let why = match (error.raw_os_error(), found) {
        (Some(libc::ENOENT | libc::ENOTDIR), None) => None,
        // A folder on PATH that may not be entered hides nothing that was asked for.
        (Some(libc::EACCES), None) if !named_by_path => None,
        (Some(libc::ENOENT | libc::ENOTDIR), Some(file)) => Some(missing_interpreter(file)),
        (Some(libc::EACCES), None) => Some("a folder on the way to it may not be entered by this user".to_owned()),
        (Some(libc::EACCES), Some(file)) => Some(denied(file)),
        (Some(libc::ENOEXEC), _) => {
            Some("it is no program for this machine: another architecture, or a damaged file".to_owned())
        }
        (Some(libc::ETXTBSY), _) => Some("it is being written; wait until that is done".to_owned()),
        (Some(libc::E2BIG), _) => {
            Some("its arguments and the environment are longer than the kernel takes; pass them in a file".to_owned())
        }
        _ => Some(format!("the kernel refused it: {error}")),
    };
    let command = OsString::from(command);
    match why {
        None => Error::NotFound { command },
        Some(why) => Error::NotExecutable { command, why },
    }
}

/// The file is there, so what does not exist is what it needs to run.
fn missing_interpreter(file: &Path) -> String {
    match interpreter(file) {
        Some(interpreter) => format!(
            "its first line names the interpreter {}, which does not exist; install it or correct the line",
            interpreter.to_string_lossy().escape_debug()
        ),
        None => "the loader that it names does not exist; it was built for another system".to_owned(),
    }
}

fn denied(file: &Path) -> String {
    match fs::metadata(file) {
        Ok(meta) if meta.is_dir() => "it is a directory; name a program in it".to_owned(),
        Ok(meta) if !meta.is_file() => "it is not a regular file".to_owned(),
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            "it is not marked executable; `chmod +x` it, or run it with its interpreter".to_owned()
        }
        _ => match interpreter(file) {
            Some(interpreter) if !is_executable(Path::new(&interpreter)) => format!(
                "its first line names the interpreter {}, which may not be executed; correct the line",
                interpreter.to_string_lossy().escape_debug()
            ),
            _ => "this user may not execute it, or it lies on a file system mounted noexec".to_owned(),
        },
    }
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What the `#!` line names; `None` when there is none.
fn interpreter(file: &Path) -> Option<OsString> {
    let mut line = Vec::new();
    BufReader::new(File::open(file).ok()?.take(FIRST_LINE)).read_until(b'\n', &mut line).ok()?;
    let named = line.strip_prefix(b"#!")?.trim_ascii();
    let end = named.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(named.len());
    Some(OsStr::from_bytes(named.get(..end)?).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, candidates: &[&Path], errno: i32, said: &str) {
        let candidates: Vec<_> = candidates.iter().map(PathBuf::from).collect();
        let error = refusal(OsStr::new(command), &candidates, io::Error::from_raw_os_error(errno));
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn each_refusal_says_what_is_wrong_with_the_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("script");
        fs::write(&script, "#! /no/such/interpreter -x\n")?;
        let plain = folder.path().join("plain");
        fs::write(&plain, "\x7fELF")?;
        let absent = folder.path().join("absent");
        check("absent", &[&absent], libc::ENOENT, "no such command");
        check("absent", &[&absent], libc::EACCES, "no such command");
        check("./absent", &[&absent], libc::EACCES, "may not be entered");
        check("script", &[&absent, &script], libc::ENOENT, "interpreter /no/such/interpreter, which does not exist");
        check("plain", &[&plain], libc::ENOENT, "loader");
        check("plain", &[&plain], libc::EACCES, "chmod +x");
        check("./folder", &[folder.path()], libc::EACCES, "directory");
        check("plain", &[&plain], libc::ENOEXEC, "architecture");
        check("plain", &[&plain], libc::E2BIG, "arguments");
        check("plain", &[&plain], libc::EIO, "the kernel refused it");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        check("script", &[&script], libc::EACCES, "interpreter /no/such/interpreter, which may not be executed");
        Ok(())
    }
}
