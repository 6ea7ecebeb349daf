//! One run, from the fork to the last reaped orphan: holds the first process until everything is attached, releases
//! it, wakes for the sampler's ticks, and takes the kernel's sums at the end.
//!
//! What a tick reads is the sampler's. One thread does it all, and one `ppoll` per tick waits for it all; only Python
//! stacks, which may take milliseconds, are read by a thread of their own.

use super::capture::Capture;
use super::counters::Counters;
use super::family::{self, Family};
use super::refusal::refusal;
use super::sampler::Sampler;
use super::stacks::Stacks;
use super::throttle::Throttle;
use super::{Error, Exit, Mechanism, Observation, Progress, Sampling, Settings, Stdio, Totals};
use crate::notice::Notice;
use crate::sys::ready::{Until, ready};
use crate::sys::signals::{self, Arrival, Watch};
use crate::sys::spawn;
use crate::sys::wait::{self, Adopting};
use crate::units::Bytes;
use nix::libc;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::time::TimeValLike;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Signals that end a program unless it does something about them: the user wants the run to stop.
pub(super) const INTERRUPTING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
/// Signals that mean what the target takes them to mean.
const PASSED_ON: [Signal; 2] = [Signal::SIGUSR1, Signal::SIGUSR2];
/// How often at most the caller hears of progress.
pub(super) const PROGRESS: Duration = Duration::from_millis(200);
/// The longest sleep where the kernel cannot wake us at the end of the first process (no pidfd: before Linux 5.3).
const WITHOUT_PIDFD: Duration = Duration::from_millis(10);
/// Helpers that end on their own when they see the first process gone (CPython's resource tracker, the far ends of
/// pipes) are given this long, so that they are counted, and not called left behind.
const HELPERS_END: Duration = Duration::from_millis(50);
/// How long the killed rest of a trial may take to end; longer only when the kernel itself waits for a device.
const KILLED_END: Duration = Duration::from_secs(2);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(1);
/// What a process touches between being held and its `exec`, at most.
const TOUCHED_WHILE_HELD: Bytes = Bytes(1 << 20);
/// After killing the first process alone, and before its group: CPython's resource tracker removes the semaphores
/// and shared memory of a parent that it sees gone.
const CLEANING_UP: Duration = Duration::from_millis(100);

/// Runs `argv` once and watches it to its end. `tick` is told a few times a second what it does.
///
/// Children, signals and the role of subreaper belong to the whole process, so one run is watched at a time; call it
/// on the process's first thread, because the kernel gives orphans to that one. All of it is put back at the end.
///
/// # Errors
/// When the command could not be started; once it runs, trouble becomes a notice.
pub fn observe(argv: &[OsString], settings: &Settings, tick: &mut dyn FnMut(&Progress)) -> Result<Observation, Error> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let own_cpu = own_cpu();
    let _adopting = Adopting::new().map_err(ours("become the parent of orphaned processes"))?;
    let heeded: Vec<Signal> = match settings.stdio {
        Stdio::Inherit => INTERRUPTING.into_iter().chain(PASSED_ON).collect(),
        Stdio::Capture { .. } => INTERRUPTING.to_vec(),
    };
    let signals = Watch::new(&heeded).map_err(ours("watch for signals"))?;
    let mut run = Run::start(argv, settings, signals)?;
    let ended = run.watch(tick);
    Ok(run.end(ended, own_cpu))
}

/// A run under way.
struct Run {
    root: i32,
    ended: Option<OwnedFd>,
    released: Instant,
    deadline: Option<Instant>,
    signals: Watch,
    family: Family,
    sampler: Sampler,
    stacks: Stacks,
    /// They cost every fork of the tree a little.
    counters: Option<Counters>,
    throttle: Throttle,
    capture: Option<Capture>,
    /// Resident set of the held process, a copy of us: `ru_maxrss` counts it as if it were the program's.
    held_rss: Bytes,
    totals: Totals,
    interrupted: Option<i32>,
    timed_out: bool,
}

