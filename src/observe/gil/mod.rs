//! CPython's global interpreter lock in one process: found, read at every tick, and added up.
//!
//! Three questions, a file each: where the runtime lies (`place`, by a symbol that `image` reads from the file), where
//! in it the lock's words are and what they say (`words`), and what many moments add up to (`tally`). Here is when to
//! look: not before an interpreter can have started, again a few times while it does, then never; at every tick in
//! which a thread of the process ran, because while none does the lock stays as it is.
//!
//! Everything is read through `/proc/PID/mem`: the target is never stopped and nothing of it is written. A process that
//! ends or becomes another program while it is read is simply no longer there: the file of its memory stands for the
//! program that it was opened in.

mod image;
mod place;
mod tally;
mod words;

pub use place::Images;
pub use tally::{Around, Moment};

use super::probe::{Failure, ProcPath};
use super::round::{Hidden, Round};
use super::{Gil, Mechanism};
use place::Place;
use std::ops::Range;
use std::time::Duration;
use tally::Tally;
use words::{Identity, Layout, Memory, Words, extent};

/// Age from which it is worth looking: an interpreter that does nothing ends sooner (12 ms for `python3 -S -c pass`,
/// of 3.8 to 3.13), and so does what a shell starts.
const OLD_ENOUGH: Duration = Duration::from_millis(30);
/// The longest pause between two looks; after it there is none. In all there are eight, over four seconds: a program
/// that loads an interpreter later than that is not seen to have one.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often it is asked which interpreters there are; a new one starts in about 20 ms.
const REFRESH: Duration = Duration::from_millis(100);

/// The memory of the locks of one process: a futex in it is one of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extents(Vec<Range<u64>>);

impl Extents {
    /// Whether the address lies in it.
    pub fn contain(&self, address: u64) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}

/// What one process's lock is seen doing.
#[derive(Debug)]
pub struct Watch {
    state: State,
    tally: Tally,
    /// Whether how the threads stood at the last moment is not known yet.
    unsettled: bool,
    /// Times that its interpreters were found with their locks switched off.
    switched_off: u32,
    /// Involuntary switches of threads that have ended, and all of theirs.
    switches: (u64, u64),
}

#[derive(Debug)]
enum State {
    /// Not found yet; looked for again at that time, and after that pause.
    Sought { due: Duration, pause: Duration },
    /// Found.
    Found(Box<Found>),
    /// Not looked for any more: no CPython, or hidden from us.
    GivenUp,
}

#[derive(Debug)]
struct Found {
    memory: Memory,
    runtime: u64,
    layout: Layout,
    identity: Identity,
    locks: Vec<u64>,
    /// Threads that held one at the last look.
    holders: Vec<i32>,
    extents: Extents,
    /// Times that each lock went to another thread, as of the last moment.
    handovers: Vec<u64>,
    /// Whether any was held at the last look.
    held: bool,
    refresh: Duration,
}

impl Watch {
    /// Of a program that began at that time.
    pub fn from(at: Duration) -> Self {
        Self {
            state: State::Sought { due: at.saturating_add(OLD_ENOUGH), pause: OLD_ENOUGH },
            tally: Tally::default(),
            unsettled: false,
            switched_off: 0,
            switches: (0, 0),
        }
    }

    /// Files that it keeps open.
    pub fn files(&self) -> usize {
        match &self.state {
            State::Found(found) => usize::from(found.memory.keeps_file()),
            State::Sought { .. } | State::GivenUp => 0,
        }
    }

    /// The memory of its locks, exchanged for what is in `other`: for as long as its threads are read.
    pub fn lend_extents(&mut self, other: &mut Extents) {
        if let State::Found(found) = &mut self.state {
            std::mem::swap(&mut found.extents, other);
        }
    }

    /// A thread has ended, which made that many involuntary switches, of so many.
    pub fn bury(&mut self, (involuntary, all): (u64, u64)) {
        self.switches = (self.switches.0 + involuntary, self.switches.1 + all);
    }

    /// Looks for the lock when that is due. `is_python` says by names alone whether it is worth a word that it may not
    /// be read.
    pub fn seek(&mut self, pid: i32, round: &mut Round, is_python: impl FnOnce() -> bool) {
        let State::Sought { due, pause } = &mut self.state else { return };
        if round.at < *due || !round.wants(Mechanism::Gil) {
            return;
        }
        (*due, *pause) = (round.at + *pause, *pause * 2);
        let last = *pause > 2 * LONGEST_PAUSE;
        match find(pid, round) {
            Ok(Some(found)) => self.state = State::Found(Box::new(found)),
            Ok(None) if last => self.state = State::GivenUp,
            Ok(None) | Err(Failure::Vanished) => {}
            Err(Failure::Unreadable(why)) => {
                if is_python() {
                    round.missing.note(Hidden::Gil, ProcPath::process(pid, "mem").as_ref(), &why);
                }
                self.state = State::GivenUp;
            }
        }
    }

