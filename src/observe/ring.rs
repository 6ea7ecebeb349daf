//! What an io_uring has in flight, as far as the kernel tells: from `/proc/PID/fdinfo/RING`. Pure.
//!
//! It lists what waits for readiness (sockets, pipes, terminals), by operation and without the descriptor. What it does
//! not list: reads and writes of files, and time limits. Which kind of blocking follows is `blocked`'s.

use super::readings::{number, words};

/// Operations that wait for readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InFlight {
    /// Whether one takes new connections.
    pub accepts: bool,
    /// Whether one receives from a socket.
    pub receives: bool,
    /// Whether one sends to a socket or connects it.
    pub sends: bool,
    /// Whether one reads, writes or polls whatever the descriptor is.
    pub any: bool,
}

impl InFlight {
    /// `None` on kernels that do not list them (before 5.10).
    pub fn parse(fdinfo: &[u8]) -> Option<Self> {
        let mut in_flight = Self::default();
        let mut lines = fdinfo.split(|byte| *byte == b'\n');
        lines.find(|line| line.starts_with(b"PollList:"))?;
        for line in lines.take_while(|line| line.starts_with(b" ")) {
            let operation = words(line).next().and_then(|word| number(word.strip_prefix(b"op=")?.strip_suffix(b",")?));
            // Numbers of `enum io_uring_op` in linux/io_uring.h, which never change.
            match operation {
                // SENDMSG, CONNECT, SEND, SEND_ZC, SENDMSG_ZC
                Some(9 | 16 | 26 | 47 | 48) => in_flight.sends = true,
                // RECVMSG, RECV, RECV_ZC
                Some(10 | 27 | 58) => in_flight.receives = true,
                // ACCEPT
                Some(13) => in_flight.accepts = true,
                _ => in_flight.any = true,
            }
        }
        Some(in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_readiness_is_read_from_the_list() {
        let check = |operations: &[u32], expect: InFlight| {
            let list: String = operations.iter().map(|op| format!("  op={op}, task_works=0\n")).collect();
            let fdinfo =
                format!("pos:\t0\nSQEs:\t0\nUserFiles:\t0\nPollList:\n{list}CqOverflowList:\nNAPI:\tdisabled\n");
            assert_eq!(InFlight::parse(fdinfo.as_bytes()), Some(expect), "{operations:?}");
        };
        check(&[], InFlight::default());
        check(&[13, 27], InFlight { accepts: true, receives: true, ..InFlight::default() });
        check(&[26], InFlight { sends: true, ..InFlight::default() });
        check(&[22], InFlight { any: true, ..InFlight::default() });
        assert_eq!(InFlight::parse(b"SqMask:\t0x3\n"), None);
    }
}
