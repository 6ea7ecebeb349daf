//! Why the kernel would not execute a command, as a sentence. The kernel says a number; what it says of the command
//! is told here, and what is wrong with the file is `target`'s to look at.

use super::Error;
use crate::target::why_not_executable;
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What to tell of `error`, which ended the attempt to execute one of `candidates` under the name `command`.
pub(super) fn refusal(command: &OsStr, candidates: &[PathBuf], error: io::Error) -> Error {
    let found = candidates.iter().find(|file| fs::metadata(file).is_ok());
    let named_by_path = command.as_bytes().contains(&b'/');
    let why = match (error.raw_os_error(), found) {
        (Some(libc::ENOENT | libc::ENOTDIR), None) => None,
        // A folder on PATH that may not be entered hides nothing that was asked for.
        (Some(libc::EACCES), None) if !named_by_path => None,
        (Some(libc::EACCES), None) => Some("a folder on the way to it may not be entered by this user".to_owned()),
        (Some(libc::ETXTBSY), _) => Some("it is being written; wait until that is done".to_owned()),
        (Some(libc::E2BIG), _) => {
            Some("its arguments and the environment are longer than the kernel takes; pass them in a file".to_owned())
        }
        // The file is there: with ENOENT, what does not exist is what it needs to run.
        (Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES | libc::ENOEXEC), Some(file)) => {
            Some(why_not_executable(file))
        }
        _ => Some(format!("the kernel refused it: {error}")),
    };
    let command = OsString::from(command);
    match why {
        None => Error::NotFound { command },
        Some(why) => Error::NotExecutable { command, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

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
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        let plain = folder.path().join("plain");
        fs::write(&plain, "\x7fELF")?;
        let absent = folder.path().join("absent");
        check("absent", &[&absent], libc::ENOENT, "no such command");
        check("absent", &[&absent], libc::EACCES, "no such command");
        check("./absent", &[&absent], libc::EACCES, "may not be entered");
        check("script", &[&absent, &script], libc::ENOENT, "\"/no/such/interpreter\" on its first line");
        check("plain", &[&plain], libc::EACCES, "chmod +x");
        check("./folder", &[folder.path()], libc::EACCES, "directory");
        check("plain", &[&plain], libc::E2BIG, "arguments");
        check("plain", &[&plain], libc::EIO, "the kernel refused it");
        Ok(())
    }
}
