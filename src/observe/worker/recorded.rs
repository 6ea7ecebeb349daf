//! What the kernel's records of switches save a worker's reading, and what they add to its record.
//!
//! `schedstat` is the authority for its sums, because between two records a few microseconds are lost; its stretches,
//! and what came after the last reading of one that has ended, are the records'.

use super::super::Worker;
use super::super::readings::Schedstat;
use super::super::round::Round;
use super::super::switches::{HOLD_BACK, Name, Standing, Track};
use super::{LiveWorker, State};
use std::mem::take;
use std::time::Duration;

/// What its records say of it.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What it was last recorded doing; `None` when its switches are not recorded.
    standing: Option<Standing>,
    /// Whether it had a record since the tick before.
    stirred: bool,
    /// Its sums when they were last exactly known: the track's unread part comes on top.
    anchor: Schedstat,
    /// Whether its end was recorded.
    ended: bool,
    /// Whether it was read after its end, which is exact.
    read_at_end: bool,
    /// When it was first found gone, with its end not recorded yet.
    awaited: Option<Duration>,
}

impl LiveWorker {
    /// It has a track from now on; its sums before that program, which nobody read, are taken out.
    pub fn is_tracked(&mut self, track: &mut Track) {
        track.met = true;
        self.recorded.standing = Some(track.standing());
        self.recorded.stirred = true;
        self.recorded.anchor = track.earlier();
    }

    /// Whether its switches are recorded.
    pub const fn has_track(&self) -> bool {
        self.recorded.standing.is_some()
    }

    /// Whether its end was recorded.
    pub const fn end_is_recorded(&self) -> bool {
        self.recorded.ended
    }

    /// Whether what it did in its last moments is known from records alone, which miss the work of ending.
    pub const fn end_was_only_recorded(&self) -> bool {
        self.recorded.ended && !self.recorded.read_at_end
    }

    /// It was read after its end.
    pub(super) const fn was_read_at_end(&mut self) {
        self.recorded.read_at_end = true;
    }

    /// It was recorded to stand so, and more may have happened to it since the tick before.
    pub fn stir(&mut self, standing: Option<Standing>) {
        self.recorded.stirred = true;
        if let Some(standing) = standing.filter(|_| self.has_track()) {
            self.recorded.standing = Some(standing);
        }
    }

    /// Whether it is certain, without reading anything, that it still waits as it did a tick ago.
    pub(super) fn rests(&mut self, round: &Round) -> bool {
        let stirred = take(&mut self.recorded.stirred);
        let as_before = match self.recorded.standing {
            Some(Standing::Blocked) => matches!(self.state, State::Blocked(_)),
            Some(Standing::Runnable) => self.state == State::Running,
            Some(Standing::OnCpu(_) | Standing::Unknown) | None => false,
        };
        as_before && !stirred && round.tracks.are_kept()
    }

    /// Whether there is reason to read it, which waits for a later tick because too many others stirred too.
    pub(super) fn is_put_off(&mut self, round: &mut Round) -> bool {
        let put_off = self.has_track() && !self.recorded.ended && round.tracks.are_kept() && !round.may_read();
        self.recorded.stirred |= put_off;
        put_off
    }

    /// A thread whose birth was recorded is taken up without reading anything: its name and its times are known.
    pub(super) fn is_known_from_birth(&mut self, round: &mut Round) -> bool {
        let Worker { pid, tid, .. } = self.record;
        let track = round.tracks.get_mut(tid).filter(|track| tid != pid && track.name != Name::default());
        let Some(track) = track else { return false };
        self.is_tracked(track);
        self.record.name = track.name.text();
        (self.record.born, self.record.died, self.last) = (track.born, track.born, track.earlier());
        self.live_until(round.at, round);
        true
    }

    /// What it does, where its records say that better than `/proc`.
    pub(super) fn recorded_state(&self) -> Option<State> {
        match self.recorded.standing {
            _ if self.recorded.ended => Some(State::Ended),
            Some(Standing::OnCpu(_) | Standing::Runnable) => Some(State::Running),
            Some(Standing::Blocked | Standing::Unknown) | None => None,
        }
    }

