//! How a process ended, read from what `wait(2)` says and put into words.

use super::Exit;
use nix::libc;
use nix::sys::signal::Signal;
use std::fmt;

impl Exit {
    /// From a status as `wait(2)` encodes it.
    pub(super) const fn from_wait(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

impl fmt::Display for Exit {
    /// What "the target" did: `exited with status 3`, `was ended by signal 9 (SIGKILL)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with status {code}"),
            Self::Signal(signal) => match Signal::try_from(*signal) {
                Ok(named) => write!(f, "was ended by signal {signal} ({named})"),
                Err(_) => write!(f, "was ended by signal {signal}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_from_the_wait_status_and_said_in_words() {
        for (status, exit, words) in [
            (0, Exit::Code(0), "exited with status 0"),
            (0x7f00, Exit::Code(127), "exited with status 127"),
            (9, Exit::Signal(9), "was ended by signal 9 (SIGKILL)"),
            (0x80 | 11, Exit::Signal(11), "was ended by signal 11 (SIGSEGV)"),
            (40, Exit::Signal(40), "was ended by signal 40"),
        ] {
            assert_eq!(Exit::from_wait(status), exit);
            assert_eq!(exit.to_string(), words);
        }
    }
}
