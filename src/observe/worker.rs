//! One living worker: its kept-open files, its last readings, and the [`Worker`] record they add up to.
//!
//! A worker whose counters did not move since it was found blocked is still in the same wait, so one read of 40 bytes
//! is all that it costs. Which workers there are is `process`'s and `tree`'s.

mod recorded;

use super::blocked::{Blocked, State};
use super::descriptors::Descriptors;
use super::kind::BlockedKind;
use super::probe::{Failure, Probe, ProcPath};
use super::readings::{Schedstat, Stat, TICK, field};
use super::round::{Cadence, Hidden, Round};
use super::syscall::{Breadth, Whereabouts};
use super::{Mechanism, Worker};
use recorded::Recorded;
use std::time::Duration;

/// The worker is no longer there to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// One living worker.
#[derive(Debug)]
pub struct LiveWorker {
    record: Worker,
    schedstat: Probe,
    syscall: Probe,
    last: Schedstat,
    state: State,
    /// On how many things it waits while it is blocked, where that could be read.
    breadth: Option<Breadth>,
    /// Whether what it is blocked on is to be asked again, although it is still in the same wait.
    unsure: bool,
    /// Whether it ran since the tick before, and in the one before that.
    ran: (bool, bool),
    /// Its time on a core since its count of timeslices last moved.
    burst: Duration,
    cadence: Cadence,
    /// Its counters when its details were read.
    detailed: Schedstat,
    /// What the kernel counted for programs that it ran before.
    before: Before,
    /// When its name was last found changed, and the one before.
    renamed: Option<(Duration, String)>,
    recorded: Recorded,
}

/// What the kernel counts for one task throughout: the part of programs that it ran before the last, and of the time
/// before it was attached to.
#[derive(Debug, Default)]
struct Before {
    on_cpu: Duration,
    user: Duration,
    system: Duration,
    disk_delay: Duration,
    voluntary_switches: u64,
    involuntary_switches: u64,
}

impl LiveWorker {
    /// Takes up a worker that was not known before, with its first readings.
    ///
    /// # Errors
    /// When it is already gone.
    pub fn new(tid: i32, parent: i32, descriptors: &mut Descriptors, round: &mut Round) -> Result<Self, Gone> {
        let pid = descriptors.pid();
        let path = |name| ProcPath::worker(pid, tid, name);
        let mut worker = Self {
            record: Worker { pid, tid, parent, ..Worker::default() },
            schedstat: Probe::new(path("schedstat"), round.may_keep()),
            syscall: Probe::new(path("syscall"), round.may_keep()),
            last: Schedstat::default(),
            state: State::Running,
            breadth: None,
            unsure: false,
            ran: (true, true),
            burst: Duration::ZERO,
            cadence: Cadence::from(round.at),
            detailed: Schedstat::default(),
            before: Before::default(),
            renamed: None,
            recorded: Recorded::default(),
        };
        if worker.is_known_from_birth(round) {
            return Ok(worker);
        }
        let mut buffer = [0; 512];
        let Ok(bytes) = path("stat").read(&mut buffer) else { return Err(Gone) };
        let stat = Stat::parse(bytes).ok_or(Gone)?;
        worker.record.name = lossy(stat.comm);
        let born = birth(stat.start.saturating_sub(round.boot), round.since, round.at);
        let first = worker.read(round)?;
        // It cannot have run and queued for longer than it lives.
        let mut born = born.min(round.at.saturating_sub(first.on_cpu + first.runnable));
        if let Some(track) = round.tracks.get_mut(tid) {
            worker.is_tracked(track);
            (born, worker.last) = (track.born, track.earlier());
        }
        (worker.record.born, worker.record.died) = (born, born);
        if round.ran_before(stat.start) {
            worker.begin(first, round);
        }
        worker.take(first, descriptors, round);
        Ok(worker)
    }

    /// It ran before it was attached to: its record begins now.
    fn begin(&mut self, now: Schedstat, round: &mut Round) {
        self.last = now;
        (self.record.born, self.record.died) = (round.at, round.at);
        self.read_stat(false, round);
        self.read_switches(round);
        self.before = Before {
            on_cpu: now.on_cpu,
            user: std::mem::take(&mut self.record.user),
            system: std::mem::take(&mut self.record.system),
            disk_delay: self.record.disk_delay.as_mut().map(std::mem::take).unwrap_or_default(),
            voluntary_switches: self.record.voluntary_switches.replace(0).unwrap_or(0),
            involuntary_switches: self.record.involuntary_switches.replace(0).unwrap_or(0),
        };
        self.record.on_cpu = Duration::ZERO;
        self.cadence = Cadence::from(round.at);
    }

