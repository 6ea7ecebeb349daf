//! A process's part in heeding the kernel's records: handing each worker's to it.

use super::super::readings::Stat;
use super::super::round::Round;
use super::super::switches::{Standing, Track};
use super::super::worker::LiveWorker;
use super::LiveProcess;
use super::interpreter::stood;

impl LiveProcess {
    /// A worker of it had records, and stands so now.
    pub fn stir(&mut self, tid: i32, standing: Standing) {
        if let Ok(place) = self.place(tid) {
            self.workers[place].stir(Some(standing));
        }
    }

    /// Every worker is to be read at the next tick.
    pub fn stir_all(&mut self) {
        self.workers.iter_mut().for_each(|worker| worker.stir(None));
    }

    /// Its first thread's end was recorded: one of the same id is another process.
    pub fn has_ended(&self) -> bool {
        self.place(self.pid()).is_ok_and(|place| self.workers[place].end_is_recorded())
    }

    /// Whether its switches, and births below it, are recorded, as far as its first thread shows.
    pub fn is_recorded(&self) -> bool {
        self.place(self.pid()).is_ok_and(|place| self.workers[place].has_track())
    }

    /// A worker of it was born.
    pub fn meet(&mut self, tid: i32, round: &mut Round) {
        match self.place(tid) {
            Ok(place) => {
                if let Some(track) = round.tracks.get_mut(tid) {
                    self.workers[place].is_tracked(track);
                }
            }
            Err(place) => {
                self.gil.lend_extents(&mut round.locks);
                if let Ok(worker) = LiveWorker::new(tid, self.record.parent, &mut self.descriptors, round) {
                    self.workers.insert(place, worker);
                }
                self.gil.lend_extents(&mut round.locks);
            }
        }
    }

    /// A worker of it ended. The first thread stays until it is reaped; the track comes back when it is nobody's here.
    pub fn ends(&mut self, mut track: Track, round: &mut Round) -> Option<Track> {
        let Ok(place) = self.place(track.tid) else { return Some(track) };
        if self.gil.is_unsettled() {
            self.gil.add(track.tid, stood(track.answer(), round.since));
        }
        if self.workers[place].end_is_recorded() {
            return Some(track);
        }
        if track.tid == self.pid() && self.goes_on() {
            self.workers[place].loses_track(track, round);
            return None;
        }
        self.ran = true;
        if track.tid == self.pid() {
            self.workers[place].ends(track, round);
        } else {
            let mut worker = self.workers.remove(place);
            worker.ends(track, round);
            self.gil.bury(worker.switches());
            round.ledger.bury_recorded(worker.into_record());
        }
        None
    }

    /// Whether it is there all the same: at an `exec` of a program that one may run and not read, or that changes the
    /// user, the kernel takes our events away and records an end.
    fn goes_on(&self) -> bool {
        let mut buffer = [0; 512];
        let stat = self.stat.read(&mut buffer).ok().and_then(Stat::parse);
        stat.is_some_and(|stat| stat.start == self.start && !matches!(stat.state, b'Z' | b'X'))
    }

    /// Records end, and its workers go on without.
    pub fn leave_tracks(&mut self, round: &mut Round) {
        self.workers.iter_mut().for_each(|worker| worker.leaves_track(round));
    }

    /// Whether nothing is left of it but workers whose end is on its way.
    pub(super) fn awaits_end(&self) -> bool {
        self.workers.iter().any(LiveWorker::awaits_end)
    }

    fn place(&self, tid: i32) -> Result<usize, usize> {
        self.workers.binary_search_by_key(&tid, LiveWorker::tid)
    }
}
