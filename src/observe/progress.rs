//! What a run did lately, for a line that is shown while it runs.

use super::kind::ByKind;
use super::timeline::Bucket;
use crate::units::{Bytes, Share};
use std::time::Duration;

/// What a run did since this was last told.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Since the target's start, or since it was attached to.
    pub elapsed: Duration,
    /// Cores that it kept busy.
    pub cores_busy: f64,
    /// Shares of its workers' time that they were blocked, by kind.
    pub blocked: ByKind<Share>,
    /// Workers alive now.
    pub workers: usize,
    /// Memory of all that are alive now.
    pub memory: Bytes,
}

impl Progress {
    /// What a stretch of the run shows; the rest is the caller's to fill in.
    pub(super) fn of(stretch: &Bucket) -> Self {
        let cores = stretch.on_cpu.as_secs_f64() / stretch.span.as_secs_f64();
        let blocked = stretch.alive.saturating_sub(stretch.on_cpu + stretch.runnable);
        let blocked = Share::of(blocked, stretch.alive).unwrap_or_default().get();
        let ticks: f64 = stretch.blocked_ticks.iter().map(|(_, ticks)| f64::from(*ticks)).sum();
        let of_kind = |of: &u32| Share::new(blocked * f64::from(*of) / ticks).unwrap_or_default();
        Self {
            cores_busy: if cores.is_finite() { cores } else { 0.0 },
            blocked: stretch.blocked_ticks.map(of_kind),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::kind::BlockedKind;

    #[test]
    fn the_blocked_share_is_divided_as_the_looks_were() {
        let second = Duration::from_secs(1);
        let mut stretch = Bucket { span: second, on_cpu: second * 2, alive: second * 8, ..Bucket::default() };
        (stretch.blocked_ticks[BlockedKind::Network], stretch.blocked_ticks[BlockedKind::Lock]) = (3, 1);
        let progress = Progress::of(&stretch);
        assert_eq!(progress.cores_busy, 2.0);
        assert_eq!(Some(progress.blocked[BlockedKind::Network]), Share::new(0.5625));
        assert_eq!(Some(progress.blocked[BlockedKind::Lock]), Share::new(0.1875));
    }

    #[test]
    fn a_stretch_of_nothing_shows_nothing() {
        assert_eq!(Progress::of(&Bucket::default()), Progress::default());
    }
}
