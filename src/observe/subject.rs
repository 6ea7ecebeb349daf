//! The process that is to be attached to: whether it may be, whether it has ended, and how. It is no child of ours, so
//! the kernel hands us nothing; its id is its own only while its start time is what it was.
//!
//! Watching it is `attach`'s.

use super::Exit;
use super::family;
use super::probe::{Failure, ProcPath};
use super::readings::{Stat, field, number, words};
use crate::sys::ready::{Until, ready};
use crate::sys::wait;
use nix::libc;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

/// `PF_KTHREAD` among the flags of `stat` (`include/linux/sched.h`).
const KERNEL_THREAD: u64 = 0x0020_0000;
/// How long its parent is given to wait for it, after which the kernel tells how it ended.
const TAKEN: Duration = Duration::from_millis(50);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(1);

/// Why a process is not attached to. Nothing was done to it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is none.
    #[error("cannot attach to {pid}: there is no such process; `ps -e` lists those that there are")]
    NoSuchProcess {
        /// The id.
        pid: i32,
    },
    /// There is one and `/proc` does not show it.
    #[error(
        "cannot attach to {pid}: /proc hides this process from this user; run concadvise as its user or as root, or show \
         everybody's with: sudo mount -o remount,hidepid=0 /proc"
    )]
    Invisible {
        /// The id.
        pid: i32,
    },
    /// It is one thread of a process.
    #[error("cannot attach to {pid}: it is a thread of process {process}; attach to that")]
    Thread {
        /// The id.
        pid: i32,
        /// The process that it is of.
        process: u64,
    },
    /// It runs no program.
    #[error("cannot attach to {pid}: it is a thread of the kernel and runs no program; attach to a program's process")]
    KernelThread {
        /// The id.
        pid: i32,
    },
    /// It has ended.
    #[error("cannot attach to {pid}: it has ended, and only waits for its parent, {parent}, to take note of that")]
    Zombie {
        /// The id.
        pid: i32,
        /// Its parent.
        parent: i32,
    },
    /// We are below it, or are it.
    #[error(
        "cannot attach to {pid}: concadvise itself runs {relation} it and would watch itself; attach to the process that \
         does the work, or start concadvise from elsewhere"
    )]
    Ourselves {
        /// The id.
        pid: i32,
        /// Where we stand, as a preposition.
        relation: &'static str,
    },
    /// We failed.
    #[error("could not {doing}: {source}")]
    Ours {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A process that may be attached to.
#[derive(Debug)]
pub(super) struct Subject {
    pid: i32,
    start: Duration,
    /// Readable once it has ended; `None` before Linux 5.3, and where calls are filtered.
    ended: Option<OwnedFd>,
    /// Whether the kernel tells us what it tells only to those who may inspect it: what it executes, and how it ended.
    permitted: bool,
}

impl Subject {
    /// Looks whether `pid` may be attached to.
    pub(super) fn find(pid: i32) -> Result<Self, Refused> {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        if pid == own || family::is_ancestor_of_us(pid) {
            return Err(Refused::Ourselves { pid, relation: if pid == own { "as" } else { "below" } });
        }
        // First the descriptor: from then on another process of the same id is not mistaken for it.
        let ended = wait::pidfd(pid);
        if let Err(error) = &ended
            && error.raw_os_error() == Some(libc::ESRCH)
        {
            return Err(Refused::NoSuchProcess { pid });
        }
        let mut buffer = [0; 512];
        let bytes = match ProcPath::process(pid, "stat").read(&mut buffer) {
            Ok(bytes) => bytes,
            Err(Failure::Vanished) if ended.as_ref().is_ok_and(|fd| !readable(fd.as_fd())) => {
                return Err(Refused::Invisible { pid });
            }
            Err(Failure::Vanished) => return Err(Refused::NoSuchProcess { pid }),
            Err(Failure::Unreadable(_)) => return Err(Refused::Invisible { pid }),
        };
        let stat = Stat::parse(bytes).ok_or(Refused::NoSuchProcess { pid })?;
        if stat_field(bytes, 9).is_some_and(|flags| flags & KERNEL_THREAD != 0) {
            return Err(Refused::KernelThread { pid });
        }
        if matches!(stat.state, b'Z' | b'X') {
            return Err(Refused::Zombie { pid, parent: stat.parent });
        }
        let mut buffer = [0; 4096];
        let status = ProcPath::process(pid, "status").read(&mut buffer).unwrap_or_default();
        if let Some(process) = field(status, b"Tgid:").filter(|process| *process != u64::from(pid.unsigned_abs())) {
            return Err(Refused::Thread { pid, process });
        }
        // The same right as for how it ended, which reads as 0 without it.
        let permitted = std::fs::read_link(ProcPath::process(pid, "exe")).is_ok();
        Ok(Self { pid, start: stat.start, ended: ended.ok(), permitted })
    }

    /// Its id.
    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    /// What becomes readable when it ends.
    pub(super) fn end(&self) -> Option<BorrowedFd<'_>> {
        self.ended.as_ref().map(AsFd::as_fd)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        match self.end() {
            Some(end) => readable(end),
            None => self.state().is_none_or(|state| matches!(state, b'Z' | b'X')),
        }
    }

    /// How it ended: as the kernel says while nobody has waited for it, or when its parent has, which is given a
    /// moment; `None` when it does not tell us.
    pub(super) fn exit(&self) -> Option<Exit> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.end().and_then(|end| wait::exit_status(end).ok()) {
                return Some(Exit::from_wait(status));
            }
            let unwaited = self.permitted.then(|| self.status_unwaited()).flatten();
            if unwaited.is_some() || self.end().is_none() || begun.elapsed() >= TAKEN {
                return unwaited;
            }
            thread::sleep(LOOK);
        }
    }

    fn status_unwaited(&self) -> Option<Exit> {
        let mut buffer = [0; 512];
        let bytes = ProcPath::process(self.pid, "stat").read(&mut buffer).ok()?;
        Stat::parse(bytes).filter(|stat| stat.start == self.start && stat.state == b'Z')?;
        Some(Exit::from_wait(i32::try_from(stat_field(bytes, 52)?).ok()?))
    }

    /// Its state; `None` when it is gone, or its id is another's.
    fn state(&self) -> Option<u8> {
        let mut buffer = [0; 512];
        let stat = Stat::parse(ProcPath::process(self.pid, "stat").read(&mut buffer).ok()?)?;
        (stat.start == self.start).then_some(stat.state)
    }

    /// What would let us see more of it, as a clause: what stands in the way is its user, or Yama.
    pub(super) fn remedy(&self) -> String {
        let of = |pid: i32| std::fs::metadata(ProcPath::process(pid, "")).map(|folder| folder.uid()).ok();
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
        let again = format!("sudo concadvise attach {}", self.pid);
        match scope.trim() {
            _ if of(self.pid) != of(own) => format!("it is another user's process, so run: {again}"),
            "1" => format!(
                "Yama lets a process be read only by its parents, so run: sudo sysctl kernel.yama.ptrace_scope=0, or: {again}"
            ),
            "2" | "3" => format!("Yama lets only root read processes, so run: {again}"),
            _ => format!(
                "it keeps itself from being read (prctl PR_SET_DUMPABLE, setuid, capabilities), so run: {again}"
            ),
        }
    }
}

