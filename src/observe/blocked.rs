//! What a worker that is not on a core is blocked on: from the system call it is in and the descriptors that call
//! waits on; where those are hidden from us, from the kernel function it sleeps in.
//!
//! A wait inside CPython's GIL is counted as a lock here; `profile` tells it by its signature.

use super::descriptors::{Descriptors, Set, Sort};
use super::kind::BlockedKind;
use super::probe::{Failure, ProcPath};
use super::readings::{Stat, children};
use super::syscall::{Call, Wait, Whereabouts};
use std::fs::File;
use std::os::unix::fs::FileExt;
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

/// Descriptors of one `poll` or `select` that are looked at.
const LOOKED_AT: usize = 16;

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
    /// From what its `syscall` file says.
    pub fn state(&mut self, whereabouts: Whereabouts) -> State {
        match whereabouts {
            Whereabouts::Running => State::Running,
            Whereabouts::Inside(call) => State::Blocked(self.kind(&call)),
            Whereabouts::Outside => match self.letter() {
                None | Some(b'R') => State::Running,
                Some(b'Z' | b'X') => State::Ended,
                // A page fault that waits for a disk.
                Some(b'D') => State::Blocked(BlockedKind::Disk),
                Some(_) => State::Blocked(BlockedKind::Other),
            },
        }
    }

    /// From its state and the kernel function it sleeps in, when its system call is hidden from us.
    pub fn state_from_outside(&mut self) -> State {
        let letter = match self.letter() {
            None | Some(b'R') => return State::Running,
            Some(b'Z' | b'X') => return State::Ended,
            Some(letter) => letter,
        };
        let mut buffer = [0; 64];
        let function = self.file("wchan").read(&mut buffer).unwrap_or(b"");
        State::Blocked(kind_of_function(function).unwrap_or(match letter {
            b'D' => BlockedKind::Disk,
            _ => BlockedKind::Other,
        }))
    }

    fn kind(&mut self, call: &Call) -> BlockedKind {
        match call.wait() {
            Wait::For(kind) => kind,
            Wait::On(descriptor) => self.kind_of_descriptor(descriptor),
            Wait::Path if sleeps_in_pipe(self.descriptors.pid(), self.tid) => BlockedKind::Pipe,
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
        self.descriptors.sort(descriptor, self.at, || sleeps_in_pipe(pid, tid))
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

/// Whether the kernel function it sleeps in is that of a pipe, or of opening a FIFO.
fn sleeps_in_pipe(pid: i32, tid: i32) -> bool {
    let mut buffer = [0; 64];
    let function = ProcPath::worker(pid, tid, "wchan").read(&mut buffer).unwrap_or(b"");
    kind_of_function(function) == Some(BlockedKind::Pipe)
}

/// The kind that the name of a sleeping kernel function stands for: names of Linux 4 to 6, by what they begin with.
fn kind_of_function(function: &[u8]) -> Option<BlockedKind> {
    const NAMES: [(&[u8], BlockedKind); 43] = [
        (b"futex_", BlockedKind::Lock),
        (b"do_futex", BlockedKind::Lock),
        (b"flock_lock_inode", BlockedKind::Lock),
        (b"fcntl_setlk", BlockedKind::Lock),
        (b"locks_lock_inode", BlockedKind::Lock),
        (b"do_semtimedop", BlockedKind::Lock),
        (b"rwsem_down", BlockedKind::Lock),
        (b"hrtimer_nanosleep", BlockedKind::Timer),
        (b"do_nanosleep", BlockedKind::Timer),
        (b"common_nsleep", BlockedKind::Timer),
        (b"timerfd_read", BlockedKind::Timer),
        (b"do_wait", BlockedKind::Child),
        (b"kernel_wait4", BlockedKind::Child),
        (b"kernel_clone", BlockedKind::Child),
        (b"wait_for_vfork_done", BlockedKind::Child),
        (b"pipe_", BlockedKind::Pipe),
        (b"anon_pipe_", BlockedKind::Pipe),
        (b"wait_for_partner", BlockedKind::Pipe),
        (b"fifo_open", BlockedKind::Pipe),
        (b"n_tty_", BlockedKind::Pipe),
        (b"tty_", BlockedKind::Pipe),
        (b"eventfd_", BlockedKind::Pipe),
        (b"inet_", BlockedKind::Network),
        (b"tcp_", BlockedKind::Network),
        (b"udp_", BlockedKind::Network),
        (b"unix_", BlockedKind::Network),
        (b"sk_", BlockedKind::Network),
        (b"sock_", BlockedKind::Network),
        (b"__skb_", BlockedKind::Network),
        (b"skb_", BlockedKind::Network),
        (b"wait_woken", BlockedKind::Network),
        (b"ep_poll", BlockedKind::Network),
        (b"do_epoll_wait", BlockedKind::Network),
        (b"io_schedule", BlockedKind::Disk),
        (b"folio_wait", BlockedKind::Disk),
        (b"wait_on_page", BlockedKind::Disk),
        (b"blk_", BlockedKind::Disk),
        (b"submit_bio_wait", BlockedKind::Disk),
        (b"jbd2_", BlockedKind::Disk),
        (b"xfs_", BlockedKind::Disk),
        (b"ext4_", BlockedKind::Disk),
        (b"rpc_wait_bit", BlockedKind::Disk),
        (b"request_wait_answer", BlockedKind::Disk),
    ];
    NAMES.iter().find(|(start, _)| function.starts_with(start)).map(|(_, kind)| *kind)
}

/// The descriptors of an array of `struct pollfd { int fd; short events, revents; }`; the first of them.
fn poll_set(pid: i32, array: u64, count: u64) -> Option<[Option<i32>; LOOKED_AT]> {
    const SIZE: usize = 8;
    let count = usize::try_from(count).ok()?.min(LOOKED_AT);
    let mut memory = [0; SIZE * LOOKED_AT];
    let memory = read_memory(pid, array, &mut memory[..SIZE * count])?;
    let mut wanted = [None; LOOKED_AT];
    for (slot, entry) in wanted.iter_mut().zip(memory.chunks_exact(SIZE)) {
        // A negative one is skipped by poll too.
        *slot = Some(i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]])).filter(|number| *number >= 0);
    }
    Some(wanted)
}

