//! The words of CPython's lock in a process's memory: where they lie, and what they say.
//!
//! The lock is a `struct _gil_runtime_state`, which begins alike in 3.7 to 3.14: `unsigned long interval`, a pointer
//! `last_holder`, an `int` `locked` (-1 before it is made and after it is gone), `unsigned long switch_number`; then
//! two condition variables, each with its mutex. Where it lies was taken with `offsetof` from the headers that each
//! release installs (`internal/pycore_*.h`). These contain no pthread object before the lock, so the numbers are those
//! of every 64-bit Linux; what is read is checked all the same.

use super::super::probe::{Failure, ProcPath};
use super::place::Place;
use nix::libc;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// The switch interval that an interpreter begins with, in microseconds (`DEFAULT_INTERVAL`). Programs hardly ever
/// change it, so that it is as good as a signature.
const DEFAULT_INTERVAL: u64 = 5000;
/// How far into the runtime the lock of an unknown release is looked for; the farthest known is at 1152.
const SCANNED: usize = 4096;
/// Interpreters of one process that are followed.
const INTERPRETERS: usize = 64;
/// How the runtime begins since 3.13: a table of offsets, made for debuggers (`_Py_DebugOffsets`).
const COOKIE: &[u8; 8] = b"xdebugpy";
/// The words of that table up to the interpreter's: the cookie, version, whether free-threaded, and three of the runtime.
const TABLE: usize = 6;
/// The words after them that are looked through for the lock's and the thread's.
const LOOKED_THROUGH: usize = 26;
/// Where glibc's `struct pthread`, at which a `pthread_t` points, has the kernel's id of the thread. It is private, but
/// has not moved in twenty years, for debuggers know it; an id that is no thread's of the process is not believed.
const TID_IN_PTHREAD: u64 = if cfg!(target_arch = "x86_64") { 0x2d0 } else { 0xd0 };
/// Bytes of a lock's first words.
const WORDS: usize = 32;
/// Bytes of a lock: its words, and twice a condition variable with its mutex.
const LOCK: u64 = (WORDS + 2 * (size_of::<libc::pthread_cond_t>() + size_of::<libc::pthread_mutex_t>())) as u64;

/// A process's memory, read and never written.
#[derive(Debug)]
pub struct Memory {
    path: ProcPath,
    kept: Option<File>,
}

impl Memory {
    /// Opens it, and keeps it open when `keep`.
    ///
    /// # Errors
    /// When it may not be read, or the process is gone.
    pub fn open(pid: i32, keep: bool) -> Result<Self, Failure> {
        let path = ProcPath::process(pid, "mem");
        let file = File::open(path)?;
        Ok(Self { path, kept: keep.then_some(file) })
    }

    /// Whether its file is kept open.
    pub const fn keeps_file(&self) -> bool {
        self.kept.is_some()
    }

    /// All of `into`; `None` when nothing is mapped there, which is so everywhere once the program is gone.
    fn read(&self, address: u64, into: &mut [u8]) -> Option<()> {
        let read = |file: &File, into: &mut [u8]| file.read_at(into, address);
        let length = match &self.kept {
            Some(file) => read(file, into),
            None => File::open(self.path).and_then(|file| read(&file, into)),
        };
        (length.ok()? == into.len()).then_some(())
    }

    fn word(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Some(u64::from_ne_bytes(bytes))
    }

    fn words<const N: usize>(&self, address: u64) -> Option<[u64; N]> {
        let mut words = [0; N];
        let mut bytes = [0; 8 * 32];
        let bytes = bytes.get_mut(..8 * N)?;
        self.read(address, bytes)?;
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.try_into().map_or(0, u64::from_ne_bytes);
        }
        Some(words)
    }
}

/// What a lock's words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Whether a thread holds it.
    pub held: bool,
    /// Times that it went to another thread.
    pub switches: u64,
    /// The state of the thread that holds it, or did last.
    holder: u64,
    default_interval: bool,
}

impl Words {
    /// Of the lock at `address`; `None` when there is none (yet, or any more).
    pub fn read(memory: &Memory, address: u64) -> Option<Self> {
        Self::parse(memory.words(address)?)
    }

    /// A lock was given to a thread when it was made, so it has a last holder; an interval is a C int's number of
    /// microseconds at most.
    fn parse([interval, holder, locked, switches]: [u64; 4]) -> Option<Self> {
        let locked = locked as u32;
        let plausible = (1..=i32::MAX as u64).contains(&interval) && holder != 0 && holder % 8 == 0 && locked <= 1;
        plausible.then_some(Self {
            held: locked == 1,
            switches,
            holder,
            default_interval: interval == DEFAULT_INTERVAL,
        })
    }
}

/// How to come from a thread's state to the kernel's id of the thread: by the offset of a word in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Of the id itself (`native_thread_id`, since 3.11).
    Native(u64),
    /// Of its `pthread_t`.
    Pthread(u64),
    /// Not known.
    Unknown,
}

