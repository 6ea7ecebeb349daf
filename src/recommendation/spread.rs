//! How sure the trials are: ratios of times over all pairs of repeats.

use super::{Interval, TOLERANCE};
use crate::rules::projection::Projection;
use crate::trial::model::Model;

/// The least that a time of a trial is taken to vary by, each way: few repeats on a shared machine look more alike
/// than the next run will.
pub(super) const NOISE: f64 = 0.03;

/// The least that a speed-up is taken to vary by, each way, when it is measured again some other minute: in
/// `bench/accuracy` the speed-ups of four in five functions' advice, measured again, were within this of what was said.
const AGAIN: f64 = 0.10;

/// Time of one over time of the other. The ends are the 5th and 95th percentile over all pairs of their repeats (one of
/// each), moved out to at least [`AGAIN`] from the estimate, which is the ratio of their medians.
pub(super) fn speedup(sequential: &Projection, chosen: &Projection) -> Interval {
    if chosen.setting.model == Model::Sequential {
        return Interval { value: 1.0, low: 1.0, high: 1.0 };
    }
    let value = sequential.seconds / chosen.seconds;
    let mut ratios = ratios(sequential, chosen);
    ratios.sort_by(f64::total_cmp);
    let low = percentile(&ratios, 0.05).unwrap_or(value).min(value * (1.0 - AGAIN));
    let high = percentile(&ratios, 0.95).unwrap_or(value).max(value * (1.0 + AGAIN));
    Interval { value, low, high }
}

/// Share of the pairs of repeats, each moved by the noise either way, in which the choice would be the same: for a
/// more complex rival, that it is not more than 5 % faster; for a simpler one, that it is more than 5 % slower. The
/// lowest over the rivals; 1 without any.
pub(super) fn separation(chosen: &Projection, rivals: &[Projection]) -> f64 {
    rivals.iter().map(|rival| stands(chosen, rival)).fold(1.0, f64::min)
}

/// [`separation`] from one rival.
pub(super) fn stands(chosen: &Projection, rival: &Projection) -> f64 {
    let simpler = rival.setting.model < chosen.setting.model;
    let ratios = ratios(rival, chosen);
    let noisy: Vec<f64> =
        ratios.iter().flat_map(|ratio| [1.0 - NOISE, 1.0, 1.0 + NOISE].map(|by| ratio * by)).collect();
    let same = |ratio: &&f64| if simpler { **ratio > 1.0 + TOLERANCE } else { **ratio * (1.0 + TOLERANCE) >= 1.0 };
    if noisy.is_empty() { 0.0 } else { noisy.iter().filter(same).count() as f64 / noisy.len() as f64 }
}

/// Share of the pairs of repeats in which one takes more than 5 % longer than the other.
pub(super) fn slower(one: &Projection, other: &Projection) -> f64 {
    let ratios = ratios(one, other);
    let longer = ratios.iter().filter(|ratio| **ratio > 1.0 + TOLERANCE).count();
    longer as f64 / ratios.len().max(1) as f64
}

/// How far a setting's repeats lie apart, over their median.
pub(super) fn spread(tried: &Projection) -> f64 {
    match (tried.repeats.first(), tried.repeats.last()) {
        (Some(shortest), Some(longest)) => (longest - shortest) / tried.seconds,
        _ => 0.0,
    }
}

fn ratios(of: &Projection, over: &Projection) -> Vec<f64> {
    of.repeats.iter().flat_map(|of| over.repeats.iter().map(move |over| of / over)).collect()
}

/// Between the two values nearest to that rank.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(rank.floor() as usize)?, sorted.get(rank.ceil() as usize)?);
    Some(below + (above - below) * rank.fract())
}
