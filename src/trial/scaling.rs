//! The laws of scaling: curves fitted to what was measured, and bounds that need no measurement. Pure.
//!
//! A trial measures; this predicts between and beyond what was measured, and says which of the two it was. The plan
//! prunes by the bounds here; `predict` and the report read the curves. Rates are tasks a second; counts of workers
//! are `f64` because a curve has no steps.

use crate::units::Share;
use std::time::Duration;

/// The Universal Scalability Law, X(N) = λN / (1 + σ(N−1) + κN(N−1)).
///
/// Source: N. J. Gunther, *Guerrilla Capacity Planning* (Springer, 2007), ch. 4–6. σ is what is done one at a time
/// (contention), κ what every pair of workers costs (coherency); κ = 0 is Amdahl's law, σ = κ = 0 is linear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// λ: rate of one worker, tasks a second.
    pub lambda: f64,
    /// σ: from 0 to 1.
    pub sigma: f64,
    /// κ: 0 or more.
    pub kappa: f64,
    /// Root mean square of the relative errors at the points it was fitted to.
    pub error: f64,
    /// The most workers it was fitted to.
    pub measured_to: f64,
}

/// A rate read off a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Tasks a second.
    pub rate: f64,
    /// Whether it lies beyond what was measured, and so must be labelled.
    pub extrapolated: bool,
}

impl Usl {
    /// Fits (workers, rate) points by least squares of the relative error, under λ > 0, 0 ≤ σ ≤ 1, κ ≥ 0. With a
    /// point at one worker λ is its rate, else λ is fitted too. `None` with fewer than two worker counts: one point
    /// has no shape. Points that are not positive and finite are left out.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let points: Vec<_> = points.iter().copied().filter(|(n, x)| usable(*n) && *n >= 1.0 && usable(*x)).collect();
        let mut counts: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
        counts.sort_by(f64::total_cmp);
        counts.dedup();
        let measured_to = *counts.last().filter(|_| counts.len() >= 2)?;
        let singles: Vec<f64> = points.iter().filter(|(n, _)| *n == 1.0).map(|(_, x)| *x).collect();
        let lambda = (!singles.is_empty()).then(|| singles.iter().sum::<f64>() / singles.len() as f64);

        // N/X(N) = a + b(N−1) + cN(N−1) with a = 1/λ, b = σ/λ, c = κ/λ: linear in a, b and c. The best point of the
        // allowed region is the best point of one of its faces, and there are six.
        let faces = [Face::new(false, false), Face::new(true, false), Face::new(false, true), Face::new(true, true)]
            .into_iter()
            .chain([Face { sigma_is_one: true, ..Face::new(false, false) }])
            .chain([Face { sigma_is_one: true, ..Face::new(false, true) }]);
        // From three counts on, one is left over to show how well the law fits.
        let free = counts.len() - usize::from(lambda.is_some()) - usize::from(counts.len() > 2);
        faces
            .filter(|face| face.unknowns(lambda.is_some()) <= free)
            .filter_map(|face| face.solve(&points, lambda))
            .map(|(lambda, sigma, kappa)| {
                let curve = Self { lambda, sigma, kappa, error: 0.0, measured_to };
                Self { error: curve.misfit(&points), ..curve }
            })
            .filter(|curve| curve.error.is_finite())
            .min_by(|a, b| a.error.total_cmp(&b.error))
    }

    /// The rate at `workers`, and whether that is beyond what was measured.
    pub fn predict(&self, workers: f64) -> Prediction {
        let n = if workers.is_finite() { workers.max(1.0) } else { 1.0 };
        let rate = self.lambda * n / (1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0));
        Prediction { rate, extrapolated: n > self.measured_to }
    }

    /// N* = √((1−σ)/κ), where more workers begin to cost; `None` when the curve never falls.
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt().max(1.0))
    }

    fn misfit(&self, points: &[(f64, f64)]) -> f64 {
        let squares = points.iter().map(|(n, x)| (self.predict(*n).rate / x - 1.0).powi(2));
        (squares.sum::<f64>() / points.len() as f64).sqrt()
    }
}

/// A face of the allowed region: which of σ and κ are free, the others being 0 (or σ being 1).
struct Face {
    sigma: bool,
    kappa: bool,
    sigma_is_one: bool,
}

impl Face {
    const fn new(sigma: bool, kappa: bool) -> Self {
        Self { sigma, kappa, sigma_is_one: false }
    }

    fn unknowns(&self, lambda_known: bool) -> usize {
        usize::from(!lambda_known) + usize::from(self.sigma) + usize::from(self.kappa)
    }

