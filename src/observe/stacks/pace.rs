//! When the stacks are read next: often enough to be worth it, never dearer than its budget. Pure.

use std::time::Duration;

/// Between two readings, on average, where they are cheap: 20 a second.
const GAP: Duration = Duration::from_millis(50);
/// The most of one core that the thread may use, attaching included.
const SHARE: f64 = 0.005;
/// What it may use beyond that, once: attaching to a first process takes about 10 ms, and a run of a second should be
/// seen, too.
const STAKE: Duration = Duration::from_millis(15);
/// No reading stands for more than this many.
const HEAVIEST: u32 = 1000;

/// The clock of one thread.
#[derive(Debug)]
pub struct Pace {
    random: u64,
    due: Duration,
    weight: u32,
}

impl Pace {
    /// `seed`: any number.
    pub const fn new(seed: u64) -> Self {
        Self { random: seed | 1, due: Duration::ZERO, weight: 1 }
    }

    /// When the next reading is due, since the thread's start.
    pub const fn due(&self) -> Duration {
        self.due
    }

    /// For how many readings at the full rate that one stands, so that a time in which reading was dear counts for
    /// as much as one in which it was cheap.
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// It is `now` since the thread's start, of which `spent` was CPU time of its own.
    pub fn advance(&mut self, now: Duration, spent: Duration) {
        let earned = spent.saturating_sub(STAKE).div_f64(SHARE);
        let jittered = now + GAP.mul_f64(0.5 + self.random());
        self.due = jittered.max(earned);
        let stands_for = (self.due - now).div_duration_f64(GAP).round();
        self.weight = if earned <= jittered { 1 } else { (stands_for as u32).clamp(1, HEAVIEST) };
    }

    /// From 0 to 1, against keeping step with a program that does things at regular times (xorshift64*, Vigna 2016).
    fn random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f64 / f64::from(1 << 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings at `cost` for `run`, after an attach: how many, what they stand for, and all CPU.
    fn run(cost: Duration, run: Duration) -> (u32, u32, Duration) {
        let mut pace = Pace::new(7);
        let (mut readings, mut stand_for, mut spent) = (0, 0, Duration::from_millis(10));
        while pace.due() < run {
            let now = pace.due();
            (readings, stand_for, spent) = (readings + 1, stand_for + pace.weight(), spent + cost);
            pace.advance(now, spent);
        }
        (readings, stand_for, spent)
    }

    #[test]
    fn cheap_readings_come_twenty_times_a_second() {
        let (readings, stand_for, _) = run(Duration::from_micros(100), Duration::from_secs(60));
        assert!((1100..1300).contains(&readings), "{readings}");
        assert_eq!(readings, stand_for);
    }

    #[test]
    fn dear_readings_stay_within_the_budget_and_stand_for_those_not_made() {
        for cost in [1, 20, 300].map(Duration::from_millis) {
            let (readings, stand_for, spent) = run(cost, Duration::from_secs(600));
            let allowed = Duration::from_secs(600).mul_f64(SHARE) + STAKE + cost;
            assert!(readings > 1 && spent <= allowed, "{readings} readings, {spent:?}");
            assert!((10_000..13_500).contains(&stand_for), "{readings} readings stand for {stand_for}");
        }
    }

    #[test]
    fn readings_do_not_keep_step() {
        let mut pace = Pace::new(1);
        let mut phases = [0u32; 10];
        for _ in 0..2000 {
            pace.advance(pace.due(), Duration::ZERO);
            phases[(pace.due().as_millis() % 50 / 5) as usize] += 1;
        }
        assert!(phases.iter().all(|seen| (120..280).contains(seen)), "{phases:?}");
    }
}
