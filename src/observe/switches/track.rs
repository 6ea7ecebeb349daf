//! One worker's life as its records tell it: its stretches on a core, in the run queue, and blocked.
//!
//! Between being woken and being put on a core there is no record, so a wait is told together with the run-queue time
//! at its end; `schedstat` knows the sums apart.

use super::super::Worker;
use super::super::histogram::Histogram;
use super::super::readings::Schedstat;
use super::record::Name;
use std::time::Duration;

/// What a worker was doing when its last record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was on this core.
    OnCpu(u32),
    /// It waited for a core: new, or its core was taken from it.
    Runnable,
    /// It had left its core to wait.
    Blocked,
    /// Records of it may be missing.
    Unknown,
}

/// One worker's life so far.
#[derive(Debug)]
pub struct Track {
    /// Its process.
    pub pid: i32,
    /// Task.
    pub tid: i32,
    /// The process that its process was born from.
    pub parent: i32,
    /// Its name.
    pub name: Name,
    /// When it was born, or became what it is by `exec`.
    pub born: Duration,
    /// When it had its last record.
    pub last: Duration,
    /// Whether its end was recorded.
    pub ended: bool,
    /// Whether only its program ended: another goes on under the same id.
    pub becomes_another: bool,
    /// Whether `/proc` was read of it: then `worker` keeps its record.
    pub met: bool,
    /// Times that nothing was there to be read of it.
    pub tries: u8,
    /// Whether it had a record since the tick before.
    pub(super) stirred: bool,
    standing: Standing,
    since: Duration,
    /// When its sums were last read in `/proc`, and what was added to them since.
    mark: Duration,
    unread: Schedstat,
    /// The sums of programs that it ran before, where nobody read them.
    earlier: Schedstat,
    switches: (u64, u64),
    bursts: Histogram,
    waits: Histogram,
    /// How it stood at a moment that was asked for, and since when.
    asked: Asked,
}

/// How a worker stood at some moment: records of that moment are read only after it.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Nothing,
    At(Duration),
    Answered(Standing, Duration),
}

impl Track {
    /// One that begins `at`, standing so.
    pub fn begin((pid, tid): (i32, i32), parent: i32, name: Name, at: Duration, standing: Standing) -> Self {
        Self {
            pid,
            tid,
            parent,
            name,
            born: at,
            last: at,
            ended: false,
            becomes_another: false,
            met: false,
            tries: 0,
            stirred: false,
            standing,
            since: at,
            mark: Duration::ZERO,
            unread: Schedstat::default(),
            earlier: Schedstat::default(),
            switches: (0, 0),
            bursts: Histogram::default(),
            waits: Histogram::default(),
            asked: Asked::Nothing,
        }
    }

    /// What it was last recorded doing.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Times that it left its core to wait, and that its core was taken.
    pub const fn switches(&self) -> (u64, u64) {
        self.switches
    }

    /// How it stands at this moment is wanted, once all records up to then were taken down.
    pub const fn ask(&mut self, at: Duration) {
        self.asked = Asked::At(at);
    }

    /// How it stood at the moment asked for, and since when; `None` when none was.
    pub const fn answer(&mut self) -> Option<(Standing, Duration)> {
        match std::mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Nothing => None,
            Asked::At(_) => Some((self.standing, self.since)),
            Asked::Answered(standing, since) => Some((standing, since)),
        }
    }

    /// It was put on a core.
    pub fn comes_on(&mut self, core: u32, at: Duration) {
        if self.standing == Standing::Blocked {
            self.waits.add(at.saturating_sub(self.since), 1);
        }
        self.turn(Standing::OnCpu(core), at);
        self.unread.timeslices += 1;
    }

    /// It left its core.
    pub fn goes_off(&mut self, preempted: bool, at: Duration) {
        self.end_burst(at);
        let (to, count) = match preempted {
            true => (Standing::Runnable, &mut self.switches.1),
            false => (Standing::Blocked, &mut self.switches.0),
        };
        *count += 1;
        self.turn(to, at);
    }

    /// It ended.
    pub fn ends(&mut self, at: Duration) {
        self.end_burst(at);
        self.turn(Standing::Unknown, at);
        self.ended = true;
    }

    /// Records of it may be missing from here on: the stretch that is under way is not known.
    pub fn loses_thread(&mut self) {
        self.asked = Asked::Nothing;
        self.standing = Standing::Unknown;
    }

    /// Its sums were read in `/proc` at this time.
    pub fn mark(&mut self, at: Duration) {
        self.mark = at;
        self.unread = Schedstat::default();
    }

    /// What was added to its sums since the last mark, from its birth when there was none.
    pub const fn unread(&self) -> Schedstat {
        self.unread
    }

    /// Its sums in programs that it ran before, of which nobody read anything.
    pub const fn earlier(&self) -> Schedstat {
        self.earlier
    }

    /// Its stretches on a core and blocked so far, which begin anew.
    pub fn take_stretches(&mut self) -> (Histogram, Histogram) {
        (std::mem::take(&mut self.bursts), std::mem::take(&mut self.waits))
    }

    /// It becomes another program: the life that ends here, while the new one begins.
    pub fn split(&mut self, name: Name, at: Duration) -> Self {
        let mut next = Self::begin((self.pid, self.tid), self.parent, name, at, self.standing);
        self.ends(at);
        self.becomes_another = true;
        next.earlier = sum(self.earlier, self.unread);
        next.stirred = self.stirred;
        std::mem::replace(self, next)
    }

    /// Its record, when `/proc` told nothing of it; alive until `at` when its end was not recorded.
    pub fn into_worker(mut self, at: Duration) -> Worker {
        let died = if self.ended { self.last } else { at.max(self.last) };
        if !self.ended {
            self.turn(self.standing, died);
        }
        let (bursts, waits) = self.take_stretches();
        Worker {
            pid: self.pid,
            tid: self.tid,
            parent: self.parent,
            name: self.name.text(),
            born: self.born,
            died,
            on_cpu: self.unread.on_cpu,
            runnable: self.unread.runnable,
            timeslices: self.unread.timeslices,
            voluntary_switches: Some(self.switches.0),
            involuntary_switches: Some(self.switches.1),
            bursts,
            waits,
            ..Worker::default()
        }
    }

    fn end_burst(&mut self, at: Duration) {
        if matches!(self.standing, Standing::OnCpu(_)) {
            self.bursts.add(at.saturating_sub(self.since), 1);
        }
    }

    /// The part of the stretch after the mark is added to the sums, and the next one begins.
    fn turn(&mut self, to: Standing, at: Duration) {
        if matches!(self.asked, Asked::At(moment) if at > moment) {
            self.asked = Asked::Answered(self.standing, self.since);
        }
        let stretch = at.saturating_sub(self.since.max(self.mark));
        match self.standing {
            Standing::OnCpu(_) => self.unread.on_cpu += stretch,
            Standing::Runnable => self.unread.runnable += stretch,
            Standing::Blocked | Standing::Unknown => {}
        }
        self.standing = to;
        self.since = at.max(self.since);
        self.last = at.max(self.last);
    }
}