    /// The core it was last recorded on, while it is there.
    pub(super) const fn recorded_core(&self) -> Option<u32> {
        match self.recorded.standing {
            Some(Standing::OnCpu(core)) => Some(core),
            _ => None,
        }
    }

    /// Its sums were just read, and are exact when it is not on a core.
    pub(super) fn anchor(&mut self, round: &mut Round) {
        let off_core = matches!(self.state, State::Blocked(_)) || self.recorded.standing == Some(Standing::Runnable);
        if self.has_track()
            && off_core
            && let Some(track) = round.tracks.get_mut(self.record.tid)
        {
            track.mark(round.at);
            self.recorded.anchor = self.last;
        }
    }

    /// It is gone; whether that was to be expected, or its end is not recorded yet and should be waited for.
    pub fn is_awaited(&mut self, round: &Round) -> bool {
        // The records of its birth may be on their way as well: the latest are held back, a tick on a busy machine takes
        // a while, and those that are late follow one another at once.
        let since = *self.recorded.awaited.get_or_insert(round.at);
        round.tracks.are_kept() && !self.recorded.ended && round.at <= since + 10 * HOLD_BACK
    }

    /// Whether it was found gone, and its end is waited for.
    pub const fn awaits_end(&self) -> bool {
        self.recorded.awaited.is_some() && !self.recorded.ended
    }

    /// Its end was recorded.
    pub fn ends(&mut self, track: Track, round: &mut Round) {
        let at = track.last;
        self.absorb(track, round);
        self.recorded.ended = true;
        self.live_until(at, round);
        self.state = State::Ended;
    }

    /// Its records end while it goes on, or nobody knows how it ended.
    pub fn leaves_track(&mut self, round: &mut Round) {
        let mine = round.tracks.get_mut(self.record.tid).is_some_and(|track| track.met);
        if mine && let Some(track) = round.tracks.remove(self.record.tid) {
            self.loses_track(track, round);
        }
    }

    /// It goes on without this track.
    pub fn loses_track(&mut self, track: Track, round: &mut Round) {
        self.absorb(track, round);
        self.recorded.standing = None;
    }

    /// What its track knows that nobody read.
    fn absorb(&mut self, mut track: Track, round: &mut Round) {
        let (anchor, unread) = (self.recorded.anchor, track.unread());
        let now = Schedstat {
            on_cpu: (anchor.on_cpu + unread.on_cpu).max(self.last.on_cpu),
            runnable: (anchor.runnable + unread.runnable).max(self.last.runnable),
            timeslices: (anchor.timeslices + unread.timeslices).max(self.last.timeslices),
        };
        if !self.has_track() {
            // A track tells of the whole life, so the means that stood in for it are not needed.
            self.record.bursts = Default::default();
            self.recorded.standing = Some(Standing::Unknown);
        }
        let step = now.since(&self.last);
        self.last = now;
        self.count(step, round);
        self.keep_stretches(&mut track);
        self.count_switches(&track);
        if track.name != Name::default() {
            // It may have become what it was forked for since it was met.
            self.record.name = track.name.text();
        }
    }

    /// The kernel's own counts are as old as the last time that details were read.
    fn count_switches(&mut self, track: &Track) {
        let (waits, preemptions) = track.switches();
        let latest = |known: Option<u64>, before: u64, recorded: u64| known.max(Some(recorded.saturating_sub(before)));
        let (record, before) = (&mut self.record, &self.before);
        record.voluntary_switches = latest(record.voluntary_switches, before.voluntary_switches, waits);
        record.involuntary_switches = latest(record.involuntary_switches, before.involuntary_switches, preemptions);
    }

    /// Its stretches so far go into its record.
    pub(super) fn keep_stretches(&mut self, track: &mut Track) {
        let (bursts, waits) = track.take_stretches();
        self.record.bursts.merge(&bursts);
        self.record.waits.merge(&waits);
    }
}
