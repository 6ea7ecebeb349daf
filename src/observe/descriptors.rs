//! What the descriptors of one process are: socket, pipe, file … looked up by their link, remembered for a moment.
//!
//! Remembering is bounded in number and in time, because a program may close a file and get a socket by the same
//! number. Which kind of blocking follows is `blocked`'s.

use super::probe::ProcPath;
use super::readings::epoll_targets;
use super::ring::InFlight;
use super::sockets::{self, Side, Sockets};
use std::time::Duration;

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A socket, with its inode.
    Socket(u64),
    /// A pipe, a FIFO, a terminal.
    Pipe,
    /// An eventfd.
    Event,
    /// A timerfd.
    Timer,
    /// A file, a folder, a block device.
    File,
    /// A pidfd.
    Child,
    /// Anything else, or not readable.
    Other,
}

impl Sort {
    /// From the text of the link. `None` for a path outside `/dev`, which may be a file or a FIFO.
    fn of_link(link: &[u8]) -> Option<Self> {
        let anonymous = link.strip_prefix(b"anon_inode:");
        if let Some(inode) = link.strip_prefix(b"socket:[").and_then(|rest| rest.strip_suffix(b"]")) {
            return Some(super::readings::number(inode).map_or(Self::Other, Self::Socket));
        }
        Some(match anonymous {
            Some(b"[eventfd]") => Self::Event,
            Some(b"[timerfd]") => Self::Timer,
            Some(b"[pidfd]") => Self::Child,
            Some(_) => Self::Other,
            None if link.starts_with(b"pidfd:[") => Self::Child,
            None if link.starts_with(b"pipe:[") => Self::Pipe,
            None if link.starts_with(b"/dev/shm/") => Self::File,
            None if is_terminal(link) => Self::Pipe,
            None if is_disk(link) => Self::File,
            None if link.starts_with(b"/dev/") || !link.starts_with(b"/") => Self::Other,
            None => return None,
        })
    }
}

/// Only devices on which a reader waits for a person or another program.
fn is_terminal(link: &[u8]) -> bool {
    [&b"/dev/pts/"[..], b"/dev/tty", b"/dev/console"].iter().any(|name| link.starts_with(name))
}

/// Block devices, by the names that the kernel and udev give them.
fn is_disk(link: &[u8]) -> bool {
    const NAMES: [&[u8]; 9] = [b"sd", b"vd", b"xvd", b"nvme", b"mmcblk", b"loop", b"dm-", b"md", b"mapper/"];
    link.strip_prefix(b"/dev/").is_some_and(|name| NAMES.iter().any(|disk| name.starts_with(disk)))
}

/// One descriptor that is waited on together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Its number.
    pub descriptor: i32,
    /// Whether it is (also) waited for until more can be written to it.
    pub writing: bool,
}

/// What a set of descriptors holds that is waited on together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set {
    /// How many sockets were seen on which something is owed to this process: those of a client, and a server's that
    /// does not take what is sent; counting stops at 2.
    pub peers: u32,
    /// The inode of the last of them.
    pub peer: u64,
    /// Whether there is a socket of a server that waits for a client: it listens, or was accepted.
    pub serves: bool,
    /// Whether there is a pipe, a FIFO or a terminal.
    pub pipe: bool,
    /// Whether there is an eventfd.
    pub event: bool,
    /// Whether there is a timerfd.
    pub timer: bool,
    /// Whether there is a pidfd.
    pub child: bool,
    /// Whether there is anything else.
    pub other: bool,
}

impl Set {
    /// Takes one descriptor in; `side` is asked of sockets only.
    pub fn add(&mut self, sort: Sort, writing: bool, side: impl FnOnce(u64) -> Side) {
        match sort {
            Sort::Socket(inode) if writing || side(inode) == Side::Peer => {
                self.peers += 1;
                self.peer = inode;
            }
            Sort::Socket(_) => self.serves = true,
            Sort::Pipe => self.pipe = true,
            Sort::Event => self.event = true,
            Sort::Timer => self.timer = true,
            Sort::Child => self.child = true,
            Sort::File | Sort::Other => self.other = true,
        }
    }

    /// Whether nothing more can change what it is taken for.
    pub const fn is_settled(&self) -> bool {
        self.peers >= 2
    }
}

