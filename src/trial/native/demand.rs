//! One synthetic native task: what it computes, waits for, takes and returns.
//!
//! The same rules as the Python package's `demand.py`: computing is a count of iterations, so that contention shows; a
//! task waits first and computes then; memory is held by workers, not taken anew by each task.

use crate::trial::runner::wire::Demand;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Duration;

/// What calibration found.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Rates {
    /// Iterations of [`burn`] in a second of CPU.
    pub iterations_per_s: f64,
    /// How much longer than told a thread's sleep lasts.
    pub sleep_overhead_s: f64,
    /// How much longer than told an event loop's sleep lasts: tokio rounds its timers up to whole milliseconds.
    pub loop_overhead_s: f64,
}

/// One task's demand, in counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Iterations of [`burn`].
    pub iterations: u64,
    /// A wait that an event loop can overlap.
    pub wait: Wait,
    /// A wait for a file.
    pub disk: Wait,
    /// Bytes of the argument.
    pub argument: usize,
    /// Bytes of the result.
    pub result: usize,
}

/// Each `every`th task sleeps for `time`, so that even waits below a timer's precision add up to what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// How long to sleep.
    pub time: Duration,
    /// 0: no task sleeps.
    pub every: u64,
}

/// What a task gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which task.
    pub index: u64,
    /// Proof that it computed.
    pub checksum: u64,
    /// Its result.
    pub result: Vec<u8>,
}

impl Wait {
    const NONE: Self = Self { time: Duration::ZERO, every: 0 };

    /// A wait of `asked` seconds by sleeps that each last `overhead` longer than they are told to.
    fn of(asked: f64, overhead: f64) -> Self {
        if asked <= 0.0 {
            return Self::NONE;
        }
        let every = (2.0 * overhead / asked).ceil().max(1.0);
        let time = Duration::try_from_secs_f64(asked * every - overhead).unwrap_or_default();
        Self { time, every: every as u64 }
    }

    /// How long task `index` sleeps, if it does.
    pub fn due(self, index: u64) -> Option<Duration> {
        (self.every > 0 && index.is_multiple_of(self.every)).then_some(self.time)
    }
}

impl Work {
    /// From seconds, for a model whose overlapping waits are `on_loop` or block a thread.
    pub fn of(demand: &Demand, rates: &Rates, on_loop: bool) -> Self {
        let overhead = if on_loop { rates.loop_overhead_s } else { rates.sleep_overhead_s };
        let cpu = demand.cpu_held_s + demand.cpu_released_s;
        Self {
            iterations: (cpu * rates.iterations_per_s).round() as u64,
            wait: Wait::of(demand.wait_s, overhead),
            disk: Wait::of(demand.disk_s, rates.sleep_overhead_s),
            argument: demand.argument_bytes as usize,
            result: demand.result_bytes as usize,
        }
    }

    /// The same payload and nothing to do: what is left is the cost of handing it over.
    pub const fn empty(self) -> Self {
        Self { iterations: 0, wait: Wait::NONE, disk: Wait::NONE, ..self }
    }

    /// All but the waits.
    pub fn compute(self, index: u64) -> Answer {
        Answer { index, checksum: burn(self.iterations), result: vec![0; self.result] }
    }

    /// The whole task, blocking.
    pub fn run(self, index: u64) -> Answer {
        for wait in [self.wait, self.disk] {
            if let Some(time) = wait.due(index) {
                std::thread::sleep(time);
            }
        }
        self.compute(index)
    }
}

/// Integer work in one chain of dependent steps, which the compiler can neither drop nor run side by side.
pub fn burn(iterations: u64) -> u64 {
    let mut value = black_box(0x9E37_79B9_7F4A_7C15_u64);
    for step in 0..iterations {
        value = (value ^ step).wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(27);
    }
    black_box(value)
}

/// The memory of `workers`, each page of it touched.
pub fn hold(memory: u64, workers: usize) -> Vec<Vec<u8>> {
    (0..workers).map(|_| black_box(vec![1; memory as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_below_the_timers_precision_is_added_up_over_tasks() {
        for (asked_us, overhead_us) in [(10, 60), (60, 60), (119, 60), (120, 60), (5_000, 60), (300, 1_000)] {
            let (asked, overhead) = (f64::from(asked_us) * 1e-6, f64::from(overhead_us) * 1e-6);
            let wait = Wait::of(asked, overhead);
            let tasks = 10_000 * wait.every;
            let sleeps = (0..tasks).filter_map(|index| wait.due(index)).count() as f64;
            let slept = sleeps * (wait.time.as_secs_f64() + overhead);
            assert!((slept / (asked * tasks as f64) - 1.0).abs() < 0.01, "{asked_us} µs with {overhead_us} µs");
        }
        assert_eq!(Wait::of(0.0, 1e-4).due(0), None);
    }

    #[test]
    fn the_same_work_gives_the_same_checksum_and_other_work_another() {
        assert_eq!(burn(1000), burn(1000));
        assert_ne!(burn(1000), burn(1001));
    }
}