    /// (λ, σ, κ) of least squares on this face; `None` when they lie outside the region.
    fn solve(&self, points: &[(f64, f64)], lambda: Option<f64>) -> Option<(f64, f64, f64)> {
        // One row per point, divided by N/X so that errors are relative and every point weighs the same.
        let rows = points.iter().map(|&(n, x)| {
            let (scale, u) = (x / n, n - 1.0);
            let first = if self.sigma_is_one { 1.0 + u } else { 1.0 };
            [first * scale, if self.sigma { u * scale } else { 0.0 }, if self.kappa { n * u * scale } else { 0.0 }]
        });
        let known = lambda.map(|lambda| 1.0 / lambda);
        let used = [known.is_none(), self.sigma, self.kappa];
        let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
        for row in rows {
            let target = 1.0 - known.map_or(0.0, |a| a * row[0]);
            for i in (0..3).filter(|i| used[*i]) {
                right[i] += row[i] * target;
                for j in (0..3).filter(|j| used[*j]) {
                    matrix[i][j] += row[i] * row[j];
                }
            }
        }
        for i in (0..3).filter(|i| !used[*i]) {
            matrix[i][i] = 1.0;
        }
        let [a, b, c] = solve3(matrix, right)?;
        let a = known.unwrap_or(a);
        let (sigma, kappa) = if self.sigma_is_one { (1.0, c / a) } else { (b / a, c / a) };
        // A hair outside is rounding.
        let inside = usable(a) && (-1e-9..=1.0 + 1e-9).contains(&sigma) && kappa >= -1e-9 && kappa.is_finite();
        inside.then(|| (1.0 / a, sigma.clamp(0.0, 1.0), kappa.max(0.0)))
    }
}

/// Gaussian elimination with pivoting; `None` when the rows do not determine the unknowns.
fn solve3(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    // Columns differ by powers of N, so each is scaled to 1 on the diagonal before it is judged for size.
    let scale: [f64; 3] = std::array::from_fn(|i| matrix[i][i].sqrt());
    if scale.iter().any(|scale| !usable(*scale)) {
        return None;
    }
    for i in 0..3 {
        right[i] /= scale[i];
        for j in 0..3 {
            matrix[i][j] /= scale[i] * scale[j];
        }
    }
    for i in 0..3 {
        let pivot = (i..3).max_by(|a, b| matrix[*a][i].abs().total_cmp(&matrix[*b][i].abs()))?;
        matrix.swap(i, pivot);
        right.swap(i, pivot);
        if matrix[i][i].abs() < 1e-12 {
            return None;
        }
        for j in i + 1..3 {
            let factor = matrix[j][i] / matrix[i][i];
            let upper = matrix[i];
            for (cell, above) in matrix[j].iter_mut().zip(upper).skip(i) {
                *cell -= factor * above;
            }
            right[j] -= factor * right[i];
        }
    }
    let mut solution = [0.0; 3];
    for i in (0..3).rev() {
        let rest: f64 = (i + 1..3).map(|j| matrix[i][j] * solution[j]).sum();
        solution[i] = (right[i] - rest) / matrix[i][i];
    }
    Some(std::array::from_fn(|i| solution[i] / scale[i]))
}

fn usable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// The most tasks a second that `workers` can complete: X(N) ≤ min(1/D_max, N/D), with D a task's time on a worker of
/// its own and D_max its time at the most demanded service centre (the GIL, the cores, one event loop). Infinite when
/// nothing is demanded.
///
/// Source: P. J. Denning and J. P. Buzen, *The Operational Analysis of Queueing Network Models*, ACM Computing Surveys
/// 10(3), 1978, on asymptotic bounds of closed networks.
pub fn rate_bound(workers: f64, total: Duration, largest: Duration) -> f64 {
    (1.0 / largest.as_secs_f64()).min(workers / total.as_secs_f64())
}

/// The worker count at which that bound stops growing: N = D / D_max. Infinite when no centre is demanded.
///
/// Source: as [`rate_bound`].
pub fn saturation(total: Duration, largest: Duration) -> f64 {
    if largest.is_zero() { f64::INFINITY } else { (total.as_secs_f64() / largest.as_secs_f64()).max(1.0) }
}

/// Workers that keep `cores` busy at `utilisation`: N = cores · utilisation · (1 + wait/compute); under a GIL
/// `compute` is the time holding it and `cores` is 1. `None` when nothing is computed: no number of workers is enough.
///
/// Source: B. Goetz et al., *Java Concurrency in Practice* (Addison-Wesley, 2006), § 8.2.
pub fn pool_size(cores: f64, utilisation: Share, wait: Duration, compute: Duration) -> Option<f64> {
    let ratio = (!compute.is_zero()).then(|| wait.as_secs_f64() / compute.as_secs_f64())?;
    Some((cores * utilisation.get() * (1.0 + ratio)).max(1.0))
}

/// Speed-up of `workers` when only the `parallel` part of the time can be shared: 1 / ((1−p) + p/N).
///
/// Source: G. M. Amdahl, *Validity of the single processor approach*, AFIPS Spring Joint Computer Conference, 1967.
pub fn amdahl(parallel: Share, workers: f64) -> f64 {
    1.0 / (1.0 - parallel.get() + parallel.get() / workers.max(1.0))
}