/// How long a descriptor is taken to be what it was.
const REMEMBERED: Duration = Duration::from_millis(100);
/// As long for a large epoll set, which costs by its length.
const LARGE_REMEMBERED: Duration = Duration::from_secs(2);
/// Places to remember in; a descriptor has its place by its number, and a newer one takes it.
const PLACES: usize = 32;
/// The part of an epoll's listing that is read: about fifty descriptors, taken for all.
const LISTING: usize = 4096;
/// Descriptors from which an epoll set is large.
const LARGE: usize = 8;
/// Descriptors of a process that are looked at when it is not known which are waited on.
const GLANCE: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Place<T> {
    descriptor: i32,
    until: Duration,
    what: T,
}

/// The descriptors of one process, as far as anyone was blocked on them.
#[derive(Debug)]
pub struct Descriptors {
    pid: i32,
    sorts: [Option<Place<Sort>>; PLACES],
    epolls: [Option<Place<Set>>; 4],
    /// The last lone socket of an epoll, and whether it was found to be the process's own waker.
    lone: Option<(u64, bool)>,
}

impl Descriptors {
    /// None looked at yet.
    pub const fn new(pid: i32) -> Self {
        Self { pid, sorts: [None; PLACES], epolls: [None; 4], lone: None }
    }

    /// The process they belong to.
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// What `descriptor` is, looked up again when it was last looked up too long before `at`. `wait_channel` is asked
    /// only about a path that may be a file or a FIFO: the file itself is never touched, since a dead network mount
    /// would block us with the target.
    pub fn sort(&mut self, descriptor: i32, at: Duration, wait_channel: impl FnOnce() -> bool) -> Sort {
        let place = descriptor.unsigned_abs() as usize % PLACES;
        if let Some(known) = self.sorts[place]
            && known.descriptor == descriptor
            && at < known.until
        {
            return known.what;
        }
        let sort = match self.link(descriptor) {
            None => Sort::Other,
            Some(link) => Sort::of_link(&link).unwrap_or_else(|| if wait_channel() { Sort::Pipe } else { Sort::File }),
        };
        self.sorts[place] = Some(Place { descriptor, until: at + REMEMBERED, what: sort });
        sort
    }

    /// What the epoll `descriptor` waits on.
    pub fn epoll(&mut self, descriptor: i32, at: Duration, sockets: &mut Sockets) -> Set {
        let place = descriptor.unsigned_abs() as usize % self.epolls.len();
        if let Some(known) = self.epolls[place]
            && known.descriptor == descriptor
            && at < known.until
        {
            return known.what;
        }
        let mut buffer = [0; LISTING];
        let Ok(listing) = ProcPath::descriptor(self.pid, "fdinfo", descriptor).read(&mut buffer) else {
            return Set { other: true, ..Set::default() };
        };
        let (mut set, mut looked_at) = (Set::default(), 0);
        for watched in epoll_targets(listing) {
            looked_at += 1;
            let sort = self.sort(watched.descriptor, at, || false);
            set.add(sort, watched.writing, |inode| sockets.side(self.pid, inode, at));
            if set.is_settled() {
                break;
            }
        }
        if sockets.guessed {
            return set;
        }
        let large = listing.len() == LISTING || looked_at >= LARGE;
        let until = at + if large { LARGE_REMEMBERED } else { REMEMBERED };
        self.epolls[place] = Some(Place { descriptor, until, what: set });
        set
    }

    /// Whether a socket that is alone in its set is how the process wakes itself: one of a pair of Unix sockets, both
    /// its own. The kernel numbers the two of a pair one after the other. Looked up once for each socket.
    pub fn is_waker(&mut self, inode: u64, at: Duration, sockets: &mut Sockets) -> bool {
        if let Some((known, waker)) = self.lone
            && known == inode
        {
            return waker;
        }
        let other_end = |link: &[u8]| match Sort::of_link(link) {
            Some(Sort::Socket(other)) => other.abs_diff(inode) == 1 && sockets::may_be_pair(self.pid, [inode, other]),
            _ => false,
        };
        let Some(waker) = sockets.afford(at, || self.any(0, other_end)) else { return false };
        self.lone = Some((inode, waker));
        waker
    }

    /// What the io_uring `ring` has in flight.
    pub fn ring(&self, ring: i32) -> Option<InFlight> {
        let mut buffer = [0; LISTING];
        ProcPath::descriptor(self.pid, "fdinfo", ring).read(&mut buffer).ok().and_then(InFlight::parse)
    }

