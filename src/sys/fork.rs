//! A child that is a copy of this process and runs a closure: `fork` without `exec`.

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork as raw_fork};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A forked child that has not been waited for.
#[derive(Debug)]
pub struct Child(Pid);

impl Child {
    /// Waits for its end; whether it ended by itself with status 0.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn wait(self) -> io::Result<bool> {
        Ok(matches!(waitpid(self.0, None)?, WaitStatus::Exited(_, 0)))
    }
}

/// Runs `body` in a child, which ends with the status it returns, or with 101 when it panics; no destructor or exit
/// handler of ours runs there. The child is killed when we die.
///
/// # Errors
/// What the kernel said; and when this process has a second thread, whose locks the child would inherit locked.
pub fn fork(body: impl FnOnce() -> i32) -> io::Result<Child> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other(format!("this process has {threads} threads, so a copy of it could hang")));
    }
    // SAFETY: this is the only thread, as was just read, and only it could have started another since. So the child
    // is a complete copy: no lock is held, and no invariant broken, by a thread that is missing in it.
    match unsafe { raw_fork() }? {
        ForkResult::Parent { child } => Ok(Child(child)),
        ForkResult::Child => {
            // Without it the child still ends when its parent's end of a pipe closes.
            let _ = set_pdeathsig(Signal::SIGKILL);
            let status = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: ends the process at once and touches none of its memory.
            unsafe { nix::libc::_exit(status) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_not_forked() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv().is_ok());
        let refusal = fork(|| 0).expect_err("a test runs beside its harness's thread and this one");
        drop(stop);
        assert!(!other.join().expect("it only waits"));
        assert!(refusal.to_string().contains("threads"), "{refusal}");
    }
}