/// The descriptors whose bits are set in any of three `fd_set`s; the first of them.
fn select_set(pid: i32, sets: [u64; 3], count: u64) -> Option<[Option<i32>; LOOKED_AT]> {
    /// An `fd_set` has 1024 bits.
    const BYTES: usize = 128;
    let length = usize::try_from(count.div_ceil(64) * 8).ok()?.min(BYTES);
    let mut bits = [0; BYTES];
    for set in sets.into_iter().filter(|address| *address != 0) {
        let mut memory = [0; BYTES];
        for (all, one) in bits.iter_mut().zip(read_memory(pid, set, &mut memory[..length])?) {
            *all |= *one;
        }
    }
    let numbers = (0..count.min(1024) as usize).filter(|number| bits[number / 8] & (1 << (number % 8)) != 0);
    let mut wanted = [None; LOOKED_AT];
    for (slot, number) in wanted.iter_mut().zip(numbers) {
        *slot = Some(number as i32);
    }
    Some(wanted)
}

fn read_memory(pid: i32, address: u64, buffer: &mut [u8]) -> Option<&[u8]> {
    File::open(ProcPath::process(pid, "mem")).ok()?.read_exact_at(buffer, address).ok()?;
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_function_stands_for_a_kind() {
        let check = |function: &str, expect: Option<BlockedKind>| {
            assert_eq!(kind_of_function(function.as_bytes()), expect, "{function}");
        };
        check("futex_wait_queue", Some(BlockedKind::Lock));
        check("hrtimer_nanosleep", Some(BlockedKind::Timer));
        check("do_wait", Some(BlockedKind::Child));
        check("anon_pipe_read", Some(BlockedKind::Pipe));
        check("inet_csk_accept", Some(BlockedKind::Network));
        check("folio_wait_bit_common", Some(BlockedKind::Disk));
        for unknown in ["0", "", "do_sigtimedwait", "do_poll"] {
            check(unknown, None);
        }
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

    #[test]
    fn the_descriptors_of_poll_and_select_are_read_from_memory() {
        let pid = std::process::id() as i32;
        let mut polls = Vec::new();
        for descriptor in [7i32, -1, 300] {
            polls.extend_from_slice(&descriptor.to_ne_bytes());
            polls.extend_from_slice(&[1, 0, 0, 0]);
        }
        let listed = |wanted: [Option<i32>; LOOKED_AT]| wanted.into_iter().flatten().collect::<Vec<_>>();
        let polled = poll_set(pid, polls.as_ptr().expose_provenance() as u64, 3).expect("our own memory");
        assert_eq!(listed(polled), [7, 300]);

        let (readable, writable) = ([0b1000_0001u64, 0], [0, 0b10u64]);
        let sets = [readable.as_ptr().expose_provenance() as u64, writable.as_ptr().expose_provenance() as u64, 0];
        assert_eq!(select_set(pid, sets, 70).map(listed), Some(vec![0, 7, 65]));
        assert_eq!(select_set(pid, [8, 0, 0], 70), None, "no memory there");
    }
}
