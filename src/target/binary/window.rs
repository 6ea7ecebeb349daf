//! Parts of a file in windows of bounded size, and what is found in each.

use super::part;
use super::patterns::{Meaning, Patterns};
use super::scan::{MOST_READ, Seen};
use std::io::{Read, Seek};
use std::ops::Range;

/// Bytes of a window.
const WINDOW: u64 = 1 << 20;
/// Bytes around a window that are read with it, so that what is found at its edge is seen whole.
const MARGIN: u64 = 512;

/// Takes a match: its window, where it is in it, what it means.
type Take<'a> = dyn FnMut(&mut Seen, &Window, Range<usize>, Meaning) + 'a;

/// Reads `range` in windows, and hands over each match with its window, as (window, where it is in it, what it is).
pub(super) fn windows(
    file: &mut (impl Read + Seek),
    range: &Range<u64>,
    patterns: &Patterns,
    seen: &mut Seen,
    found: &mut Take,
) {
    seen.of += range.end - range.start;
    let Some(automaton) = &patterns.automaton else { return };
    let mut at = range.start;
    while at < range.end && seen.read < MOST_READ {
        let end = range.end.min(at + WINDOW);
        let start = at.saturating_sub(MARGIN).max(range.start);
        let most = range.end.min(end + MARGIN) - start;
        let Ok(bytes) = part(file, start, most as usize) else { return };
        let window = Window { start, bytes, is_first: start == range.start };
        for matched in automaton.find_iter(&window.bytes) {
            let offset = start + matched.start() as u64;
            if (at..end).contains(&offset) {
                found(seen, &window, matched.range(), patterns.meanings[matched.pattern().as_usize()]);
            }
        }
        seen.read += end - at;
        at = end;
    }
}

/// A part of a file.
pub(super) struct Window {
    start: u64,
    pub bytes: Vec<u8>,
    is_first: bool,
}

impl Window {
    /// The byte before `at`; zero before the first one of a table.
    pub fn before(&self, at: usize) -> Option<u8> {
        match at.checked_sub(1) {
            Some(before) => self.bytes.get(before).copied(),
            None => self.is_first.then_some(0),
        }
    }

    pub fn offset(&self, at: usize) -> u64 {
        self.start + at as u64
    }

    /// The name around `at`, from the zero before it to the one after it, within the margins.
    pub fn name(&self, at: usize) -> &[u8] {
        let margin = MARGIN as usize;
        let first = at.saturating_sub(margin);
        let start = self.bytes[first..at].iter().rposition(|byte| *byte == 0).map_or(first, |zero| first + zero + 1);
        &self.bytes[start..self.end(at)]
    }

    pub fn end(&self, at: usize) -> usize {
        let last = self.bytes.len().min(at + MARGIN as usize);
        self.bytes[at..last].iter().position(|byte| *byte == 0).map_or(last, |zero| at + zero)
    }
}
