//! The main job for what runs already. Its end is not ours: the target is nobody's of ours, so that it still lives, or
//! how it ended, says nothing of how we did.

use super::advise::{conclude, destination};
use super::progress::Live;
use super::say;
use super::trials::Enough;
use crate::cli::Attach;
use crate::exit::{Ending, OK, OURS, USAGE};
use crate::host::Host;
use crate::observe::{Observation, Refused, attach as watch};
use crate::report::file::writable;
use crate::report::recording::{Recording, Tried};
use crate::target::Target;
use nix::sys::signal::Signal;
use std::path::Path;

/// `concadvise attach`.
pub fn attach(attach: &Attach) -> Ending {
    let options = &attach.options;
    let rules = match super::rules(options.rules.as_deref()) {
        Ok(rules) => rules,
        Err(sentence) => {
            say::block(&format!("{sentence}\nNothing was watched."));
            return Ending::Status(OURS);
        }
    };
    let host = Host::read(Path::new("/"));
    if let Err(sentence) = destination(options).map_or(Ok(()), writable) {
        say::complain(&format!("{sentence} (it is watched anyway, and the table is printed)"));
    }
    let enough = Enough::watch();
    let mut live = Live::of_stranger(attach.pid, options.quiet);
    let observation = watch(attach.pid, attach.duration, &options.without, &mut |progress| live.show(progress));
    drop(live);
    let observation = match observation {
        Ok(observation) => observation,
        Err(why) => {
            say::complain(&why.to_string());
            return Ending::Status(if matches!(why, Refused::Ours { .. }) { OURS } else { USAGE });
        }
    };
    let target = target(&observation, attach.pid);
    let recording = Recording { host, target, observation, source: None, tried: Tried::default() };
    let (report, delivered) = conclude(recording, options, false, &rules, &enough);
    let Recording { observation, tried, .. } = &report.recording;
    // Ctrl-C is how the watching is ended by hand; any other signal was meant to end us.
    let let_go = observation.interrupted.filter(|signal| *signal != Signal::SIGINT as i32);
    match tried.interrupted.or(let_go) {
        Some(signal) => Ending::Signal(signal),
        None => Ending::Status(if delivered { OK } else { OURS }),
    }
}

/// What was watched: what it executes, or, where a process hides that or has cleared its words, its name in brackets
/// as `ps` shows it.
fn target(observation: &Observation, pid: i32) -> Target {
    let process = observation.processes.iter().find(|process| process.pid == pid);
    let (executable, argv) =
        process.map(|process| (process.executable.clone(), process.argv.clone())).unwrap_or_default();
    let mut target = Target::running(executable, argv);
    if target.argv.is_empty() {
        let worker = observation.workers.iter().find(|worker| worker.tid == pid);
        target.argv = vec![format!("[{}]", worker.map_or("?", |worker| worker.name.as_str())).into()];
    }
    target
}
