//! Small programs whose kind of blocking is known, each watched by the real command: at least 95 % of them, and 95 %
//! of the samples of those that stand still, must be taken for what they are.
//!
//! `cargo test --test kinds -- --nocapture` prints the confusion matrix and what could not be measured here.

mod c;
#[path = "../support/measured.rs"]
mod measured;
mod program;
mod python;
mod stage;
mod tally;

use measured::measured;
use stage::{Outcome, Stage, View};
use tally::Tally;

/// Of the programs, and of the samples.
const RIGHT: f64 = 0.95;
/// Programs that a machine may be unable to block as labelled: all that wait for the disk, where others keep its caches
/// warm or the cores so busy that these waits are short beside those for a core.
const NOT_MEASURED: f64 = 0.20;
/// As many as were asked for; there are more.
const FEWEST: usize = 60;

/// Waits that hide themselves from everybody but root, some of each kind.
const HIDING: [&str; 12] = [
    "tcp_read",
    "tcp_accept",
    "epoll_client",
    "nanosleep",
    "futex",
    "flock",
    "pipe_read",
    "eventfd_read",
    "wait4",
    "message_queue",
    "cold_read",
    "mapped_cold",
];

#[test]
fn what_a_program_is_blocked_on_is_told_from_outside() {
    measured(|| {
        let mut programs = c::programs();
        programs.extend(python::programs());
        assert!(programs.len() >= FEWEST);
        let tally = Tally::of(Stage::set(&programs).watch(&programs, View::Whole));
        println!("{tally}");
        let missing = tally.not_measured() as f64 / programs.len() as f64;
        assert!(missing <= NOT_MEASURED, "{missing:.2} of the programs could not be measured here");
        assert!(tally.right() >= RIGHT, "{:.3} of the programs are right", tally.right());
        assert!(tally.samples_right() >= RIGHT, "{:.3} of the samples are right", tally.samples_right());
    });
}

/// One that is not dumpable hides the kernel functions that it sleeps in as well, which leaves its state alone (a disk
/// or not), so that no share is asked for; but every program must be seen, and
/// the report must say that it was seen from outside alone.
#[test]
fn a_program_that_hides_is_seen_from_outside_alone() {
    measured(|| {
        let programs: Vec<_> = c::programs().into_iter().filter(|program| HIDING.contains(&program.name)).collect();
        assert_eq!(programs.len(), HIDING.len());
        let watched = Stage::set(&programs).watch(&programs, View::FromOutside);
        let told =
            |outcome: &Outcome| matches!(outcome, Outcome::Watched { said_hidden: true, .. } | Outcome::NotHere(_));
        for (program, outcome) in &watched {
            assert!(told(outcome), "{}: {outcome:?}", program.name);
        }
        println!("{}", Tally::of(watched));
    });
}
