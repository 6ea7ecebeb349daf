//! One setting that was run, its repeats merged, and how sure its time is. Pure.

use crate::trial::model::Setting;
use crate::trial::{Measurement, Outcome};
use std::time::Duration;

/// Relative error of a setting that ran once.
const NOISE_UNKNOWN: f64 = 0.10;
/// No clock and no machine is better than this.
const NOISE_LEAST: f64 = 0.01;

/// One setting that was run, its repeats merged.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub setting: Setting,
    pub outcome: Outcome,
    starts: Vec<Duration>,
}

impl Run {
    /// A setting's first run.
    pub fn new(setting: Setting, outcome: Outcome) -> Self {
        let starts = if let Outcome::Ok(measurement) = &outcome { vec![measurement.start] } else { Vec::new() };
        Self { setting, outcome, starts }
    }

    /// What it measured, when it ran; without a single repeat it measured nothing.
    pub fn measurement(&self) -> Option<&Measurement> {
        match &self.outcome {
            Outcome::Ok(measurement) => Some(measurement).filter(|measurement| measurement.repeats() > 0),
            _ => None,
        }
    }

    /// Repeats so far.
    pub fn repeats(&self) -> usize {
        self.measurement().map_or(0, Measurement::repeats)
    }

    /// Relative standard error of its time: the range over the square root of the number of repeats, which is 1.4
    /// (three repeats) to 2 times (six) that of a median of normal errors, and so errs to the careful side.
    pub fn noise(&self) -> f64 {
        let Some(walls) = self.measurement().map(Measurement::steady).filter(|walls| walls.len() > 1) else {
            return NOISE_UNKNOWN;
        };
        let seconds = || walls.iter().map(Duration::as_secs_f64);
        let (low, high) = (seconds().fold(f64::INFINITY, f64::min), seconds().fold(0.0, f64::max));
        let middle = (low + high) / 2.0;
        if middle <= 0.0 {
            return NOISE_UNKNOWN;
        }
        ((high - low) / middle / (walls.len() as f64).sqrt()).max(NOISE_LEAST)
    }

    /// Takes in another run of the same setting.
    pub fn absorb(&mut self, outcome: Outcome) {
        match (&mut self.outcome, outcome) {
            (Outcome::Ok(old), Outcome::Ok(new)) if old.tasks == new.tasks => {
                self.starts.push(new.start);
                self.starts.sort();
                old.start = self.starts[self.starts.len() / 2];
                old.absorb(new);
            }
            // A later failure of a setting that ran is worth knowing more than its time.
            (mine, new) => *mine = new,
        }
    }
}
