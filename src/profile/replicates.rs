//! How far the shares of the demand would move had the run gone a little differently: bootstrap replicates.
//!
//! Buckets of the steady part are drawn again with replacement, in blocks of about √n consecutive ones (the circular
//! block bootstrap of Politis & Romano 1992), because a program that waits now waits in the next bucket too. The
//! timeline knows the tree and not the workers, so waits are told apart by kind alone, and its sums are scaled to the
//! point estimate: the undisturbed timeline gives exactly the shares of the profile, and the replicates centre there.
//! CPU time of workers that nobody saw is in no bucket; the kernel knows it exactly, and it is the same in each.

use super::demand::{Demand, Today, is_work};
use crate::observe::kind::{BlockedKind, ByKind};
use crate::observe::timeline::Bucket;
use crate::units::Share;

/// Replicates made: enough to tell 80 % from 75 % agreement, at a cost below a millisecond.
const REPLICATES: usize = 200;
/// Buckets below which a resampled run says more about the sampling than about the run.
const FEWEST_BUCKETS: usize = 10;
/// Steps in which waits that the timeline saw nothing of are varied.
const STEPS: usize = 1000;
/// Any number: the same run must give the same confidence every time it is reported.
const SEED: u64 = 0x00C0_FFEE_5EED_2026;

/// One bootstrap replicate of the demand's shares.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DemandShares {
    /// Part of the demand that is waiting.
    pub wait: Share,
    /// Part of the worker-time that is run-queue wait.
    pub runnable: Share,
    /// Part of the worker-time that is lock and GIL wait.
    pub contention: Share,
}

/// Replicates around `point`, whose demand is `demand`; none when there are too few buckets. Where the timeline saw
/// nothing of the waits that the workers' own times hold (those of children too short-lived to be caught at it), it
/// cannot say how they varied: they may be anything from nothing to twice what was reckoned.
pub(super) fn replicates(steady: &[Bucket], demand: &Demand, point: DemandShares, today: Today) -> Vec<DemandShares> {
    if steady.len() < FEWEST_BUCKETS {
        return Vec::new();
    }
    let mix = steady.iter().fold(ByKind::<u64>::default(), |mut mix, bucket| {
        for (kind, ticks) in bucket.blocked_ticks.iter() {
            mix[kind] += u64::from(*ticks);
        }
        mix
    });
    let sums: Vec<Sums> = steady.iter().map(|bucket| Sums::of(bucket, &mix, today)).collect();
    let whole = sums.iter().fold(Sums::default(), Sums::plus);
    let (cpu, waits) = (demand.cpu.as_secs_f64(), demand.waiting().as_secs_f64());
    let unseen = (cpu - whole.cpu).max(0.0);
    let mut random = SplitMix(SEED);
    let one = |_| {
        let drawn = draw_again(&sums, &mut random);
        let cpu = unseen + drawn.cpu * ratio(cpu - unseen, whole.cpu);
        let waits = if whole.waits > 0.0 {
            drawn.waits * ratio(waits, whole.waits)
        } else {
            waits * 2.0 * random.below(STEPS + 1) as f64 / STEPS as f64
        };
        let moved =
            |share: Share, part: fn(&Sums) -> f64| moved(share, part(&whole), whole.alive, part(&drawn), drawn.alive);
        DemandShares {
            wait: Share::new(waits / (cpu + waits)).unwrap_or(point.wait),
            runnable: moved(point.runnable, |sums| sums.runnable),
            contention: moved(point.contention, |sums| sums.contention),
        }
    };
    (0..REPLICATES).map(one).collect()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// `share` times what the resampled part of a whole is to the undisturbed one.
fn moved(share: Share, part: f64, whole: f64, drawn_part: f64, drawn_whole: f64) -> Share {
    if part <= 0.0 || drawn_whole <= 0.0 {
        return share;
    }
    Share::new(share.get() * (drawn_part / drawn_whole) / (part / whole)).unwrap_or(share)
}

fn draw_again(sums: &[Sums], random: &mut SplitMix) -> Sums {
    let n = sums.len();
    let block = (n as f64).sqrt().round() as usize;
    let mut drawn = Sums::default();
    let mut left = n;
    while left > 0 {
        let start = random.below(n);
        let take = block.clamp(1, left);
        drawn = sums.iter().cycle().skip(start).take(take).fold(drawn, |sum, bucket| sum.plus(bucket));
        left -= take;
    }
    drawn
}

/// One bucket in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    cpu: f64,
    waits: f64,
    runnable: f64,
    contention: f64,
    alive: f64,
}

