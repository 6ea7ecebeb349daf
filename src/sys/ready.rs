//! Waiting for descriptors, or for time to pass: `ppoll`.

use nix::libc;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What a descriptor is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// There is something to read, or its end.
    Readable,
    /// There is room to write, or nobody reads it any more.
    Writable,
}

/// Waits at most `timeout` and says which of the descriptors are ready; `None` takes no part. A signal that arrives
/// ends the wait early, with none ready.
///
/// # Errors
/// When the kernel is out of memory.
pub fn ready<const N: usize>(waited: [Option<(BorrowedFd<'_>, Until)>; N], timeout: Duration) -> io::Result<[bool; N]> {
    let mut polled = waited.map(|waited| match waited {
        Some((fd, Until::Readable)) => libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 },
        Some((fd, Until::Writable)) => libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 },
        None => libc::pollfd { fd: -1, events: 0, revents: 0 },
    });
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: `polled` holds N entries and outlives the call; a null mask leaves the signal mask alone.
    let result = unsafe { libc::ppoll(polled.as_mut_ptr(), N as libc::nfds_t, &raw const timeout, std::ptr::null()) };
    if result == -1 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; N]) } else { Err(error) };
    }
    Ok(polled.map(|entry| entry.revents != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn only_descriptors_with_something_to_read_are_ready() -> io::Result<()> {
        let (quiet, _kept) = io::pipe()?;
        let (loud, mut writer) = io::pipe()?;
        writer.write_all(b"x")?;
        let waited = [Some((quiet.as_fd(), Until::Readable)), None, Some((loud.as_fd(), Until::Readable))];
        assert_eq!(ready(waited, Duration::from_secs(60))?, [false, false, true]);
        Ok(())
    }

    #[test]
    fn time_passing_leaves_none_ready() -> io::Result<()> {
        let (quiet, _kept) = io::pipe()?;
        assert_eq!(ready([Some((quiet.as_fd(), Until::Readable))], Duration::from_millis(1))?, [false]);
        Ok(())
    }
}
