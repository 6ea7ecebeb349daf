//! [`Gain`]: what one setting gains over another, by what was measured, with how sure that is.

use super::record::{Choice, Point, Record, Signal};
use crate::trial::model::Model;

/// The least that a ratio measured again differs by, each way: as `recommendation` takes it for trials that were
/// repeated three times or more.
const NOISE: f64 = 0.03;

/// The same of a setting that ran once. In `bench/accuracy` four in five speed-ups were measured again within this.
const ONCE: f64 = 0.10;

/// Repeats from which on a setting shows what repeats differ by on that machine at that time.
const SHOWING: u64 = 3;

/// Part of the machine that others use from which on that is said.
const BUSY: f64 = 0.10;

/// Bounds of half a range, as a logarithm: what nobody is surer than, and what says nothing (a hundred times).
const LEAST_HALF: f64 = 0.01;
const MOST_HALF: f64 = 4.6;

/// Standard deviations in half of a range that holds nine of ten.
const DEVIATIONS: f64 = 1.645;

/// Time of one setting over time of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// 1.2: the other is 20 % faster.
    pub value: f64,
    /// Lower end of its range.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Gain {
    /// What `to` gains over `from`. The two were measured apart, so their relative errors add as squares.
    pub fn of(from: &Point, to: &Point) -> Self {
        let value = to.speedup / from.speedup;
        let below = ((1.0 - to.low / to.speedup).powi(2) + (from.high / from.speedup - 1.0).powi(2)).sqrt();
        let above = ((to.high / to.speedup - 1.0).powi(2) + (1.0 - from.low / from.speedup).powi(2)).sqrt();
        Self { value, low: value * (1.0 - below).max(0.0), high: value * (1.0 + above) }
    }

    /// The same where others used a share of the machine meanwhile, and either setting may have been slowed by that and
    /// the other not: each by as much as it computes. In bench/gate, where compilers used four fifths of two CPUs, a
    /// second worker gained from 0.8× to 1.9× in runs of one program that only computes, and ten threads that wait gained
    /// the same in all.
    #[must_use]
    pub fn beside(self, others: Others, from: &Point, to: &Point) -> Self {
        Self { low: self.low / others.slow(from), high: self.high * others.slow(to), ..self }
    }

    /// What runs that know nothing of one another say together: their mean on a logarithmic scale, each weighing the
    /// more the surer it is (one over its half range squared), and as much less sure than that as they differ by more
    /// than their ranges let them (the ratio of Birge, Phys. Rev. 40, 1932). `None` for less than two.
    pub fn pooled(gains: &[Self]) -> Option<Self> {
        if gains.len() < 2 {
            return None;
        }
        let half = |from: f64, to: f64| (to / from).ln().clamp(LEAST_HALF, MOST_HALF);
        let side = |of: &dyn Fn(&Self) -> f64| {
            let weights: Vec<f64> = gains.iter().map(|gain| of(gain).powi(-2)).collect();
            let all: f64 = weights.iter().sum();
            let mean = gains.iter().zip(&weights).map(|(gain, weight)| gain.value.ln() * weight).sum::<f64>() / all;
            let apart: f64 =
                gains.iter().zip(&weights).map(|(gain, weight)| (gain.value.ln() - mean).powi(2) * weight).sum();
            let birge = (apart * DEVIATIONS * DEVIATIONS / (gains.len() - 1) as f64).sqrt().max(1.0);
            (mean, all.powf(-0.5) * birge)
        };
        let (mean, below) = side(&|gain| half(gain.low.max(f64::MIN_POSITIVE), gain.value));
        let (_, above) = side(&|gain| half(gain.value, gain.high));
        Some(Self { value: mean.exp(), low: (mean - below).exp(), high: (mean + above).exp() })
    }

    /// Further runs after which its lower end would be above `least`, when it stays what it is; `None` when no number
    /// of them would do it. An error shrinks with the root of the number of measurements.
    pub fn runs_to_settle(self, least: f64) -> Option<u64> {
        let room = self.value - least;
        (room > 0.0).then(|| ((self.value - self.low) / room).powi(2).ceil().max(2.0) as u64 - 1)
    }
}

/// Who else was there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Others {
    /// Part of the machine's CPU time that others used while the target was watched.
    pub share: f64,
    /// Part of the target's demand that is computing.
    pub computing: f64,
}

