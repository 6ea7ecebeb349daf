//! What memory a run needs, and what makes it grow: more workers, time, or copies that are written to.
//!
//! How many workers that leaves room for is `rules`'s and `recommendation`'s to say.

use crate::observe::timeline::Bucket;
use crate::observe::{Observation, Process};
use crate::units::Bytes;

/// Worker counts that must have been seen for a growth per worker: through two points there is always a line.
const FEWEST_COUNTS: usize = 3;
/// Stretches at the same number of processes that must have been seen for a growth over time.
const FEWEST_STRETCHES: usize = 20;
/// Points that a slope is drawn through at most: their pairs are sorted.
const MOST_POINTS: usize = 256;

/// The run's memory.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Growth {
    /// Of the whole tree, for each process that was alive beside the others. `None` when fewer than three numbers of
    /// processes were seen, or memory did not grow with them.
    pub per_worker: Option<Bytes>,
    /// Of the whole tree, in bytes for each second at the commonest number of processes.
    pub per_s: Option<f64>,
    /// Median over copies made by `fork` of what they wrote to that they had shared at first, or took.
    pub of_copies: Option<Bytes>,
}

impl Growth {
    /// Out of a run, of which `steady` is the part without start-up and shut-down.
    pub fn of(observation: &Observation, steady: &[Bucket]) -> Self {
        Self {
            per_worker: per_worker(&observation.timeline.buckets),
            per_s: per_second(steady),
            of_copies: of_copies(&observation.processes),
        }
    }
}

/// The sampled highest sum, or the kernel's high-water mark of a run too short to be sampled.
pub(super) fn peak(observation: &Observation) -> Bytes {
    if observation.peak_memory > Bytes(0) { observation.peak_memory } else { observation.totals.peak_rss }
}

/// What one more worker costs: the larger of what the largest process has of its own (USS, else PSS, else RSS) and of
/// what the tree was seen to grow by with each process; the kernel's high-water mark where neither is known. The
/// larger, because a cap that is too low costs time and one that is too high the whole run.
pub(super) fn per_process(observation: &Observation, growth: &Growth) -> Bytes {
    let own = |process: &Process| process.peak_uss.or(process.peak_pss).unwrap_or(process.peak_rss);
    let highest = observation.processes.iter().map(own).max().max(growth.per_worker).unwrap_or_default();
    if highest > Bytes(0) { highest } else { observation.totals.peak_rss }
}

/// Until the last moment with the most processes: while they end, memory tells of what they leave behind. Each moment
/// counts with the memory at the end of its stretch with as many processes: they have what they need by then, and what
/// the first loaded before it had workers is not theirs.
fn per_worker(buckets: &[Bucket]) -> Option<Bytes> {
    let most = buckets.iter().map(|bucket| bucket.processes).max()?;
    let last = buckets.iter().rposition(|bucket| bucket.processes == most)?;
    let seen: Vec<&Bucket> = buckets[..=last].iter().filter(|bucket| told(bucket)).collect();
    let mut counts: Vec<u32> = seen.iter().map(|bucket| bucket.processes).collect();
    counts.sort_unstable();
    counts.dedup();
    if counts.len() < FEWEST_COUNTS {
        return None;
    }
    let stretches = seen.chunk_by(|one, other| one.processes == other.processes);
    let settled = stretches.flat_map(|stretch| {
        let memory = stretch.last().map_or(0, |last| last.memory.0) as f64;
        stretch.iter().map(move |bucket| (f64::from(bucket.processes), memory))
    });
    slope(thinned(settled.collect())).filter(|slope| *slope >= 1.0).map(|slope| Bytes(slope as u64))
}

/// At one number of processes, so that adding workers does not read as a leak.
fn per_second(steady: &[Bucket]) -> Option<f64> {
    let mut counts: Vec<u32> = steady.iter().filter(|bucket| told(bucket)).map(|bucket| bucket.processes).collect();
    counts.sort_unstable();
    let commonest = counts.chunk_by(|one, other| one == other).max_by_key(|same| same.len())?;
    if commonest.len() < FEWEST_STRETCHES {
        return None;
    }
    let ends = steady.iter().scan(0.0, |end, bucket| {
        *end += bucket.span.as_secs_f64();
        Some((*end, bucket))
    });
    let same = ends.filter(|(_, bucket)| told(bucket) && bucket.processes == commonest[0]);
    slope(thinned(same.map(|(end, bucket)| (end, bucket.memory.0 as f64)).collect()))
}

fn told(bucket: &Bucket) -> bool {
    bucket.processes > 0 && bucket.memory > Bytes(0)
}

/// A copy runs the program of the process that it was born from, which nobody does by chance with the same words.
fn of_copies(processes: &[Process]) -> Option<Bytes> {
    let is_copy = |process: &Process| {
        let parent = processes.iter().find(|parent| parent.pid == process.parent);
        parent.is_some_and(|parent| parent.executable == process.executable && parent.argv == process.argv)
    };
    let copies = processes.iter().filter(|process| process.executable.is_some() && is_copy(process));
    let mut grown: Vec<Bytes> = copies.filter_map(|copy| Some(copy.peak_uss? - copy.first_uss?)).collect();
    grown.sort_unstable();
    grown.get(grown.len() / 2).copied()
}

