//! Commands that are waited for with an ear for signals, so that what was made for them is taken away again before one
//! of those ends us.

use super::Stop;
use crate::sys::ready::{Until, ready};
use crate::sys::signals::{Watch, send};
use crate::sys::wait::pidfd;
use nix::sys::signal::Signal;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::AsFd;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// What ends a gate early: Ctrl-C, `kill`, a terminal that closes.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// The longest wait; a child's end and a signal end it earlier.
const LONG: Duration = Duration::from_secs(3600);

/// The same where the kernel cannot wake us at a child's end (before Linux 5.3).
const SHORT: Duration = Duration::from_millis(20);

/// While it lives, no signal of those ends us; one that nobody asked for acts when it is dropped.
pub(super) struct Attended {
    /// `None` when the kernel gives no more descriptors: then a signal ends us as it would any program.
    watch: Option<RefCell<Watch>>,
    taken: Cell<Option<i32>>,
}

impl Attended {
    /// From now on.
    pub fn begin() -> Self {
        Self { watch: Watch::new(&ENDING).ok().map(RefCell::new), taken: Cell::new(None) }
    }

    /// # Errors
    /// The signal, once there is one.
    pub fn go_on(&self) -> Result<(), Stop> {
        self.hear(None);
        self.taken.get().map_or(Ok(()), |signal| Err(Stop::Signal(signal)))
    }

    /// Runs a command to its end. A signal sent to us alone is passed on to it; one of the terminal it has already.
    pub fn status(&self, command: &mut Command) -> io::Result<ExitStatus> {
        if let Some(watch) = &self.watch {
            watch.borrow().spare(command);
        }
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        let ended = pidfd(pid).ok();
        let longest = if ended.is_some() { LONG } else { SHORT };
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let watch = self.watch.as_ref().map(RefCell::borrow);
            let readable = |fd| (fd, Until::Readable);
            let waited = [ended.as_ref().map(|fd| readable(fd.as_fd())), watch.as_ref().map(|w| readable(w.as_fd()))];
            let woken = ready(waited, longest);
            drop(watch);
            self.hear(Some(pid));
            woken?;
        }
    }

    fn hear(&self, child: Option<i32>) {
        let take = || self.watch.as_ref().and_then(|watch| watch.borrow_mut().take());
        while let Some(arrival) = take() {
            self.taken.set(self.taken.get().or(Some(arrival.signal)));
            if let (Some(child), Some(_)) = (child, arrival.sender) {
                send(child, arrival.signal);
            }
        }
    }
}