impl Others {
    /// Whether they use so much of the machine that it is to be said: a gain of
    /// [`super::policy::Thresholds::gain`] may be that and nothing else.
    pub fn are_busy(self) -> bool {
        self.share >= BUSY
    }

    /// How many times longer a setting may have taken for them: what computes all the time had only what they left.
    fn slow(self, point: &Point) -> f64 {
        let share = self.share.clamp(0.0, 0.99);
        1.0 + (self.computing * point.speedup).min(1.0) * share / (1.0 - share)
    }
}

/// The range in which a speed-up would be measured again: that of its repeats, and at least what `repeats` leave open
/// where one repeat differs from another by `noise`.
pub fn range(speedup: f64, low: Option<f64>, high: Option<f64>, repeats: u64, noise: f64) -> (f64, f64) {
    let repeats = repeats.max(1) as f64;
    // A mean of so many is off by the root of their number less.
    let least = (ONCE / repeats).max(NOISE).max(noise / repeats.sqrt());
    let least = least.min(0.99);
    let low = low.unwrap_or(speedup).min(speedup * (1.0 - least));
    (low, high.unwrap_or(speedup).max(speedup * (1.0 + least)))
}

impl Point {
    /// What that many workers of the model gain at most: so many times one of them, however far more of them went.
    #[must_use]
    pub fn at_most(self, workers: u64) -> Self {
        let part = (workers.max(1) as f64 / self.speedup).min(1.0);
        Self { speedup: self.speedup * part, low: self.low * part, high: self.high * part, ..self }
    }
}

impl Record {
    /// The point that stands for a choice where that many CPUs are usable: that setting itself, else the same model with
    /// the number of workers nearest to it, up to `within` times as many.
    pub fn point(&self, choice: &Choice, cpus: u64, within: f64) -> Option<&Point> {
        let workers = choice.workers_on(cpus);
        let same = self.points.iter().filter(|point| point.model == choice.model);
        let apart = |point: &Point| ratio(point.workers, workers);
        let like = |point: &Point| {
            (point.start_method == choice.start_method) as u8 + (point.chunk_size == choice.chunk_size) as u8
        };
        let near = same.filter(|point| choice.model == Model::Sequential || apart(point) <= within);
        near.min_by(|one, other| apart(one).total_cmp(&apart(other)).then(like(other).cmp(&like(one))))
    }

    /// Who else was there. Nobody, where nobody could say: a range that nobody measured cannot be reckoned. Where it is
    /// not known how much computes, all does.
    pub fn others(&self) -> Others {
        let share = |name, unknown| self.signals.get(name).map_or(unknown, |signal: &Signal| signal.value);
        Others { share: share("elsewhere_share", 0.0), computing: share("cpu_share", 1.0) }
    }

    /// The best that a model did: what keeping it costs at least, where its number of workers was not tried. The race
    /// tries more workers while that pays, so what it left out is not better.
    pub fn best_of(&self, model: Model) -> Option<&Point> {
        let same = self.points.iter().filter(|point| point.model == model);
        same.max_by(|one, other| one.speedup.total_cmp(&other.speedup))
    }
}

/// What repeats differed by in one race, as part of the speed-up: most of what settings that ran often enough show. A
/// setting that ran once or twice, and happened to agree with itself, is no surer than they are.
pub fn noise(settings: impl Iterator<Item = (f64, Option<f64>, Option<f64>, u64)>) -> f64 {
    let shown = settings.filter(|(.., repeats)| *repeats >= SHOWING);
    let apart = shown.flat_map(|(speedup, low, high, _)| {
        [low.map(|low| 1.0 - low / speedup), high.map(|high| high / speedup - 1.0)].into_iter().flatten()
    });
    apart.filter(|apart| apart.is_finite()).fold(0.0, f64::max)
}