/// Tasks in flight at a rate of tasks a second when each takes `time`: L = λW.
///
/// Source: J. D. C. Little, *A Proof for the Queuing Formula L = λW*, Operations Research 9(3), 1961.
pub fn in_flight(rate: f64, time: Duration) -> f64 {
    rate * time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(lambda: f64, sigma: f64, kappa: f64, counts: &[f64]) -> Vec<(f64, f64)> {
        let truth = Usl { lambda, sigma, kappa, error: 0.0, measured_to: 1.0 };
        counts.iter().map(|n| (*n, truth.predict(*n).rate)).collect()
    }

    proptest! {
        #[test]
        fn a_fit_recovers_the_curve_it_came_from(
            lambda in 0.01f64..1e5, sigma in 0.0f64..1.0, kappa in 0.0f64..0.1, one in any::<bool>(),
        ) {
            let counts = [1.0, 2.0, 3.0, 4.0, 8.0, 16.0];
            let points = curve(lambda, sigma, kappa, &counts[usize::from(!one)..]);
            let fit = Usl::fit(&points).expect("enough points");
            prop_assert!((fit.lambda / lambda - 1.0).abs() < 1e-3, "{fit:?}");
            prop_assert!((fit.sigma - sigma).abs() < 1e-3, "{fit:?}");
            prop_assert!((fit.kappa - kappa).abs() < 1e-3, "{fit:?}");
            prop_assert!(fit.error < 1e-4, "{fit:?}");
        }

        #[test]
        fn a_fit_of_anything_is_a_lawful_curve_or_none(
            points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..6),
            tame in prop::collection::vec((1f64..100.0, 0.001f64..1e6), 0..6),
        ) {
            for points in [&points, &tame] {
                if let Some(fit) = Usl::fit(points) {
                    prop_assert!(fit.lambda > 0.0 && fit.error.is_finite());
                    prop_assert!((0.0..=1.0).contains(&fit.sigma) && fit.kappa >= 0.0);
                    prop_assert!(fit.predict(7.0).rate.is_finite());
                    prop_assert!(fit.peak().is_none_or(|peak| peak >= 1.0));
                }
            }
        }

        #[test]
        fn five_per_cent_of_noise_moves_the_prediction_between_points_by_less_than_fifteen(
            sigma in 0.0f64..0.5, noise in prop::collection::vec(-0.05f64..0.05, 5),
        ) {
            let mut points = curve(100.0, sigma, 0.001, &[1.0, 2.0, 4.0, 8.0, 16.0]);
            let truth = curve(100.0, sigma, 0.001, &[6.0])[0].1;
            for (point, noise) in points.iter_mut().zip(noise) {
                point.1 *= 1.0 + noise;
            }
            let got = Usl::fit(&points).expect("enough points").predict(6.0);
            prop_assert!(!got.extrapolated);
            prop_assert!((got.rate / truth - 1.0).abs() < 0.15, "{got:?} for {truth}");
        }
    }

    #[test]
    fn one_point_has_no_shape_and_two_have_one() {
        assert_eq!(Usl::fit(&[]), None);
        assert_eq!(Usl::fit(&[(8.0, 100.0), (8.0, 101.0)]), None);
        let two = Usl::fit(&[(1.0, 10.0), (2.0, 10.0)]).expect("two points");
        assert!((two.sigma - 1.0).abs() < 1e-6 && two.error < 1e-6, "{two:?}");
        let rising = Usl::fit(&[(2.0, 10.0), (4.0, 20.0)]).expect("two points");
        assert_eq!((rising.lambda, rising.peak()), (5.0, None));
    }

    #[test]
    fn beyond_the_last_point_is_an_extrapolation() {
        let fit = Usl::fit(&curve(1.0, 0.1, 0.0, &[1.0, 2.0, 4.0])).expect("three points");
        assert!(!fit.predict(4.0).extrapolated);
        assert!(fit.predict(4.1).extrapolated);
    }

    #[test]
    fn the_laws_agree_with_their_textbook_cases() {
        let ms = Duration::from_millis;
        // Ten workers of 10 ms tasks that each hold one centre for 2 ms: the centre allows 500 a second.
        assert!((rate_bound(10.0, ms(10), ms(2)) - 500.0).abs() < 1e-6);
        assert!((rate_bound(2.0, ms(10), ms(2)) - 200.0).abs() < 1e-6);
        assert_eq!(rate_bound(1.0, ms(0), ms(0)), f64::INFINITY);
        assert!((saturation(ms(10), ms(2)) - 5.0).abs() < 1e-9);
        assert_eq!(saturation(ms(10), ms(0)), f64::INFINITY);
        assert_eq!(pool_size(4.0, Share::ONE, ms(90), ms(10)), Some(40.0));
        assert_eq!(pool_size(4.0, Share::ONE, ms(90), ms(0)), None);
        assert!((amdahl(Share::new(0.5).unwrap_or_default(), 1e9) - 2.0).abs() < 1e-6);
        assert!((in_flight(100.0, ms(50)) - 5.0).abs() < 1e-9);
    }
}
