//! The tree's part in heeding the kernel's records: who was born is met in `/proc` if still there, who ended leaves a
//! record even if nobody met them, and who stirred is read at this tick.

use super::super::probe::ProcPath;
use super::super::readings::Stat;
use super::super::round::Round;
use super::super::switches::Track;
use super::Tree;

impl Tree {
    /// Does what was recorded since the last time.
    pub(super) fn heed(&mut self, round: &mut Round) {
        for track in round.tracks.ended() {
            let nobodys = match self.processes.get_mut(&track.pid) {
                Some(process) => process.ends(track, round),
                None => Some(track),
            };
            match nobodys {
                // As in `LiveProcess::ends`, before anybody met it; from now on it is read like one without records.
                Some(track) if !self.processes.contains_key(&track.pid) && goes_on(&track) => {
                    self.found.push(track.pid);
                }
                Some(track) => bury_unmet(track, round),
                None => {}
            }
        }
        for (pid, tid, standing) in round.tracks.stirred() {
            if let Some(process) = self.processes.get_mut(&pid) {
                process.stir(tid, standing);
            }
        }
        for pid in round.tracks.execs() {
            if let Some(process) = self.processes.get_mut(&pid) {
                process.stir_all();
            }
        }
    }

    /// Meets those who were born and are still there.
    pub(super) fn meet(&mut self, round: &mut Round) {
        for (pid, tid) in round.tracks.unmet() {
            match self.processes.get_mut(&pid) {
                // The id is used again already; the one before is yet to be found gone.
                Some(process) if process.has_ended() => {}
                Some(process) => process.meet(tid, round),
                None => self.found.push(pid),
            }
        }
        self.take_up(round);
    }

    /// Recording is given up: what was recorded is kept, and `/proc` tells the rest.
    pub fn leave_tracks(&mut self, round: &mut Round) {
        self.heed(round);
        self.meet(round);
        self.processes.values_mut().for_each(|process| process.leave_tracks(round));
        bury_all_unmet(round);
        round.tracks.end();
        self.full_look = round.at;
        self.unlooked = true;
    }
}

/// Whether a process is there all the same although its end was recorded.
fn goes_on(track: &Track) -> bool {
    let mut buffer = [0; 512];
    let stat = ProcPath::process(track.pid, "stat").read(&mut buffer).ok().and_then(Stat::parse);
    let there = stat.is_some_and(|stat| stat.parent == track.parent && !matches!(stat.state, b'Z' | b'X'));
    there && track.tid == track.pid && !track.becomes_another
}

/// Nobody met them, and nothing more is heard of them.
pub(super) fn bury_all_unmet(round: &mut Round) {
    for track in round.tracks.take_unmet() {
        bury_unmet(track, round);
    }
}

fn bury_unmet(track: Track, round: &mut Round) {
    let becomes_another = track.becomes_another;
    let worker = track.into_worker(round.at);
    round.stretch.on_cpu += worker.on_cpu;
    round.stretch.runnable += worker.runnable;
    round.stretch.alive += worker.lifetime();
    let ended = (worker.tid == worker.pid && !becomes_another).then_some(worker.pid);
    round.ledger.bury_recorded(worker);
    if let Some(pid) = ended {
        round.ledger.retire_unmet(pid);
    }
}
