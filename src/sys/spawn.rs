//! Starting a process that is held just before its `exec`, so that everything can be attached to it first.
//!
//! What it then is differs in nothing from what a shell would have started. Why the kernel refused is told as it
//! told us; sentences are `observe`'s.

use super::origin;
use nix::libc;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::{mem, ptr};

/// What `execvp(3)` searches when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// What runs a text file that names no interpreter, as in `execvp(3)`.
const SHELL: &str = "/bin/sh";

/// The standard streams of a process that is not to have ours; it also gets a process group of its own and dies with
/// this thread.
#[derive(Debug)]
pub struct Streams {
    /// Its standard input.
    pub stdin: OwnedFd,
    /// Its standard output.
    pub stdout: OwnedFd,
    /// Its standard error.
    pub stderr: OwnedFd,
}

/// A process of ours that waits to be released into its program; dropped unreleased, it ends without having run.
#[derive(Debug)]
pub struct Held {
    pid: i32,
    /// One byte to the child releases it. Four bytes from it are the error of its `exec`; its end is success.
    line: UnixStream,
    released: bool,
}

/// The files that `execvp(3)` would try for `command`, in order.
pub fn candidates(command: &OsStr) -> Vec<PathBuf> {
    if command.is_empty() {
        return Vec::new();
    }
    if command.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(command)];
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from(DEFAULT_PATH));
    // An empty entry is the working directory, and `join` on an empty path leaves the bare name, which is in it.
    path.as_bytes().split(|byte| *byte == b':').map(|dir| PathBuf::from(OsStr::from_bytes(dir)).join(command)).collect()
}

/// Everything the child needs, made before the fork: after it, a child of a process that may have had other threads
/// can allocate nothing.
struct Prepared {
    files: Vec<CString>,
    /// Pointers into `words`, and a null.
    argv: Vec<*const libc::c_char>,
    /// `sh`, a place for the file, the pointers of `argv` past the first, and a null.
    shell_argv: Vec<*const libc::c_char>,
    shell: CString,
    _words: Vec<CString>,
    /// Pointers into `_variables`, and a null; `None` when its environment is ours.
    environment: Option<Vec<*const libc::c_char>>,
    _variables: Vec<CString>,
    mask: libc::sigset_t,
    streams: Option<[RawFd; 3]>,
    parent: i32,
}

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// Forks a process that will become `argv` when it is released, with our environment and `variables` over it.
///
/// # Errors
/// `InvalidInput` when a word has a NUL byte in it; otherwise when no process or descriptor could be had.
pub fn hold(argv: &[OsString], streams: Option<&Streams>, variables: &[(OsString, OsString)]) -> io::Result<Held> {
    let mut prepared = Prepared::new(argv, streams, variables)?;
    // Close-on-exec on both ends: the target sees neither, and its success closes the child's.
    let (line, child_line) = UnixStream::pair()?;
    // SAFETY: the child only makes async-signal-safe calls on memory prepared above, and never returns.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: this is the child of the fork; `prepared`'s pointers are into buffers that it owns.
        0 => unsafe { become_program(&mut prepared, child_line.as_raw_fd()) },
        pid => Ok(Held { pid, line, released: false }),
    }
}

impl Prepared {
    fn new(argv: &[OsString], streams: Option<&Streams>, over: &[(OsString, OsString)]) -> io::Result<Self> {
        let c_string = |word: &OsStr| CString::new(word.as_bytes()).map_err(io::Error::from);
        let words = argv.iter().map(|word| c_string(word)).collect::<io::Result<Vec<_>>>()?;
        let command = argv.first().map_or(OsStr::new(""), OsString::as_os_str);
        let files = candidates(command)
            .into_iter()
            .map(|file| CString::new(file.into_os_string().into_vec()).map_err(io::Error::from))
            .collect::<io::Result<Vec<_>>>()?;
        let shell = c_string(OsStr::new(SHELL))?;
        let end = std::iter::once(ptr::null());
        let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain(end).collect();
        let inherited = std::env::vars_os().filter(|(name, _)| over.iter().all(|(other, _)| other != name));
        let variable = |(name, value): (OsString, OsString)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).map_err(io::Error::from)
        };
        // Copied only where something is to change, so that a target's own run has ours byte by byte.
        let variables = match over {
            [] => Vec::new(),
            over => inherited.chain(over.iter().cloned()).map(variable).collect::<io::Result<Vec<_>>>()?,
        };
        let pointers = || variables.iter().map(|variable| variable.as_ptr()).chain([ptr::null()]).collect();
        let environment = (!over.is_empty()).then(pointers);
        let rest = argv.iter().copied().skip(1);
        let shell_argv = [shell.as_ptr(), ptr::null()].into_iter().chain(rest).collect();
        // SAFETY: all zeroes is a valid set, and it is made empty and filled before anybody reads it.
        let mask = unsafe {
            let mut mask = mem::zeroed();
            libc::sigemptyset(&raw mut mask);
            for signal in (1..=64).filter(|signal| origin::blocked(*signal)) {
                libc::sigaddset(&raw mut mask, signal);
            }
            mask
        };
        let raw = |streams: &Streams| [&streams.stdin, &streams.stdout, &streams.stderr].map(|fd| fd.as_raw_fd());
        let parent = i32::try_from(std::process::id()).unwrap_or(0);
        let streams = streams.map(raw);
        Ok(Self {
            files,
            argv,
            shell_argv,
            shell,
            _words: words,
            environment,
            _variables: variables,
            mask,
            streams,
            parent,
        })
    }
}