    /// Its task id.
    pub const fn tid(&self) -> i32 {
        self.record.tid
    }

    /// How long it has run its program.
    pub fn age(&self, at: Duration) -> Duration {
        at.saturating_sub(self.record.born)
    }

    /// Its time on a core, in this and in earlier programs.
    pub const fn on_cpu_in_all(&self) -> Duration {
        self.last.on_cpu.saturating_sub(self.before.on_cpu)
    }

    /// Its process has become another program: the record of the one before, closed, while a new one begins.
    pub fn become_another(&mut self, round: &mut Round) -> Worker {
        self.read_stat(false, round);
        self.read_switches(round);
        let name = self.record.name.clone();
        // In this very tick, it was the `exec` that did it.
        let name_before = self.renamed.take().filter(|(at, _)| *at == round.at).map(|(_, name)| name);
        self.cadence = Cadence::from(round.at);
        self.end_burst();
        if let Some(track) = round.tracks.get_mut(self.record.tid) {
            self.keep_stretches(track);
        }
        let Worker { pid, tid, parent, .. } = self.record;
        let (born, died) = (round.at, round.at);
        let next = Worker { pid, tid, parent, name, born, died, ..Worker::default() };
        let mut ended = std::mem::replace(&mut self.record, next);
        ended.name = name_before.unwrap_or(ended.name);
        // The look of this tick came before the `exec` was noticed, and found what the program waits for.
        if let State::Blocked(kind) = self.state {
            counts(&mut ended, kind, self.breadth).for_each(|count| *count = count.saturating_sub(1));
            counts(&mut self.record, kind, self.breadth).for_each(|count| *count += 1);
        }
        // None by now, and it may sleep before it is read again.
        self.record.voluntary_switches = ended.voluntary_switches.map(|_| 0);
        self.record.involuntary_switches = ended.involuntary_switches.map(|_| 0);
        self.before.user += ended.user;
        self.before.system += ended.system;
        self.before.disk_delay += ended.disk_delay.unwrap_or_default();
        self.record.disk_delay = ended.disk_delay.map(|_| Duration::ZERO);
        self.before.voluntary_switches += ended.voluntary_switches.unwrap_or(0);
        self.before.involuntary_switches += ended.involuntary_switches.unwrap_or(0);
        ended
    }

    /// Whether it has ended, reaped or not.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it was found on a core, or waiting for one.
    pub fn is_computing(&self) -> bool {
        self.state == State::Running
    }

    /// Times that its core was taken, as last read, and times that it left its core at all.
    pub fn switches(&self) -> (u64, u64) {
        let involuntary = self.record.involuntary_switches.unwrap_or(0);
        (involuntary, involuntary + self.record.voluntary_switches.unwrap_or(0))
    }

    /// Its process was found stopped, so that it waits for whoever continues it, and no longer for what it was in when
    /// the stop came.
    pub fn stop(&mut self) {
        if let State::Blocked(kind) = &mut self.state {
            (*kind, self.breadth, self.unsure) = (BlockedKind::Other, None, false);
        }
    }

    /// Whether it ran since the tick before.
    pub const fn ran(&self) -> bool {
        self.ran.0
    }

    /// Whether it may have started a child that no scan has met: it ran lately. A fork that falls between two reads of
    /// one tick shows only in the next, when its parent may already sleep again.
    pub const fn may_have_forked(&self) -> bool {
        self.ran.0 || self.ran.1
    }

    /// Its readings at a tick.
    ///
    /// # Errors
    /// When it is gone; its record then stands as of the tick before.
    pub fn sample(&mut self, descriptors: &mut Descriptors, round: &mut Round) -> Result<(), Gone> {
        if self.rests(round) {
            self.ran = (false, self.ran.0);
            self.live_on(false, round);
            return Ok(());
        }
        if self.is_put_off(round) {
            self.ran = (true, self.ran.0);
            self.live_until(round.at, round);
            return Ok(());
        }
        let now = self.read(round)?;
        self.take(now, descriptors, round);
        Ok(())
    }

