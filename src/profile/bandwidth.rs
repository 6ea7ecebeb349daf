//! A hint, from the processor's counters, that computing waits for memory. Pure.
//!
//! It is only a hint: one chain of dependent misses stalls a core as well as a bus that is full does, and both read the
//! same here; that all cores are busy with it is for `classify` to ask. Written from the published thresholds and tested
//! with made-up counters: the machines that it was written on have none.

use crate::observe::Counter;
use std::time::Duration;

/// Clock rates that a core is believed to have, in cycles per second of its CPU time; counters that make up another are
/// not believed: a virtual machine may count a part of them only.
const CLOCK_RATES: std::ops::Range<f64> = 1e8..1e10;

/// How much the processor got done, and what it missed its caches for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryStalls {
    /// Instructions per cycle.
    pub ipc: f64,
    /// Misses of the last level of cache per thousand instructions.
    pub misses_per_thousand: f64,
}

impl MemoryStalls {
    /// Out of the counters of the whole tree and the CPU time over which they counted; `None` unless all three are
    /// there and can be believed.
    pub fn of(counters: &[Counter], cpu: Duration) -> Option<Self> {
        let count = |name| Some(counters.iter().find(|counter| counter.name == name)?.value as f64);
        let (cycles, instructions) = (count("cycles")?, count("instructions")?);
        let misses = count("cache-misses")?;
        // In user mode alone, as ordinary users count, there are fewer cycles than the CPU time had, never more.
        let believed = CLOCK_RATES.contains(&(cycles / cpu.as_secs_f64())) && instructions > 0.0;
        let stalls = Self { ipc: instructions / cycles, misses_per_thousand: misses / instructions * 1e3 };
        believed.then_some(stalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counters: &[(&'static str, u64)], cpu_s: u64, expect: Option<(f64, f64)>) {
        let counters: Vec<Counter> = counters.iter().map(|&(name, value)| Counter { name, value }).collect();
        let stalls = MemoryStalls::of(&counters, Duration::from_secs(cpu_s));
        assert_eq!(stalls.map(|stalls| (stalls.ipc, stalls.misses_per_thousand)), expect, "{counters:?}");
    }

    #[test]
    fn all_three_counters_are_needed_and_must_be_possible() {
        let (cycles, instructions, misses) =
            (("cycles", 6_000_000_000), ("instructions", 3_000_000_000), ("cache-misses", 60_000_000));
        check(&[cycles, instructions, misses, ("task-clock", 7)], 2, Some((0.5, 20.0)));
        check(&[cycles, instructions], 2, None);
        check(&[cycles, misses], 2, None);
        check(&[instructions, misses], 2, None);
        check(&[], 2, None);
        check(&[cycles, instructions, misses], 0, None);
        check(&[cycles, instructions, misses], 6000, None);
        check(&[("cycles", 0), instructions, misses], 2, None);
        check(&[cycles, ("instructions", 0), misses], 2, None);
    }
}
