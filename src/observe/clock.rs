//! When the tree is read next: dense at the start, then ever rarer, jittered, and never beyond a budget of our own CPU.
//!
//! Knows no real clock: it is told what time it is and what a tick cost, so its tests need no time to pass.

use super::histogram::Histogram;
use std::time::Duration;

/// Until this time after the start, this interval. The 100, 50 and 20 Hz are the schedule that met the overhead goals
/// in the study before this project; the denser beginning gives programs of a few milliseconds some samples at all.
const SCHEDULE: [(Duration, Duration); 4] = [
    (Duration::from_millis(20), Duration::from_millis(2)),
    (Duration::from_millis(100), Duration::from_millis(4)),
    (Duration::from_secs(5), Duration::from_millis(10)),
    (Duration::from_secs(20), Duration::from_millis(20)),
];
/// The interval past the end of the schedule.
const LATE: Duration = Duration::from_millis(50);
/// No tree is so costly that it is read less often than this: a few seconds of a thousand threads must still leave
/// enough buckets to resample. It is past the budget then, within the 3 % that DESIGN §8 gives a thousand threads.
const LONGEST: Duration = Duration::from_millis(250);
/// Ticks may use this share of a core: together with the stacks' 0.4 % it is the 1 % of DESIGN §8.
const BUDGET: f64 = 0.006;
/// CPU that may be spent over the budget, so that a run of a second or two is sampled by the schedule: it would have
/// too few samples to tell anything otherwise. Less than what starting an interpreter costs.
const CREDIT: Duration = Duration::from_millis(15);
/// Up to this debt the next tick is expected to cost what the cheapest of the last ones did: one that opened the files
/// of many new workers says nothing of the next. Past it, what they cost on average: then it goes on like this.
const DEBT: Duration = Duration::from_millis(30);
/// Intervals are spread over ± this share, so that a periodic target is not always met in the same phase.
const JITTER: f64 = 0.25;

/// The sampling clock. All times are since the target's start.
#[derive(Debug)]
pub struct Clock {
    planned: Option<Duration>,
    noise: u64,
    /// What the last ticks cost, in seconds.
    costs: [f64; 4],
    spent: f64,
    ticks: u64,
    interval: (Duration, Duration),
    lateness: Histogram,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            planned: None,
            noise: 0x9E37_79B9_7F4A_7C15,
            costs: [0.0; 4],
            spent: 0.0,
            ticks: 0,
            interval: (Duration::ZERO, Duration::ZERO),
            lateness: Histogram::default(),
        }
    }
}

impl Clock {
    /// A tick begins `at`; takes down how late it is.
    pub fn arrive(&mut self, at: Duration) {
        self.ticks += 1;
        if let Some(planned) = self.planned.take()
            && at >= planned
        {
            self.lateness.add(at - planned, 1);
        }
    }

    /// The tick that began `at` took `cost` of our CPU, its wake and all that we did since the tick before it included:
    /// when the next one is due.
    pub fn next(&mut self, at: Duration, cost: Duration) -> Duration {
        let cost = cost.as_secs_f64();
        self.spent += cost;
        let place = self.ticks as usize % self.costs.len();
        self.costs[place] = cost;
        let scheduled = SCHEDULE.iter().find(|(until, _)| at < *until).map_or(LATE, |(_, interval)| *interval);
        let debt = self.spent - BUDGET * at.as_secs_f64();
        let expected = if debt <= CREDIT.as_secs_f64() {
            0.0
        } else if debt <= DEBT.as_secs_f64() {
            self.costs.iter().copied().fold(f64::INFINITY, f64::min)
        } else {
            self.costs.iter().sum::<f64>() / self.costs.len() as f64
        };
        let interval = scheduled.max(Duration::from_secs_f64(expected / BUDGET).min(LONGEST));
        self.interval = match self.interval {
            (Duration::ZERO, _) => (interval, interval),
            (shortest, longest) => (shortest.min(interval), longest.max(interval)),
        };
        let due = at + interval.mul_f64(1.0 + JITTER * (2.0 * self.random() - 1.0));
        self.planned = Some(due);
        due
    }