    fn take(&mut self, now: Schedstat, descriptors: &mut Descriptors, round: &mut Round) {
        let step = now.since(&self.last);
        self.last = now;
        let still = self.state != State::Running && step == Schedstat::default() && now.timeslices > 0;
        let asleep = still && !self.unsure;
        let had_ended = self.has_ended();
        if let Some(state) = self.recorded_state() {
            (self.state, self.breadth) = (state, None);
        } else if !asleep {
            // One that is wholly hidden and did not move is blocked on something.
            let unseen = if step == Schedstat::default() { State::Blocked(BlockedKind::Other) } else { State::Running };
            // Before the first tick it is held, and what it waits for is us.
            self.state =
                if round.ticks == 0 { State::Running } else { self.look(descriptors, round).unwrap_or(unseen) };
            self.unsure = std::mem::take(&mut round.sockets.guessed);
        }
        self.ran = (!still, self.ran.0);
        self.count(step, round);
        self.live_on(had_ended, round);
        self.anchor(round);
        let details = self.cadence.is_due(round.at) && self.last != self.detailed && round.may_detail();
        let core = self.state == State::Running && !self.has_track() && round.may_look_up();
        if let Some(core) = self.recorded_core() {
            round.cores.see(core as usize);
        }
        if details || core {
            self.read_stat(core, round);
        }
        if details {
            self.read_switches(round);
        }
    }

    /// It goes on as it is found.
    fn live_on(&mut self, had_ended: bool, round: &mut Round) {
        match self.state {
            State::Ended if had_ended => {}
            // Some time since the tick before: half of it, for want of better.
            State::Ended => self.live_until(self.record.died + (round.at.saturating_sub(self.record.died)) / 2, round),
            State::Running => self.live_until(round.at, round),
            State::Blocked(kind) => {
                self.live_until(round.at, round);
                counts(&mut self.record, kind, self.breadth).for_each(|count| *count += 1);
                round.stretch.blocked_ticks[kind] += 1;
            }
        }
    }

    /// It has ended now and is about to be reaped: its last readings.
    pub fn last_words(&mut self, round: &mut Round) {
        if let Ok(now) = self.read(round) {
            let step = now.since(&self.last);
            self.last = now;
            self.count(step, round);
            self.was_read_at_end();
        }
        if !self.has_ended() {
            self.live_until(round.at, round);
            self.state = State::Ended;
        }
        self.read_stat(false, round);
        self.read_switches(round);
    }

    /// The record it leaves.
    pub fn into_record(mut self) -> Worker {
        self.end_burst();
        self.record
    }

    fn end_burst(&mut self) {
        let burst = std::mem::take(&mut self.burst);
        if !burst.is_zero() {
            self.record.bursts.add(burst, 1);
        }
    }

    fn read(&self, round: &mut Round) -> Result<Schedstat, Gone> {
        // Three 64-bit numbers at their longest.
        let mut buffer = [0; 64];
        match self.schedstat.read(&mut buffer) {
            Ok(bytes) => Ok(Schedstat::parse(bytes).unwrap_or(self.last)),
            Err(Failure::Vanished) => Err(Gone),
            Err(Failure::Unreadable(why)) => {
                round.missing.note(Hidden::Schedstat, self.schedstat.path(), &why);
                Ok(self.last)
            }
        }
    }

    fn look(&mut self, descriptors: &mut Descriptors, round: &mut Round) -> Option<State> {
        let wanted = round.wants(Mechanism::Kinds);
        let mut blocked = Blocked { tid: self.record.tid, at: round.at, descriptors, sockets: &mut round.sockets };
        self.breadth = None;
        if !wanted {
            return blocked.state_alone();
        }
        // A number, six arguments and two addresses at their longest.
        let mut buffer = [0; 192];
        match self.syscall.read(&mut buffer) {
            Ok(bytes) => match Whereabouts::parse(bytes) {
                Some(whereabouts) => {
                    self.breadth = whereabouts.breadth();
                    match whereabouts.futex() {
                        Some(futex) if round.locks.contain(futex) => Some(State::Blocked(BlockedKind::Gil)),
                        _ => blocked.state(whereabouts),
                    }
                }
                None => blocked.state_from_outside(),
            },
            Err(Failure::Vanished) => None,
            Err(Failure::Unreadable(why)) => {
                let state = blocked.state_from_outside();
                if !matches!(state, Some(State::Running | State::Ended)) {
                    round.missing.note(Hidden::Syscall, self.syscall.path(), &why);
                }
                state
            }
        }
    }