    /// Whether the process has a file open among its first descriptors, standard streams left out.
    pub fn any_file(&self) -> bool {
        self.any(3, |link| matches!(Sort::of_link(link), None | Some(Sort::File)))
    }

    /// Whether the process has any socket open among its first descriptors.
    pub fn any_socket(&self) -> bool {
        self.any(0, |link| matches!(Sort::of_link(link), Some(Sort::Socket(_))))
    }

    /// Whether the process has an epoll open among its first descriptors.
    pub fn any_epoll(&self) -> bool {
        self.any(0, |link| link == b"anon_inode:[eventpoll]")
    }

    /// Whether any of its first descriptors, from number `first` on, is such a one.
    fn any(&self, first: i32, is_it: impl Fn(&[u8]) -> bool) -> bool {
        let Ok(folder) = std::fs::read_dir(ProcPath::process(self.pid, "fd")) else { return false };
        let numbers = folder.take(GLANCE).flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut numbers = numbers.filter(|descriptor| *descriptor >= first);
        numbers.any(|descriptor| self.link(descriptor).is_some_and(|link| is_it(&link)))
    }

    fn link(&self, descriptor: i32) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStringExt;
        let link = std::fs::read_link(ProcPath::descriptor(self.pid, "fd", descriptor)).ok()?;
        Some(link.into_os_string().into_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_what_a_descriptor_is() {
        let check = |link: &str, expect: Option<Sort>| assert_eq!(Sort::of_link(link.as_bytes()), expect, "{link}");
        check("socket:[42611]", Some(Sort::Socket(42611)));
        check("pipe:[42613]", Some(Sort::Pipe));
        check("/dev/pts/0", Some(Sort::Pipe));
        check("/dev/tty", Some(Sort::Pipe));
        check("anon_inode:[eventfd]", Some(Sort::Event));
        check("anon_inode:[timerfd]", Some(Sort::Timer));
        check("anon_inode:[pidfd]", Some(Sort::Child));
        check("pidfd:[2311]", Some(Sort::Child));
        check("anon_inode:inotify", Some(Sort::Other));
        check("/dev/nvme0n1p2", Some(Sort::File));
        check("/dev/shm/sem.x", Some(Sort::File));
        check("/dev/fuse", Some(Sort::Other));
        check("/home/a/pipe:[1]", None);
    }

    #[test]
    fn our_own_descriptors_are_what_we_made_them() {
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let file = std::fs::File::open("/proc/self/exe").expect("our own program");
        let mut descriptors = Descriptors::new(std::process::id() as i32);
        let mut sort = |descriptor| descriptors.sort(descriptor, Duration::ZERO, || false);
        use std::os::fd::AsRawFd;
        assert_eq!(sort(reader.as_raw_fd()), Sort::Pipe);
        assert_eq!(sort(file.as_raw_fd()), Sort::File);
        assert_eq!(sort(9999), Sort::Other);
        let (unix, inet) = (sort(socket.as_raw_fd()), sort(listener.as_raw_fd()));
        let (Sort::Socket(unix), Sort::Socket(inet)) = (unix, inet) else { panic!("{unix:?} {inet:?}") };
        let sockets = &mut Sockets::default();
        assert!(descriptors.is_waker(unix, Duration::ZERO, sockets));
        assert!(!descriptors.is_waker(inet, Duration::ZERO, sockets));
        assert!(descriptors.any_socket());
    }

    #[test]
    fn a_number_that_was_given_to_another_file_is_looked_up_again_in_time() {
        use std::os::fd::{AsRawFd, OwnedFd};
        let mut descriptors = Descriptors::new(std::process::id() as i32);
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let mut reader = OwnedFd::from(reader);
        let number = reader.as_raw_fd();
        assert_eq!(descriptors.sort(number, Duration::ZERO, || false), Sort::Pipe);
        let file = std::fs::File::open("/proc/self/exe").expect("our own program");
        nix::unistd::dup2(&file, &mut reader).expect("the same number for another file");
        assert_eq!(descriptors.sort(number, REMEMBERED / 2, || false), Sort::Pipe, "still remembered");
        assert_eq!(descriptors.sort(number, REMEMBERED, || false), Sort::File);
    }
}