fn sum(one: Schedstat, other: Schedstat) -> Schedstat {
    Schedstat {
        on_cpu: one.on_cpu + other.on_cpu,
        runnable: one.runnable + other.runnable,
        timeslices: one.timeslices + other.timeslices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn newborn() -> Track {
        Track::begin((7, 7), 1, Name::of(b"one"), ms(0), Standing::Runnable)
    }

    /// How many stretches there were, and their sum in ms.
    fn told(histogram: &Histogram) -> (u64, u128) {
        (histogram.total(), histogram.parts().1.as_millis())
    }

    #[test]
    fn preempted_is_run_queue_time_and_the_rest_is_blocked() {
        let mut track = newborn();
        track.comes_on(0, ms(2));
        track.goes_off(true, ms(5));
        track.comes_on(1, ms(9));
        track.goes_off(false, ms(10));
        track.comes_on(1, ms(30));
        track.ends(ms(31));
        let worker = track.into_worker(ms(99));
        assert_eq!((worker.on_cpu, worker.runnable, worker.timeslices), (ms(5), ms(6), 3));
        assert_eq!((worker.born, worker.died, worker.blocked()), (ms(0), ms(31), ms(20)));
        assert_eq!((told(&worker.bursts), told(&worker.waits)), ((3, 5), (1, 20)));
        assert_eq!((worker.voluntary_switches, worker.involuntary_switches), (Some(1), Some(1)));
    }

    #[test]
    fn only_what_came_after_a_reading_is_unread() {
        let mut track = newborn();
        track.comes_on(0, ms(0));
        track.mark(ms(4));
        track.goes_off(false, ms(10));
        assert_eq!(track.unread().on_cpu, ms(6), "a record that was read later than /proc counts in part");
        track.mark(ms(12));
        track.comes_on(0, ms(15));
        track.goes_off(false, ms(16));
        assert_eq!(track.unread(), Schedstat { on_cpu: ms(1), runnable: ms(0), timeslices: 1 });
        assert_eq!(told(&track.take_stretches().0), (2, 11), "bursts are told whole");
    }

    #[test]
    fn a_moment_is_answered_for_by_what_was_recorded_around_it() {
        let check = |asked, expect| {
            let mut track = newborn();
            track.comes_on(0, ms(10));
            track.ask(ms(asked));
            track.goes_off(true, ms(20));
            track.comes_on(1, ms(30));
            assert_eq!(track.answer(), Some(expect), "at {asked} ms");
            assert_eq!(track.answer(), None, "once is enough");
        };
        check(15, (Standing::OnCpu(0), ms(10)));
        check(25, (Standing::Runnable, ms(20)));
        check(35, (Standing::OnCpu(1), ms(30)));
    }

    #[test]
    fn a_stretch_with_a_gap_in_it_is_left_out() {
        let mut track = newborn();
        track.comes_on(0, ms(1));
        track.loses_thread();
        track.goes_off(false, ms(50));
        track.comes_on(0, ms(60));
        track.loses_thread();
        track.comes_on(0, ms(70));
        track.goes_off(false, ms(71));
        let worker = track.into_worker(ms(80));
        assert_eq!((told(&worker.bursts), told(&worker.waits)), ((1, 1), (1, 10)));
        assert_eq!(worker.on_cpu, ms(1));
    }

    #[test]
    fn records_out_of_order_never_count_backwards() {
        let mut track = newborn();
        track.comes_on(0, ms(10));
        track.comes_on(1, ms(9));
        track.goes_off(false, ms(8));
        let worker = track.into_worker(ms(8));
        assert_eq!((worker.on_cpu, worker.died), (ms(0), ms(10)));
    }

    #[test]
    fn an_exec_divides_a_life_and_what_went_before_is_not_the_new_program_s() {
        let mut track = newborn();
        track.comes_on(0, ms(0));
        let before = track.split(Name::of(b"two"), ms(20));
        track.ends(ms(25));
        assert_eq!(track.earlier().on_cpu, ms(20));
        let (before, after) = (before.into_worker(ms(99)), track.into_worker(ms(99)));
        assert_eq!((before.name.as_str(), before.born, before.died, before.on_cpu), ("one", ms(0), ms(20), ms(20)));
        assert_eq!((after.name.as_str(), after.born, after.died, after.on_cpu), ("two", ms(20), ms(25), ms(5)));
    }
}
