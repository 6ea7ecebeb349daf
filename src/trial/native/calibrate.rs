//! How much work one second of CPU holds, and how much longer than told a sleep lasts.
//!
//! Measured by the thread's own CPU clock, so that a busy machine slows calibration down but does not spoil it.
//! (`getrusage` and `schedstat` can be a scheduler tick late for a thread that is running; this clock is not.)

use super::demand::{Rates, burn};
use crate::trial::runner::wire::{Calibrated, Trouble};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Long enough that the clock's own cost and a stray interrupt are lost in it.
const PIECE: Duration = Duration::from_millis(10);
const PIECES: usize = 7;
/// What is checked after calibration, and by how much it may be off before calibration is tried again.
const CHECK_S: f64 = 0.01;
const TOLERANCE: f64 = 0.05;
const ATTEMPTS: usize = 3;
/// A trial's own check is shorter: it is there to see drift, and is paid for in every trial.
const SAMPLE_S: f64 = 0.002;
const SLEEPS: usize = 31;
const SLEEP: Duration = Duration::from_micros(500);
/// Not a whole number of milliseconds, so that rounding up is met at its average.
const LOOP_SLEEP: Duration = Duration::from_micros(2_500);

/// Rates to be handed back with each trial, and measured over asked.
pub fn calibrate() -> Result<Calibrated, Trouble> {
    let mut best = (0.0, f64::INFINITY);
    for _ in 0..ATTEMPTS {
        let rate = rate()?;
        let ratio = ratio(rate, CHECK_S, 5)?;
        if (ratio - 1.0).abs() < f64::abs(best.1 - 1.0) {
            best = (rate, ratio);
        }
        if (ratio - 1.0).abs() <= TOLERANCE {
            break;
        }
    }
    let (iterations_per_s, ratio) = best;
    let sleep_overhead_s = overhead(SLEEP, std::thread::sleep);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Trouble::from)?;
    let loop_overhead_s = overhead(LOOP_SLEEP, |time| runtime.block_on(async { tokio::time::sleep(time).await }));
    let rates = Rates { iterations_per_s, sleep_overhead_s, loop_overhead_s };
    let rates = serde_json::to_value(rates).map_err(|error| Trouble::from(std::io::Error::from(error)))?;
    Ok(Calibrated { held_ratio: ratio, released_ratio: ratio, sleep_overhead_s, rates })
}

/// On-CPU time measured over asked, now: whether the work still costs what it did at calibration.
pub fn sample_ratio(rates: &Rates) -> Result<f64, Trouble> {
    ratio(rates.iterations_per_s, SAMPLE_S, 3)
}

fn ratio(iterations_per_s: f64, asked_s: f64, times: usize) -> Result<f64, Trouble> {
    let iterations = (asked_s * iterations_per_s).round() as u64;
    Ok(median_cost(iterations, times)?.as_secs_f64() / asked_s)
}

/// Iterations per second of CPU.
fn rate() -> Result<f64, Trouble> {
    let mut iterations = 1024;
    while cost(iterations)? < PIECE {
        iterations *= 2;
    }
    Ok(iterations as f64 / median_cost(iterations, PIECES)?.as_secs_f64())
}

fn median_cost(iterations: u64, times: usize) -> Result<Duration, Trouble> {
    let mut costs = (0..times).map(|_| cost(iterations)).collect::<Result<Vec<_>, _>>()?;
    costs.sort();
    Ok(costs[costs.len() / 2])
}

fn cost(iterations: u64) -> Result<Duration, Trouble> {
    let before = thread_cpu()?;
    burn(iterations);
    Ok(thread_cpu()?.saturating_sub(before))
}

fn thread_cpu() -> Result<Duration, Trouble> {
    let time =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_err(|error| Trouble::from(std::io::Error::from(error)))?;
    Ok(Duration::from(time))
}

/// Median of what `sleep` takes beyond what it is told, in seconds.
fn overhead(told: Duration, sleep: impl Fn(Duration)) -> f64 {
    let mut extra: Vec<Duration> = (0..SLEEPS)
        .map(|_| {
            let before = Instant::now();
            sleep(told);
            before.elapsed().saturating_sub(told)
        })
        .collect();
    extra.sort();
    extra[SLEEPS / 2].as_secs_f64()
}
