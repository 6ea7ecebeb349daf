//! Watching what runs already: from now on, for a time, or until it ends, or until the user has had enough.
//!
//! It is not our child: nothing is stopped, signalled or left changed, no orphan is adopted and nobody is reaped, so
//! detaching is no more than to stop reading. What it did before is taken off (`worker`, `process`), and its sums are
//! of what others reap (`account`). A descendant that is born and loses its parent between two ticks is not found.

use super::run::{INTERRUPTING, PROGRESS, own_cpu, own_memory};
use super::sampler::Sampler;
use super::stacks::Stacks;
use super::subject::{Refused, Subject};
use super::throttle::Throttle;
use super::{Exit, Mechanism, Observation, Progress, Sampling};
use crate::notice::Notice;
use crate::sys::ready::{Until, ready};
use crate::sys::signals::Watch;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

/// The longest sleep where the kernel cannot wake us at its end.
const WITHOUT_PIDFD: Duration = Duration::from_millis(10);

/// Watches process `pid`, with all that is below it now and later, for `duration`, or until it ends, or until a signal
/// tells us to stop. What is in `without` is not looked at; `tick` is told a few times a second what it does.
///
/// # Errors
/// When it may not be attached to; from then on, trouble becomes a notice.
pub fn attach(
    pid: i32,
    duration: Duration,
    without: &[Mechanism],
    tick: &mut dyn FnMut(&Progress),
) -> Result<Observation, Refused> {
    let own_cpu_before = own_cpu();
    let mut signals =
        Watch::new(&INTERRUPTING).map_err(|source| Refused::Ours { doing: "watch for signals", source })?;
    let subject = Subject::find(pid)?;
    let throttle = Throttle::before_run();
    let mut sampler = Sampler::attach(subject.pid(), without);
    sampler.remedy(subject.remedy());
    let mut stacks = Stacks::new(!without.contains(&Mechanism::Stacks));
    let attached = Instant::now();

    let mut now = attached;
    let (mut next_tick, mut next_progress) = (now, now + PROGRESS);
    let mut interrupted = None;
    let ended = loop {
        let left = duration.saturating_sub(now.saturating_duration_since(attached));
        wait(&subject, &signals, next_tick.saturating_duration_since(now).min(left));
        now = Instant::now();
        interrupted = interrupted.or(signals.take().map(|arrival| arrival.signal));
        let ended = subject.has_ended();
        if ended || interrupted.is_some() || now.saturating_duration_since(attached) >= duration {
            break ended;
        }
        if now >= next_tick {
            next_tick = sampler.tick(now);
            stacks.tell(now, &sampler);
        }
        if now >= next_progress {
            next_progress = now + PROGRESS;
            tick(&sampler.progress(now));
        }
    };

    stacks.stop();
    let sampled = sampler.finish(now);
    let mut stacks = stacks.finish();
    let exit = if ended { subject.exit() } else { None };
    let wall = now.saturating_duration_since(attached);
    let seen = sampled.workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + sampled.folded.on_cpu;
    let mut notices = sampled.notices;
    notices.extend(stacks.notice.take());
    notices.extend(sampled.totals.disagreement(seen, Duration::ZERO));
    notices.extend(throttle.notice(wall));
    notices.extend(interrupted.map(|signal| Notice::Detached { signal }));
    match exit {
        Some(exit) if exit != Exit::Code(0) => notices.push(Notice::TargetFailed { how: exit.to_string() }),
        _ => {}
    }
    if ended && sampled.alive > 0 {
        notices.push(Notice::LeftBehind { processes: sampled.alive });
    }
    Ok(Observation {
        complete: interrupted.is_none(),
        attached: Some(pid),
        wall,
        exit,
        launch: sampled.launch,
        totals: sampled.totals,
        workers: sampled.workers,
        folded: sampled.folded,
        processes: sampled.processes,
        in_loops: stacks.in_loops(),
        native_threads: stacks.native_threads(),
        functions: stacks.functions.into_functions(),
        timeline: sampled.timeline,
        peak_memory: sampled.peak_memory,
        core_ticks: sampled.core_ticks,
        elsewhere_cpu: sampled.elsewhere_cpu,
        sampling: Sampling {
            ticks: sampled.ticks,
            interval: sampled.interval,
            lateness: sampled.lateness,
            own_cpu: own_cpu().saturating_sub(own_cpu_before) + stacks.own_cpu,
            own_memory: own_memory(),
            stacks: (stacks.asked, stacks.failed),
            ..Sampling::default()
        },
        interrupted,
        notices,
        ..Observation::default()
    })
}

/// Sleeps until it ends, a signal comes, or the time is over.
fn wait(subject: &Subject, signals: &Watch, most: Duration) {
    let end = subject.end().map(|end| (end, Until::Readable));
    let most = if end.is_some() { most } else { most.min(WITHOUT_PIDFD) };
    if ready([Some((signals.as_fd(), Until::Readable)), end], most).is_err() {
        thread::sleep(most.min(WITHOUT_PIDFD));
    }
}
