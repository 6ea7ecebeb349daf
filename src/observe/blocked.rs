//! What a worker that is not on a core is blocked on: from the system call it is in and the descriptors that call
//! waits on; where those are hidden from us, from the kernel function it sleeps in.
//!
//! A wait for CPython's GIL is told from one for any other lock by the worker, who knows where the GIL lies; where that
//! is not known it is counted as a lock, and `profile` tells it by its signature.

use super::descriptors::{Descriptors, Set, Sort};
use super::kind::BlockedKind;
use super::memory_sets::{WatchedSet, poll_set, select_set};
use super::probe::{Failure, ProcPath};
use super::readings::{Stat, children};
use super::ring::InFlight;
use super::sockets::{Side, Sockets};
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
    /// Of the whole tree.
    pub sockets: &'a mut Sockets,
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
                b'D' => State::Blocked(self.kind_of_fault()),
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
        let kind = self.sleeps_for().unwrap_or(unknown);
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
            Wait::On(descriptor) => self.kind_of_descriptor(descriptor, false),
            Wait::Input(descriptor) => self.kind_of_descriptor(descriptor, true),
            Wait::Move { from, to } => self.kind_of_move(from, to),
            Wait::Memory => self.kind_of_memory(),
            Wait::Path if self.sleeps_for() == Some(BlockedKind::Pipe) => BlockedKind::Pipe,
            Wait::Path => BlockedKind::Disk,
            Wait::Epoll { epoll, bounded } => {
                let set = self.descriptors.epoll(epoll, self.at, self.sockets);
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
            Wait::Ring(ring) => self.kind_of_ring(self.descriptors.ring(ring)),
            Wait::Unknown => BlockedKind::Other,
        }
    }

    /// `reads` when it is something to read that is waited for.
    fn kind_of_descriptor(&mut self, descriptor: i32, reads: bool) -> BlockedKind {
        match self.sort(descriptor) {
            Sort::Socket(inode) if reads && self.side(inode) != Side::Peer => BlockedKind::Idle,
            Sort::Socket(_) => BlockedKind::Network,
            Sort::Pipe | Sort::Event => BlockedKind::Pipe,
            Sort::Timer => BlockedKind::Timer,
            Sort::File => BlockedKind::Disk,
            Sort::Child => BlockedKind::Child,
            Sort::Other => BlockedKind::Other,
        }
    }

    /// One end is mostly a file. It sleeps undisturbably while that is read or written, and lightly while the other end
    /// has nothing to give or no room.
    fn kind_of_move(&mut self, from: i32, to: i32) -> BlockedKind {
        let ends = [self.kind_of_descriptor(from, true), self.kind_of_descriptor(to, false)];
        let other_end = ends.into_iter().find(|kind| *kind != BlockedKind::Disk);
        match other_end {
            Some(kind) if self.letter() != Some(b'D') => kind,
            _ => BlockedKind::Disk,
        }
    }

    /// A page that has to be read in, unless another thread holds the lock of the address space.
    fn kind_of_fault(&self) -> BlockedKind {
        match self.sleeps_for() {
            Some(BlockedKind::Lock) => BlockedKind::Lock,
            _ => BlockedKind::PageFault,
        }
    }

    /// A call that changes the address space waits for its lock, or for the pages that it is to have.
    fn kind_of_memory(&self) -> BlockedKind {
        match self.sleeps_for() {
            Some(BlockedKind::Disk | BlockedKind::PageFault) => BlockedKind::PageFault,
            _ => BlockedKind::Lock,
        }
    }

    /// The kernel tells what waits for readiness, and not on which descriptor: a ring that also takes connections is
    /// taken to receive from those. Files and time limits it does not tell: with nothing else in flight it is a file
    /// when one is open.
    fn kind_of_ring(&self, in_flight: Option<InFlight>) -> BlockedKind {
        match in_flight {
            Some(InFlight { sends: true, .. }) => BlockedKind::Network,
            Some(InFlight { accepts: true, .. }) => BlockedKind::Idle,
            Some(InFlight { receives: true, .. }) => BlockedKind::Network,
            Some(InFlight { any: false, .. }) if self.descriptors.any_file() => BlockedKind::Disk,
            Some(InFlight { any: false, .. }) => BlockedKind::Other,
            Some(InFlight { any: true, .. }) if !self.descriptors.any_socket() => BlockedKind::Pipe,
            Some(_) => BlockedKind::Network,
            None if self.descriptors.any_socket() => BlockedKind::Network,
            None => BlockedKind::Other,
        }
    }

    /// An event loop registers a descriptor of its own by which other threads wake it: an eventfd, a pipe, or (asyncio)
    /// one end of a Unix socket pair. With nothing else registered it waits for its next timer, or to be woken.
    fn kind_of_epoll(&mut self, set: Set, bounded: bool) -> BlockedKind {
        let waker = set.peers == 1 && self.descriptors.is_waker(set.peer, self.at, self.sockets);
        if set.peers > 0 && !waker {
            BlockedKind::Network
        } else if set.child {
            BlockedKind::Child
        } else if set.serves {
            BlockedKind::Idle
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
            peers: u32::from(self.descriptors.any_socket()),
            event: true,
            ..Set::default()
        });
        if set.peers > 0 {
            BlockedKind::Network
        } else if set.child {
            BlockedKind::Child
        } else if set.serves {
            BlockedKind::Idle
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

    fn set_of(&mut self, wanted: &WatchedSet) -> Set {
        let mut set = Set::default();
        for watched in wanted.iter().flatten() {
            let sort = self.sort(watched.descriptor);
            set.add(sort, watched.writing, |inode| self.side(inode));
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

    fn side(&mut self, inode: u64) -> Side {
        self.sockets.side(self.descriptors.pid(), inode, self.at)
    }

    fn sleeps_for(&self) -> Option<BlockedKind> {
        sleeps_for(self.descriptors.pid(), self.tid)
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
        let sockets = &mut Sockets::default();
        let blocked = Blocked { tid: pid, at: Duration::ZERO, descriptors: &mut descriptors, sockets };
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

    /// What a set of `sockets` and of `sorts` is taken for by epoll and by poll.
    fn check_set(sockets: &[(Sort, Side)], sorts: &[Sort], bounded: bool, by_epoll: BlockedKind, by_poll: BlockedKind) {
        let mut set = Set::default();
        sockets.iter().for_each(|(sort, side)| set.add(*sort, false, |_| *side));
        sorts.iter().for_each(|sort| set.add(*sort, false, |_| Side::Peer));
        let mut descriptors = Descriptors::new(std::process::id() as i32);
        let mut blocked =
            Blocked { tid: 0, at: Duration::ZERO, descriptors: &mut descriptors, sockets: &mut Sockets::default() };
        let of = format!("{sockets:?} and {sorts:?}, bounded {bounded}");
        assert_eq!(blocked.kind_of_epoll(set, bounded), by_epoll, "epoll of {of}");
        assert_eq!(blocked.kind_of_poll(Some(set), bounded), by_poll, "poll of {of}");
    }

    /// No process has a socket with this inode.
    const NOBODY_S: Sort = Sort::Socket(0);

    #[test]
    fn a_set_is_taken_for_the_wait_that_matters_in_it() {
        use BlockedKind::{Child, Network, Other, Pipe, Timer};
        let socket = [(NOBODY_S, Side::Peer)];
        check_set(&socket, &[], true, Network, Network);
        check_set(&socket, &[Sort::Event, Sort::Pipe], false, Network, Network);
        check_set(&[], &[Sort::Event], true, Timer, Timer);
        check_set(&[], &[Sort::Event], false, Pipe, Pipe);
        check_set(&[], &[Sort::Pipe], true, Timer, Pipe);
        check_set(&[], &[Sort::Pipe], false, Pipe, Pipe);
        check_set(&[], &[Sort::Timer, Sort::Event], false, Timer, Timer);
        check_set(&[], &[Sort::Child, Sort::Event], true, Child, Child);
        check_set(&[], &[], true, Timer, Timer);
        check_set(&[], &[], false, Other, Other);
    }

    #[test]
    fn a_server_without_a_request_is_idle_until_it_waits_for_another_server() {
        use BlockedKind::{Idle, Network};
        let [listening, accepted, peer] = [Side::Listening, Side::Accepted, Side::Peer].map(|side| (NOBODY_S, side));
        check_set(&[listening], &[Sort::Event, Sort::Pipe], true, Idle, Idle);
        check_set(&[listening, accepted, accepted], &[], false, Idle, Idle);
        check_set(&[listening, accepted, peer], &[], false, Network, Network);
    }

    #[test]
    fn a_server_that_waits_until_its_client_takes_what_it_sends_is_not_idle() {
        let mut set = Set::default();
        set.add(NOBODY_S, true, |_| Side::Accepted);
        assert!(!set.serves && set.peers == 1, "{set:?}");
    }

    #[test]
    fn an_event_loop_with_only_its_own_waker_waits_for_its_timer() {
        use BlockedKind::{Idle, Network, Pipe, Timer};
        use std::os::fd::AsRawFd;
        let pid = std::process::id() as i32;
        let (waker, _other_end) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
        let sort = Descriptors::new(pid).sort(waker.as_raw_fd(), Duration::ZERO, || false);
        let waker = (sort, Side::Peer);
        check_set(&[waker], &[], true, Timer, Network);
        check_set(&[waker], &[], false, Pipe, Network);
        check_set(&[waker, waker], &[], true, Network, Network);
        check_set(&[waker, (NOBODY_S, Side::Listening)], &[], false, Idle, Network);
    }

    #[test]
    fn a_ring_is_judged_by_what_it_has_in_flight() {
        let mut descriptors = Descriptors::new(i32::MAX);
        let sockets = &mut Sockets::default();
        let blocked = Blocked { tid: 0, at: Duration::ZERO, descriptors: &mut descriptors, sockets };
        let none = InFlight::default();
        for (in_flight, kind) in [
            (Some(InFlight { accepts: true, receives: true, ..none }), BlockedKind::Idle),
            (Some(InFlight { receives: true, ..none }), BlockedKind::Network),
            (Some(InFlight { sends: true, accepts: true, ..none }), BlockedKind::Network),
            (Some(InFlight { any: true, ..none }), BlockedKind::Pipe),
            (Some(none), BlockedKind::Other),
            (None, BlockedKind::Other),
        ] {
            assert_eq!(blocked.kind_of_ring(in_flight), kind, "{in_flight:?}");
        }
    }
}