impl Identity {
    /// The thread that holds a lock that is held.
    pub fn of_holder(self, memory: &Memory, words: &Words) -> Option<i32> {
        let id = match self {
            Self::Native(at) => memory.word(words.holder.wrapping_add(at))?,
            Self::Pthread(at) => {
                let pthread = memory.word(words.holder.wrapping_add(at))?;
                memory.word(pthread.wrapping_add(TID_IN_PTHREAD))? & u64::from(u32::MAX)
            }
            Self::Unknown => return None,
        };
        i32::try_from(id).ok().filter(|id| *id > 0)
    }
}

/// How to come from the runtime to its locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One lock, which is part of the runtime.
    InRuntime {
        /// Its offset.
        lock: u64,
    },
    /// Each interpreter has a pointer to its lock, its own or another's.
    OfInterpreters {
        /// Of the pointer to the first interpreter, in the runtime.
        head: u64,
        /// Of the pointer to the next one, in an interpreter.
        next: u64,
        /// Of the pointer to the lock, in an interpreter.
        lock: u64,
        /// Whether the lock begins with an `int` that tells if it is used at all: a free-threaded build.
        optional: bool,
    },
}

impl Layout {
    /// Of the runtime at `place`, and of its threads; `None` when it is not known, or not readable yet.
    pub fn of(memory: &Memory, place: &Place) -> Option<(Self, Identity)> {
        // PY_VERSION_HEX: a byte each for major, minor, micro, and level.
        let told = place.version.and_then(|address| memory.word(address));
        let told = told.map(|hex| ((hex >> 24) as u8, (hex >> 16) as u8));
        let in_runtime = |lock, identity| Some((Self::in_runtime(memory, place.runtime, lock)?, identity));
        match told.or(place.named) {
            Some((3, 8)) => in_runtime(1152, Identity::Pthread(176)),
            Some((3, 9 | 10)) => in_runtime(352, Identity::Pthread(176)),
            Some((3, 11)) => in_runtime(360, Identity::Native(160)),
            Some((3, 12)) => {
                let layout = Self::OfInterpreters { head: 40, next: 0, lock: 384, optional: false };
                Some((layout, Identity::Native(144)))
            }
            Some((3, 13..)) => Self::from_table(memory, place.runtime),
            _ => in_runtime(0, Identity::Unknown),
        }
    }

    /// At `lock`, or where else in the runtime there is something that can only be the lock.
    fn in_runtime(memory: &Memory, runtime: u64, lock: u64) -> Option<Self> {
        if lock > 0 && Words::read(memory, runtime + lock).is_some() {
            return Some(Self::InRuntime { lock });
        }
        let mut bytes = [0; SCANNED];
        // The runtime of 3.8 to 3.10 is smaller than that, and other data of the interpreter follows it.
        memory.read(runtime, &mut bytes)?;
        let words: Vec<u64> = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_ne_bytes)).collect();
        let is_lock = |words: &[u64]| {
            let words = words.try_into().ok().and_then(Words::parse);
            words.is_some_and(|words| words.default_interval)
        };
        let found = words.windows(4).position(is_lock)?;
        Some(Self::InRuntime { lock: 8 * found as u64 })
    }

    /// By the table's own words: of the interpreter `size id next … ceval_gil gil_runtime_state (…)_enabled (…)_locked
    /// (…)_holder …`, of the thread `size prev next interp current_frame thread_id native_thread_id …`. Releases differ
    /// in what stands between, but the lock's last two are told by how far apart they are, and a thread's state begins
    /// with the three pointers.
    fn from_table(memory: &Memory, runtime: u64) -> Option<(Self, Identity)> {
        let table: [u64; TABLE + LOOKED_THROUGH] = memory.words(runtime)?;
        if table[0].to_ne_bytes() != *COOKIE {
            return None;
        }
        let (optional, head, next) = (table[2] == 1, table[5], table[TABLE + 2]);
        let shift = if optional { 8 } else { 0 };
        let is_lock = |group: &[u64]| {
            let own = |into: u64| group[1].checked_add(into + shift);
            own(16) == Some(group[3]) && own(8) == Some(group[4])
        };
        let at = table[TABLE..].windows(5).position(is_lock)? + TABLE;
        let thread = table[at + 5..].windows(7).find(|group| group[1..4] == [0, 8, 16]);
        let identity = thread.map_or(Identity::Unknown, |group| Identity::Native(group[6]));
        Some((Self::OfInterpreters { head, next, lock: table[at], optional }, identity))
    }

    /// The locks that are used now: their first words' addresses, each once. `Some` but empty when they are switched
    /// off; `None` when there is no interpreter (yet, or any more).
    pub fn locks(&self, memory: &Memory, runtime: u64, found: &mut Vec<u64>) -> Option<()> {
        found.clear();
        match *self {
            Self::InRuntime { lock } => {
                Words::read(memory, runtime + lock)?;
                found.push(runtime + lock);
                Some(())
            }
            Self::OfInterpreters { head, next, lock, optional } => {
                let mut interpreter = memory.word(runtime + head).filter(|address| *address != 0)?;
                let mut any = false;
                for _ in 0..INTERPRETERS {
                    let mut address = memory.word(interpreter.wrapping_add(lock)).filter(|address| *address != 0)?;
                    let used = !optional || memory.word(address)? as u32 != 0;
                    if optional {
                        address = address.wrapping_add(8);
                    }
                    any |= Words::read(memory, address).is_some() || !used;
                    if used && !found.contains(&address) && Words::read(memory, address).is_some() {
                        found.push(address);
                    }
                    interpreter = match memory.word(interpreter.wrapping_add(next)) {
                        None | Some(0) => break,
                        Some(next) => next,
                    };
                }
                any.then_some(())
            }
        }
    }
}

