//! For how long a line held up the program's event loops: from the stacks that were seen, with what they cannot tell.

use crate::observe::{InLoops, Observation};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sightings below which a cost is no estimate: three by chance, of what takes a hundredth of the run, are one in a
/// thousand even among sixty looks.
const FEWEST: u32 = 3;
/// Part of the run below which a cost does not matter: what an average measurement of this kind varies by anyway.
const MATTERS: f64 = 0.01;
/// Part of the readings of stacks that may have failed where something that was not seen is said not to be there.
const FAILED: f64 = 0.1;

/// What was seen of some lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldUp {
    /// They held the loops up for about so long, which is enough to matter.
    For(Duration),
    /// They cannot have held them up for longer than this, which is too little to matter.
    AtMost(Duration),
    /// Too little was seen to say either.
    Unknown,
}

impl HeldUp {
    /// Codes of findings that say that a line holds up an event loop.
    pub const CODES: [&str; 3] = ["CON101", "CON102", "CON109"];

    /// By the lines from the first to the last of a file, in a run that began in `folder`.
    ///
    /// A loop was seen `seen` times in them, and each stands for the time between readings. As a count of a Poisson
    /// process that is at most `seen + 2·√seen + 3` of them (above its 95 % limit, which is 3 where none was seen:
    /// Hanley & Lippman-Hand, *If nothing goes wrong, is everything all right?*, JAMA 1983).
    pub fn by(observation: &Observation, folder: &Path, path: &Path, lines: (u32, u32)) -> Self {
        let InLoops { each: Some(each), lines: all, .. } = &observation.in_loops else { return Self::Unknown };
        // Before 3.9, Python knows the file it runs by the name that was typed.
        let same = |seen: &PathBuf| folder.join(seen) == path;
        let here = all.iter().filter(|line| (lines.0..=lines.1).contains(&line.line) && same(&line.path));
        let seen: u32 = here.map(|line| line.seen).fold(0, u32::saturating_add);
        let cost = each.saturating_mul(seen);
        let most = each.mul_f64(f64::from(seen) + 2.0 * f64::from(seen).sqrt() + 3.0);
        let matters = observation.wall.mul_f64(MATTERS);
        if seen >= FEWEST && cost >= matters {
            Self::For(cost)
        } else if most < matters && saw_all(observation) {
            Self::AtMost(most)
        } else {
            Self::Unknown
        }
    }
}

/// Whether all loops of the run were looked at, so that what was not seen in them was not there.
fn saw_all(observation: &Observation) -> bool {
    let InLoops { looks, processes, lines, .. } = &observation.in_loops;
    let (asked, failed) = observation.sampling.stacks;
    let with_epoll = observation.processes.iter().filter(|process| process.has_epoll).count();
    *looks > 0
        && with_epoll <= *processes as usize
        && lines.len() < InLoops::LINES_KEPT
        && failed as f64 <= asked as f64 * FAILED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{LoopLine, Process};

    /// A run of so many seconds, a look every 50 ms, in which line 41 of `/srv/app.py` was seen so often.
    pub fn run(seconds: u64, seen: u32) -> Observation {
        let looks = u32::try_from(seconds * 20).unwrap_or(u32::MAX);
        let mut observation = Observation { wall: Duration::from_secs(seconds), ..Observation::default() };
        let line = LoopLine { path: "/srv/app.py".into(), line: 41, seen, active: 0 };
        let lines = if seen > 0 { vec![line] } else { Vec::new() };
        observation.in_loops = InLoops { looks, processes: 1, each: Some(Duration::from_millis(50)), lines };
        observation.sampling.stacks = (looks.into(), 0);
        observation
    }

    fn by(observation: &Observation) -> HeldUp {
        HeldUp::by(observation, Path::new("/srv"), Path::new("/srv/app.py"), (40, 42))
    }

    const UNKNOWN: HeldUp = HeldUp::Unknown;

    #[test]
    fn what_was_seen_often_enough_has_a_cost_and_what_can_be_little_has_a_bound() {
        let ms = Duration::from_millis;
        for (seconds, seen, expected) in [
            (2, 6, HeldUp::For(ms(300))),
            (2, 2, UNKNOWN),
            (2, 0, UNKNOWN),
            (14, 0, UNKNOWN),
            (16, 0, HeldUp::AtMost(ms(150))),
            (60, 1, HeldUp::AtMost(ms(300))),
            (60, 8, UNKNOWN),
            (60, 12, HeldUp::For(ms(600))),
            (600, 4, HeldUp::AtMost(ms(550))),
        ] {
            assert_eq!(by(&run(seconds, seen)), expected, "{seen} times in {seconds} s");
        }
    }

    #[test]
    fn a_line_elsewhere_is_another_and_a_typed_name_is_of_the_folder() {
        let mut observation = run(2, 9);
        observation.in_loops.lines[0].path = "app.py".into();
        assert_eq!(by(&observation), HeldUp::For(Duration::from_millis(450)));
        observation.in_loops.lines[0].path = "/srv/other/app.py".into();
        assert_eq!(by(&observation), UNKNOWN);
        observation.in_loops.lines[0] = LoopLine { path: "/srv/app.py".into(), line: 43, seen: 9, active: 0 };
        assert_eq!(by(&observation), UNKNOWN);
    }

    #[test]
    fn what_was_not_looked_at_is_not_called_harmless() {
        type Change = fn(&mut Observation);
        let changes: [Change; 5] = [
            |run| run.in_loops.looks = 0,
            |run| run.in_loops.each = None,
            |run| run.sampling.stacks = (100, 11),
            |run| run.processes = vec![Process { has_epoll: true, ..Process::default() }; 2],
            |run| run.in_loops.lines = vec![LoopLine::default(); InLoops::LINES_KEPT],
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut observation = run(60, 0);
            assert_ne!(by(&observation), UNKNOWN);
            change(&mut observation);
            assert_eq!(by(&observation), UNKNOWN, "{at}");
        }
    }
}
