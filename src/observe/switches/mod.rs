//! The kernel's own records of every switch, birth, name and end in the tree: exact bursts and waits, and no worker
//! missed, however short.
//!
//! `rings` opens the events and reads them, `record` parses, `track` and `tracks` follow each worker, `cost` says when
//! it is too dear for the target. Here the records are put in order of time. What `/proc` adds is `tree`'s to read.

mod cost;
mod record;
mod rings;
mod track;
mod tracks;

pub use record::Name;
pub use track::{Standing, Track};
pub use tracks::Tracks;

use super::Switches;
use crate::notice::Notice;
use cost::Cost;
use record::{Record, What};
use rings::Rings;
use std::io;
use std::time::Duration;

/// A record may be in its ring this much later than its time says: its processor was stopped while it wrote it.
pub const HOLD_BACK: Duration = Duration::from_millis(1);

/// Records the switches of one tree of workers.
#[derive(Debug)]
pub struct Recorder {
    rings: Rings,
    cost: Cost,
    /// The target's start, on the clock of the records.
    zero: Duration,
    pending: Vec<Record>,
    told: Switches,
    gaps: u64,
}

impl Recorder {
    /// Attaches to `pid`, held until now, whose tree is recorded from its `exec` on.
    ///
    /// # Errors
    /// What the kernel said when it refused.
    pub fn attach(pid: i32) -> io::Result<Self> {
        let rings = Rings::attach(pid)?;
        let cost = Cost::with_events(rings.len());
        let told = Switches::default();
        Ok(Self { rings, cost, zero: Duration::ZERO, pending: Vec::new(), told, gaps: 0 })
    }

    /// How many files it keeps open.
    pub const fn files(&self) -> usize {
        self.rings.len()
    }

    /// The target starts now, by the clock of the records.
    pub const fn start(&mut self, monotonic: Duration) {
        self.zero = monotonic;
    }

    /// Takes down what was recorded until `hold_back` before `monotonic`, which is now: the latest is left for the next
    /// time, when all that came before it must be there. `false` when recording costs the target too much.
    pub fn drain(&mut self, monotonic: Duration, hold_back: Duration, tracks: &mut Tracks) -> bool {
        let before = self.pending.len();
        self.rings.read(&mut self.pending);
        self.told.records += (self.pending.len() - before) as u64;
        // Each ring's are in order already, which this sort makes use of.
        self.pending.sort_by_key(|record| record.at);
        let until = nanos(monotonic.saturating_sub(hold_back));
        let ready = self.pending.partition_point(|record| record.at < until);
        for record in self.pending.drain(..ready) {
            if let What::Gap(lost) = record.what {
                self.told.lost += lost;
            }
            let at = Duration::from_nanos(record.at).saturating_sub(self.zero);
            tracks.take_down(&record, at);
        }
        self.gaps += tracks.gaps();
        let (switches, births) = tracks.counts();
        !self.cost.is_too_much(monotonic.saturating_sub(self.zero), switches, births)
    }

    /// The longest that may pass before the rings are read again, when the last time was so long ago.
    pub fn patience(&self, interval: Duration) -> Duration {
        let fill = self.rings.fill();
        if fill > 0.0 { interval.mul_f64((0.5 / fill).min(1e3)) } else { Duration::MAX }
    }

    /// How it went; it was given up `until` when it was.
    pub fn finish(self, until: Option<Duration>) -> (Switches, Option<Notice>) {
        let told = Switches { until, ..self.told };
        let lost = (self.gaps > 0).then_some(Notice::SwitchesLost { records: told.records, lost: told.lost });
        (told, until.map(|after| Notice::SwitchesStopped { after }).or(lost))
    }
}

/// That there are none to be had, and why.
pub fn refusal(error: &io::Error) -> Notice {
    use nix::libc::{EACCES, EMFILE, ENOSPC, EPERM};
    let why = match error.raw_os_error() {
        Some(EACCES | EPERM) => {
            "this user may not (/proc/sys/kernel/perf_event_paranoid, a container's seccomp filter, \
                                 or no locked memory left in /proc/sys/kernel/perf_event_mlock_kb)"
                .to_owned()
        }
        Some(EMFILE) => "too many files are open".to_owned(),
        Some(ENOSPC) => "the kernel has no room for another event".to_owned(),
        _ => error.to_string(),
    };
    Notice::Unavailable {
        what: "the kernel's records of switches (perf)",
        why,
        remedy: "bursts are means over sampling intervals and very short workers may be missed; \
                 perf_event_paranoid 2 or less gives them"
            .to_owned(),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
