//! Why the kernel would not run a file, as a sentence for the user. The kernel's own word (`EACCES`, `ENOEXEC`,
//! `ENOENT` for a file that is plainly there) seldom says which of several reasons it was.
//!
//! Whether it is a refusal at all is `exec`'s to say: this is asked after it failed.

use super::program::{Format, may_execute};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::env::consts::ARCH;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// One sentence: what is wrong with the file at `path` as a command, and what to do about it.
pub fn why_not_executable(path: &Path) -> String {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return format!("{path:?} cannot be looked at ({error}); check the path and its folders"),
    };
    if metadata.is_dir() {
        return format!("{path:?} is a directory; name a program in it");
    }
    if !metadata.is_file() {
        return format!("{path:?} is not a regular file; name a program");
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return format!(
            "{path:?} has no execute permission; give it with `chmod +x`, or name its interpreter before it"
        );
    }
    if !may_execute(path) {
        let noexec = statvfs(path).is_ok_and(|volume| volume.flags().contains(FsFlags::ST_NOEXEC));
        return match noexec {
            true => format!("{path:?} lies on a file system mounted noexec; copy it elsewhere"),
            false => format!("{path:?} may be executed by others but not by this user; ask its owner, or copy it"),
        };
    }
    match Format::of(path) {
        Err(error) => format!("{path:?} cannot be read to see why it does not run: {error}"),
        Ok(Format::Empty) => format!("{path:?} is empty; it has nothing to execute"),
        Ok(Format::Unknown) => format!(
            "{path:?} is neither a native executable nor a script that names its interpreter: it is for another \
             architecture or system, or damaged; a script begins with a line such as `#!/bin/sh`"
        ),
        Ok(Format::Script(shebang)) => interpreter(path, &shebang.interpreter),
        Ok(Format::Elf(headers)) => match headers.loader {
            Some(loader) if !loader.exists() => format!(
                "{path:?} needs the loader {loader:?}, which is not on this machine; \
                 it was built for another distribution or C library"
            ),
            _ if headers.native.arch != ARCH => format!(
                "{path:?} is an executable for {}, and this machine is {ARCH}; build it for this machine",
                headers.native.arch
            ),
            _ => format!(
                "{path:?} looks like a sound executable, but the kernel refused it; \
                 it may be damaged, or a security policy may forbid it"
            ),
        },
    }
}

/// What is wrong with the interpreter that the script at `path` names on its first line.
fn interpreter(path: &Path, interpreter: &Path) -> String {
    let bad = format!("{path:?} names the interpreter {interpreter:?} on its first line");
    if interpreter.as_os_str().as_bytes().ends_with(b"\r") {
        return format!("{bad}, which ends in a carriage return; save the script with Unix line ends");
    }
    if !interpreter.exists() {
        return format!("{bad}, which does not exist; correct that line or install it");
    }
    if interpreter.is_dir() {
        return format!("{bad}, which is a directory; correct that line");
    }
    if !may_execute(interpreter) {
        return format!("{bad}, which may not be executed; give it execute permission");
    }
    format!("{bad}, which the kernel refused in turn; try to run it by itself")
}
