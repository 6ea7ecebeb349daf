//! A process's part in reading its interpreter's lock: what its workers did around each moment.

use super::super::gil::{Around, Moment};
use super::super::round::Round;
use super::super::switches::Standing;
use super::super::worker::LiveWorker;
use super::LiveProcess;
use std::time::Duration;

impl LiveProcess {
    /// Looks for the lock when that is due.
    pub(super) fn seek_gil(&mut self, round: &mut Round) {
        let super::Process { pid, executable, argv, .. } = &self.record;
        self.gil.seek(*pid, round, || {
            let words = executable.iter().map(|path| path.as_os_str()).chain(argv.first().map(|word| &**word));
            words.into_iter().any(|word| word.to_string_lossy().contains("python"))
        });
    }

    /// Whether the lock is held now: a worker was just found to have run or to wait for a core. `before` is what the
    /// tree's workers did in this tick before this process's were read.
    pub(super) fn read_gil(&mut self, before: (Duration, Duration), round: &mut Round) {
        if !self.gil.is_found() {
            return;
        }
        let computing = self.workers.iter().filter(|worker| worker.is_computing()).count();
        if !self.ran && computing == 0 {
            self.gil.rest();
            return;
        }
        let moment = Moment {
            span: round.at - round.since,
            held: 0,
            computing: u32::try_from(computing).unwrap_or(u32::MAX),
            on_cpu: round.stretch.on_cpu.saturating_sub(before.0),
            runnable: round.stretch.runnable.saturating_sub(before.1),
        };
        let now = round.now();
        if self.gil.look(moment, round.at) && round.tracks.are_kept() {
            for tid in self.workers.iter().map(LiveWorker::tid) {
                if let Some(track) = round.tracks.get_mut(tid) {
                    track.ask(now);
                }
            }
        }
    }

    /// The records of the last moment were read by now: how the workers stood at it.
    pub(super) fn settle_gil(&mut self, round: &mut Round) {
        // Without records nothing more becomes known of it, and nothing of it counts as known.
        if !self.gil.is_unsettled() || !round.tracks.are_kept() {
            return;
        }
        for tid in self.workers.iter().map(LiveWorker::tid) {
            let answer = round.tracks.get_mut(tid).and_then(|track| track.answer());
            self.gil.add(tid, stood(answer, round.since));
        }
        self.gil.settle();
    }
}

/// How a worker stood at a moment of the tick that began at `tick`.
pub(super) fn stood(answer: Option<(Standing, Duration)>, tick: Duration) -> Around {
    /// From our being woken to our looking at the clock.
    const WAKING: Duration = Duration::from_micros(200);
    match answer {
        Some((Standing::OnCpu(_), _)) => Around::OnCore,
        // We took its core to look at it, so it stands where it computed. On one core that is always so, and on several
        // that are busy nearly always, because a sleeper is woken where it slept.
        Some((Standing::Runnable, since)) if since + WAKING >= tick => Around::OnCore,
        Some((Standing::Runnable, _)) => Around::Queued,
        Some((Standing::Blocked, _)) => Around::Away,
        // Born since, or its records are lost.
        Some((Standing::Unknown, _)) | None => Around::Unknown,
    }
}