    fn count(&mut self, step: Schedstat, round: &mut Round) {
        self.record.on_cpu += step.on_cpu;
        self.record.runnable += step.runnable;
        self.record.timeslices += step.timeslices;
        round.stretch.on_cpu += step.on_cpu;
        round.stretch.runnable += step.runnable;
        if self.has_track() {
            self.burst = Duration::ZERO;
            return;
        }
        self.burst += step.on_cpu;
        if step.timeslices > 0 {
            let mean = self.burst.div_f64(step.timeslices as f64);
            self.record.bursts.add(mean, step.timeslices);
            self.burst = Duration::ZERO;
        }
    }

    fn live_until(&mut self, at: Duration, round: &mut Round) {
        round.stretch.alive += at.saturating_sub(self.record.died);
        self.record.died = self.record.died.max(at);
    }

    fn read_stat(&mut self, core: bool, round: &mut Round) {
        let mut buffer = [0; 512];
        let path = ProcPath::worker(self.record.pid, self.record.tid, "stat");
        let Some(stat) = path.read(&mut buffer).ok().and_then(Stat::parse) else { return };
        self.record.user = stat.user.saturating_sub(self.before.user);
        self.record.system = stat.system.saturating_sub(self.before.system);
        // Kernels before 5.14 have no switch to ask, and account it or not: what moves is accounted.
        if round.delays || !stat.disk_delay.is_zero() {
            self.record.disk_delay = Some(stat.disk_delay.saturating_sub(self.before.disk_delay));
        }
        if self.record.name.as_bytes() != stat.comm {
            let name = std::mem::replace(&mut self.record.name, lossy(stat.comm));
            self.renamed = Some((round.at, name));
        }
        if core {
            round.cores.see(stat.processor);
        }
        if self.last.timeslices == 0 && !(stat.user + stat.system).is_zero() {
            self.record.on_cpu = self.record.user + self.record.system;
            round.missing.note(Hidden::Schedstat, self.schedstat.path(), &"the kernel does not count it");
        }
    }

    fn read_switches(&mut self, round: &Round) {
        self.cadence.done(round.at);
        self.detailed = self.last;
        let mut buffer = [0; 4096];
        let Ok(status) = ProcPath::worker(self.record.pid, self.record.tid, "status").read(&mut buffer) else { return };
        if let Some(count) = field(status, b"voluntary_ctxt_switches:") {
            self.record.voluntary_switches = Some(count.saturating_sub(self.before.voluntary_switches));
        }
        if let Some(count) = field(status, b"nonvoluntary_ctxt_switches:") {
            self.record.involuntary_switches = Some(count.saturating_sub(self.before.involuntary_switches));
        }
    }
}

/// When one was born whose start the kernel tells to a tick, and whom nobody saw at `since`: the middle of what both
/// leave open.
fn birth(start: Duration, since: Duration, at: Duration) -> Duration {
    let (earliest, latest) = (start.max(since), (start + TICK).min(at));
    if earliest <= latest { (earliest + latest) / 2 } else { (start + TICK / 2).min(at) }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// What being found blocked once adds to.
fn counts(record: &mut Worker, kind: BlockedKind, breadth: Option<Breadth>) -> impl Iterator<Item = &mut u32> {
    let waited_on = &mut record.waited_on;
    let breadth = breadth.map(|breadth| match breadth {
        Breadth::One => &mut waited_on.one,
        Breadth::Several => &mut waited_on.several,
        Breadth::Epoll => &mut waited_on.epoll,
    });
    std::iter::once(&mut record.blocked_ticks[kind]).chain(breadth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_lies_where_the_kernel_and_our_ticks_agree() {
        let check = |start, since, at, expect| {
            let ms = Duration::from_millis;
            assert_eq!(birth(ms(start), ms(since), ms(at)), ms(expect), "start {start}, ticks {since} and {at}");
        };
        check(100, 104, 108, 106);
        check(100, 90, 104, 102);
        check(100, 60, 160, 105);
        // Found late, long after it was born.
        check(100, 400, 450, 105);
        // The clocks disagree by a tick: never after it was seen.
        check(120, 100, 110, 110);
    }
}
