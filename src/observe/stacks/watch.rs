//! The thread that reads stacks: whom, when, and when to give up on one. How one is read is `reader`'s.

use super::pace::Pace;
use super::reader::{Failure, Reader};
use super::tally::Sighting;
use super::{Python, Seen, Shared, natives};
use crate::notice::Notice;
use crate::observe::probe::ProcPath;
use crate::observe::readings::Stat;
use crate::observe::sampler::time_of;
use nix::time::ClockId;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A process is left alone for so long: while its interpreter starts there is nothing to read, and of one that ends
/// sooner no function is worth its price.
const SETTLED: Duration = Duration::from_millis(250);
/// A further process is not attached to before so long: by then those that compute have told themselves apart.
const TELLING: Duration = Duration::from_millis(300);
/// Processes looked at; those of a larger pool do what these do.
const MOST: usize = 16;
/// Failures in a row after which a process that could never be read is given up.
const GIVE_UP: u32 = 8;
/// After a first failure a process is left alone for so long, and twice as long after each further one.
const RETRY: Duration = Duration::from_millis(50);

/// One process that runs Python.
#[derive(Debug)]
struct Watched {
    python: Python,
    /// CPU time that it has used.
    cpu: Duration,
    /// When it was first seen.
    since: Duration,
    /// Not looked at before.
    due: Duration,
    failures: u32,
    was_read: bool,
}

