//! Which side of a connection a socket is on, from the machine's socket tables below `/proc/PID/net`.
//!
//! A server that waits for its next client, or for the next request on a connection that it accepted, has nothing to
//! do; a client that waits for its server has. A table costs by the number of sockets of the whole machine, so it is
//! read only when a socket that was never met is waited on, and for a bounded part of the run.
//! What kind of blocking follows is `blocked`'s.

use super::probe::ProcPath;
use super::readings::{number, words};
use nix::time::{ClockId, clock_gettime};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::time::Duration;

/// What a socket is to the process that waits on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It takes new connections.
    Listening,
    /// A connection that a listening socket took: of a server.
    Accepted,
    /// A client's, one of a pair, a datagram's, or one that could not be looked up.
    Peer,
}

/// Inodes, each with its socket's side.
type Sides = Vec<(u64, Side)>;
/// Finds a server's sockets in one table.
type Reader = fn(&[u8]) -> Sides;

/// The part of one table that is read: about seven thousand sockets. TCP lists those that listen first.
const TABLE: usize = 1 << 20;
/// What reading tables may cost: this at once, so that a short run is seen too, and this part of the run.
const PURSE: Duration = Duration::from_millis(5);
const OF_RUN: f64 = 0.002;
/// Sockets that are remembered; then all are forgotten. An inode stays its socket's for life, and so does the side.
const REMEMBERED: usize = 4096;

/// The sockets of the tree, as far as anyone waited on them. Inodes of sockets are the machine's, not a namespace's.
#[derive(Debug, Default)]
pub struct Sockets {
    sides: HashMap<u64, Side>,
    spent: Duration,
    /// Whether any answer was given for want of a better one, since whoever asks put this back.
    pub guessed: bool,
}

impl Sockets {
    /// The side of the socket with this inode, which `pid` has open; [`Side::Peer`] for now when it is not known and
    /// the tables have cost too much already.
    pub fn side(&mut self, pid: i32, inode: u64, at: Duration) -> Side {
        if let Some(side) = self.sides.get(&inode) {
            return *side;
        }
        let Some(found) = self.afford(at, || serving(pid, inode)) else { return Side::Peer };
        if self.sides.len() >= REMEMBERED {
            self.sides.clear();
        }
        let room = REMEMBERED.saturating_sub(self.sides.len() + 1);
        self.sides.extend(found.iter().copied().take(room));
        let side = found.into_iter().find_map(|(listed, side)| (listed == inode).then_some(side));
        // What was in no table is no server's, and is not looked up again.
        *self.sides.entry(inode).or_insert(side.unwrap_or(Side::Peer))
    }

    /// Does `reading` and charges what it cost; `None`, and a guess is due, when too much was spent already.
    pub fn afford<T>(&mut self, at: Duration, reading: impl FnOnce() -> T) -> Option<T> {
        if self.spent > PURSE + at.mul_f64(OF_RUN) {
            self.guessed = true;
            return None;
        }
        let began = cpu_time();
        let read = reading();
        self.spent += cpu_time().saturating_sub(began);
        Some(read)
    }
}

/// CPU time of this thread; its clock exists on every Linux.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Every socket of a server in the tables of `pid`'s network namespace, up to the table that lists `inode`: that of
/// Unix sockets first, because TCP's cost a hundred times as much.
fn serving(pid: i32, inode: u64) -> Sides {
    let mut found = Vec::new();
    let tables: [(_, _, Reader); 3] =
        [("net/unix", 6, unix_sides), ("net/tcp", 9, tcp_sides), ("net/tcp6", 9, tcp_sides)];
    for (name, word, sides) in tables {
        let table = table(pid, name);
        found.extend(sides(&table));
        if rows(&table).any(|row| row.get(word).copied().and_then(number) == Some(inode)) {
            break;
        }
    }
    found
}

/// Whether two sockets may be one pair: both Unix ones, connected, and without a path.
pub fn may_be_pair(pid: i32, inodes: [u64; 2]) -> bool {
    let table = table(pid, "net/unix");
    let paired = |row: &[&[u8]]| row.get(5) == Some(&CONNECTED) && row.len() == 7;
    let listed = rows(&table).filter(|row| paired(row)).filter_map(|row| number(row[6]));
    listed.filter(|inode| inodes.contains(inode)).count() == 2
}

/// The beginning of a table; empty when it cannot be read. Each reading of a TCP table walks all of the kernel's hash of
/// connections (2 ms for its usual 262144 places, empty or not), so it is not read once more only to hear that it has
/// ended: as long as there are more rows, the kernel fills all but the last few of the bytes that it gives at once.
fn table(pid: i32, name: &str) -> Vec<u8> {
    const AT_ONCE: usize = 4096;
    const LONGEST_ROW: usize = 256;
    let (mut bytes, mut part) = (Vec::new(), [0; AT_ONCE]);
    let Ok(mut file) = File::open(ProcPath::process(pid, name)) else { return bytes };
    while bytes.len() < TABLE {
        let read = file.read(&mut part).unwrap_or(0);
        bytes.extend_from_slice(&part[..read]);
        if read < AT_ONCE - LONGEST_ROW {
            break;
        }
    }
    bytes
}

/// The rows below the heading, each as its words.
fn rows(table: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    table.split(|byte| *byte == b'\n').skip(1).map(|line| words(line).take(10).collect())
}