impl Sums {
    /// A bucket in which nobody was caught blocked gets the run's `mix`, and `Other` where there is none.
    fn of(bucket: &Bucket, mix: &ByKind<u64>, today: Today) -> Self {
        let own = bucket.blocked_ticks.map(|ticks| u64::from(*ticks));
        let ticks = if own.iter().any(|(_, ticks)| *ticks > 0) { own } else { *mix };
        let blocked = super::worker::split(bucket.alive.saturating_sub(bucket.on_cpu + bucket.runnable), &ticks);
        let sum = |wanted: &dyn Fn(BlockedKind) -> bool| {
            blocked.iter().filter(|(kind, _)| wanted(*kind)).map(|(_, time)| time.as_secs_f64()).sum()
        };
        Self {
            cpu: bucket.on_cpu.as_secs_f64(),
            waits: sum(&|kind| is_work(kind, today)),
            runnable: bucket.runnable.as_secs_f64(),
            contention: sum(&|kind| matches!(kind, BlockedKind::Lock | BlockedKind::Gil)),
            alive: bucket.alive.as_secs_f64(),
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            waits: self.waits + other.waits,
            runnable: self.runnable + other.runnable,
            contention: self.contention + other.contention,
            alive: self.alive + other.alive,
        }
    }
}

/// Steele, Lea & Flood's SplitMix64 (2014): no state to share, no dependency, good enough to pick buckets.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The bias of a remainder is below n / 2^64.
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::profile::Profile;
    use crate::profile::drawing::draw;

    fn waits(drawing: &str) -> (f64, Vec<f64>) {
        let profile = Profile::of(&draw(drawing), &Host::default());
        let point = profile.demand.wait_share().expect("something is demanded").get();
        (point, profile.replicates.iter().map(|replicate| replicate.wait.get()).collect())
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn replicates_centre_on_the_point_estimate() {
        for drawing in ["main: (#tt)x60", "sh/main: #(c)x99\nwget/main: .(##nnnnnn#n)x10", "a: (##tt)x40\nb: (l)x160"] {
            let (point, waits) = waits(drawing);
            assert_eq!(waits.len(), REPLICATES);
            assert!((mean(&waits) - point).abs() < 0.02, "{} against {point}: {drawing}", mean(&waits));
        }
    }

    #[test]
    fn a_run_of_one_phase_each_varies_more_than_an_even_mix() {
        let spread = |drawing| {
            let (_, waits) = waits(drawing);
            waits.iter().map(|wait| (wait - mean(&waits)).powi(2)).sum::<f64>()
        };
        assert!(spread("main: t(#)x100(t)x99") > 4.0 * spread("main: (#t)x100"));
    }

    #[test]
    fn the_same_run_gives_the_same_replicates() {
        assert_eq!(waits("main: (#tt)x60"), waits("main: (#tt)x60"));
    }

    #[test]
    fn cpu_time_that_nobody_was_seen_using_still_leaves_replicates() {
        let mut observation = draw("sleep: (t)x200");
        observation.totals.system += std::time::Duration::from_millis(1);
        let profile = Profile::of(&observation, &Host::default());
        assert_eq!(profile.replicates.len(), REPLICATES);
        assert!(profile.replicates.iter().all(|replicate| (0.999..1.0).contains(&replicate.wait.get())));
    }

    #[test]
    fn waits_that_nobody_was_caught_at_may_be_anything_from_none_to_twice_as_much() {
        let mut observation = draw("sh: (##t)x40");
        for bucket in &mut observation.timeline.buckets {
            bucket.blocked_ticks = ByKind::default();
            bucket.alive = bucket.on_cpu;
        }
        let profile = Profile::of(&observation, &Host::default());
        let waits: Vec<f64> = profile.replicates.iter().map(|replicate| replicate.wait.get()).collect();
        assert_eq!(waits.len(), REPLICATES);
        assert!(waits.iter().any(|wait| *wait < 0.05) && waits.iter().any(|wait| *wait > 0.45), "{waits:?}");
        // A third of the demand waits; twice as much against the same computing is half, give or take the resampling.
        assert!(waits.iter().all(|wait| *wait <= 0.55), "{waits:?}");
    }

    #[test]
    fn a_run_of_few_buckets_has_no_replicates() {
        assert!(waits("main: #ttttttt").1.is_empty());
    }

    #[test]
    fn every_bucket_is_drawn_as_often_as_any_other() {
        let mut random = SplitMix(SEED);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
