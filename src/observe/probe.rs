//! One file below `/proc` that is read again and again: kept open from its first reading and read at offset 0 where
//! descriptors allow, which costs a third of opening it each time, else opened for each reading.
//!
//! A kept descriptor means one task for ever: when the task is gone the kernel says so, even if its id was given to
//! another. What the bytes mean is `readings`'s.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Why there was nothing to read.
#[derive(Debug)]
pub enum Failure {
    /// The task is gone: normal at any time.
    Vanished,
    /// The file is there but not for us, or we are out of descriptors.
    Unreadable(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use nix::libc::{ENOENT, ESRCH};
        match error.raw_os_error() {
            Some(ENOENT | ESRCH) => Self::Vanished,
            _ => Self::Unreadable(error),
        }
    }
}

/// A path below `/proc`, made without allocating.
#[derive(Debug, Clone, Copy)]
pub struct ProcPath {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl ProcPath {
    /// Longer than `/proc/2147483647/task/2147483647/` and the longest file name in use.
    const LONGEST: usize = 64;

    /// A file of the whole machine: `/proc/NAME`.
    pub fn machine(name: &str) -> Self {
        Self::of(format_args!("/proc/{name}"))
    }

    /// A file of a process: `/proc/PID/NAME`.
    pub fn process(pid: i32, name: &str) -> Self {
        Self::of(format_args!("/proc/{pid}/{name}"))
    }

    /// A file of one worker: `/proc/PID/task/TID/NAME`.
    pub fn worker(pid: i32, tid: i32, name: &str) -> Self {
        Self::of(format_args!("/proc/{pid}/task/{tid}/{name}"))
    }

    /// A file about one descriptor: `/proc/PID/fd/N` or `/proc/PID/fdinfo/N`.
    pub fn descriptor(pid: i32, folder: &str, descriptor: i32) -> Self {
        Self::of(format_args!("/proc/{pid}/{folder}/{descriptor}"))
    }

    /// A path that would be too long is cut, and so names no file.
    fn of(path: std::fmt::Arguments<'_>) -> Self {
        let mut bytes = [0; Self::LONGEST];
        let mut rest = &mut bytes[..];
        let _ = rest.write_fmt(path);
        let left = rest.len();
        Self { bytes, length: (Self::LONGEST - left) as u8 }
    }

    /// Reads from the file's beginning, once.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Failure> {
        let length = File::open(self)?.read_at(buffer, 0)?;
        Ok(&buffer[..length])
    }
}

impl AsRef<Path> for ProcPath {
    fn as_ref(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(&self.bytes[..usize::from(self.length)]))
    }
}

/// A file that is read again and again.
#[derive(Debug)]
pub struct Probe {
    path: ProcPath,
    /// Whether it is to be kept open.
    keep: bool,
    kept: OnceCell<File>,
}

impl Probe {
    /// Keeps the file open when `keep`.
    pub const fn new(path: ProcPath, keep: bool) -> Self {
        Self { path, keep, kept: OnceCell::new() }
    }

    /// Reads from the file's beginning into the caller's stack.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Failure> {
        let length = self.with(|file| file.read_at(buffer, 0))??;
        Ok(&buffer[..length])
    }

    /// Reads a file of any length, into memory that is used again.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn read_whole(&self, into: &mut Vec<u8>) -> Result<(), Failure> {
        into.clear();
        let mut part = [0; 4096];
        let whole = self.with(|file| {
            loop {
                match file.read_at(&mut part, into.len() as u64)? {
                    0 => return Ok(()),
                    length => into.extend_from_slice(&part[..length]),
                }
            }
        })?;
        whole.map_err(|error: io::Error| error.into())
    }

    /// What `read` makes of the file, opened now when it was not kept. Out of descriptors, it is opened each time.
    fn with<T>(&self, read: impl FnOnce(&File) -> T) -> io::Result<T> {
        if let Some(file) = self.kept.get() {
            return Ok(read(file));
        }
        let file = File::open(self.path)?;
        Ok(if self.keep { read(self.kept.get_or_init(|| file)) } else { read(&file) })
    }

    /// Where it lies, for a sentence.
    pub fn path(&self) -> &Path {
        self.path.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_as_the_kernel_does() {
        let check = |path: ProcPath, expect: &str| assert_eq!(path.as_ref(), Path::new(expect));
        check(ProcPath::process(7, "stat"), "/proc/7/stat");
        check(ProcPath::worker(i32::MAX, i32::MAX, "schedstat"), "/proc/2147483647/task/2147483647/schedstat");
        check(ProcPath::descriptor(7, "fdinfo", 3), "/proc/7/fdinfo/3");
    }

    #[test]
    fn a_kept_and_an_unkept_file_read_the_same() {
        let pid = std::process::id() as i32;
        for keep in [true, false] {
            let probe = Probe::new(ProcPath::process(pid, "comm"), keep);
            let mut buffer = [0; 64];
            let read = probe.read(&mut buffer).expect("our own name").to_vec();
            assert_eq!(read, std::fs::read("/proc/self/comm").expect("our own name"), "keep {keep}");
        }
    }

    #[test]
    fn a_task_that_is_not_there_has_vanished() {
        let mut buffer = [0; 64];
        for keep in [true, false] {
            let gone = Probe::new(ProcPath::process(i32::MAX, "stat"), keep).read(&mut buffer).map(<[u8]>::len);
            assert!(matches!(gone, Err(Failure::Vanished)), "{gone:?}");
        }
    }
}