impl Run {
    fn start(argv: &[OsString], settings: &Settings, signals: Watch) -> Result<Self, Error> {
        let command = argv.first().map_or(OsStr::new(""), OsString::as_os_str);
        let family = Family::before_run();
        let (capture, streams) = match &settings.stdio {
            Stdio::Inherit => (None, None),
            Stdio::Capture { input } => {
                let (capture, streams) = Capture::new(input.clone()).map_err(ours("make pipes for a trial"))?;
                (Some(capture), Some(streams))
            }
        };
        let held =
            spawn::hold(argv, streams.as_ref(), &settings.environment).map_err(|source| match source.kind() {
                io::ErrorKind::InvalidInput => Error::NotExecutable {
                    command: command.to_owned(),
                    why: "a word of it has a NUL byte in it, which no program can be given".to_owned(),
                },
                _ => Error::Ours { doing: "start a process for the command", source },
            })?;
        drop(streams);
        let root = held.pid();
        let held_rss = resident(root);
        let ended = wait::pidfd(root).ok();
        let mut sampler = Sampler::new(root, &settings.without);
        // A trial's functions are ours.
        let stacks = Stacks::new(capture.is_none() && !settings.without.contains(&Mechanism::Stacks));
        let wants_counters = !settings.without.contains(&Mechanism::Counters);
        let counters = wants_counters.then(|| Counters::attach(root));
        let throttle = Throttle::before_run();
        let released = Instant::now();
        sampler.start(released);
        held.release().map_err(|error| refusal(command, &spawn::candidates(command), error))?;
        sampler.begins();
        Ok(Self {
            root,
            ended,
            released,
            deadline: settings.timeout.and_then(|timeout| released.checked_add(timeout)),
            signals,
            family,
            sampler,
            stacks,
            counters,
            throttle,
            capture,
            held_rss,
            totals: Totals::default(),
            interrupted: None,
            timed_out: false,
        })
    }

