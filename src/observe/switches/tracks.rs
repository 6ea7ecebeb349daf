//! Every living worker's [`Track`], kept up by the records in order of time, and who has been born, has stirred and
//! has ended since anybody asked.
//!
//! Which of them are read in `/proc` is `tree`'s.

use super::super::Launch;
use super::record::{Name, Record, What};
use super::track::{Standing, Track};
use std::collections::HashMap;
use std::mem::take;
use std::time::Duration;

/// What is known of the living from the kernel's records.
#[derive(Debug, Default)]
pub struct Tracks {
    kept: bool,
    living: HashMap<i32, Track>,
    born: Vec<i32>,
    stirred: Vec<i32>,
    execs: Vec<i32>,
    ended: Vec<Track>,
    switches: u64,
    births: u64,
    gaps: u64,
}

impl Tracks {
    /// From here on every worker of the tree is recorded, its first process from its `exec` on.
    pub fn begin(&mut self) {
        self.kept = true;
    }

    /// Records come no more.
    pub fn end(&mut self) {
        *self = Self::default();
    }

    /// Whether records tell of everything that happens to every worker.
    pub const fn are_kept(&self) -> bool {
        self.kept
    }

    /// One more record, not earlier than the one before; its time since the target's start is `at`.
    pub fn take_down(&mut self, record: &Record, at: Duration) {
        match record.what {
            What::In => {
                self.switches += 1;
                self.of(record, at, |track| track.comes_on(record.core, at));
            }
            What::Out { preempted } => self.of(record, at, |track| track.goes_off(preempted, at)),
            What::Fork { parent, by } => self.birth(record, parent, by, at),
            What::Exit => self.end_of(record.tid, at),
            What::Comm { name, exec } => self.name(record, name, exec, at),
            What::Gap(_) => self.gap(),
        }
    }

    /// Switches and births since the last call.
    pub fn counts(&mut self) -> (u64, u64) {
        (take(&mut self.switches), take(&mut self.births))
    }

    /// Gaps since the last call.
    pub fn gaps(&mut self) -> u64 {
        take(&mut self.gaps)
    }

    /// Those that nobody has met in `/proc` yet and that have not ended: process and task, in order of birth.
    pub fn unmet(&mut self) -> Vec<(i32, i32)> {
        const TRIES: u8 = 3;
        let living = &mut self.living;
        self.born.retain(|tid| living.get(tid).is_some_and(|track| !track.met && track.tries < TRIES));
        let ids = |tid: &i32| {
            let track = living.get_mut(tid)?;
            track.tries += 1;
            Some((track.pid, track.tid))
        };
        self.born.iter().filter_map(ids).collect()
    }

    /// Those that had a record since the last call.
    pub fn stirred(&mut self) -> Vec<(i32, i32, Standing)> {
        let living = &mut self.living;
        let standing = |tid: i32| {
            let track = living.get_mut(&tid)?;
            track.stirred = false;
            Some((track.pid, tid, track.standing()))
        };
        take(&mut self.stirred).into_iter().filter_map(standing).collect()
    }

    /// The processes that became another program since the last call: threads of them may have ended without a record.
    pub fn execs(&mut self) -> Vec<i32> {
        take(&mut self.execs)
    }

    /// Those that ended since the last call, in order.
    pub fn ended(&mut self) -> Vec<Track> {
        take(&mut self.ended)
    }

    /// Whether there is anything still to be told of it.
    pub fn know(&self, tid: i32) -> bool {
        self.living.contains_key(&tid) || self.ended.iter().any(|track| track.tid == tid)
    }

    /// A living one.
    pub fn get_mut(&mut self, tid: i32) -> Option<&mut Track> {
        self.living.get_mut(&tid)
    }

    /// A living one, told of no more.
    pub fn remove(&mut self, tid: i32) -> Option<Track> {
        self.living.remove(&tid)
    }

    /// All that are left, told of no more: those nobody met.
    pub fn take_unmet(&mut self) -> Vec<Track> {
        self.born.clear();
        take(&mut self.living).into_values().filter(|track| !track.met).collect()
    }

    /// A worker had a record. One that has no track is known from another record than its birth: the first process.
    fn of(&mut self, record: &Record, at: Duration, happens: impl FnOnce(&mut Track)) {
        let Record { pid, tid, .. } = *record;
        let track = self.living.entry(tid).or_insert_with(|| {
            self.born.push(tid);
            Track::begin((pid, tid), 0, Name::default(), at, Standing::Unknown)
        });
        happens(track);
        if !track.stirred {
            track.stirred = true;
            self.stirred.push(tid);
        }
    }

    fn birth(&mut self, record: &Record, parent: i32, by: i32, at: Duration) {
        let Record { pid, tid, .. } = *record;
        self.births += 1;
        // Its id was another's, whose end was not recorded.
        self.end_of(tid, at);
        let maker = self.living.get(&by);
        let name = maker.map(|maker| maker.name).unwrap_or_default();
        // A thread's process was born from where its maker's was.
        let parent = if pid == parent { maker.map_or(0, |maker| maker.parent) } else { parent };
        self.living.insert(tid, Track::begin((pid, tid), parent, name, at, Standing::Runnable));
        self.born.push(tid);
    }

    fn end_of(&mut self, tid: i32, at: Duration) {
        if let Some(mut track) = self.living.remove(&tid) {
            track.ends(at);
            self.ended.push(track);
        }
    }

