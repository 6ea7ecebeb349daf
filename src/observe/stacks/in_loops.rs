//! Where event loops are: the lines of the program's own code that run within a loop, which runs nothing else
//! meanwhile. Told from the same stacks, so it costs the target nothing. Pure.

use super::credit::is_own;
use crate::observe::{InLoops, LoopLine};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lines told apart; sightings in later ones are only counted as of a loop.
const TOLD_APART: usize = 1024;
/// Frames looked at of one stack.
const DEEPEST: usize = 256;
/// Files whose frames run a loop: asyncio's own (uvloop is run by the second of them), Trio's, and Curio's.
const RUNNERS: [&str; 4] = ["asyncio/base_events.py", "asyncio/runners.py", "trio/_core/_run.py", "curio/kernel.py"];

/// The program's own lines within the innermost loop of a stack, innermost first: none where the loop itself waits.
/// `None` when the stack runs no loop.
pub fn lines<'a>(frames: impl Iterator<Item = (&'a str, u32)>) -> Option<Vec<(PathBuf, u32)>> {
    let mut own = Vec::new();
    for (file, line) in frames.take(DEEPEST) {
        if RUNNERS.iter().any(|runner| Path::new(file).ends_with(runner)) {
            return Some(own);
        }
        if is_own(file) {
            own.push((PathBuf::from(file), line));
        }
    }
    None
}

/// All sightings of threads that run a loop.
#[derive(Debug, Default)]
pub struct Tally {
    looks: u32,
    processes: BTreeSet<i32>,
    lines: HashMap<(PathBuf, u32), (u32, u32)>,
}

impl Tally {
    /// Adds a sighting that stands for `weight` of them.
    pub fn add(&mut self, pid: i32, lines: Vec<(PathBuf, u32)>, active: bool, weight: u32) {
        self.looks = self.looks.saturating_add(weight);
        self.processes.insert(pid);
        // A function that calls itself is there once.
        for line in lines.into_iter().collect::<BTreeSet<_>>() {
            if self.lines.len() < TOLD_APART || self.lines.contains_key(&line) {
                let (seen, computing) = self.lines.entry(line).or_default();
                *seen = seen.saturating_add(weight);
                *computing = computing.saturating_add(if active { weight } else { 0 });
            }
        }
    }

    /// What came of it, where a sighting stands for `each`.
    pub fn into_in_loops(self, each: Option<Duration>) -> InLoops {
        let line = |((path, line), (seen, active))| LoopLine { path, line, seen, active };
        let mut lines: Vec<LoopLine> = self.lines.into_iter().map(line).collect();
        lines.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line))));
        lines.truncate(InLoops::LINES_KEPT);
        let processes = u32::try_from(self.processes.len()).unwrap_or(u32::MAX);
        InLoops { looks: self.looks, processes, each, lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "/usr/lib/python3.11/asyncio/base_events.py";
    const SELECT: &str = "/usr/lib/python3.11/selectors.py";

    fn check(frames: &[(&str, u32)], expect: Option<&[(&str, u32)]>) {
        let expect = expect.map(|lines| lines.iter().map(|(path, line)| (PathBuf::from(path), *line)).collect());
        assert_eq!(lines(frames.iter().copied()), expect, "{frames:?}");
    }

    #[test]
    fn the_program_s_lines_within_a_loop_are_told_and_not_those_around_it() {
        check(&[("help.py", 3), ("app.py", 41), (BASE, 7), ("app.py", 99)], Some(&[("help.py", 3), ("app.py", 41)]));
        check(&[("/x/site-packages/requests/api.py", 3), ("app.py", 41), (BASE, 7)], Some(&[("app.py", 41)]));
        check(&[("app.py", 5), ("/usr/lib/python3.11/asyncio/runners.py", 7)], Some(&[("app.py", 5)]));
    }

    #[test]
    fn a_loop_that_waits_by_itself_has_no_line_and_another_thread_no_loop() {
        check(&[(SELECT, 3), (BASE, 7), ("app.py", 99)], Some(&[]));
        check(&[("app.py", 5), ("/usr/lib/python3.11/threading.py", 7)], None);
        check(&[], None);
    }

    #[test]
    fn lines_add_up_the_most_seen_first_and_stay_bounded() {
        let mut tally = Tally::default();
        let line = |line| (PathBuf::from("app.py"), line);
        for other in 0..3000 {
            tally.add(1, vec![line(other)], false, 1);
        }
        tally.add(2, vec![line(7), line(7), line(9)], true, 5);
        let all = tally.into_in_loops(Some(Duration::from_millis(50)));
        assert_eq!((all.looks, all.processes, all.lines.len()), (3005, 2, InLoops::LINES_KEPT));
        let first: Vec<_> = all.lines[..2].iter().map(|line| (line.line, line.seen, line.active)).collect();
        assert_eq!(first, [(7, 6, 5), (9, 6, 5)]);
    }
}
