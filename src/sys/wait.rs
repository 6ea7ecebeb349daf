//! The ends of child processes: seeing one without taking it, taking it with what it used, and being the process
//! that orphans come to.

use nix::libc;
use nix::sys::prctl;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A child that ended and was taken from the kernel.
#[derive(Debug, Clone, Copy)]
pub struct Reaped {
    /// Its id; from now on the kernel may give it to another.
    pub pid: i32,
    /// How it ended, as `wait(2)` encodes it.
    pub status: i32,
    /// What it and its own waited-for descendants used.
    pub usage: libc::rusage,
}

/// A child of this thread that has ended and was not taken yet: `/proc/PID` can still be read. `None` when there is
/// none. Children of other threads are not looked at, so that a run takes nobody else's; orphans are given to the
/// process's first thread.
pub fn ended_child() -> Option<i32> {
    waitid(libc::P_ALL, 0, libc::__WNOTHREAD).ok().filter(|pid| *pid != 0)
}

/// Whether the child `pid` has ended, or is no child of ours.
pub fn has_ended(pid: i32) -> bool {
    libc::id_t::try_from(pid).is_err() || !matches!(waitid(libc::P_PID, pid as libc::id_t, 0), Ok(0))
}

/// The id of a child that ended, left where it is; 0 when all of them still run.
fn waitid(which: libc::idtype_t, id: libc::id_t, flags: i32) -> io::Result<i32> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = flags | libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a valid place for one siginfo, for which all zeroes is a valid value, also when none ended.
    unsafe {
        if libc::waitid(which, id, info.as_mut_ptr(), flags) == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(info.assume_init().si_pid())
    }
}

/// Takes the child `pid`, waiting for its end.
///
/// # Errors
/// When it is no child of ours.
pub fn reap(pid: i32) -> io::Result<Reaped> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: `status` and `usage` are valid places; all zeroes is a valid rusage.
        let (result, usage) =
            unsafe { (libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()), usage.assume_init()) };
        if result == pid {
            return Ok(Reaped { pid, status, usage });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// A descriptor that becomes readable when `pid` ends, a child that was not reaped or any other process.
///
/// # Errors
/// `ESRCH` when there is no such process, `EINVAL` or `ENOENT` when it is a thread of one; else when the kernel is older than 5.3, or its calls are filtered.
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers and returns a new descriptor, close-on-exec, that nobody else owns.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd as i32)),
        }
    }
}

/// How the process behind a descriptor of [`pidfd`] ended, as `wait(2)` encodes it, once its parent has taken it.
///
/// # Errors
/// Before that, and when the kernel is older than 6.15.
pub fn exit_status(pidfd: BorrowedFd<'_>) -> io::Result<i32> {
    /// `struct pidfd_info` as it was first published (`include/uapi/linux/pidfd.h`); later kernels take the shorter one.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        mask: u64,
        cgroup: u64,
        ids: [u32; 11],
        exit_code: i32,
    }
    /// `PIDFD_INFO_EXIT`: asked for, and answered when it is known.
    const EXIT: u64 = 1 << 3;
    /// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)` with its 64 bytes.
    const GET_INFO: libc::Ioctl = 0xC040_FF0B_u32 as libc::Ioctl;
    let mut info = Info { mask: EXIT, ..Info::default() };
    // SAFETY: `info` is a valid place of the size that the request's number says, for which any bytes are valid.
    match unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO, &raw mut info) } {
        -1 => Err(io::Error::last_os_error()),
        _ if info.mask & EXIT == 0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(info.exit_code),
    }
}

/// While it lives, processes orphaned below us become our children, and every end of a child is kept for us to
/// take, even when we were started with SIGCHLD ignored. Puts both back when dropped.
#[derive(Debug)]
pub struct Adopting {
    adopted_before: bool,
    ignored_before: bool,
}

impl Adopting {
    /// Begins.
    ///
    /// # Errors
    /// When the kernel knows no subreapers (before 3.4).
    pub fn new() -> io::Result<Self> {
        let adopted_before = prctl::get_child_subreaper()?;
        prctl::set_child_subreaper(true)?;
        let ignored_before = super::origin::disposition(libc::SIGCHLD) == libc::SIG_IGN;
        if ignored_before {
            super::signals::set_disposition(libc::SIGCHLD, libc::SIG_DFL);
        }
        Ok(Self { adopted_before, ignored_before })
    }
}

impl Drop for Adopting {
    fn drop(&mut self) {
        // The call that set it succeeded, and unsetting cannot fail otherwise.
        let _ = prctl::set_child_subreaper(self.adopted_before);
        if self.ignored_before {
            super::signals::set_disposition(libc::SIGCHLD, libc::SIG_IGN);
        }
    }
}
