//! Start-up and shut-down, told from the steady part of a run.
//!
//! Start-up is the interpreter starting, imports, a shim's helpers: an initial stretch in which about one core computes
//! while the run as a whole does something else. It ends at the first bucket that resembles the run's median bucket or
//! in which nobody much computes; shut-down is the same from the other end. A stretch no longer than those in between
//! is a piece of the work like them and stays. Each is at most [`MOST_OF_WALL`] of the run and [`LONGEST`], so the
//! steady part is never under 60 % of it. In a program that computes from end to end no boundary can be seen, and none
//! is invented.

use crate::observe::timeline::{Bucket, Timeline};
use std::ops::Range;
use std::time::Duration;

/// Longest part of the run that may be called start-up, and the same for shut-down. Ours: a longer stretch is work.
const MOST_OF_WALL: f64 = 0.2;
/// Longest start-up or shut-down. Ours: heavy imports take about this long, and a longer stretch is work.
const LONGEST: Duration = Duration::from_secs(1);
/// Cores and blocked workers by which a bucket may differ from the median and still resemble it. Half a worker: the
/// distance at which a bucket is nearer to one worker more or fewer.
const RESEMBLES: f64 = 0.5;

/// The parts of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Phases {
    /// Length of the start-up.
    pub startup: Duration,
    /// Length of the shut-down.
    pub shutdown: Duration,
    /// CPU time of both, as far as the timeline saw it.
    pub cut_cpu: Duration,
    /// The buckets in between.
    pub steady: Range<usize>,
}

impl Phases {
    /// Of a run that was steady before it was watched and after.
    pub fn steady(timeline: &Timeline) -> Self {
        Self { steady: 0..timeline.buckets.len(), ..Self::default() }
    }

    /// Finds the boundaries.
    pub fn find(timeline: &Timeline, wall: Duration) -> Self {
        let buckets = &timeline.buckets;
        let median = Mix::median(buckets);
        let edges: Vec<bool> = buckets.iter().map(|bucket| Mix::of(bucket).is_edge_of(&median)).collect();
        let head = edges.iter().take_while(|edge| **edge).count();
        let tail = edges[head..].iter().rev().take_while(|edge| **edge).count();
        let between = edges[head..edges.len() - tail].split(|edge| !edge).map(<[bool]>::len).max().unwrap_or(0);
        let bound = wall.mul_f64(MOST_OF_WALL).min(LONGEST);
        let head = if head > between { within(bound, buckets[..head].iter()) } else { 0 };
        let tail = if tail > between { within(bound, buckets[buckets.len() - tail..].iter().rev()) } else { 0 };
        let steady = head..buckets.len() - tail;
        let (before, after) = (&buckets[..steady.start], &buckets[steady.end..]);
        Self {
            startup: before.iter().map(|bucket| bucket.span).sum(),
            shutdown: after.iter().map(|bucket| bucket.span).sum(),
            cut_cpu: before.iter().chain(after).map(|bucket| bucket.on_cpu).sum(),
            steady,
        }
    }
}

/// How many of these buckets, in this order, fit into `bound`.
fn within<'a>(bound: Duration, buckets: impl Iterator<Item = &'a Bucket>) -> usize {
    let ends = buckets.scan(Duration::ZERO, |end, bucket| {
        *end += bucket.span;
        Some(*end)
    });
    ends.take_while(|end| *end <= bound).count()
}

/// What a bucket looks like: workers on a core or in the run queue, and workers blocked.
#[derive(Debug, Clone, Copy, Default)]
struct Mix {
    computing: f64,
    blocked: f64,
}

impl Mix {
    fn of(bucket: &Bucket) -> Self {
        let computing = computing(bucket);
        let alive = bucket.alive.as_secs_f64() / bucket.span.as_secs_f64().max(f64::MIN_POSITIVE);
        Self { computing, blocked: (alive - computing).max(0.0) }
    }

    fn median(buckets: &[Bucket]) -> Self {
        let mixes: Vec<Self> = buckets.iter().map(Self::of).collect();
        let middle = |value: fn(&Self) -> f64| {
            let mut values: Vec<f64> = mixes.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        Self { computing: middle(|mix| mix.computing), blocked: middle(|mix| mix.blocked) }
    }

    /// One worker computes, or none was seen yet, in a run that mostly does something else.
    fn is_edge_of(&self, median: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= RESEMBLES * b.max(1.0);
        let resembles = near(self.computing, median.computing) && near(self.blocked, median.blocked);
        let one_computes = (1.0 - self.computing).abs() <= RESEMBLES;
        let nobody_yet = self.computing + self.blocked <= 0.0;
        !resembles && (one_computes || nobody_yet)
    }
}

/// Workers on a core or in the run queue in this bucket, on average. Never more than were alive: the kernel brings the
/// on-CPU time of a running thread up to date only every few milliseconds, so a short bucket can be credited with more.
pub(super) fn computing(bucket: &Bucket) -> f64 {
    if bucket.span.is_zero() {
        return 0.0;
    }
    (bucket.on_cpu + bucket.runnable).min(bucket.alive).as_secs_f64() / bucket.span.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::drawing::draw;

    /// `startup` and `shutdown` in cells.
    fn check(drawing: &str, startup: u32, shutdown: u32) {
        let observation = draw(drawing);
        let phases = Phases::find(&observation.timeline, observation.wall);
        let cell = crate::profile::drawing::CELL;
        assert_eq!((phases.startup, phases.shutdown), (cell * startup, cell * shutdown), "{drawing}");
    }

    #[test]
    fn computing_before_and_after_a_long_wait_is_cut_off() {
        check("main: ###(t)x95##", 3, 2);
    }

    #[test]
    fn one_core_before_many_threads_is_start_up() {
        check("python3/main: ###(l)x97\npython3/a: ...(#)x97\npython3/b: ...(#)x97", 3, 0);
    }

    #[test]
    fn a_run_that_computes_throughout_has_no_visible_start_up() {
        check("main: (#)x100", 0, 0);
    }

    #[test]
    fn a_run_that_mostly_computes_and_waits_now_and_then_keeps_its_start() {
        check("main: (#####tt)x20", 0, 0);
    }

    #[test]
    fn a_first_burst_like_all_others_is_work() {
        check("main: (##ttt)x20", 0, 0);
        check("main: #####(##ttt)x20", 7, 0);
    }

    #[test]
    fn start_up_is_never_more_than_a_fifth_of_the_run() {
        check("main: (#)x40(t)x60", 20, 0);
    }

    #[test]
    fn start_up_is_never_longer_than_a_second() {
        check("main: (#)x300(t)x1700", 100, 0);
    }

    #[test]
    fn a_wait_at_the_start_is_not_start_up() {
        check("main: (n)x10(#)x90", 0, 0);
    }

    #[test]
    fn a_run_of_one_bucket_or_none_is_all_steady() {
        check("main: #", 0, 0);
        check("", 0, 0);
    }
}
