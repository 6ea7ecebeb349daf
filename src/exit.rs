//! Every exit status of ours, in one place, and how a run ends this process.
//!
//! For the main job this process ends as the target ended, as `strace` and `env` do: its status is ours, its signal is
//! raised again. The statuses from 125 are what those tools and POSIX shells use for trouble of their own.

use crate::observe::Exit;
use crate::sys::signals::reraise;
use std::process::ExitCode;

/// All went well; of the main job: the target succeeded, and the report was written.
pub const OK: u8 = 0;
/// `rules check`: the rules are not sound.
pub const UNSOUND: u8 = 1;
/// `check`: there are findings at the level of a warning or an error.
pub const FOUND: u8 = 1;
/// `gate`: a change of the code changed the advice, or there are new errors.
pub const CHANGED: u8 = 1;
/// `gate --fail-on-inconclusive`: nothing changed, and a target could not be told or compared.
pub const INCONCLUSIVE: u8 = 3;
/// `gate`: a target failed, so what it showed may not be its work.
pub const TARGET_FAILED: u8 = 4;
/// `attach`, `check`, `gate`, `report`, `doctor`, `rules`, `explain`: the command line makes no sense, or names what is not there, cannot
/// be read, or cannot be attached to.
pub const USAGE: u8 = 2;
/// The main job and `attach`: the trouble is ours. The command line makes no sense, the rules are broken (the target was not run),
/// or the target succeeded but its report could not be written.
pub const OURS: u8 = 125;
/// The main job: the command was found and the kernel would not execute it.
pub const NOT_EXECUTABLE: u8 = 126;
/// The main job: there is no such command.
pub const NOT_FOUND: u8 = 127;

/// How this process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Status(u8),
    /// By this signal, as the target did or as we were asked to.
    Signal(i32),
}

impl Ending {
    /// As the target ended.
    pub fn of(exit: Exit) -> Self {
        match exit {
            // The kernel keeps the low eight bits, so nothing is cut off here that was there.
            Exit::Code(status) => Self::Status((status & 0xff) as u8),
            Exit::Signal(signal) => Self::Signal(signal),
        }
    }

    /// Ends this process so: by the signal, or with the status that `main` returns.
    pub fn end(self) -> ExitCode {
        match self {
            Self::Status(status) => ExitCode::from(status),
            Self::Signal(signal) => reraise(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_end_is_ours() {
        assert_eq!(Ending::of(Exit::Code(0)), Ending::Status(OK));
        assert_eq!(Ending::of(Exit::Code(255)), Ending::Status(255));
        assert_eq!(Ending::of(Exit::Signal(11)), Ending::Signal(11));
    }
}