/// The thread's body.
pub fn watch(shared: &Shared) {
    let start = Instant::now();
    let mut pace = Pace::new(RandomState::new().hash_one(start));
    let mut watcher = Watcher { reader: Reader::new(), watched: Vec::new(), notice: None };
    let mut natives = natives::Tally::default();
    let mut state = shared.lock();
    while !shared.is_over() {
        let now = start.elapsed();
        if now < pace.due() {
            let waited = shared.changed.wait_timeout(state, pace.due() - now);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let (pythons, threads) = (state.pythons.clone(), state.threads.clone());
        drop(state);
        let mut seen = Seen::default();
        watcher.keep_to(&pythons, now);
        if pace.may_attach(now) {
            let before = own_cpu();
            watcher.attach(now);
            pace.attached(own_cpu() - before);
        }
        let weight = pace.weight();
        let mut sightings = watcher.read(now, &mut seen, &|| shared.is_over());
        let mut with_stack: HashMap<i32, usize> = HashMap::new();
        sightings.iter().for_each(|sighting| *with_stack.entry(sighting.pid).or_default() += 1);
        for (pid, with_stack) in with_stack {
            if let Some(threads) = threads.get(&pid) {
                natives.add(pid, *threads, with_stack);
            }
        }
        let spent = own_cpu();
        pace.read(start.elapsed(), spent.saturating_sub(pace.spent()));
        state = shared.lock();
        let all = &mut state.seen;
        (all.asked, all.failed, all.own_cpu) = (all.asked + seen.asked, all.failed + seen.failed, spent);
        all.notice = watcher.notice.clone();
        if seen.asked > seen.failed {
            all.was_read(now, weight);
        }
        for sighting in &mut sightings {
            if let Some(lines) = sighting.in_loop.take() {
                all.in_loops.add(sighting.pid, lines, sighting.active, weight);
            }
        }
        sightings.into_iter().for_each(|sighting| all.functions.add(sighting, weight));
    }
    (state.seen.own_cpu, state.seen.natives) = (own_cpu(), natives);
    state.done = true;
    shared.changed.notify_all();
}

fn own_cpu() -> Duration {
    time_of(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

struct Watcher {
    reader: Reader,
    watched: Vec<Watched>,
    /// Why the first one that was given up was.
    notice: Option<Notice>,
}

impl Watcher {
    /// Takes up those that are new, and forgets those that are gone or have become another program.
    fn keep_to(&mut self, pythons: &[(Python, Duration)], now: Duration) {
        let mut there: HashMap<Python, Duration> = pythons.iter().copied().collect();
        self.watched.retain_mut(|watched| match there.remove(&watched.python) {
            Some(cpu) => {
                watched.cpu = cpu;
                true
            }
            None => false,
        });
        let new = pythons.iter().filter(|(python, _)| there.contains_key(python));
        let reader = &self.reader;
        self.watched.extend(new.map(|(python, cpu)| Watched {
            python: *python,
            cpu: *cpu,
            since: now,
            // Of an attached image the interpreter runs already: it was forked.
            due: if reader.is_attached(*python) { now } else { now + SETTLED },
            failures: 0,
            was_read: false,
        }));
        self.reader.retain(|image| pythons.iter().any(|(python, _)| python.image == image));
    }

    /// Attaches to one at most: it is dear, and between two of them everyone else is read. The one that computed most
    /// goes first, so that the helpers that pools start (CPython's resource tracker) do not use up the budget.
    fn attach(&mut self, now: Duration) {
        let Self { reader, watched, notice } = self;
        let (attached, others): (Vec<_>, Vec<_>) =
            watched.iter_mut().partition(|watched| reader.is_attached(watched.python));
        if attached.len() >= MOST {
            return;
        }
        let known_by = if attached.is_empty() { SETTLED } else { TELLING };
        let worth = |watched: &&mut Watched| {
            now >= watched.due && now >= watched.since + known_by && watched.failures < GIVE_UP
        };
        if let Some(watched) = others.into_iter().filter(worth).max_by_key(|watched| watched.cpu)
            && let Err(failure) = reader.attach(watched.python)
            && watched.is_there()
        {
            watched.failed(failure, now, notice);
        }
    }

    /// Reads all that are attached, until it is `over`.
    fn read(&mut self, now: Duration, seen: &mut Seen, over: &dyn Fn() -> bool) -> Vec<Sighting> {
        let Self { reader, watched, notice } = self;
        let mut sightings = Vec::new();
        let kept = watched.iter_mut().filter(|watched| reader.is_attached(watched.python)).take(MOST);
        let looked_at: Vec<_> = kept.filter(|watched| now >= watched.due && watched.failures < GIVE_UP).collect();
        for watched in looked_at {
            if over() {
                break;
            }
            // A thread that ends while it is read fails the reading of all; the next one mostly does not.
            let read = reader.read(watched.python).or_else(|_| reader.read(watched.python));
            if read.is_err() && !watched.is_there() {
                continue;
            }
            seen.asked += 1;
            match read {
                Ok(seen) => {
                    (watched.failures, watched.was_read) = (0, true);
                    sightings.extend(seen);
                }
                Err(failure) => {
                    seen.failed += 1;
                    watched.failed(failure, now, notice);
                }
            }
        }
        sightings
    }
}

impl Watched {
    /// Whether it has neither ended nor become another program; else it is no wonder that it could not be read.
    fn is_there(&self) -> bool {
        let mut buffer = [0; 512];
        let stat = ProcPath::process(self.python.pid, "stat").read(&mut buffer).ok().and_then(Stat::parse);
        // Its stack is not told where its memory may not be read.
        let same = |stack| stack == self.python.image || stack == 0;
        stat.is_some_and(|stat| same(stat.stack) && !matches!(stat.state, b'Z' | b'X'))
    }

    /// It was there and could not be read. One that could be before will be again: its threads come and go.
    fn failed(&mut self, failure: Failure, now: Duration, notice: &mut Option<Notice>) {
        if self.was_read && !failure.will_stay() {
            return;
        }
        self.due = now + RETRY * (1 << self.failures.min(GIVE_UP));
        // What is refused twice stays so.
        self.failures += if failure.will_stay() { GIVE_UP / 2 } else { 1 };
        if self.failures >= GIVE_UP {
            notice.get_or_insert_with(|| failure.notice(self.python.pid));
        }
    }
}
