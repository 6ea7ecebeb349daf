//! How wide a terminal is.

use nix::libc;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Its columns; `None` when it is no terminal, or does not tell.
pub fn columns(terminal: BorrowedFd<'_>) -> Option<u16> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: `size` is a valid place for one winsize, for which all zeroes is a valid value, also when it is not told.
    let columns = unsafe {
        if libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()) == -1 {
            return None;
        }
        size.assume_init().ws_col
    };
    (columns > 0).then_some(columns)
}
