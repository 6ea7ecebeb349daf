//! A stand-in for the sampler, which is written elsewhere: it samples nothing.

use super::histogram::Histogram;
use super::timeline::Timeline;
use super::{Folded, Process, Worker};
use crate::notice::Notice;
use crate::units::Bytes;
use std::time::{Duration, Instant};

pub struct Sampler {
    ticks: u64,
}

#[derive(Default)]
pub struct Sampled {
    pub workers: Vec<Worker>,
    pub folded: Folded,
    pub processes: Vec<Process>,
    pub timeline: Timeline,
    pub peak_memory: Bytes,
    pub core_ticks: Vec<u64>,
    pub elsewhere_cpu: Option<Duration>,
    pub ticks: u64,
    pub interval: (Duration, Duration),
    pub lateness: Histogram,
    pub notices: Vec<Notice>,
    pub alive: usize,
}

impl Sampler {
    pub fn new(_root: i32) -> Sampler {
        Sampler { ticks: 0 }
    }
    pub fn start(&mut self, _now: Instant) {}
    pub fn tick(&mut self, now: Instant) -> Instant {
        self.ticks += 1;
        now + Duration::from_millis(20)
    }
    pub fn dying(&mut self, _pid: i32, _now: Instant) {}
    pub fn finish(self, _now: Instant) -> Sampled {
        Sampled { ticks: self.ticks, ..Sampled::default() }
    }
}