    fn name(&mut self, record: &Record, name: Name, exec: bool, at: Duration) {
        // Whoever becomes another program is on a core while doing so, and has its process's id from then on.
        let known = self.living.contains_key(&record.tid);
        self.of(record, at, |_| {});
        let Some(track) = self.living.get_mut(&record.tid) else { return };
        if exec && !known {
            *track = Track::begin((record.pid, record.tid), 0, name, at, Standing::OnCpu(record.core));
            track.stirred = true;
        } else if exec && !track.met && at.saturating_sub(track.born) >= Launch::SHORTEST {
            self.ended.push(track.split(name, at));
        }
        track.name = name;
        if exec {
            self.execs.push(record.pid);
        }
    }

    /// Somebody's records are missing: whose is not known, so nobody's stretch under way is.
    fn gap(&mut self) {
        self.gaps += 1;
        for track in self.living.values_mut() {
            track.loses_thread();
            track.tries = 0;
            if !track.stirred {
                track.stirred = true;
                self.stirred.push(track.tid);
            }
            if !track.met {
                self.born.push(track.tid);
            }
        }
        self.born.sort_unstable();
        self.born.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const FORK: fn(i32) -> What = |by| What::Fork { parent: by, by };
    const WAITS: What = What::Out { preempted: false };

    /// Tracks after these records: at this ms, to this process and task.
    fn after(records: &[(u64, i32, i32, What)]) -> Tracks {
        let mut tracks = Tracks::default();
        tracks.begin();
        for &(at, pid, tid, what) in records {
            tracks.take_down(&Record { at: 0, pid, tid, core: 0, what }, ms(at));
        }
        tracks
    }

    fn execs(name: &[u8]) -> What {
        What::Comm { name: Name::of(name), exec: true }
    }

    #[test]
    fn a_child_has_its_maker_s_name_until_it_becomes_another_program() {
        let mut tracks = after(&[
            (0, 1, 1, execs(b"sh")),
            (5, 2, 2, FORK(1)),
            (6, 2, 2, What::In),
            (7, 2, 2, What::Exit),
            (8, 3, 3, FORK(1)),
            (9, 3, 3, What::In),
            (10, 3, 3, execs(b"true")),
            (12, 3, 3, What::Exit),
        ]);
        let ended: Vec<_> = tracks.ended().into_iter().map(|track| track.into_worker(ms(99))).collect();
        let told: Vec<_> = ended.iter().map(|w| (w.pid, w.parent, w.name.as_str(), w.born, w.on_cpu)).collect();
        assert_eq!(told, [(2, 1, "sh", ms(5), ms(1)), (3, 1, "true", ms(8), ms(3))]);
        assert_eq!((tracks.counts(), tracks.unmet()), ((2, 2), vec![(1, 1)]));
    }

    #[test]
    fn a_thread_s_parent_is_its_process_s() {
        let mut tracks =
            after(&[(0, 5, 5, FORK(1)), (1, 5, 6, What::Fork { parent: 5, by: 5 }), (2, 5, 6, What::Exit)]);
        let ended = tracks.ended();
        assert_eq!(ended.iter().map(|track| (track.tid, track.parent)).collect::<Vec<_>>(), [(6, 1)]);
    }

    #[test]
    fn an_id_that_is_used_again_is_another_worker() {
        // The first one's end was lost.
        let mut tracks = after(&[(0, 2, 2, FORK(1)), (1, 2, 2, What::In), (4, 2, 2, FORK(1)), (5, 2, 2, What::Exit)]);
        let told: Vec<_> = tracks.ended().iter().map(|track| (track.born, track.last)).collect();
        assert_eq!(told, [(ms(0), ms(4)), (ms(4), ms(5))]);
    }

    #[test]
    fn a_program_that_lasted_is_told_apart_from_its_successor_when_nobody_met_it() {
        let records = [(0, 2, 2, FORK(1)), (0, 2, 2, What::In), (30, 2, 2, execs(b"next")), (40, 2, 2, What::Exit)];
        let mut tracks = after(&records);
        let told: Vec<_> = tracks.ended().into_iter().map(|track| track.into_worker(ms(99)).on_cpu).collect();
        assert_eq!(told, [ms(30), ms(10)]);
        let mut tracks = after(&records[..2]);
        tracks.get_mut(2).expect("it lives").met = true;
        tracks.take_down(&Record { at: 0, pid: 2, tid: 2, core: 0, what: execs(b"next") }, ms(30));
        assert_eq!((tracks.ended().len(), tracks.execs()), (0, vec![2]), "/proc tells it apart");
    }

    #[test]
    fn who_had_a_record_is_told_once() {
        let mut tracks = after(&[(0, 2, 2, FORK(1)), (1, 2, 2, What::In), (2, 2, 2, WAITS)]);
        assert_eq!(tracks.stirred(), [(2, 2, Standing::Blocked)]);
        assert_eq!(tracks.stirred(), []);
    }

    #[test]
    fn a_gap_makes_everyone_s_stretch_unknown_and_is_no_end() {
        let mut tracks = after(&[(0, 2, 2, FORK(1)), (1, 2, 2, What::In), (2, 0, 0, What::Gap(9)), (9, 2, 2, WAITS)]);
        assert_eq!((tracks.gaps(), tracks.ended().len()), (1, 0));
        let mut track = tracks.remove(2).expect("it lives");
        assert_eq!(track.take_stretches().0.total(), 0);
        assert_eq!(track.standing(), Standing::Blocked);
    }

    #[test]
    fn the_unmet_are_asked_for_a_few_times() {
        let mut tracks = after(&[(0, 2, 2, FORK(1)), (0, 3, 3, FORK(1))]);
        tracks.get_mut(3).expect("it lives").met = true;
        let asked: Vec<_> = (0..5).map(|_| tracks.unmet().len()).collect();
        assert_eq!(asked, [1, 1, 1, 0, 0]);
        assert_eq!(tracks.take_unmet().len(), 1);
    }
}
