//! What recording costs the target, and when that is too much.
//!
//! Measured before this project on a machine like ours (observe-facts): 0.4 µs a switch with the events of 2
//! processors, 1.75 µs and 121 µs a birth with those of 64; in between a line, because the kernel walks them all.

use std::time::Duration;

/// A switch, before any event is walked: (0.4 − 2 × 0.022) µs.
const SWITCH: f64 = 0.36e-6;
/// A switch, for each event: (1.75 − 0.4) µs / 62.
const SWITCH_BY_EVENT: f64 = 0.022e-6;
/// A birth, for each event, which is inherited: 121 µs / 64.
const BIRTH_BY_EVENT: f64 = 1.9e-6;
/// It may cost the target this part of its time (issue 3); about 25,000 switches a second on two processors.
const BEARABLE: f64 = 0.01;
/// What may be spent beyond that, so that a burst does not end the recording of a calm program: half a second of
/// twice too much.
const CREDIT: f64 = 5e-3;

/// What recording has cost lately beyond the bearable, in seconds: a bucket with a leak.
#[derive(Debug)]
pub struct Cost {
    switch: f64,
    birth: f64,
    level: f64,
    at: Duration,
}

impl Cost {
    /// With so many events, one for each processor.
    pub fn with_events(events: usize) -> Self {
        let events = events as f64;
        let switch = SWITCH + SWITCH_BY_EVENT * events;
        Self { switch, birth: BIRTH_BY_EVENT * events, level: 0.0, at: Duration::ZERO }
    }

    /// Until `at` there were so many more switches (each two records) and births; whether that is too much by now.
    pub fn is_too_much(&mut self, at: Duration, switches: u64, births: u64) -> bool {
        let since = at.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(at);
        let spent = self.switch * switches as f64 + self.birth * births as f64;
        self.level = (self.level + spent - BEARABLE * since).max(0.0);
        self.level > CREDIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When recording ends at this many switches and births a second; looked at every 10 ms for 10 s.
    fn ends(events: usize, switches: u64, births: u64) -> Option<Duration> {
        let mut cost = Cost::with_events(events);
        let looks = (1..=1000).map(|look| Duration::from_millis(10 * look));
        looks.into_iter().find(|at| cost.is_too_much(*at, switches / 100, births / 100))
    }

    #[test]
    fn recording_goes_on_until_it_costs_the_target_one_part_in_a_hundred() {
        for (events, switches, births, too_much) in [
            (2, 20_000, 0, false),
            (2, 30_000, 0, true),
            (2, 1_000, 2_000, false),
            (64, 4_000, 0, false),
            (64, 7_000, 0, true),
            (64, 0, 60, false),
            (64, 0, 200, true),
        ] {
            assert_eq!(ends(events, switches, births).is_some(), too_much, "{events}: {switches}/s, {births}/s");
        }
    }

    #[test]
    fn far_too_much_ends_soon_and_a_burst_does_not() {
        assert!(ends(2, 100_000, 0).is_some_and(|at| at < Duration::from_millis(300)));
        let mut cost = Cost::with_events(2);
        assert!(!cost.is_too_much(Duration::from_millis(10), 10_000, 0));
        assert!(!cost.is_too_much(Duration::from_secs(1), 10_000, 0));
    }
}