/// Whether process `pid` may print on the terminal `ours`: its standard output or error is that terminal, or, where that
/// is hidden, it is controlled by it.
pub fn may_print_to(pid: i32, ours: BorrowedFd<'_>) -> bool {
    let Ok(terminal) = nix::sys::stat::fstat(ours).map(|stat| stat.st_rdev) else { return true };
    let stream = |descriptor| std::fs::metadata(ProcPath::descriptor(pid, "fd", descriptor));
    let is_it = |descriptor| match stream(descriptor) {
        Ok(file) => Some(file.rdev() == terminal),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    };
    match (is_it(1), is_it(2)) {
        (Some(out), Some(error)) => out || error,
        _ => {
            let mut buffer = [0; 512];
            let stat = ProcPath::process(pid, "stat").read(&mut buffer).ok();
            stat.and_then(|bytes| stat_field(bytes, 7)).is_none_or(|controlling| controlling == terminal)
        }
    }
}

fn readable(descriptor: BorrowedFd<'_>) -> bool {
    matches!(ready([Some((descriptor, Until::Readable))], Duration::ZERO), Ok([true]))
}

/// A number of `/proc/PID/stat` by its place in proc_pid_stat(5), from the third on.
fn stat_field(stat: &[u8], of_manual: usize) -> Option<u64> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    number(words(stat.get(after_name..)?).nth(of_manual - 3)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn id(child: &Child) -> i32 {
        i32::try_from(child.id()).expect("a process id fits")
    }

    fn check(pid: i32, said: &str) {
        let refused = Subject::find(pid).expect_err(said).to_string();
        assert!(refused.contains(said) && refused.contains(&pid.to_string()), "{refused}");
    }

    #[test]
    fn each_refusal_says_why_and_what_to_do_instead() -> io::Result<()> {
        let own = i32::try_from(std::process::id()).expect("a process id fits");
        check(own, "runs as it");
        check(nix::unistd::getppid().as_raw(), "runs below it");
        check(i32::MAX, "no such process");
        let mut ended = Command::new("true").spawn()?;
        while !Subject::find(id(&ended)).is_err_and(|why| matches!(why, Refused::Zombie { .. })) {
            thread::sleep(LOOK);
        }
        check(id(&ended), "it has ended");
        ended.wait()?;
        check(id(&ended), "no such process");
        Ok(())
    }

    #[test]
    fn a_thread_is_told_its_process() {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            tell.send(nix::unistd::gettid().as_raw()).expect("somebody listens");
            wait.recv().is_ok()
        });
        check(told.recv().expect("it tells"), "a thread of process");
        drop(stop);
        assert!(!thread.join().expect("it only waits"));
    }

    #[test]
    fn an_end_is_seen_and_told_whether_or_not_the_parent_has_waited() -> io::Result<()> {
        for (script, exit) in [("read x; exit 7", Exit::Code(7)), ("read x; kill -9 $$", Exit::Signal(9))] {
            let mut child = Command::new("sh").args(["-c", script]).stdin(std::process::Stdio::piped()).spawn()?;
            let subject = Subject::find(id(&child)).expect("it waits to read");
            assert!(!subject.has_ended());
            drop(child.stdin.take());
            while !subject.has_ended() {
                thread::sleep(LOOK);
            }
            assert_eq!(subject.exit(), Some(exit), "before its parent has waited");
            child.wait()?;
            // Since Linux 6.15 the kernel remembers; before, nobody does.
            let told = subject.exit();
            let remembers = wait::exit_status(subject.end().expect("a descriptor")).is_ok();
            assert_eq!(told, remembers.then_some(exit), "after its parent has waited");
        }
        Ok(())
    }
}
