//! Signals sent to this process: seen as they come instead of ending it, sent on, and died of at the end.

use super::origin;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::{prctl, resource};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{mem, ptr};

/// Keeps some signals from acting on this thread and hands them over one by one. Dropping it puts the thread's signal
/// mask back, so a signal that was not taken then acts. Watches may nest; the target's mask is not affected.
#[derive(Debug)]
pub struct Watch {
    arrivals: SignalFd,
    mask_before: SigSet,
}

/// One signal that was sent to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number.
    pub signal: i32,
    /// The process that sent it; `None` when the kernel did: a key on the terminal, or its end.
    pub sender: Option<i32>,
}

impl Watch {
    /// Begins, for those of `signals` that this process does not ignore: `nohup` is to be respected.
    ///
    /// # Errors
    /// When this process may open no more descriptors.
    pub fn new(signals: &[Signal]) -> io::Result<Self> {
        let heeded = |signal: &Signal| origin::disposition(*signal as i32) != libc::SIG_IGN;
        let set: SigSet = signals.iter().copied().filter(heeded).collect();
        let arrivals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let mask_before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { arrivals, mask_before })
    }

    /// The next signal that has arrived.
    pub fn take(&mut self) -> Option<Arrival> {
        let info = self.arrivals.read_signal().ok().flatten()?;
        // Codes above zero are the kernel's own (sigaction(2)).
        let sender = (info.ssi_code <= 0).then_some(info.ssi_pid as i32);
        Some(Arrival { signal: info.ssi_signo as i32, sender })
    }

    /// Has `command` start with the mask that this thread had before: it would else never hear of these signals.
    pub fn spare(&self, command: &mut Command) {
        let mask = self.mask_before;
        // SAFETY: between fork and exec the closure makes one async-signal-safe call, on a set of its own, and
        // allocates nothing.
        unsafe { command.pre_exec(move || mask.thread_set_mask().map_err(io::Error::from)) };
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrivals.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It was the thread's mask before, so the kernel takes it.
        let _ = self.mask_before.thread_set_mask();
    }
}

/// Sends `signal` to a process whose end was not taken yet, so that its id is its own.
pub fn send(pid: i32, signal: i32) {
    // SAFETY: touches no memory. That it may be gone already is no trouble: then there is nobody to tell.
    unsafe { libc::kill(pid, signal) };
}

/// Kills the process group that `leader` founded; call it before the leader is reaped, while the number is its own.
pub fn kill_group(leader: i32) {
    // SAFETY: touches no memory. An empty group is no trouble.
    unsafe { libc::kill(-leader, libc::SIGKILL) };
}

pub(super) fn set_disposition(signal: i32, disposition: libc::sighandler_t) {
    // SAFETY: all zeroes is a valid sigaction (no flags, empty mask); `disposition` is SIG_DFL or SIG_IGN, no code.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = disposition;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

/// Ends this process by `signal`, as the target ended, without leaving a core file over the target's. Where the
/// signal does not end a process, exits with 128 + `signal`, as shells put it. Nothing is flushed.
pub fn reraise(signal: i32) -> ! {
    // A core file obeys the limit; a core that is piped to a handler obeys only the flag (core(5)).
    let _ = resource::setrlimit(resource::Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    set_disposition(signal, libc::SIG_DFL);
    // SAFETY: the set lives on this stack and is filled before use; raising a signal touches no memory.
    unsafe {
        let mut set = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(signal);
    }
    std::process::exit(128 + signal)
}
