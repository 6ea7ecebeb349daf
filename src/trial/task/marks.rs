//! An observed harness, cut down to the work between two marks that it set itself: interpreter, imports and comparing
//! are not the user's tasks. Pure.

use crate::observe::{Gil, GilSamples, Observation};
use std::time::Duration;

/// Where in its life the harness was, by the kernel's own counts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mark {
    /// On the monotonic clock, in seconds.
    pub at_s: f64,
    /// Its main thread's time on a core.
    pub on_cpu_ns: u64,
    /// Its main thread's time in the run queue.
    pub runnable_ns: u64,
    /// CPU time in user mode of the process and its ended children.
    pub user_s: f64,
    /// CPU time in the kernel of the same.
    pub system_s: f64,
    /// CPU time of the process alone.
    pub own_s: f64,
    /// Times the process gave up its core.
    pub switches: u64,
}

/// The observation as if the run had begun at one mark and ended at the other. `exiting` is the same clock at the very
/// end of the run. Samples by kind of blocking stay: at start-up, hardly any are blocked.
pub fn between(observation: &Observation, begun: &Mark, ended: &Mark, exiting: f64) -> Observation {
    let mut work = observation.clone();
    let from_end = |at: f64| observation.wall.saturating_sub(seconds(exiting - at));
    let (begin, end) = (from_end(begun.at_s), from_end(ended.at_s));
    let part = if observation.wall.is_zero() { 1.0 } else { (end - begin).div_duration_f64(observation.wall) };
    work.wall = end.saturating_sub(begin);
    work.totals.user = seconds(ended.user_s - begun.user_s);
    work.totals.system = seconds(ended.system_s - begun.system_s);
    work.totals.voluntary_switches = ended.switches.saturating_sub(begun.switches);
    work.sampling.ticks = (work.sampling.ticks as f64 * part).round() as u64;
    work.elsewhere_cpu = work.elsewhere_cpu.map(|time| time.mul_f64(part));
    let root = work.workers.first().map(|worker| worker.pid);
    for worker in &mut work.workers {
        worker.born = worker.born.clamp(begin, end) - begin;
        worker.died = worker.died.clamp(begin, end) - begin;
        if Some(worker.pid) == root && worker.tid == worker.pid {
            worker.on_cpu = Duration::from_nanos(ended.on_cpu_ns.saturating_sub(begun.on_cpu_ns));
            worker.runnable = Duration::from_nanos(ended.runnable_ns.saturating_sub(begun.runnable_ns));
            worker.voluntary_switches = Some(work.totals.voluntary_switches);
        }
    }
    // Whoever lived only outside the work was not of it.
    work.workers.retain(|worker| worker.died > worker.born || Some(worker.pid) == root && worker.tid == worker.pid);
    // All computing outside the work: comparing results holds the lock as importing does.
    let outside = observation.totals.cpu().saturating_sub(seconds(ended.own_s - begun.own_s));
    for process in work.processes.iter_mut().filter(|process| Some(process.pid) == root) {
        if let Gil::Sampled(samples) = &mut process.gil {
            *samples = without_startup(*samples, outside, 1.0 - part);
        }
    }
    let (mut at, mut kept) = (Duration::ZERO, Vec::new());
    for bucket in work.timeline.buckets.drain(..) {
        let middle = at + bucket.span / 2;
        at += bucket.span;
        if (begin..end).contains(&middle) {
            kept.push(bucket);
        }
    }
    work.timeline.buckets = kept;
    work
}

/// Importing computes, and holds the lock throughout.
fn without_startup(samples: GilSamples, cpu: Duration, part: f64) -> GilSamples {
    let moments = (f64::from(samples.samples) * part) as u32;
    let held = samples.held.saturating_sub(moments);
    let left = samples.samples.saturating_sub(moments);
    GilSamples {
        samples: left,
        held: held.min(left),
        computing: samples.computing.saturating_sub(moments).min(left),
        holding: samples.holding.saturating_sub(cpu),
        on_cpu: samples.on_cpu.saturating_sub(cpu),
        ..samples
    }
}

fn seconds(time: f64) -> Duration {
    Duration::try_from_secs_f64(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::timeline::Bucket;
    use crate::observe::{Totals, Worker};

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn only_what_lies_between_the_marks_is_the_work() {
        let worker = |pid, born, died| Worker {
            pid,
            tid: pid,
            born: ms(born),
            died: ms(died),
            on_cpu: ms(900),
            ..Worker::default()
        };
        let mut whole = Observation {
            wall: ms(2000),
            totals: Totals { user: ms(1900), voluntary_switches: 90, ..Totals::default() },
            workers: vec![worker(1, 0, 2000), worker(2, 0, 100), worker(3, 600, 1900)],
            ..Observation::default()
        };
        whole.timeline.buckets = vec![Bucket { span: ms(500), ..Bucket::default() }; 4];
        whole.sampling.ticks = 200;
        // The clock's zero lies far before the run.
        let begun = Mark { at_s: 100.5, on_cpu_ns: 400_000_000, user_s: 0.4, switches: 60, ..Mark::default() };
        let ended = Mark { at_s: 101.5, on_cpu_ns: 700_000_000, user_s: 0.7, switches: 80, ..Mark::default() };
        let work = between(&whole, &begun, &ended, 102.0);
        assert_eq!((work.wall, work.sampling.ticks, work.timeline.buckets.len()), (ms(1000), 100, 2));
        assert_eq!((work.totals.cpu().as_millis(), work.totals.voluntary_switches), (300, 20));
        let lives: Vec<_> = work.workers.iter().map(|worker| (worker.pid, worker.born, worker.died)).collect();
        assert_eq!(lives, [(1, ms(0), ms(1000)), (3, ms(100), ms(1000))]);
        assert_eq!(work.workers[0].on_cpu, ms(300));
    }

    #[test]
    fn marks_that_cannot_be_make_no_time_of_nothing() {
        let odd = Mark { at_s: f64::NAN, user_s: -1.0, ..Mark::default() };
        let work = between(&Observation { wall: ms(5), ..Observation::default() }, &odd, &odd, 0.0);
        assert_eq!((work.wall, work.totals.cpu()), (ms(0), ms(0)));
    }

    #[test]
    fn importing_held_the_lock_and_the_work_may_not_have() {
        let samples =
            GilSamples { samples: 100, held: 52, computing: 100, holding: ms(520), on_cpu: ms(1000), handovers: 3 };
        let work = without_startup(samples, ms(500), 0.5);
        assert_eq!((work.samples, work.held, work.holding, work.on_cpu), (50, 2, ms(20), ms(500)));
    }
}
