//! When the stacks are read next: often enough to be worth it, never dearer than its budget. Pure.

use std::time::Duration;

/// Between two readings, on average, where they are cheap: 20 a second.
const GAP: Duration = Duration::from_millis(50);
/// The most of one core that reading may use.
const READING: f64 = 0.003;
/// What it may use beyond that, once, so that a short run of many threads is seen more than once.
const READING_AT_FIRST: Duration = Duration::from_millis(5);
/// The most of one core that reading and attaching may use together.
const SHARE: f64 = 0.004;
/// What they may use beyond that, once: attaching takes 8 to 20 ms, and where a program's work is done by children
/// that it started anew, a short run should show one of them besides the first process.
const AT_FIRST: Duration = Duration::from_millis(25);
/// No reading stands for more than this many.
const HEAVIEST: u32 = 10_000;

/// The clock and the purse of one thread. Times are since its start, costs its own CPU time.
#[derive(Debug)]
pub struct Pace {
    random: u64,
    due: Duration,
    weight: u32,
    spent: Duration,
    reading: Duration,
}

impl Pace {
    /// `seed`: any number.
    pub const fn new(seed: u64) -> Self {
        Self { random: seed | 1, due: Duration::ZERO, weight: 1, spent: Duration::ZERO, reading: Duration::ZERO }
    }

    /// When the next reading is due.
    pub const fn due(&self) -> Duration {
        self.due
    }

    /// For how many readings at the full rate that one stands, so that a time in which reading was dear counts for
    /// as much as one in which it was cheap.
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// All that it has cost.
    pub const fn spent(&self) -> Duration {
        self.spent
    }

    /// Whether there is something to attach with. It may then cost more than there was: readings go on meanwhile, and
    /// the next process waits the longer.
    pub fn may_attach(&self, now: Duration) -> bool {
        self.spent <= AT_FIRST + now.mul_f64(SHARE)
    }

    /// Attaching did cost this.
    pub fn attached(&mut self, cost: Duration) {
        self.spent += cost;
    }

    /// A reading of all processes did cost this, and it is `now`.
    pub fn read(&mut self, now: Duration, cost: Duration) {
        self.spent += cost;
        self.reading += cost;
        let earned = self.reading.saturating_sub(READING_AT_FIRST).div_f64(READING);
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

    /// Readings at `cost` each for `run`, and attachments at 10 ms, as many as are allowed: how many readings, what
    /// they stand for, how many attachments, and what all did cost.
    fn run(cost: Duration, run: Duration) -> (u32, u32, u32, Duration) {
        let mut pace = Pace::new(7);
        let (mut readings, mut stand_for, mut attachments) = (0, 0, 0);
        while pace.due() < run {
            let now = pace.due();
            if pace.may_attach(now) {
                pace.attached(Duration::from_millis(10));
                attachments += 1;
            }
            (readings, stand_for) = (readings + 1, stand_for + pace.weight());
            pace.read(now, cost);
        }
        (readings, stand_for, attachments, pace.spent)
    }

    #[test]
    fn cheap_readings_come_twenty_times_a_second() {
        let (readings, stand_for, ..) = run(Duration::from_micros(100), Duration::from_secs(60));
        assert!((1100..1300).contains(&readings), "{readings}");
        assert_eq!(readings, stand_for);
    }

    #[test]
    fn dear_readings_stay_within_the_budget_and_stand_for_those_not_made() {
        for cost in [1, 20, 300].map(Duration::from_millis) {
            let (readings, stand_for, attachments, spent) = run(cost, Duration::from_secs(600));
            let allowed = Duration::from_secs(600).mul_f64(SHARE) + AT_FIRST + READING_AT_FIRST + cost;
            assert!(readings > 1 && spent <= allowed, "{readings} readings, {spent:?}");
            assert!((10_000..13_500).contains(&stand_for), "{readings} readings stand for {stand_for}");
            assert!(attachments > 1, "{attachments}");
        }
    }

    #[test]
    fn a_dear_attachment_delays_the_next_one_and_no_reading() {
        let mut pace = Pace::new(1);
        let second = Duration::from_secs(1);
        pace.attached(second);
        assert!(!pace.may_attach(second * 100) && pace.may_attach(second * 300), "{pace:?}");
        pace.read(second, Duration::from_millis(1));
        assert!(pace.due() < second + 2 * GAP);
    }

    #[test]
    fn readings_do_not_keep_step() {
        let mut pace = Pace::new(1);
        let mut phases = [0u32; 10];
        for _ in 0..2000 {
            pace.read(pace.due(), Duration::ZERO);
            phases[(pace.due().as_millis() % 50 / 5) as usize] += 1;
        }
        assert!(phases.iter().all(|seen| (120..280).contains(seen)), "{phases:?}");
    }
}
