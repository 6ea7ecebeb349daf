//! A streaming histogram of durations: fixed memory for a run of any length.
//!
//! Logarithmic buckets, eight to the octave, so a quantile is within 9 % of the truth (HdrHistogram's idea, at one fixed precision).

use std::time::Duration;

/// Buckets per doubling.
const PER_OCTAVE: usize = 8;
/// From 1 ns to 2^40 ns (18 minutes); longer ones fall into the last bucket.
const BUCKETS: usize = 40 * PER_OCTAVE;

/// Counts of durations by logarithmic bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// From the shortest to the longest that was added: a worker's are mostly alike, and there are thousands of workers.
    counts: Vec<u64>,
    /// The bucket of the first of them.
    first: usize,
    total: u64,
    sum: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Vec::new(), first: 0, total: 0, sum: Duration::ZERO }
    }
}

impl Histogram {
    /// Adds `times` occurrences of `value`.
    pub fn add(&mut self, value: Duration, times: u64) {
        if times == 0 {
            return;
        }
        self.fill(Self::bucket(value), times);
        self.sum = self.sum.saturating_add(value.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)));
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if other.total == 0 {
            return;
        }
        for (bucket, count) in other.cells() {
            self.fill(bucket, count);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many were added.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Arithmetic mean; `None` when empty.
    pub fn mean(&self) -> Option<Duration> {
        (self.total > 0).then(|| self.sum.div_f64(self.total as f64))
    }

    /// The value below which a `share` (0 to 1) of the occurrences lie, at its bucket's middle; `None` when empty.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        if self.total == 0 {
            return None;
        }
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (bucket, count) in self.cells() {
            seen += count;
            if seen >= wanted {
                return Some(Duration::from_nanos(2f64.powf((bucket as f64 + 0.5) / PER_OCTAVE as f64) as u64));
            }
        }
        None
    }

    /// Non-empty buckets as (index, count), and the exact sum: what a recording keeps.
    pub fn parts(&self) -> (Vec<(usize, u64)>, Duration) {
        (self.cells().collect(), self.sum)
    }

    /// The reverse of [`Histogram::parts`]; indices that no histogram has go to the last bucket.
    pub fn from_parts(parts: &[(usize, u64)], sum: Duration) -> Self {
        let mut histogram = Self { sum, ..Self::default() };
        for &(bucket, count) in parts {
            histogram.fill(bucket.min(BUCKETS - 1), count);
        }
        histogram
    }

    /// The buckets that are not empty, and how many are in each.
    fn cells(&self) -> impl Iterator<Item = (usize, u64)> {
        let cells = self.counts.iter().enumerate().map(|(i, count)| (self.first + i, *count));
        cells.filter(|(_, count)| *count > 0)
    }

    fn fill(&mut self, bucket: usize, times: u64) {
        if times == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - bucket));
            self.first = bucket;
        }
        let place = bucket - self.first;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += times;
        self.total += times;
    }

    fn bucket(value: Duration) -> usize {
        let ns = value.as_nanos().max(1) as f64;
        ((ns.log2() * PER_OCTAVE as f64) as usize).min(BUCKETS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bucket_of_the_truth() {
        let mut histogram = Histogram::default();
        for ms in 1..=1000 {
            histogram.add(Duration::from_millis(ms), 1);
        }
        for (share, truth) in [(0.5, 0.5), (0.9, 0.9), (0.99, 0.99)] {
            let got = histogram.quantile(share).map_or(0.0, |time| time.as_secs_f64());
            assert!((got / truth - 1.0).abs() < 0.09, "{share}: {got}");
        }
    }

    #[test]
    fn an_empty_histogram_knows_nothing() {
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!(Histogram::default().mean(), None);
    }

    #[test]
    fn the_order_of_adding_makes_no_difference() {
        let values = [500, 3, 70_000, 3, 9].map(Duration::from_micros);
        let (mut one, mut other, mut merged) = (Histogram::default(), Histogram::default(), Histogram::default());
        values.iter().for_each(|value| one.add(*value, 2));
        values.iter().rev().for_each(|value| other.add(*value, 2));
        assert_eq!(one, other);
        merged.merge(&one);
        assert_eq!(one, merged);
        assert_eq!(one.total(), 10);
    }

    #[test]
    fn parts_rebuild_the_same_histogram() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::from_micros(3), 7);
        histogram.add(Duration::from_secs(4000), 1);
        let (parts, sum) = histogram.parts();
        assert_eq!(Histogram::from_parts(&parts, sum), histogram);
    }
}
