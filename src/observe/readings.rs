//! What one `/proc` file says, parsed from its bytes without allocating.
//!
//! Takes `&[u8]` and never a file, so that captures from other hosts are parsed in tests. Opening and reading is
//! `probe`'s; what follows from a reading is `worker`'s and `process`'s.

use super::descriptors::Watched;
use crate::units::Bytes;
use std::time::Duration;

/// One kernel "clock tick" of `/proc/PID/stat` and `/proc/stat`: USER_HZ is 100 on every architecture we build for.
pub const TICK: Duration = Duration::from_millis(10);
/// Events of an epoll, as the kernel writes them: ready for writing; told only of changes.
const EPOLLOUT: u32 = nix::libc::EPOLLOUT as u32;
const EPOLLET: u32 = nix::libc::EPOLLET as u32;

/// `/proc/PID/task/TID/schedstat`: exact, but up to one scheduler tick stale for a worker that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedstat {
    /// Time on a core.
    pub on_cpu: Duration,
    /// Time in the run queue.
    pub runnable: Duration,
    /// Times it was put on a core.
    pub timeslices: u64,
}

impl Schedstat {
    /// `None` when this is not three numbers.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = words(bytes);
        Some(Self {
            on_cpu: Duration::from_nanos(number(words.next()?)?),
            runnable: Duration::from_nanos(number(words.next()?)?),
            timeslices: number(words.next()?)?,
        })
    }

    /// What was added since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            on_cpu: self.on_cpu.saturating_sub(earlier.on_cpu),
            runnable: self.runnable.saturating_sub(earlier.runnable),
            timeslices: self.timeslices.saturating_sub(earlier.timeslices),
        }
    }
}

/// `/proc/PID/stat` or `/proc/PID/task/TID/stat`, the fields that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat<'a> {
    /// The name, any bytes.
    pub comm: &'a [u8],
    /// `R`, `S`, `D`, `Z` …
    pub state: u8,
    /// The parent process.
    pub parent: i32,
    /// Page faults served from memory; of the group in a process's file.
    pub minor_faults: u64,
    /// Page faults that read from disk; of the group in a process's file.
    pub major_faults: u64,
    /// CPU time in user mode, to the tick; of the group in a process's file.
    pub user: Duration,
    /// CPU time in the kernel, to the tick; of the group in a process's file.
    pub system: Duration,
    /// CPU time of children that were waited for, to the tick.
    pub reaped: Duration,
    /// Threads of the group.
    pub threads: u64,
    /// When it was started, after boot, to the tick.
    pub start: Duration,
    /// Resident pages.
    pub rss_pages: u64,
    /// Where its stack begins: another value after every `exec`; 0 when it may not be seen.
    pub stack: u64,
    /// The core it last ran on.
    pub processor: usize,
    /// Time blocked on block devices, to the tick; zero where the kernel does not account it.
    pub disk_delay: Duration,
}

impl<'a> Stat<'a> {
    /// `None` when the line is cut short. The name may itself hold spaces and parentheses: it ends at the last one.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let open = bytes.iter().position(|byte| *byte == b'(')?;
        let close = bytes.iter().rposition(|byte| *byte == b')')?;
        let comm = bytes.get(open + 1..close)?;
        let mut fields: [&[u8]; 40] = [&[]; 40];
        let mut found = 0;
        for (slot, word) in fields.iter_mut().zip(words(&bytes[close + 1..])) {
            *slot = word;
            found += 1;
        }
        if found < fields.len() {
            return None;
        }
        // proc_pid_stat(5) numbers the fields from 1, and the state, first after the name, is its third.
        let field = |of_manual: usize| number(fields[of_manual - 3]);
        let ticks = |of_manual: usize| field(of_manual).map(ticks);
        Some(Self {
            comm,
            state: *fields[0].first()?,
            parent: i32::try_from(field(4)?).ok()?,
            minor_faults: field(10)?,
            major_faults: field(12)?,
            user: ticks(14)?,
            system: ticks(15)?,
            reaped: ticks(16)? + ticks(17)?,
            threads: field(20)?,
            start: ticks(22)?,
            rss_pages: field(24)?,
            stack: field(28)?,
            processor: usize::try_from(field(39)?).ok()?,
            disk_delay: ticks(42)?,
        })
    }
}

/// The number after `name` at the start of a line: `field(status, b"VmHWM:")`. Serves `status`, `io`, `smaps_rollup`.
pub fn field(bytes: &[u8], name: &[u8]) -> Option<u64> {
    let line = bytes.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
    number(words(line).next()?)
}

/// As [`field`], for a line counted in kibibytes.
pub fn field_kib(bytes: &[u8], name: &[u8]) -> Option<Bytes> {
    field(bytes, name).map(Bytes::from_kib)
}

/// The process ids of a `children` file.
pub fn children(bytes: &[u8]) -> impl Iterator<Item = i32> {
    words(bytes).filter_map(|word| i32::try_from(number(word)?).ok())
}

/// The last field of `/proc/loadavg`: the id that was last given to any new task of this pid namespace.
pub fn last_pid(loadavg: &[u8]) -> Option<u64> {
    number(words(loadavg).nth(4)?)
}