/// What the child does: nothing that allocates, locks, or panics.
///
/// # Safety
/// Only in the child of a fork, with `prepared` made before it.
unsafe fn become_program(prepared: &mut Prepared, line: RawFd) -> ! {
    // SAFETY: every call is async-signal-safe, and every pointer is into `prepared` or onto this stack.
    unsafe {
        if let Some(streams) = prepared.streams {
            libc::setpgid(0, 0);
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != prepared.parent {
                libc::_exit(0); // Orphaned before the line above took effect.
            }
            for (own, standard) in streams.into_iter().zip(0..) {
                libc::dup2(own, standard);
            }
        } else {
            for standard in (0..3).filter(|standard| origin::closed(*standard)) {
                libc::close(standard);
            }
        }
        let mut byte = 0_u8;
        loop {
            match libc::read(line, (&raw mut byte).cast(), 1) {
                1 => break,
                -1 if *libc::__errno_location() == libc::EINTR => {}
                _ => libc::_exit(0), // Never to be released.
            }
        }
        // The runtime has changed the first, and `wait::Adopting` may have changed the second.
        for signal in [libc::SIGPIPE, libc::SIGCHLD] {
            let disposition = if origin::ignored(signal) { libc::SIG_IGN } else { libc::SIG_DFL };
            super::signals::set_disposition(signal, disposition);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const prepared.mask, ptr::null_mut());
        let errno = exec(prepared);
        libc::write(line, (&raw const errno).cast(), mem::size_of_val(&errno));
        libc::_exit(0)
    }
}

/// Tries each file as `execvp(3)` does, and returns the error it would.
///
/// # Safety
/// As [`become_program`].
unsafe fn exec(prepared: &mut Prepared) -> i32 {
    let mut denied = false;
    // SAFETY: only reads libc's own pointer; this process has one thread.
    let environment = prepared.environment.as_ref().map_or_else(|| unsafe { environ }, |own| own.as_ptr());
    for file in &prepared.files {
        // SAFETY: the arrays end in a null and point to strings that end in one, or are libc's own.
        let errno = unsafe {
            libc::execve(file.as_ptr(), prepared.argv.as_ptr(), environment);
            *libc::__errno_location()
        };
        match errno {
            // SAFETY: as above.
            libc::ENOEXEC if unsafe { is_text(file.as_ptr()) } => {
                if let Some(slot) = prepared.shell_argv.get_mut(1) {
                    *slot = file.as_ptr();
                }
                // SAFETY: as above.
                return unsafe {
                    libc::execve(prepared.shell.as_ptr(), prepared.shell_argv.as_ptr(), environment);
                    *libc::__errno_location()
                };
            }
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
            errno => return errno,
        }
    }
    if denied { libc::EACCES } else { libc::ENOENT }
}

/// Whether a file is worth giving to a shell: its beginning has no NUL byte. The test that shells make, so that a
/// program for another machine is refused instead of read as commands.
///
/// # Safety
/// As [`become_program`]; `file` ends in a NUL.
unsafe fn is_text(file: *const libc::c_char) -> bool {
    let mut beginning = [0_u8; 128];
    // SAFETY: reads at most as many bytes as the buffer on this stack holds.
    let length = unsafe {
        let fd = libc::open(file, libc::O_RDONLY | libc::O_CLOEXEC);
        libc::read(fd, beginning.as_mut_ptr().cast(), beginning.len())
    };
    length >= 0 && !beginning.iter().take(length as usize).any(|byte| *byte == 0)
}

impl Held {
    /// Its id.
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// Lets it go, and returns once it is its program.
    ///
    /// # Errors
    /// What the kernel said when it refused to execute the program; the process is gone then.
    pub fn release(mut self) -> io::Result<()> {
        // A child killed while it was held leaves nobody to tell; its end is then seen like any other.
        let _ = self.line.write_all(&[1]);
        self.released = true;
        let mut errno = [0; mem::size_of::<i32>()];
        match self.line.read_exact(&mut errno) {
            Err(_) => Ok(()),
            Ok(()) => {
                let _ = super::wait::reap(self.pid);
                Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.released {
            let _ = self.line.shutdown(std::net::Shutdown::Both);
            let _ = super::wait::reap(self.pid);
        }
    }
}