/// How many times more the larger is.
pub fn ratio(one: u64, other: u64) -> f64 {
    one.max(other).max(1) as f64 / one.min(other).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(speedup: f64, low: f64, high: f64) -> Point {
        Point { model: Model::Threads, workers: 2, chunk_size: None, start_method: None, speedup, low, high }
    }

    #[test]
    fn errors_that_have_nothing_to_do_with_one_another_add_as_squares() {
        let gain = Gain::of(&point(1.0, 0.97, 1.03), &point(1.2, 1.152, 1.248));
        assert!((gain.value - 1.2).abs() < 1e-9 && (gain.low - 1.14).abs() < 1e-9, "{gain:?}");
    }

    #[test]
    fn what_would_settle_it_is_told_where_it_can_be_settled() {
        let gain = |value, low| Gain { value, low, high: value };
        assert_eq!(gain(1.2, 1.0).runs_to_settle(1.05), Some(1));
        assert_eq!(gain(1.25, 0.95).runs_to_settle(1.05), Some(2));
        assert_eq!(gain(1.04, 0.9).runs_to_settle(1.05), None);
    }

    #[test]
    fn runs_that_agree_are_surer_together_and_those_that_do_not_are_not() {
        let check = |gains: &[(f64, f64, f64)], value: f64, low: f64| {
            let gains: Vec<Gain> =
                gains.iter().map(|(value, low, high)| Gain { value: *value, low: *low, high: *high }).collect();
            let pooled = Gain::pooled(&gains).expect("two or more");
            assert!((pooled.value - value).abs() < 0.01 && (pooled.low - low).abs() < 0.01, "{gains:?}: {pooled:?}");
            assert!(pooled.low <= pooled.value && pooled.value <= pooled.high, "{pooled:?}");
        };
        // Four as wide as each other: half of it.
        check(&[(1.3, 1.0, 1.69); 4], 1.3, 1.14);
        check(&[(1.3, 1.25, 1.35), (1.3, 0.0, 9.0)], 1.3, 1.25);
        check(&[(1.2, 1.19, 1.21), (1.5, 1.49, 1.51)], 1.34, 1.117);
        assert_eq!(Gain::pooled(&[Gain { value: 1.3, low: 1.2, high: 1.4 }]), None);
    }

    #[test]
    fn few_repeats_leave_more_open() {
        for (repeats, low) in [(0, 1.8), (1, 1.8), (2, 1.9), (3, 1.933), (9, 1.94)] {
            let (at, _) = range(2.0, None, None, repeats, 0.0);
            assert!((at - low).abs() < 1e-3, "{repeats}: {at}");
        }
        assert_eq!(range(2.0, Some(1.0), Some(3.0), 5, 0.0), (1.0, 3.0));
    }

    #[test]
    fn two_workers_gain_at_most_twice_what_one_does() {
        let best = point(12.0, 9.0, 15.0);
        assert_eq!(best.at_most(2), point(2.0, 1.5, 2.5));
        assert_eq!(best.at_most(64).speedup, 12.0);
    }

    #[test]
    fn what_ran_twice_is_no_surer_than_what_ran_often_shows() {
        let seen = [(1.0, Some(0.6), Some(1.0), 4), (2.0, Some(2.0), Some(2.1), 3), (3.0, Some(1.0), Some(9.0), 2)];
        let noise = noise(seen.into_iter());
        assert!((noise - 0.4).abs() < 1e-9, "{noise}");
        let (low, high) = range(2.0, Some(2.0), Some(2.0), 1, noise);
        assert!((low - 1.2).abs() < 1e-9 && (high - 2.8).abs() < 1e-9, "{low} to {high}");
        assert_eq!(super::noise([].into_iter()), 0.0);
    }

    #[test]
    fn what_others_used_may_be_what_was_gained_by_what_computes() {
        let gain = Gain { value: 1.5, low: 1.4, high: 1.6 };
        let (one, two) = (point(1.0, 1.0, 1.0), point(2.0, 2.0, 2.0));
        for (share, computing, low, high) in [
            (0.0, 1.0, 1.4, 1.6),
            (0.5, 1.0, 0.7, 3.2),
            (0.75, 1.0, 0.35, 6.4),
            (0.5, 0.25, 1.12, 2.4),
            (0.9, 0.0, 1.4, 1.6),
        ] {
            let beside = gain.beside(Others { share, computing }, &one, &two);
            assert!(
                (beside.low - low).abs() < 1e-9 && (beside.high - high).abs() < 1e-9,
                "{share}, {computing}: {beside:?}"
            );
        }
        assert!(gain.beside(Others { share: 1.0, computing: 1.0 }, &one, &two).high.is_finite());
    }
}
