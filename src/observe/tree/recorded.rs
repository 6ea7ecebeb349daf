//! The tree's part in heeding the kernel's records: who was born is met in `/proc` if still there, who ended leaves a
//! record even if nobody met them, and who stirred is read at this tick.

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
            if let Some(track) = nobodys {
                bury_unmet(track, round);
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