    /// Whether there is a lock to be read.
    pub const fn is_found(&self) -> bool {
        matches!(self.state, State::Found(_))
    }

    /// A tick at which some thread of the process was found to have run. Whether there was something to be seen: then
    /// how each thread stood is to be added once it is known, or never.
    pub fn look(&mut self, moment: Moment, at: Duration) -> bool {
        let State::Found(found) = &mut self.state else { return false };
        self.unsettled = false;
        match found.look(at) {
            Look::Locks { held, handovers } => {
                self.tally.add(Moment { held, ..moment }, handovers);
                self.unsettled = true;
            }
            Look::SwitchedOff => self.switched_off += 1,
            Look::Gone => self.state = State::Sought { due: at + OLD_ENOUGH, pause: OLD_ENOUGH },
        }
        self.unsettled
    }

    /// Whether how the threads stood at the last moment is still wanted.
    pub const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// How one more thread stood at the last moment.
    pub fn add(&mut self, tid: i32, around: Around) {
        let holds = matches!(&self.state, State::Found(found) if found.holders.contains(&tid));
        self.tally.stood(around, holds);
    }

    /// All threads were added.
    pub fn settle(&mut self) {
        self.unsettled = false;
        self.tally.settle();
    }

    /// A tick at which none was: all is as it was.
    pub fn rest(&mut self) {
        match &self.state {
            State::Found(found) if !found.locks.is_empty() => self.tally.rest(found.held),
            State::Found(_) | State::Sought { .. } | State::GivenUp => {}
        }
    }

    /// All that was seen; `living` are the switches of the threads that have not ended, involuntary and all.
    pub fn sum(&self, living: (u64, u64)) -> Gil {
        let (involuntary, all) = (self.switches.0 + living.0, self.switches.1 + living.1);
        if self.tally.is_empty() {
            return if self.switched_off > 0 { Gil::Absent } else { Gil::Unread };
        }
        // Where nobody's switches could be read, all that queued are taken to have been preempted.
        let preempted = if all > 0 { involuntary as f64 / all as f64 } else { 1.0 };
        let sum = self.tally.sum(preempted);
        // A build without the lock takes it for moments, while a module loads that may need it.
        if self.switched_off > sum.samples { Gil::Absent } else { Gil::Sampled(sum) }
    }
}

/// What a look at the locks found.
enum Look {
    Locks { held: u32, handovers: u64 },
    SwitchedOff,
    Gone,
}

impl Found {
    fn look(&mut self, at: Duration) -> Look {
        if at >= self.refresh {
            self.refresh = at + REFRESH;
            if !self.list() {
                return Look::Gone;
            }
        }
        if self.locks.is_empty() {
            return Look::SwitchedOff;
        }
        self.holders.clear();
        let (mut held, mut handovers, mut any) = (0, 0, false);
        for (lock, switches) in self.locks.iter().zip(&mut self.handovers) {
            // An interpreter that has ended since they were listed has none.
            let Some(words) = Words::read(&self.memory, *lock) else { continue };
            any = true;
            if words.held {
                held += 1;
                self.holders.extend(self.identity.of_holder(&self.memory, &words));
            }
            handovers += words.switches.saturating_sub(std::mem::replace(switches, words.switches));
        }
        self.held = held > 0;
        if any { Look::Locks { held, handovers } } else { Look::Gone }
    }

    /// Whether there is any interpreter.
    fn list(&mut self) -> bool {
        let before = std::mem::take(&mut self.locks);
        let any = self.layout.locks(&self.memory, self.runtime, &mut self.locks).is_some();
        if any && before != self.locks {
            self.extents.0 = self.locks.iter().map(|lock| extent(*lock)).collect();
            // Handovers count from here on.
            let switches = |lock: &u64| Words::read(&self.memory, *lock).map_or(0, |words| words.switches);
            self.handovers = self.locks.iter().map(switches).collect();
        }
        any
    }
}

fn find(pid: i32, round: &mut Round) -> Result<Option<Found>, Failure> {
    let Some(place): Option<Place> = round.images.find(pid)? else { return Ok(None) };
    let memory = Memory::open(pid, round.may_keep())?;
    let Some((layout, identity)) = Layout::of(&memory, &place) else { return Ok(None) };
    let mut found = Found {
        memory,
        runtime: place.runtime,
        layout,
        identity,
        holders: Vec::new(),
        locks: Vec::new(),
        extents: Extents::default(),
        handovers: Vec::new(),
        held: false,
        refresh: round.at + REFRESH,
    };
    Ok(found.list().then_some(found))
}
