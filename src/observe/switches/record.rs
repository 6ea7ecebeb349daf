//! One record of the kernel's, parsed from the bytes that it lies in (perf_event_open(2), "MMAP layout").
//!
//! Takes bytes and never a ring, so that hand-made ones are parsed in tests. Where they come from is `rings`'s, what
//! follows from them is `tracks`'s.

/// The kinds of record, from `linux/perf_event.h`.
const LOST: u32 = 2;
const COMM: u32 = 3;
const EXIT: u32 = 4;
const FORK: u32 = 7;
const LOST_SAMPLES: u32 = 13;
const SWITCH: u32 = 14;
/// Bits of a header's `misc`, each with a meaning of its own for one kind of record.
const COMM_EXEC: u16 = 1 << 13;
const SWITCH_OUT: u16 = 1 << 13;
const SWITCH_OUT_PREEMPT: u16 = 1 << 14;
/// What `sample_id_all` adds at the end of every record: process and task, time, processor and padding.
const TRAILER: usize = 24;

/// A worker's name, as the kernel keeps it: at most 15 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Name([u8; 16]);

impl Name {
    /// The bytes before the first NUL, cut at the kernel's length.
    pub fn of(bytes: &[u8]) -> Self {
        let mut name = Self::default();
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or(b"");
        name.0.iter_mut().zip(bytes.iter().take(15)).for_each(|(to, from)| *to = *from);
        name
    }

    /// As text; untrusted.
    pub fn text(&self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        String::from_utf8_lossy(&self.0[..end]).into_owned()
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was put on a core.
    In,
    /// It left its core: `preempted` when it could have gone on, else to wait.
    Out {
        /// Whether its core was taken from it.
        preempted: bool,
    },
    /// It was born.
    Fork {
        /// The process that made it.
        parent: i32,
        /// The task of it that did.
        by: i32,
    },
    /// It ended.
    Exit,
    /// It has another name.
    Comm {
        /// The name.
        name: Name,
        /// Because it became another program.
        exec: bool,
    },
    /// From here on records are missing on this processor: so many, or 0 when that is not known yet.
    Gap(u64),
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When, in nanoseconds of the monotonic clock.
    pub at: u64,
    /// The process it happened to.
    pub pid: i32,
    /// The task of it.
    pub tid: i32,
    /// On which processor.
    pub core: u32,
    /// What.
    pub what: What,
}

/// The record in `body`, all that follows its header; `None` when it is of a kind that we have no use for, cut short,
/// or of a task that we cannot name (it has ended, or it is in another pid namespace).
pub fn parse(kind: u32, misc: u16, body: &[u8]) -> Option<Record> {
    let trailer = body.len().checked_sub(TRAILER)?;
    let (at, core) = (u64_at(body, trailer + 8)?, u32_at(body, trailer + 16)?);
    let (subject, what) = match kind {
        SWITCH if misc & SWITCH_OUT == 0 => (trailer, What::In),
        SWITCH => (trailer, What::Out { preempted: misc & SWITCH_OUT_PREEMPT != 0 }),
        // Process, parent, task, parent's task, time.
        FORK => return born(body, at, core),
        EXIT => return Some(Record { at, pid: id_at(body, 0)?, tid: id_at(body, 8)?, core, what: What::Exit }),
        COMM => (0, What::Comm { name: Name::of(body.get(8..trailer)?), exec: misc & COMM_EXEC != 0 }),
        // An id, then how many.
        LOST => return Some(Record { at, pid: 0, tid: 0, core, what: What::Gap(u64_at(body, 8)?) }),
        LOST_SAMPLES => return Some(Record { at, pid: 0, tid: 0, core, what: What::Gap(u64_at(body, 0)?) }),
        _ => return None,
    };
    Some(Record { at, pid: id_at(body, subject)?, tid: id_at(body, subject + 4)?, core, what })
}

fn born(body: &[u8], at: u64, core: u32) -> Option<Record> {
    let what = What::Fork { parent: id_at(body, 4)?, by: id_at(body, 12)? };
    Some(Record { at, pid: id_at(body, 0)?, tid: id_at(body, 8)?, core, what })
}

fn u32_at(body: &[u8], from: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(body.get(from..from + 4)?.try_into().ok()?))
}

fn u64_at(body: &[u8], from: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(body.get(from..from + 8)?.try_into().ok()?))
}

/// Idle tasks are 0, those that we cannot name −1.
fn id_at(body: &[u8], from: usize) -> Option<i32> {
    i32::try_from(u32_at(body, from)?).ok().filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record's body: its own words, then task 8 of process 7 at 1000 ns on processor 3.
    fn body(words: &[u32], text: &[u8]) -> Vec<u8> {
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        body.extend(text);
        [7u32, 8].iter().for_each(|id| body.extend(id.to_ne_bytes()));
        body.extend(1000u64.to_ne_bytes());
        [3u32, 0].iter().for_each(|word| body.extend(word.to_ne_bytes()));
        body
    }

    fn check(kind: u32, misc: u16, body: &[u8], pid: i32, tid: i32, what: What) {
        assert_eq!(parse(kind, misc, body), Some(Record { at: 1000, pid, tid, core: 3, what }));
        for length in 0..body.len() {
            // A cut never makes it another task's: it is nothing, or its words are not where they were.
            let cut = parse(kind, misc, &body[..length]);
            assert!(cut.is_none_or(|cut| cut.at != 1000), "{length} of {} bytes: {cut:?}", body.len());
        }
    }

    #[test]
    fn every_kind_of_record_is_understood() {
        check(14, 2, &body(&[], b""), 7, 8, What::In);
        check(14, 2 | 1 << 13, &body(&[], b""), 7, 8, What::Out { preempted: false });
        check(14, 2 | 3 << 13, &body(&[], b""), 7, 8, What::Out { preempted: true });
        check(7, 2, &body(&[50, 40, 51, 41, 9, 9], b""), 50, 51, What::Fork { parent: 40, by: 41 });
        check(4, 2, &body(&[50, 40, 51, 41, 9, 9], b""), 50, 51, What::Exit);
        let name = Name::of(b"a name");
        check(3, 2 | 1 << 13, &body(&[7, 8], b"a name\0\0"), 7, 8, What::Comm { name, exec: true });
        check(3, 2, &body(&[7, 8], b"a name\0\0"), 7, 8, What::Comm { name, exec: false });
    }

    #[test]
    fn a_count_of_lost_records_is_nobody_s() {
        let parsed = parse(2, 2, &body(&[1, 0, 77, 0], b""));
        assert_eq!(parsed.map(|record| (record.tid, record.what)), Some((0, What::Gap(77))));
        let parsed = parse(13, 2, &body(&[78, 0], b""));
        assert_eq!(parsed.map(|record| record.what), Some(What::Gap(78)));
    }

    #[test]
    fn a_task_that_cannot_be_named_is_nobody() {
        for id in [0u32, u32::MAX] {
            let mut body = body(&[], b"");
            body[4..8].copy_from_slice(&id.to_ne_bytes());
            assert_eq!(parse(14, 2, &body), None);
        }
        assert_eq!(parse(9, 2, &body(&[], b"")), None, "a sample");
    }

    #[test]
    fn a_name_is_cut_where_the_kernel_cuts_it() {
        for (bytes, text) in [(&b"sh\0\0\0\0\0\0"[..], "sh"), (b"", ""), (b"0123456789abcdefgh", "0123456789abcde")] {
            assert_eq!(Name::of(bytes).text(), text);
        }
    }
}
