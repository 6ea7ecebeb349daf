//! One event per processor on the held first process, inherited by all that it makes, and the ring of memory that
//! the kernel writes each event's records into.
//!
//! An inherited event can be mapped only when it is bound to a processor, hence one each. It counts nothing (perf's
//! dummy): it is there for its records. What those say is `record`'s.

use super::record::{Record, What, parse};
use nix::libc;
use perf_event::events::Software;
use perf_event::{Builder, Clock, SampleFlag, Sampler};
use std::io;

/// The largest ring: lost nothing at a million records a second (the study before this project), and what
/// `perf_event_mlock_kb` allows an ordinary user by default.
const LARGEST: usize = 512 << 10;
/// The smallest that is worth having: five hundred records.
const SMALLEST: usize = 16 << 10;
/// All rings together: half of the memory that we may use at all (issue 3: 30 MB).
const TOGETHER: usize = 16 << 20;
/// Longer than any record that we ask for.
const ONE_RECORD: usize = 128;

/// The rings, one for each processor.
pub struct Rings {
    rings: Vec<Ring>,
    size: usize,
    /// How full the fullest was when they were last read.
    fill: f64,
}

struct Ring {
    sampler: Sampler,
    /// When its last record was.
    last: u64,
}

impl std::fmt::Debug for Rings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rings").field("rings", &self.rings.len()).field("size", &self.size).finish()
    }
}

impl Rings {
    /// Opens and maps an event for each processor on `pid`, which begin at its next `exec`.
    ///
    /// # Errors
    /// What the kernel said, when it refused even small rings.
    pub fn attach(pid: i32) -> io::Result<Self> {
        let cores = online(&std::fs::read_to_string("/sys/devices/system/cpu/online")?);
        let mut size = largest(cores.len());
        loop {
            match Self::map(pid, &cores, size) {
                Ok(rings) => return Ok(Self { rings, size, fill: 0.0 }),
                // More locked memory than is left to this user.
                Err(error) if size > SMALLEST && is_about_memory(&error) => size /= 2,
                Err(error) => return Err(error),
            }
        }
    }

    fn map(pid: i32, cores: &[usize], size: usize) -> io::Result<Vec<Ring>> {
        let open = |core: &usize| Ok(Ring { sampler: event(pid, *core).build()?.sampled(size)?, last: 0 });
        cores.iter().map(open).collect()
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.rings.len()
    }

    /// How full the fullest ring was when they were last read, from 0 to 1.
    pub const fn fill(&self) -> f64 {
        self.fill
    }

    /// Moves all records into `into`: in order of time within each ring, not between rings.
    pub fn read(&mut self, into: &mut Vec<Record>) {
        self.fill = 0.0;
        for ring in &mut self.rings {
            let bytes = ring.read(into, self.size);
            self.fill = self.fill.max(bytes as f64 / self.size as f64);
        }
    }
}

impl Ring {
    /// How many bytes there were to read.
    fn read(&mut self, into: &mut Vec<Record>, size: usize) -> usize {
        let mut bytes = 0;
        // The kernel goes on writing: what it writes meanwhile is the next reading's.
        while bytes < size
            && let Some(record) = self.sampler.next_record()
        {
            bytes += record.len() + 8;
            let Some(mut parsed) = parse(record.ty(), record.misc(), &record.to_contiguous()) else { continue };
            if let What::Gap(_) = parsed.what {
                // They are missing since the record before, not since they were counted.
                parsed.at = self.last.min(parsed.at);
            } else {
                self.last = parsed.at;
            }
            into.push(parsed);
        }
        if bytes + ONE_RECORD > size {
            // The kernel counts those that it lost only with the next that it has room for.
            into.push(Record { at: self.last, pid: 0, tid: 0, core: 0, what: What::Gap(0) });
        }
        bytes
    }
}

fn event(pid: i32, core: usize) -> Builder<'static> {
    let mut event = Builder::new(Software::DUMMY);
    event
        .observe_pid(pid)
        .one_cpu(core)
        .inherit(true)
        .enable_on_exec(true)
        .context_switch(true)
        .task(true)
        .comm(true)
        .comm_exec(true)
        .sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::CPU)
        .sample_id_all(true)
        .clockid(Clock::MONOTONIC)
        .exclude_kernel(true)
        .exclude_hv(true)
        // Nobody waits for the rings, so nobody need be woken.
        .wakeup_watermark(LARGEST);
    event
}

/// The largest power of two that all processors may have.
fn largest(cores: usize) -> usize {
    let each = (TOGETHER / cores.max(1)).clamp(SMALLEST, LARGEST);
    if each.is_power_of_two() { each } else { each.next_power_of_two() / 2 }
}

fn is_about_memory(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOMEM | libc::EAGAIN))
}

/// The processors of a list such as `0-3,5`.
fn online(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<usize>().ok()?..=last.trim().parse().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_listed_by_ranges() {
        for (list, cores) in [("0-1\n", &[0, 1][..]), ("0,2-3", &[0, 2, 3]), ("5", &[5]), ("", &[])] {
            assert_eq!(online(list), cores, "{list:?}");
        }
    }

    #[test]
    fn all_rings_together_stay_within_their_memory() {
        for (cores, each) in [(1, 512 << 10), (2, 512 << 10), (32, 512 << 10), (33, 256 << 10), (64, 256 << 10)] {
            assert_eq!(largest(cores), each, "{cores} processors");
        }
        assert_eq!(largest(8192), SMALLEST);
    }
}