/// Evenly thinned out to [`MOST_POINTS`].
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    points.into_iter().step_by(step).collect()
}

/// The median of the slopes between any two points of different x (Theil 1950; Sen, "Estimates of the regression
/// coefficient based on Kendall's tau", JASA 63, 1968): up to 29 % of the points may be outliers.
fn slope(points: Vec<(f64, f64)>) -> Option<f64> {
    let mut slopes: Vec<f64> = Vec::new();
    for (i, (x, y)) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().filter(|(other, _)| other != x).map(|(ox, oy)| (oy - y) / (ox - x)));
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let (_, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median).filter(|slope| slope.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MIB: u64 = 1 << 20;

    /// One bucket of 10 ms for each (processes, MiB), `times` over.
    fn buckets(times: usize, course: &[(u32, u64)]) -> Vec<Bucket> {
        let bucket = |&(processes, mib): &(u32, u64)| Bucket {
            span: Duration::from_millis(10),
            memory: Bytes(mib * MIB),
            processes,
            ..Bucket::default()
        };
        course.iter().flat_map(|point| vec![bucket(point); times]).collect()
    }

    #[test]
    fn what_each_worker_adds_is_told_from_three_numbers_of_them_on() {
        let check = |course: &[(u32, u64)], mib: Option<u64>| {
            assert_eq!(per_worker(&buckets(5, course)), mib.map(|mib| Bytes(mib * MIB)), "{course:?}");
        };
        check(&[(1, 100), (2, 110), (3, 120), (5, 140)], Some(10));
        check(&[(1, 100), (5, 140)], None);
        check(&[(0, 0), (1, 100), (0, 0), (5, 140)], None);
        check(&[], None);
        // Its workers end and leave their results behind: that says nothing of a worker's cost.
        check(&[(1, 100), (2, 110), (3, 120), (2, 400), (1, 600)], Some(10));
        // They only share what the first had loaded by then.
        check(&[(1, 3), (1, 90), (1, 100), (2, 100), (3, 100)], None);
    }

    #[test]
    fn a_few_wild_moments_do_not_move_the_growth() {
        let mut course = buckets(20, &[(1, 100), (2, 110), (3, 120)]);
        course[3].memory = Bytes(9000 * MIB);
        course[44].memory = Bytes(1);
        assert_eq!(per_worker(&course), Some(Bytes(10 * MIB)));
    }

    #[test]
    fn growth_over_time_is_at_one_number_of_processes() {
        let growing: Vec<(u32, u64)> = (0..50).map(|n| (2, 100 + n)).collect();
        let mut course = buckets(1, &growing);
        course.splice(20..20, buckets(5, &[(7, 900)]));
        let slope = per_second(&course).expect("enough was seen") / MIB as f64;
        // 1 MiB in 10 ms, but for the 50 ms in which there were seven.
        assert!((85.0..=100.0).contains(&slope), "{slope}");
        assert_eq!(per_second(&buckets(50, &[(2, 100)])), Some(0.0));
        assert_eq!(per_second(&buckets(19, &[(2, 100)])), None);
        assert_eq!(per_second(&buckets(50, &[(0, 0)])), None);
    }

    #[test]
    fn copies_grow_as_they_write_to_what_they_shared() {
        let process = |pid, parent, program: &str, first: u64, peak: u64| Process {
            pid,
            parent,
            executable: Some(program.into()),
            first_uss: (first > 0).then_some(Bytes(first)),
            peak_uss: Some(Bytes(peak)),
            ..Process::default()
        };
        let root = process(1, 0, "/bin/python3", 90, 95);
        let others = [process(2, 1, "/bin/xz", 5, 500), process(3, 1, "/bin/python3", 0, 900)];
        assert_eq!(of_copies(&[&[root.clone()][..], &others].concat()), None);
        let copies = [10, 20, 60].map(|grown| process(4, 1, "/bin/python3", 5, 5 + grown));
        assert_eq!(of_copies(&[&[root][..], &others, &copies].concat()), Some(Bytes(20)));
    }

    #[test]
    fn what_one_more_worker_costs_is_the_larger_evidence() {
        let mut observation = Observation::default();
        observation.totals.peak_rss = Bytes(7);
        let with = |growth, observation: &Observation| {
            per_process(observation, &Growth { per_worker: growth, ..Growth::default() }).0
        };
        assert_eq!(with(None, &observation), 7);
        observation.processes = vec![Process { peak_rss: Bytes(50), peak_uss: Some(Bytes(20)), ..Process::default() }];
        assert_eq!(with(None, &observation), 20);
        assert_eq!(with(Some(Bytes(10)), &observation), 20);
        assert_eq!(with(Some(Bytes(30)), &observation), 30);
    }
}