/// All of the lock whose first words are at `address`: a wait for any of it is a wait for the lock.
pub const fn extent(address: u64) -> Range<u64> {
    address..address.saturating_add(LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_lock_is_read_as_one() {
        let check =
            |words, expect: Option<bool>| assert_eq!(Words::parse(words).map(|words| words.held), expect, "{words:?}");
        let uninitialised = u64::from(u32::MAX);
        check([5000, 0x7f00_1000, 1, 7], Some(true));
        check([5000, 0x7f00_1000, 0, 7], Some(false));
        // Whatever fills the structure up after the int.
        check([100, 0x7f00_1000, 0xabcd_0000_0000, 7], Some(false));
        check([5000, 0x7f00_1000, uninitialised, 7], None);
        check([5000, 0, 0, 0], None);
        check([0, 0, 0, 0], None);
        check([5000, 0x7f00_1001, 1, 7], None);
        check([1 << 40, 0x7f00_1000, 1, 7], None);
    }

    /// A copy of memory that looks like a runtime, in our own process.
    fn check_layout(memory: &[u64], version: Option<(u8, u8)>, expect: Option<Layout>) {
        let us = Memory::open(std::process::id().cast_signed(), true).expect("our own memory");
        let place = Place { runtime: memory.as_ptr() as u64, version: None, named: version };
        assert_eq!(Layout::of(&us, &place).map(|(layout, _)| layout), expect, "{version:?}");
    }

    #[test]
    fn the_lock_is_found_where_the_release_keeps_it_and_by_its_looks_elsewhere() {
        let with_lock = |at: usize| {
            let mut memory = vec![0; SCANNED / 8];
            memory[at / 8..at / 8 + 4].copy_from_slice(&[5000, 0x7f00_1000, 1, 7]);
            memory
        };
        let in_runtime = |lock| Some(Layout::InRuntime { lock });
        for (version, lock) in [((3, 8), 1152), ((3, 9), 352), ((3, 10), 352), ((3, 11), 360)] {
            check_layout(&with_lock(lock), Some(version), in_runtime(lock as u64));
        }
        check_layout(&with_lock(1136), Some((3, 8)), in_runtime(1136));
        check_layout(&with_lock(1360), None, in_runtime(1360));
        check_layout(&vec![0; SCANNED / 8], None, None);
    }

    #[test]
    fn the_table_of_later_releases_is_believed() {
        let cookie = u64::from_ne_bytes(*COOKIE);
        let table = |of_interpreter: &[u64], free_threaded| {
            let mut table = vec![cookie, 0x030d_00f0, free_threaded, 283_320, 600, 632];
            table.extend(of_interpreter);
            table.resize(64, 0);
            table
        };
        // 3.13, 3.13 without the lock, and 3.14, which has one more word before it.
        let with = [191_000, 7256, 7264, 7280, 7376, 7552, 7560, 7568, 16, 7752, 0, 7768, 7760];
        let without = [191_000, 7256, 7264, 7280, 7376, 7552, 7560, 7568, 16, 7752, 0, 7776, 7768];
        let later = [191_000, 7256, 7264, 7280, 7288, 7376, 7552, 7560, 7568, 16, 7752, 0, 7768, 7760];
        let layout = |optional| Some(Layout::OfInterpreters { head: 632, next: 7264, lock: 16, optional });
        check_layout(&table(&with, 0), Some((3, 13)), layout(false));
        check_layout(&table(&without, 1), Some((3, 13)), layout(true));
        check_layout(&table(&later, 0), Some((3, 14)), layout(false));
        let thread = [304, 0, 8, 16, 72, 152, 160];
        for of_interpreter in [&with[..], &[&later[..], &[1, 2]].concat()] {
            let memory = table(&[of_interpreter, &thread].concat(), 0);
            let us = Memory::open(std::process::id().cast_signed(), true).expect("our own memory");
            let place = Place { runtime: memory.as_ptr() as u64, version: None, named: Some((3, 14)) };
            assert_eq!(Layout::of(&us, &place).map(|(_, identity)| identity), Some(Identity::Native(160)));
        }
        check_layout(&vec![0; 64], Some((3, 14)), None);
    }
}