/// Time that all processors were busy, from the first line of `/proc/stat`. Stolen time is not counted: it is the
/// hypervisor's, not another program's. Guest time is already inside user time.
pub fn busy(stat: &[u8]) -> Option<Duration> {
    let line = stat.split(|byte| *byte == b'\n').next()?.strip_prefix(b"cpu ")?;
    let mut fields = [0; 7];
    let mut words = words(line);
    for field in &mut fields {
        *field = number(words.next()?)?;
    }
    let [user, nice, system, _idle, _iowait, irq, softirq] = fields;
    Some(ticks(user + nice + system + irq + softirq))
}

/// The descriptors that `/proc/PID/fdinfo/EPFD` says an epoll waits on: `tfd: 5 events: 19 data: …`, the events in
/// hexadecimal. One that is edge-triggered is registered for writing once and for all, which says nothing.
pub fn epoll_targets(fdinfo: &[u8]) -> impl Iterator<Item = Watched> {
    fdinfo.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = words(line.strip_prefix(b"tfd:")?);
        let descriptor = i32::try_from(number(words.next()?)?).ok()?;
        let events = words.nth(1).and_then(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
        let writing = events.is_some_and(|events| events & (EPOLLOUT | EPOLLET) == EPOLLOUT);
        Some(Watched { descriptor, writing })
    })
}

/// The words of a text, split at any white space.
pub fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A decimal number; a sign or anything else is `None`.
pub fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

fn ticks(count: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_is_three_numbers_or_nothing() {
        let read = Schedstat::parse(b"671143 99486 2\n");
        let wanted =
            Schedstat { on_cpu: Duration::from_nanos(671_143), runnable: Duration::from_nanos(99_486), timeslices: 2 };
        assert_eq!(read, Some(wanted));
        for broken in [&b""[..], b"12", b"1 2", b"1 -2 3", b"a b c"] {
            assert_eq!(Schedstat::parse(broken), None, "{broken:?}");
        }
    }

    /// A line of kernel 6.18 with a hostile name put in.
    fn stat_line(comm: &str) -> String {
        format!(
            "8123 ({comm}) S 8100 8123 8100 0 -1 4194304 1420 77 3 9 151 42 6 2 20 0 5 0 141650 3088384 \
             402 18446744073709551615 94000 94100 140735 0 0 0 0 4096 1 0 0 0 17 1 0 0 8 0 0 94200 94300 94400 1 2 3 4 0\n"
        )
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        for comm in ["sh", "tmux: server", "a) R 1 (b", "((", ""] {
            let line = stat_line(comm);
            let stat = Stat::parse(line.as_bytes()).expect("a whole line");
            assert_eq!(stat.comm, comm.as_bytes());
            assert_eq!((stat.state, stat.parent, stat.threads, stat.processor), (b'S', 8100, 5, 1));
            assert_eq!((stat.minor_faults, stat.major_faults, stat.rss_pages, stat.stack), (1420, 3, 402, 140_735));
            assert_eq!((stat.user, stat.system), (Duration::from_millis(1510), Duration::from_millis(420)));
            assert_eq!((stat.reaped, stat.start), (Duration::from_millis(80), Duration::from_millis(1_416_500)));
            assert_eq!(stat.disk_delay, Duration::from_millis(80));
        }
    }

    #[test]
    fn a_stat_line_that_is_cut_short_is_nothing() {
        let line = stat_line("sh");
        for length in [0, 3, 8, 20, 100] {
            assert_eq!(Stat::parse(&line.as_bytes()[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_field_is_found_only_at_the_start_of_a_line() {
        let io = b"rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n";
        assert_eq!(field(io, b"read_bytes:"), Some(4096));
        assert_eq!(field(io, b"write_bytes:"), Some(8192));
        assert_eq!(field(io, b"missing:"), None);
        let status = b"Name:\tx\nVmHWM:\t    4172 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field_kib(status, b"VmHWM:"), Some(Bytes(4172 * 1024)));
        assert_eq!(field(status, b"voluntary_ctxt_switches:"), Some(7));
    }

    #[test]
    fn ids_are_read_from_children_and_loadavg() {
        assert_eq!(children(b"12 4711 99999 ").collect::<Vec<_>>(), [12, 4711, 99_999]);
        assert_eq!(children(b"").count(), 0);
        assert_eq!(last_pid(b"0.70 0.33 0.17 2/96 8572\n"), Some(8572));
        assert_eq!(last_pid(b"0.70 0.33"), None);
    }

    #[test]
    fn busy_time_leaves_out_idle_waiting_stolen_and_guest_time() {
        let stat = b"cpu  100 20 30 4000 500 6 7 800 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy(stat), Some(Duration::from_millis(1630)));
        assert_eq!(busy(b"intr 5\n"), None);
    }

    #[test]
    fn what_an_epoll_waits_on_is_listed() {
        let fdinfo = b"pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1039\n\
            tfd:        4 events:       19 data:                4  pos:0 ino:a673 sdev:9\n\
            tfd:       16 events:        4 data:     7f0b00000006  pos:0 ino:a675 sdev:f\n\
            tfd:       17 events: 8000201d data:     7f0b00000006  pos:0 ino:a675 sdev:f\n";
        let listed: Vec<_> = epoll_targets(fdinfo).map(|watched| (watched.descriptor, watched.writing)).collect();
        assert_eq!(listed, [(4, false), (16, true), (17, false)]);
    }
}
