//! Counters that the kernel and the processor keep of the whole tree. Every one is optional: what a machine or these
//! rights do not give is said in a notice, and never reads as zero.

use super::Counter;
use crate::notice::Notice;
use nix::libc;
use perf_event::Builder;
use perf_event::events::{Hardware, Software};
use std::io;

/// Who counts an event, which decides what stands in its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The kernel, wherever it happens.
    Kernel,
    /// The kernel, within itself: opens without that right, and then silently stays 0.
    KernelInside,
    /// The processor.
    Processor,
}

/// What is counted, under perf's names.
fn events() -> [(&'static str, By, Builder<'static>); 7] {
    [
        ("task-clock", By::Kernel, Builder::new(Software::TASK_CLOCK)),
        ("page-faults", By::Kernel, Builder::new(Software::PAGE_FAULTS)),
        ("context-switches", By::KernelInside, Builder::new(Software::CONTEXT_SWITCHES)),
        ("cpu-migrations", By::KernelInside, Builder::new(Software::CPU_MIGRATIONS)),
        ("cycles", By::Processor, Builder::new(Hardware::CPU_CYCLES)),
        ("instructions", By::Processor, Builder::new(Hardware::INSTRUCTIONS)),
        ("cache-misses", By::Processor, Builder::new(Hardware::CACHE_MISSES)),
    ]
}

/// Counters attached to a held process, which begin with its program and follow all of its tree.
#[derive(Default)]
pub(super) struct Counters {
    open: Vec<(&'static str, By, perf_event::Counter)>,
    /// Those that are not there, and what the kernel said.
    missing: Vec<(By, String)>,
}

impl Counters {
    /// Opens what can be opened.
    pub(super) fn attach(pid: i32) -> Self {
        let mut counters = Self::default();
        for (name, by, mut builder) in events() {
            builder.observe_pid(pid).any_cpu().inherit(true).enable_on_exec(true);
            match build(&mut builder, by) {
                Ok(counter) => counters.open.push((name, by, counter)),
                Err(error) => counters.missing.push((by, reason(&error))),
            }
        }
        counters
    }

    /// What was counted, and what could not be.
    pub(super) fn read(mut self) -> (Vec<Counter>, Vec<Notice>) {
        let mut counted = Vec::new();
        for (name, by, mut counter) in self.open {
            match counter.read_count_and_time() {
                Ok(read) => match whole(read.count, read.time_enabled, read.time_running) {
                    Some(value) => counted.push(Counter { name, value }),
                    None => self.missing.push((by, "other counters held the processor's all the time".to_owned())),
                },
                Err(error) => self.missing.push((by, error.to_string())),
            }
        }
        let first = |by| self.missing.iter().find(|(sort, _)| *sort == by);
        let notices = [By::Kernel, By::KernelInside, By::Processor].into_iter().filter_map(first).map(notice);
        (counted, notices.collect())
    }
}

/// The kernel's word for an event that this machine does not have is that of a file that is not there.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::EOPNOTSUPP) => "this machine has none".to_owned(),
        Some(libc::EACCES | libc::EPERM) => "this user may not (/proc/sys/kernel/perf_event_paranoid)".to_owned(),
        _ => error.to_string(),
    }
}

/// With the kernel's own part where these rights allow it, else without.
fn build(builder: &mut Builder<'_>, by: By) -> io::Result<perf_event::Counter> {
    let refused = match builder.exclude_kernel(false).exclude_hv(false).build() {
        Err(error) if by != By::KernelInside && error.kind() == io::ErrorKind::PermissionDenied => error,
        other => return other,
    };
    builder.exclude_kernel(true).exclude_hv(true).build().map_err(|_| refused)
}

/// The count had the event been on the processor all the time that it was wanted; `None` when it never was
/// (perf_event_open(2), `time_enabled` and `time_running`).
fn whole(count: u64, enabled: u64, running: u64) -> Option<u64> {
    if running == 0 {
        return None;
    }
    u64::try_from(u128::from(count) * u128::from(enabled) / u128::from(running)).ok()
}

fn notice((by, why): &(By, String)) -> Notice {
    let (what, remedy) = match by {
        By::Kernel => (
            "the kernel's counters (task clock, page faults)",
            "CPU time and faults come from rusage instead; perf_event_paranoid 2 or less would add them",
        ),
        By::KernelInside => (
            "the counters of context switches and migrations",
            "switches come from rusage instead; perf_event_paranoid 1 or less would add migrations",
        ),
        By::Processor => (
            "the processor's counters (cycles, instructions, cache misses)",
            "virtual machines often have none; on bare metal perf_event_paranoid 2 or less gives them",
        ),
    };
    Notice::Unavailable { what, why: why.clone(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_shared_the_processor_is_scaled_to_the_whole_run() {
        for (count, enabled, running, value) in [
            (100, 50, 50, Some(100)),
            (100, 50, 25, Some(200)),
            (0, 50, 50, Some(0)),
            (0, 50, 0, None),
            (u64::MAX, 1 << 40, 1 << 40, Some(u64::MAX)),
            (u64::MAX, 2, 1, None),
        ] {
            assert_eq!(whole(count, enabled, running), value);
        }
    }
}
