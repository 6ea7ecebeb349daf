//! The descriptors that a blocked `poll` or `select` names in the worker's memory, read from outside.

use super::descriptors::Watched;
use super::probe::ProcPath;
use nix::libc;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Descriptors of one call that are looked at.
pub const LOOKED_AT: usize = 16;

/// The descriptors of one call.
pub type WatchedSet = [Option<Watched>; LOOKED_AT];

/// The descriptors of an array of `struct pollfd { int fd; short events, revents; }`; the first of them.
pub fn poll_set(pid: i32, array: u64, count: u64) -> Option<WatchedSet> {
    const SIZE: usize = 8;
    let count = usize::try_from(count).ok()?.min(LOOKED_AT);
    let mut memory = [0; SIZE * LOOKED_AT];
    let memory = read_memory(pid, array, &mut memory[..SIZE * count])?;
    let mut wanted = [None; LOOKED_AT];
    for (slot, entry) in wanted.iter_mut().zip(memory.chunks_exact(SIZE)) {
        let descriptor = i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let writing = i16::from_ne_bytes([entry[4], entry[5]]) & libc::POLLOUT != 0;
        // A negative one is skipped by poll too.
        *slot = (descriptor >= 0).then_some(Watched { descriptor, writing });
    }
    Some(wanted)
}

/// The descriptors whose bits are set in any of three `fd_set`s, the second of which is for writing; the first of them.
pub fn select_set(pid: i32, sets: [u64; 3], count: u64) -> Option<WatchedSet> {
    /// An `fd_set` has 1024 bits.
    const BYTES: usize = 128;
    let length = usize::try_from(count.div_ceil(64) * 8).ok()?.min(BYTES);
    let mut bits = [[0; BYTES]; 3];
    for (bits, address) in bits.iter_mut().zip(sets).filter(|(_, address)| *address != 0) {
        read_memory(pid, address, &mut bits[..length])?;
    }
    let [_, for_writing, _] = &bits;
    let has = |bits: &[u8; BYTES], number: usize| bits[number / 8] & (1 << (number % 8)) != 0;
    let numbers = (0..count.min(1024) as usize).filter(|number| bits.iter().any(|bits| has(bits, *number)));
    let mut wanted = [None; LOOKED_AT];
    for (slot, number) in wanted.iter_mut().zip(numbers) {
        *slot = Some(Watched { descriptor: number as i32, writing: has(for_writing, number) });
    }
    Some(wanted)
}

fn read_memory(pid: i32, address: u64, buffer: &mut [u8]) -> Option<&[u8]> {
    File::open(ProcPath::process(pid, "mem")).ok()?.read_exact_at(buffer, address).ok()?;
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptors_of_poll_and_select_are_read_from_memory() {
        let pid = std::process::id() as i32;
        let mut polls = Vec::new();
        for (descriptor, events) in [(7i32, libc::POLLIN), (-1, libc::POLLIN), (300, libc::POLLOUT)] {
            polls.extend_from_slice(&descriptor.to_ne_bytes());
            polls.extend_from_slice(&events.to_ne_bytes());
            polls.extend_from_slice(&[0, 0]);
        }
        let listed = |wanted: WatchedSet| {
            let watched = wanted.into_iter().flatten();
            watched.map(|watched| (watched.descriptor, watched.writing)).collect::<Vec<_>>()
        };
        let polled = poll_set(pid, polls.as_ptr().expose_provenance() as u64, 3).expect("our own memory");
        assert_eq!(listed(polled), [(7, false), (300, true)]);

        let (readable, writable) = ([0b1000_0001u64, 0], [0, 0b10u64]);
        let sets = [readable.as_ptr().expose_provenance() as u64, writable.as_ptr().expose_provenance() as u64, 0];
        assert_eq!(select_set(pid, sets, 70).map(listed), Some(vec![(0, false), (7, false), (65, true)]));
        assert_eq!(select_set(pid, [8, 0, 0], 70), None, "no memory there");
    }
}