    /// Until the first process has ended, which is left a zombie; returns when that was.
    fn watch(&mut self, tick: &mut dyn FnMut(&Progress)) -> Instant {
        let mut now = self.released;
        let mut next_tick = now;
        let mut next_progress = now;
        loop {
            let wake = self.deadline.map_or(next_tick, |deadline| deadline.min(next_tick));
            let most = if self.ended.is_some() { Duration::MAX } else { WITHOUT_PIDFD };
            let woken = self.wait(wake.saturating_duration_since(now).min(most));
            now = Instant::now();
            if let Some(capture) = &mut self.capture {
                capture.pump(woken);
            }
            self.heed_signals();
            if wait::has_ended(self.root) {
                return now;
            }
            if now >= next_tick {
                self.reap_orphans(now);
                next_tick = self.sampler.tick(now);
                self.stacks.tell(now, &self.sampler);
            }
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                self.deadline = None;
                self.timed_out = true;
                signals::send(self.root, libc::SIGKILL);
            }
            if now >= next_progress {
                next_progress = now + PROGRESS;
                tick(&self.sampler.progress(now));
            }
        }
    }

    /// Sleeps until something happens; says which of the captured streams are ready.
    fn wait(&self, most: Duration) -> [bool; 3] {
        let [stdin, stdout, stderr] = self.capture.as_ref().map(Capture::waits).unwrap_or_default();
        let signals = Some((self.signals.as_fd(), Until::Readable));
        let ended = self.ended.as_ref().map(|fd| (fd.as_fd(), Until::Readable));
        match ready([stdin, stdout, stderr, signals, ended], most) {
            Ok([stdin, stdout, stderr, ..]) => [stdin, stdout, stderr],
            Err(_) => {
                thread::sleep(most.min(WITHOUT_PIDFD));
                [true; 3]
            }
        }
    }

    /// Passes on what was sent to us alone. What the terminal sent has reached the target as well, because it is in
    /// our process group; only while the first process is not reaped, so that its id is its own.
    fn heed_signals(&mut self) {
        while let Some(arrival) = self.next_signal() {
            if self.capture.is_some() {
                // A trial is ours: it has nothing to save, and hears nothing in a process group of its own.
                signals::send(self.root, libc::SIGKILL);
            } else if arrival.sender.is_some() {
                signals::send(self.root, arrival.signal);
            }
        }
    }

    /// The next signal that somebody outside sent; what the target's own processes sent (`kill 0`) has reached whom
    /// they meant.
    fn next_signal(&mut self) -> Option<Arrival> {
        loop {
            let arrival = self.signals.take()?;
            if !arrival.sender.is_some_and(family::descends_from_us) {
                if INTERRUPTING.iter().any(|signal| *signal as i32 == arrival.signal) {
                    self.interrupted.get_or_insert(arrival.signal);
                }
                return Some(arrival);
            }
        }
    }

    /// Takes the orphans that have ended; the first process is left for [`Run::end`].
    fn reap_orphans(&mut self, now: Instant) {
        while let Some(pid) = wait::ended_child().filter(|pid| *pid != self.root) {
            self.reap(pid, now);
        }
    }

    fn reap(&mut self, pid: i32, now: Instant) -> Option<Exit> {
        let ours = self.family.has(pid);
        if ours {
            self.sampler.dying(pid, now);
        }
        let reaped = wait::reap(pid).ok()?;
        if ours {
            self.totals.add(&reaped.usage);
        }
        Some(Exit::from_wait(reaped.status))
    }

    /// Takes the first process and what ends with it; of a trial nothing is left over.
    fn end(mut self, ended: Instant, own_cpu_before: Duration) -> Observation {
        self.stacks.stop();
        self.heed_signals();
        let complete = self.interrupted.is_none() && !self.timed_out;
        let trial = self.capture.is_some();
        if trial {
            if !complete {
                thread::sleep(CLEANING_UP);
            }
            signals::kill_group(self.root);
        }
        let exit = self.reap(self.root, ended);
        self.settle(ended, trial);
        while self.next_signal().is_some() {}
        let left = self.family.members().len();
        if left == 0 {
            self.sampler.account(self.totals.cpu(), self.throttle.stolen());
        }
        let sampled = self.sampler.finish(ended);
        let mut stacks = self.stacks.finish();
        let wall = ended.saturating_duration_since(self.released);

        let seen = sampled.workers.iter().map(|worker| worker.on_cpu).sum::<Duration>() + sampled.folded.on_cpu;
        let (counters, uncounted) = self.counters.map(Counters::read).unwrap_or_default();
        let mut notices = sampled.notices;
        notices.extend(uncounted);
        notices.extend(stacks.notice.take());
        let helpers = sampled.launch.map_or(Duration::ZERO, |launch| launch.unseen(&sampled.workers));
        notices.extend(self.totals.disagreement(seen, helpers));
        notices.extend(self.throttle.notice(wall));
        match self.interrupted {
            Some(signal) if !complete => notices.push(Notice::Interrupted { signal }),
            _ => {}
        }
        match exit {
            Some(exit) if complete && exit != Exit::Code(0) => {
                notices.push(Notice::TargetFailed { how: exit.to_string() });
            }
            _ => {}
        }
        let left = sampled.alive.max(left);
        if left > 0 {
            notices.push(Notice::LeftBehind { processes: left });
        }
        let largest = sampled.processes.iter().map(|process| process.peak_rss).max();
        self.totals.correct_peak(self.held_rss + TOUCHED_WHILE_HELD, largest);

        Observation {
            complete: complete && exit.is_some(),
            attached: None,
            wall,
            exit,
            launch: sampled.launch,
            totals: self.totals,
            workers: sampled.workers,
            folded: sampled.folded,
            processes: sampled.processes,
            counters,
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
                switches: sampled.switches,
                stacks: (stacks.asked, stacks.failed),
            },
            output: self.capture.map(Capture::into_output),
            interrupted: self.interrupted,
            timed_out: self.timed_out,
            notices,
        }
    }

    /// Waits a moment for processes that came to us to end, and ends them when `kill`; then all of them that have an
    /// id have it from being our unreaped children, so it cannot be another's.
    fn settle(&mut self, ended: Instant, kill: bool) {
        let begun = Instant::now();
        let most = if kill { KILLED_END } else { HELPERS_END };
        loop {
            self.reap_orphans(ended);
            let members = self.family.members();
            if members.is_empty() || begun.elapsed() >= most {
                return;
            }
            for pid in members.into_iter().filter(|_| kill) {
                signals::send(pid, libc::SIGKILL);
            }
            thread::sleep(LOOK);
        }
    }
}

fn ours(doing: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Ours { doing, source }
}

/// CPU time of this thread; zero where the kernel does not tell, which it always has since 2.6.26.
pub(super) fn own_cpu() -> Duration {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(Duration::ZERO, |usage| {
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(micros.unsigned_abs())
    })
}

/// The most memory that this process ever had resident.
pub(super) fn own_memory() -> Bytes {
    resident(std::process::id().cast_signed())
}

/// The highest resident set of a process that has not executed its program yet, or of us; zero where it cannot be read.
fn resident(pid: i32) -> Bytes {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse().ok());
    Bytes::from_kib(kib.unwrap_or(0))
}
