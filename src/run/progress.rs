//! One live line while a target runs.
//!
//! The target writes to the terminal itself, so we never know when, and a line of ours in its way would end up amid its
//! output. So the line is drawn only where nothing of the target's can come: on our standard error, when that is a
//! terminal on which the target does not print. A command that we start has our streams, so there the same words go into
//! the terminal's title instead, which no output ever meets; only while the terminal is in its line mode (a program
//! that drives the screen has the title to itself), and by one short write, which the kernel never splits. Nothing is
//! ever written that could block: a stopped terminal (Ctrl-S) is left alone. What was drawn is taken back at the end.

use super::say;
use crate::observe::kind::BlockedKind;
use crate::observe::{Progress, may_print_to};
use crate::units::Share;
use indicatif::{ProgressBar, ProgressStyle};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

/// Kinds of blocking that are named.
const KINDS: usize = 3;
/// The least share of the workers' time that is.
const WORTH_NAMING: f64 = 0.05;
/// Before this nobody wonders what goes on.
const WORTH_SHOWING: Duration = Duration::from_millis(500);
/// Terminals that know titles and the stack of titles, by the beginning of `TERM`; others may print what they ignore.
const TITLED: [&str; 8] = ["xterm", "tmux", "screen", "rxvt", "alacritty", "foot", "kitty", "vte"];
/// Puts the title on the terminal's stack, and takes it back from there (XTWINOPS 22 and 23).
const KEEP_TITLE: &str = "\x1b[22;2t";
const GIVE_TITLE_BACK: &str = "\x1b[23;2t";

/// Where it is shown; nothing is left of it once this is dropped.
#[derive(Debug)]
pub struct Live(Place);

#[derive(Debug)]
enum Place {
    /// Nowhere: nobody looks, or it would be in the way.
    Nowhere,
    /// On a line of its own.
    Line(ProgressBar),
    /// In the terminal's title; whether it was ever set.
    Title { set: bool },
}

impl Live {
    /// Of a command that we start, and that has our streams.
    pub fn of_child(quiet: bool) -> Self {
        Self(if quiet || !titled() { Place::Nowhere } else { Place::Title { set: false } })
    }

    /// Of process `pid`, which has streams of its own.
    pub fn of_stranger(pid: i32, quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if quiet || dumb || !io::stderr().is_terminal() {
            return Self(Place::Nowhere);
        }
        if may_print_to(pid, io::stderr().as_fd()) {
            return Self::of_child(quiet);
        }
        let style = ProgressStyle::with_template("{wide_msg}").unwrap_or(ProgressStyle::default_spinner());
        Self(Place::Line(ProgressBar::new_spinner().with_style(style)))
    }

    /// Shows this now.
    pub fn show(&mut self, progress: &Progress) {
        if progress.elapsed < WORTH_SHOWING {
            return;
        }
        match &mut self.0 {
            Place::Nowhere => {}
            Place::Line(bar) if writable() => bar.set_message(format!("concadvise: {}", line(progress))),
            Place::Title { set } if writable() && is_ours() => {
                let keep = if *set { "" } else { KEEP_TITLE };
                say::page(&format!("{keep}\x1b]2;{}\x07", line(progress)));
                *set = true;
            }
            Place::Line(_) | Place::Title { .. } => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        match &self.0 {
            Place::Line(bar) => bar.finish_and_clear(),
            Place::Title { set: true } if writable() => say::page(GIVE_TITLE_BACK),
            Place::Title { .. } | Place::Nowhere => {}
        }
    }
}

fn titled() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    say::bold() && TITLED.iter().any(|known| term.starts_with(known))
}

/// Whether a write to standard error returns at once.
fn writable() -> bool {
    let stderr = io::stderr();
    let mut polled = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    matches!(poll(&mut polled, PollTimeout::ZERO), Ok(1))
        && polled[0].revents().is_some_and(|events| events == PollFlags::POLLOUT)
}

/// Whether the terminal is in its line mode and we are in its foreground.
fn is_ours() -> bool {
    let line_mode = tcgetattr(io::stderr()).is_ok_and(|mode| mode.local_flags.contains(LocalFlags::ICANON));
    line_mode && tcgetpgrp(io::stderr()).is_ok_and(|foreground| foreground == getpgrp())
}

/// `12 s · 1.9 cores busy · blocked: network 41 %, gil 20 % · 9 workers · 210.0 MiB`
fn line(progress: &Progress) -> String {
    let mut kinds: Vec<(BlockedKind, Share)> = progress.blocked.iter().map(|(kind, share)| (kind, *share)).collect();
    kinds.retain(|(_, share)| share.get() >= WORTH_NAMING);
    kinds.sort_by(|(_, a), (_, b)| b.get().total_cmp(&a.get()));
    let kinds: Vec<_> = kinds.iter().take(KINDS).map(|(kind, share)| format!("{} {share}", kind.name())).collect();
    let workers = progress.workers;
    let parts = [
        format!("{:.0} s", progress.elapsed.as_secs_f64()),
        format!("{:.1} cores busy", progress.cores_busy),
        if kinds.is_empty() { String::new() } else { format!("blocked: {}", kinds.join(", ")) },
        format!("{workers} {}", if workers == 1 { "worker" } else { "workers" }),
        progress.memory.to_string(),
    ];
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    #[test]
    fn the_line_names_the_kinds_that_matter_most_first() {
        let mut progress = Progress {
            elapsed: Duration::from_millis(12_345),
            cores_busy: 1.94,
            workers: 9,
            memory: Bytes(210 << 20),
            ..Progress::default()
        };
        for (kind, share) in [(BlockedKind::Gil, 0.2), (BlockedKind::Network, 0.41), (BlockedKind::Lock, 0.04)] {
            progress.blocked[kind] = Share::new(share).unwrap_or_default();
        }
        let expect = "12 s · 1.9 cores busy · blocked: network 41 %, gil 20 % · 9 workers · 210.0 MiB";
        assert_eq!(line(&progress), expect);
        assert!(line(&Progress::default()).contains("0.0 cores busy · 0 workers"));
    }
}