/// From `net/tcp` or `net/tcp6` (proc_net_tcp.rst): local address, remote address and state are the words 1 to 3, the
/// inode is word 9. A connection on the port of a socket that listens was accepted by it.
fn tcp_sides(table: &[u8]) -> Sides {
    /// `TCP_LISTEN` in hexadecimal.
    const LISTENS: &[u8] = b"0A";
    let port = |row: &[&[u8]]| {
        let text = row.get(1)?.rsplit(|byte| *byte == b':').next()?;
        u16::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
    };
    let socket = |row: Vec<&[u8]>| Some((number(row.get(9)?)?, port(&row)?, *row.get(3)? == LISTENS));
    let sockets = || rows(table).filter_map(socket);
    let mut ports: Vec<u16> = sockets().filter(|(_, _, listens)| *listens).map(|(_, port, _)| port).collect();
    ports.sort_unstable();
    sockets()
        .filter(|(inode, port, _)| *inode != 0 && ports.binary_search(port).is_ok())
        .map(|(inode, _, listens)| (inode, if listens { Side::Listening } else { Side::Accepted }))
        .collect()
}

/// `SS_CONNECTED` in `net/unix`.
const CONNECTED: &[u8] = b"03";

/// From `net/unix` (proc_pid_net(5)): flags, state, inode and path are the words 3, 5, 6 and 7. An accepted socket has
/// the path of the one that took it; the client's has none.
fn unix_sides(table: &[u8]) -> Sides {
    /// `__SO_ACCEPTCON`.
    const LISTENS: &[u8] = b"00010000";
    let listening = |row: &[&[u8]]| row.get(3) == Some(&LISTENS);
    let mut paths: Vec<&[u8]> =
        rows(table).filter(|row| listening(row)).filter_map(|row| row.get(7).copied()).collect();
    paths.sort_unstable();
    let side = |row: Vec<&[u8]>| {
        let inode = number(row.get(6)?)?;
        if listening(&row) {
            return Some((inode, Side::Listening));
        }
        let accepted = row.get(5) == Some(&CONNECTED) && paths.binary_search(row.get(7)?).is_ok();
        accepted.then_some((inode, Side::Accepted))
    };
    rows(table).filter_map(side).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    fn inode(socket: &impl AsRawFd) -> u64 {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).expect("our own descriptor");
        let link = link.into_os_string().into_string().expect("text");
        let number = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).expect("a socket");
        number.parse().expect("a number")
    }

    fn side_of(socket: &impl AsRawFd) -> Side {
        Sockets::default().side(std::process::id() as i32, inode(socket), Duration::ZERO)
    }

    #[test]
    fn a_server_s_sockets_are_told_from_a_client_s() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // A machine may have no IPv6; it always has one of the two.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("ourselves");
            let (accepted, _) = listener.accept().expect("a connection");
            assert_eq!(side_of(&listener), Side::Listening, "{address}");
            assert_eq!(side_of(&accepted), Side::Accepted, "{address}");
            assert_eq!(side_of(&client), Side::Peer, "{address}");
        }
    }

    #[test]
    fn unix_sockets_are_told_apart_as_well() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        let client = UnixStream::connect(&path).expect("ourselves");
        let (accepted, _) = listener.accept().expect("a connection");
        let (pair, other) = UnixStream::pair().expect("a pair");
        let datagrams = UnixDatagram::unbound().expect("a socket");
        assert_eq!(side_of(&listener), Side::Listening);
        assert_eq!(side_of(&accepted), Side::Accepted);
        assert_eq!(side_of(&client), Side::Peer);
        assert_eq!(side_of(&pair), Side::Peer);
        assert_eq!(side_of(&datagrams), Side::Peer);
        let may_be_pair = |one, other| may_be_pair(std::process::id() as i32, [one, other]);
        assert!(may_be_pair(inode(&pair), inode(&other)));
        assert!(!may_be_pair(inode(&client), inode(&accepted)));
        assert!(!may_be_pair(inode(&client), inode(&listener)));
    }

    #[test]
    fn the_tables_are_not_read_when_they_have_cost_too_much() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let (pid, mut sockets) = (std::process::id() as i32, Sockets::default());
        assert_eq!(sockets.side(pid, 1, Duration::ZERO), Side::Peer, "no socket has it");
        assert!(!sockets.spent.is_zero());
        sockets.spent = PURSE * 2;
        let later = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        assert_eq!(sockets.side(pid, inode(&listener), Duration::ZERO), Side::Listening, "it was in what was read");
        assert_eq!(sockets.side(pid, inode(&later), Duration::ZERO), Side::Peer, "it came later");
        assert!(std::mem::take(&mut sockets.guessed), "and so it is to be asked again");
        assert_eq!(sockets.side(pid, inode(&later), Duration::from_secs(60)), Side::Listening);
        assert!(!sockets.guessed);
    }

    #[test]
    fn a_table_that_is_cut_or_strange_tells_nothing() {
        assert_eq!(tcp_sides(b"sl local\n 0: 0100007F:1F90 00000000:0000 0A 0"), []);
        assert_eq!(tcp_sides(b""), []);
        assert_eq!(unix_sides(b"Num\n0: 2 0 00010000 1"), []);
    }
}
