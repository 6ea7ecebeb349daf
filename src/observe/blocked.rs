//! What a worker that is not on a core is blocked on: from the system call it is in and the descriptors that call
//! waits on; where those are hidden from us, from the kernel function it sleeps in.
//!
//! A wait for CPython's GIL is told from one for any other lock by the worker, who knows where the GIL lies; where that
//! is not known it is counted as a lock, and `profile` tells it by its signature.

use super::descriptors::{Descriptors, Set, Sort};
use super::kind::BlockedKind;
use super::memory_sets::{LOOKED_AT, poll_set, select_set};
use super::probe::{Failure, ProcPath};
use super::readings::{Stat, children};
use super::syscall::{Call, Wait, Whereabouts};
use super::wait_channel::sleeps_for;
use std::time::Duration;

/// What a worker was found doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// On a core, or waiting for one.
    #[default]
    Running,
    /// Blocked on this.
    Blocked(BlockedKind),
    /// Ended, and not yet reaped.
    Ended,
}

/// One worker to be asked about, found blocked `at` this time.
pub struct Blocked<'a> {
    /// Task.
    pub tid: i32,
    /// When.
    pub at: Duration,
    /// Of its process.
    pub descriptors: &'a mut Descriptors,
}

impl Blocked<'_> {
    /// From what its `syscall` file says; `None` when it is gone or wholly hidden.
    pub fn state(&mut self, whereabouts: Whereabouts) -> Option<State> {
        Some(match whereabouts {
            Whereabouts::Running => State::Running,
            Whereabouts::Inside(call) => State::Blocked(self.kind(&call)),
            Whereabouts::Outside => match self.letter()? {
                b'R' => State::Running,
                b'Z' | b'X' => State::Ended,
                // A page fault that waits for a disk.
                b'D' => State::Blocked(BlockedKind::Disk),
                _ => State::Blocked(BlockedKind::Other),
            },
        })
    }

    /// From its state and the kernel function it sleeps in, when its system call is hidden from us; `None` when it is
    /// gone or wholly hidden.
    pub fn state_from_outside(&self) -> Option<State> {
        let unknown = match self.letter()? {
            b'R' => return Some(State::Running),
            b'Z' | b'X' => return Some(State::Ended),
            b'D' => BlockedKind::Disk,
            _ => BlockedKind::Other,
        };
        let kind = sleeps_for(self.descriptors.pid(), self.tid).unwrap_or(unknown);
        Some(State::Blocked(kind))
    }

    /// From its state alone, not asking what it waits for; `None` when it is gone or wholly hidden.
    pub fn state_alone(&self) -> Option<State> {
        Some(match self.letter()? {
            b'R' => State::Running,
            b'Z' | b'X' => State::Ended,
            _ => State::Blocked(BlockedKind::Other),
        })
    }

    fn kind(&mut self, call: &Call) -> BlockedKind {
        match call.wait() {
            Wait::For(kind) => kind,
            Wait::On(descriptor) => self.kind_of_descriptor(descriptor),
            Wait::Path if sleeps_for(self.descriptors.pid(), self.tid) == Some(BlockedKind::Pipe) => BlockedKind::Pipe,
            Wait::Path => BlockedKind::Disk,
            Wait::Epoll { epoll, bounded } => {
                let set = self.descriptors.epoll(epoll, self.at);
                self.kind_of_epoll(set, bounded)
            }
            Wait::Poll { count: 0, bounded, .. } | Wait::Select { count: 0, bounded, .. } => {
                self.kind_of_signal(bounded)
            }
            Wait::Poll { array, count, bounded } => {
                let set = poll_set(self.descriptors.pid(), array, count).map(|wanted| self.set_of(&wanted));
                self.kind_of_poll(set, bounded)
            }
            Wait::Select { sets, count, bounded } => {
                let set = select_set(self.descriptors.pid(), sets, count).map(|wanted| self.set_of(&wanted));
                self.kind_of_poll(set, bounded)
            }
            Wait::Signal { bounded } => self.kind_of_signal(bounded),
            Wait::Ring if self.descriptors.any_socket() => BlockedKind::Network,
            Wait::Ring | Wait::Unknown => BlockedKind::Other,
        }
    }

    fn kind_of_descriptor(&mut self, descriptor: i32) -> BlockedKind {
        match self.sort(descriptor) {
            Sort::Socket(_) => BlockedKind::Network,
            Sort::Pipe | Sort::Event => BlockedKind::Pipe,
            Sort::Timer => BlockedKind::Timer,
            Sort::File => BlockedKind::Disk,
            Sort::Child => BlockedKind::Child,
            Sort::Other => BlockedKind::Other,
        }
    }

    /// An event loop registers a descriptor of its own by which other threads wake it: an eventfd, a pipe, or (asyncio)
    /// one end of a Unix socket pair. With nothing else registered it waits for its next timer, or to be woken.
    fn kind_of_epoll(&mut self, set: Set, bounded: bool) -> BlockedKind {
        let waker = set.sockets == 1 && self.descriptors.is_unix(set.socket);
        if set.sockets > 0 && !waker {
            BlockedKind::Network
        } else if set.child {
            BlockedKind::Child
        } else if bounded || set.timer {
            BlockedKind::Timer
        } else if set.pipe || set.event || waker {
            BlockedKind::Pipe
        } else {
            BlockedKind::Other
        }
    }

    /// `poll` and `select` name what they wait on in the call itself, so there a pipe is meant. `set` is `None` when
    /// the worker's memory could not be read.
    fn kind_of_poll(&mut self, set: Option<Set>, bounded: bool) -> BlockedKind {
        let set = set.unwrap_or_else(|| Set {
            sockets: u32::from(self.descriptors.any_socket()),
            event: true,
            ..Set::default()
        });
        if set.sockets > 0 {
            BlockedKind::Network
        } else if set.child {
            BlockedKind::Child
        } else if set.pipe {
            BlockedKind::Pipe
        } else if set.timer || (bounded && !set.other) {
            BlockedKind::Timer
        } else if set.event {
            BlockedKind::Pipe
        } else {
            BlockedKind::Other
        }
    }

    /// Shells wait for a child by waiting for its signal.
    fn kind_of_signal(&self, bounded: bool) -> BlockedKind {
        let mut buffer = [0; 16];
        let listed = self.file("children").read(&mut buffer).unwrap_or(b"");
        if bounded {
            BlockedKind::Timer
        } else if children(listed).next().is_some() {
            BlockedKind::Child
        } else {
            BlockedKind::Other
        }
    }

    fn set_of(&mut self, wanted: &[Option<i32>; LOOKED_AT]) -> Set {
        let mut set = Set::default();
        for descriptor in wanted.iter().flatten() {
            set.add(self.sort(*descriptor));
            if set.is_settled() {
                break;
            }
        }
        set
    }

    fn sort(&mut self, descriptor: i32) -> Sort {
        let (pid, tid) = (self.descriptors.pid(), self.tid);
        self.descriptors.sort(descriptor, self.at, || sleeps_for(pid, tid) == Some(BlockedKind::Pipe))
    }

    /// `None` when the worker is gone.
    fn letter(&self) -> Option<u8> {
        let mut buffer = [0; 512];
        match self.file("stat").read(&mut buffer) {
            Ok(bytes) => Stat::parse(bytes).map(|stat| stat.state),
            Err(Failure::Vanished | Failure::Unreadable(_)) => None,
        }
    }

    fn file(&self, name: &str) -> ProcPath {
        ProcPath::worker(self.descriptors.pid(), self.tid, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_is_told_from_outside_alone() {
        let mut sleeper = std::process::Command::new("sleep").arg("9").spawn().expect("sleep to start");
        let pid = sleeper.id().cast_signed();
        let mut descriptors = Descriptors::new(pid);
        let blocked = Blocked { tid: pid, at: Duration::ZERO, descriptors: &mut descriptors };
        // It takes a moment until it sleeps; a kernel that hides its functions leaves the kind untold.
        let wanted = [State::Blocked(BlockedKind::Timer), State::Blocked(BlockedKind::Other)];
        let sleeps = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            blocked.state_from_outside().is_some_and(|state| wanted.contains(&state))
        });
        sleeper.kill().expect("our own child");
        sleeper.wait().expect("our own child");
        assert!(sleeps);
        assert_eq!(blocked.state_from_outside(), None, "it is gone");
    }

    /// What a set that holds `sorts` is taken for by epoll and by poll.
    fn check_set(sorts: &[Sort], bounded: bool, by_epoll: BlockedKind, by_poll: BlockedKind) {
        let mut set = Set::default();
        sorts.iter().for_each(|sort| set.add(*sort));
        let mut descriptors = Descriptors::new(std::process::id() as i32);
        let mut blocked = Blocked { tid: 0, at: Duration::ZERO, descriptors: &mut descriptors };
        assert_eq!(blocked.kind_of_epoll(set, bounded), by_epoll, "epoll of {sorts:?}, bounded {bounded}");
        assert_eq!(blocked.kind_of_poll(Some(set), bounded), by_poll, "poll of {sorts:?}, bounded {bounded}");
    }

    #[test]
    fn a_set_is_taken_for_the_wait_that_matters_in_it() {
        use BlockedKind::{Child, Network, Other, Pipe, Timer};
        // Inode 0 is no Unix socket's, so this is any network's.
        let socket = Sort::Socket(0);
        check_set(&[socket], true, Network, Network);
        check_set(&[socket, Sort::Event, Sort::Pipe], false, Network, Network);
        check_set(&[Sort::Event], true, Timer, Timer);
        check_set(&[Sort::Event], false, Pipe, Pipe);
        check_set(&[Sort::Pipe], true, Timer, Pipe);
        check_set(&[Sort::Pipe], false, Pipe, Pipe);
        check_set(&[Sort::Timer, Sort::Event], false, Timer, Timer);
        check_set(&[Sort::Child, Sort::Event], true, Child, Child);
        check_set(&[], true, Timer, Timer);
        check_set(&[], false, Other, Other);
    }

    #[test]
    fn an_event_loop_with_only_its_own_waker_waits_for_its_timer() {
        use std::os::fd::AsRawFd;
        let pid = std::process::id() as i32;
        let (waker, _other_end) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
        let sort = Descriptors::new(pid).sort(waker.as_raw_fd(), Duration::ZERO, || false);
        check_set(&[sort], true, BlockedKind::Timer, BlockedKind::Network);
        check_set(&[sort], false, BlockedKind::Pipe, BlockedKind::Network);
        check_set(&[sort, sort], true, BlockedKind::Network, BlockedKind::Network);
    }
}