    /// Times the tree was read.
    pub const fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The shortest and the longest interval that was set, before jitter.
    pub const fn interval(&self) -> (Duration, Duration) {
        self.interval
    }

    /// How much later than planned the ticks came.
    pub fn into_lateness(self) -> Histogram {
        self.lateness
    }

    /// From 0 to 1, by xorshift64: it must only not be in step with the target.
    fn random(&mut self) -> f64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks from 0 to `end` that cost these in turn: how many, and the CPU that they took.
    fn run(end: Duration, costs: &[Duration]) -> (u64, Duration) {
        let (mut clock, mut at, mut spent) = (Clock::default(), Duration::ZERO, Duration::ZERO);
        for cost in costs.iter().cycle() {
            if at >= end {
                break;
            }
            clock.arrive(at);
            at = clock.next(at, *cost);
            spent += *cost;
        }
        (clock.ticks(), spent)
    }

    #[test]
    fn a_cheap_tree_is_read_by_the_schedule() {
        for (end_ms, least, most) in [(20, 8, 13), (100, 25, 36), (5_000, 450, 600), (60_000, 1_900, 2_300)] {
            let (ticks, _) = run(Duration::from_millis(end_ms), &[Duration::from_micros(5)]);
            assert!((least..=most).contains(&ticks), "{end_ms} ms: {ticks} ticks");
        }
    }

    #[test]
    fn our_own_cpu_stays_within_the_budget_while_a_tick_costs_less_than_the_longest_interval_allows() {
        for costs_us in [&[5][..], &[50], &[500], &[3_000], &[50, 50, 50, 20_000], &[20, 3_000]] {
            let costs: Vec<_> = costs_us.iter().copied().map(Duration::from_micros).collect();
            let end = Duration::from_secs(30);
            let (_, spent) = run(end, &costs);
            let mean = costs.iter().sum::<Duration>().as_secs_f64() / costs.len() as f64;
            let allowed = BUDGET.max(mean / LONGEST.as_secs_f64());
            assert!(spent <= end.mul_f64(allowed * 1.15) + DEBT, "{costs_us:?} µs a tick: {spent:?}");
        }
    }

    #[test]
    fn a_few_costly_ticks_do_not_blind_the_rest() {
        let mut clock = Clock::default();
        let (cheap, costly) = (Duration::from_micros(30), Duration::from_millis(5));
        let mut at = Duration::from_millis(500);
        for cost in [cheap, cheap, costly, costly, costly, cheap, cheap] {
            clock.arrive(at);
            let due = clock.next(at, cost);
            assert!(due - at < Duration::from_millis(15), "{:?} after {cost:?}", due - at);
            at = due;
        }
    }

    #[test]
    fn the_gaps_between_ticks_are_not_all_alike() {
        let mut clock = Clock::default();
        let at = Duration::from_secs(1);
        let gaps: Vec<_> = (0..100).map(|_| clock.next(at, Duration::ZERO) - at).collect();
        let (shortest, longest) = (gaps.iter().min(), gaps.iter().max());
        assert!(shortest < Some(&Duration::from_millis(8)) && longest > Some(&Duration::from_millis(12)), "{gaps:?}");
    }

    #[test]
    fn only_what_is_later_than_planned_is_late() {
        let mut clock = Clock::default();
        clock.arrive(Duration::ZERO);
        let due = clock.next(Duration::ZERO, Duration::ZERO);
        clock.arrive(due + Duration::from_millis(3));
        clock.next(due, Duration::ZERO);
        clock.arrive(due);
        let lateness = clock.into_lateness();
        assert_eq!(lateness.total(), 1);
        let median = lateness.quantile(0.5).map_or(0.0, |time| time.as_secs_f64());
        assert!((median / 0.003 - 1.0).abs() < 0.1, "{median}");
    }
}
