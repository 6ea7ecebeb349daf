//! One living process: its workers, its memory, what it runs, and the [`Process`] record they add up to.
//!
//! Which processes belong to the tree is `tree`'s.

mod details;
mod interpreter;
mod recorded;

use super::account::Account;
use super::descriptors::Descriptors;
use super::gil::Watch;
use super::memory::Memory;
use super::probe::{Failure, Probe, ProcPath};
use super::readings::{Stat, TICK, children, number};
use super::round::{Cadence, Hidden, Round};
use super::sharing::{Holding, Kin};
use super::stacks::Python;
use super::walks::Walks;
use super::worker::{Gone, LiveWorker};
use super::{Launch, Process};
use crate::units::Bytes;
use std::mem::take;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Which program a process was found to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    /// The one it ran when it was read before.
    Same,
    /// Another, by `exec`.
    Another,
}

/// One living process.
#[derive(Debug)]
pub struct LiveProcess {
    record: Process,
    workers: Vec<LiveWorker>,
    descriptors: Descriptors,
    stat: Probe,
    memory: Memory,
    gil: Watch,
    cadence: Cadence,
    start: Duration,
    /// Where the stack of the program it runs begins: another after each `exec`.
    stack: u64,
    /// Threads that the kernel counts.
    threads: u64,
    /// Whether a worker vanished since the folder of workers was last listed.
    bereaved: bool,
    ran: bool,
    /// Whether a signal has stopped it.
    stopped: bool,
    /// Whether it ran since its details were read.
    undetailed: bool,
    /// CPU time of all its threads, dead ones and waited-for children included, to the kernel's tick.
    cpu: Duration,
    /// The part of it that is of waited-for children.
    reaped: Duration,
    /// The part of that of children of programs that it was before.
    reaped_before: Duration,
    /// Block-device bytes that the kernel counts as its own and its program did not move: those of children it waited
    /// for, and of programs that it was before.
    inherited: (Bytes, Bytes),
    /// Page faults, minor and major, of programs that it was before.
    faults_before: (u64, u64),
    /// What went before its last program.
    launch: Option<Launch>,
    account: Account,
    /// Its parent now: another than the one in its record once that is gone.
    heir: i32,
    /// Its highest resident set when it was attached to.
    peak_before: Bytes,
}

impl LiveProcess {
    /// Takes up a process that was not known before, with all its workers.
    ///
    /// # Errors
    /// When it is already gone.
    pub fn new(pid: i32, round: &mut Round) -> Result<Self, Gone> {
        let mut process = Self {
            record: Process { pid, ..Process::default() },
            workers: Vec::new(),
            descriptors: Descriptors::new(pid),
            stat: Probe::new(ProcPath::process(pid, "stat"), round.may_keep()),
            memory: Memory::of_one_born(round.at),
            gil: Watch::from(round.at),
            cadence: Cadence::from(round.at),
            start: Duration::ZERO,
            stack: 0,
            threads: 0,
            bereaved: false,
            ran: true,
            stopped: false,
            undetailed: true,
            cpu: Duration::ZERO,
            reaped: Duration::ZERO,
            reaped_before: Duration::ZERO,
            inherited: Default::default(),
            faults_before: (0, 0),
            launch: None,
            account: Account::default(),
            heir: 0,
            peak_before: Bytes::default(),
        };
        process.read_stat()?;
        if round.ran_before(process.start) {
            process.begin(round);
        }
        process.identify();
        process.list_workers(false, round);
        if process.workers.is_empty() { Err(Gone) } else { Ok(process) }
    }

    /// It ran before it was attached to: what it did until now is not of the run.
    fn begin(&mut self, round: &mut Round) {
        self.account.begin();
        self.note_io(round);
        self.inherited = self.io();
        (self.record.read_bytes, self.record.written_bytes) = Default::default();
        self.faults_before = (take(&mut self.record.minor_faults), take(&mut self.record.major_faults));
        self.peak_before = self.peak().unwrap_or_default();
    }

    /// Its CPU time, to be settled when it is gone.
    pub const fn account(&mut self) -> &mut Account {
        &mut self.account
    }

    /// The process that waits for it now.
    pub const fn heir(&self) -> i32 {
        self.heir
    }

    /// Its id.
    pub const fn pid(&self) -> i32 {
        self.record.pid
    }

    /// The process it was born from, as first seen.
    pub const fn parent(&self) -> i32 {
        self.record.parent
    }

    /// The most files that it keeps open: two for each worker, one, and its memory.
    pub fn files(&self) -> usize {
        2 * self.workers.len() + 1 + self.gil.files()
    }

    /// Whether any of its workers has not ended.
    pub fn is_alive(&self) -> bool {
        self.workers.iter().any(|worker| !worker.has_ended())
    }

    /// It, when the name of its program's file says that it is CPython, and it has not ended.
    pub fn python(&self) -> Option<Python> {
        let name = self.record.executable.as_ref()?.file_name()?;
        let python = name.as_bytes().starts_with(b"python") && self.stack != 0 && self.is_alive();
        python.then_some(Python { pid: self.record.pid, image: self.stack })
    }

    /// CPU time of all its threads, dead ones and waited-for children included, to the kernel's tick.
    pub const fn cpu(&self) -> Duration {
        self.cpu
    }

    /// What it has now, and with whom it may share it; `None` when it has ended.
    pub fn holding(&self) -> Option<(Kin, Holding)> {
        let kin = Kin { family: self.stack, start: self.start, pid: self.record.pid };
        self.is_alive().then(|| (kin, self.memory.holding()))
    }

    /// Its workers that have not ended.
    pub fn workers_alive(&self) -> usize {
        self.workers.iter().filter(|worker| !worker.has_ended()).count()
    }

    /// Its block-device bytes as last read, those of waited-for children included.
    pub fn io(&self) -> (Bytes, Bytes) {
        (self.record.read_bytes + self.inherited.0, self.record.written_bytes + self.inherited.1)
    }

    /// A child of it was reaped, which had read and written this much.
    pub fn inherit(&mut self, (read, written): (Bytes, Bytes)) {
        self.inherited = (self.inherited.0 + read, self.inherited.1 + written);
    }

    /// Its readings at a tick: every worker's, and its own when any of them ran.
    ///
    /// # Errors
    /// When it is gone.
    pub fn sample(&mut self, round: &mut Round) -> Result<(), Gone> {
        self.ran = false;
        self.settle_gil(round);
        let before = (round.stretch.on_cpu, round.stretch.runnable);
        self.gil.lend_extents(&mut round.locks);
        for i in (0..self.workers.len()).rev() {
            match self.workers[i].sample(&mut self.descriptors, round) {
                Ok(()) => self.ran |= self.workers[i].ran(),
                Err(Gone) if self.workers[i].is_awaited(round) => self.ran = true,
                Err(Gone) => {
                    (self.bereaved, self.ran) = (true, true);
                    let worker = self.workers.remove(i);
                    self.gil.bury(worker.switches());
                    bury(worker, round);
                }
            }
        }
        self.gil.lend_extents(&mut round.locks);
        if self.workers.is_empty() {
            return Err(Gone);
        }
        self.seek_gil(round);
        self.read_gil(before, round);
        if self.ran {
            match self.read_stat() {
                Ok(Program::Same) => {}
                Ok(Program::Another) => self.become_another(round),
                // Any that went since it was read a moment ago is waited for, too.
                Err(Gone) if self.awaits_end() || self.workers.iter_mut().any(|worker| worker.is_awaited(round)) => {
                    return Ok(());
                }
                Err(Gone) => return Err(Gone),
            }
            if self.stopped {
                self.workers.iter_mut().for_each(LiveWorker::stop);
            }
            self.undetailed = true;
        }
        if self.undetailed && self.cadence.is_due(round.at) && round.may_detail() {
            self.undetailed = false;
            self.detail(round);
        }
        Ok(())
    }

    /// What went before its last program; `None` when that was nothing much.
    pub const fn launch(&self) -> Option<Launch> {
        self.launch
    }

    /// Whatever it was before was not of the run.
    pub fn begins(&mut self) {
        if self.read_stat() == Ok(Program::Another) {
            self.identify();
        }
    }

    /// It has become another program, and the one before leaves its record.
    fn become_another(&mut self, round: &mut Round) {
        self.descriptors = Descriptors::new(self.record.pid);
        self.gil = Watch::from(round.at);
        self.identify();
        self.record.has_epoll = false;
        self.note_io(round);
        self.inherited = self.io();
        (self.record.read_bytes, self.record.written_bytes) = Default::default();
        let Process { minor_faults, major_faults, .. } = &mut self.record;
        self.reaped_before = self.reaped;
        self.faults_before = (self.faults_before.0 + take(minor_faults), self.faults_before.1 + take(major_faults));
        // Whoever executes it, it has its process's id from then on, and no other thread is left.
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.tid() == self.record.pid) else { return };
        if worker.age(round.at) < Launch::SHORTEST {
            return;
        }
        // The kernel tells user and system time of waited-for children apart, each rounded down to its tick.
        let cpu = self.cpu.max(worker.on_cpu_in_all() + self.reaped) + 2 * TICK;
        self.launch = Some(Launch { until: round.at, ticks: round.ticks, cpu });
        let before = worker.become_another(round);
        round.ledger.bury(before);
    }

    /// Whether the workers that we read are not the ones it has.
    pub fn has_changed(&self) -> bool {
        self.bereaved || self.threads != self.workers.len() as u64
    }

    /// Takes up workers that are not known yet. While births are recorded those without a record are being born or
    /// dying right now, unless this is a `full` look for what the records may have missed.
    pub fn list_workers(&mut self, full: bool, round: &mut Round) {
        self.bereaved = false;
        self.gil.lend_extents(&mut round.locks);
        self.take_up_workers(full, round);
        self.gil.lend_extents(&mut round.locks);
    }

    fn take_up_workers(&mut self, full: bool, round: &mut Round) {
        let Ok(folder) = std::fs::read_dir(ProcPath::process(self.record.pid, "task")) else { return };
        let tids = folder
            .flatten()
            .filter_map(|entry| number(entry.file_name().as_bytes()).and_then(|tid| i32::try_from(tid).ok()));
        for tid in tids {
            let expected = full || tid == self.record.pid || !round.tracks.are_kept();
            if !expected && round.tracks.get_mut(tid).is_none() {
                continue;
            }
            // The kernel lists and we keep them in order of birth, mostly that of their numbers.
            if let Err(place) = self.workers.binary_search_by_key(&tid, LiveWorker::tid)
                && let Ok(worker) = LiveWorker::new(tid, self.record.parent, &mut self.descriptors, round)
            {
                self.workers.insert(place, worker);
            }
        }
    }

    /// Adds the ids of its children to `found`: those of `everyone`, or only of workers that ran lately.
    pub fn children(&self, everyone: bool, scratch: &mut Vec<u8>, found: &mut Vec<i32>, round: &mut Round) {
        for worker in self.workers.iter().filter(|worker| everyone || worker.may_have_forked()) {
            let file = Probe::new(ProcPath::worker(self.record.pid, worker.tid(), "children"), false);
            match file.read_whole(scratch) {
                Ok(()) => found.extend(children(scratch)),
                // The worker itself is there, so it is the kernel that lacks the file.
                Err(Failure::Vanished) if ProcPath::worker(self.record.pid, worker.tid(), "stat").as_ref().exists() => {
                    round.missing.note(Hidden::Children, file.path(), &"this kernel has no such file");
                }
                Err(Failure::Vanished) => {}
                Err(Failure::Unreadable(why)) => round.missing.note(Hidden::Children, file.path(), &why),
            }
        }
    }

    /// Whether one of its threads has vanished, whose children then went to another.
    pub const fn is_bereaved(&self) -> bool {
        self.bereaved
    }

    /// Since when it waits for its pages to be walked.
    pub fn waits_for_walk(&self, walks: &Walks) -> Option<Duration> {
        self.memory.waits_for_walk().filter(|_| walks.bears(self.memory.resident()) && self.is_alive())
    }

    /// The resident set as last seen.
    pub fn resident(&self) -> Bytes {
        self.memory.resident()
    }

    /// Walks its pages.
    pub fn walk(&mut self, walks: &mut Walks, round: &mut Round) {
        let began = Walks::clock();
        let mut buffer = [0; 2048];
        let path = ProcPath::process(self.record.pid, "smaps_rollup");
        match path.read(&mut buffer) {
            Ok(bytes) => self.memory.see_walk(round.at, bytes),
            Err(Failure::Vanished) => {}
            Err(Failure::Unreadable(why)) => round.missing.note(Hidden::Rollup, path.as_ref(), &why),
        }
        walks.charge(round.at, self.memory.resident(), Walks::clock().saturating_sub(began));
    }

    /// It has ended now and is about to be reaped: its last readings.
    pub fn last_words(&mut self, round: &mut Round) {
        for worker in &mut self.workers {
            if worker.tid() == self.record.pid {
                worker.last_words(round);
            }
        }
        let _gone = self.read_stat();
        // Of one that has ended only root may read it; what was read while it lived stands, and says so itself.
        let _unreadable = self.read_io();
    }

    /// It leaves its records.
    pub fn bury(self, round: &mut Round) {
        let mut record = self.record;
        let switches = self.workers.iter().map(LiveWorker::switches);
        record.gil = self.gil.sum(switches.fold((0, 0), |sum, of_one| (sum.0 + of_one.0, sum.1 + of_one.1)));
        record.peak_rss = self.memory.peak_rss();
        (record.peak_pss, record.peak_uss) = self.memory.peaks();
        record.first_uss = self.memory.first_uss();
        record.waited_cpu = self.reaped.saturating_sub(self.reaped_before);
        self.workers.into_iter().for_each(|worker| bury(worker, round));
        round.ledger.retire(record);
    }

    fn read_stat(&mut self) -> Result<Program, Gone> {
        let mut buffer = [0; 512];
        let stat = match self.stat.read(&mut buffer) {
            Ok(bytes) => Stat::parse(bytes).ok_or(Gone)?,
            Err(Failure::Vanished) => return Err(Gone),
            Err(Failure::Unreadable(_)) => return Ok(Program::Same),
        };
        let first = self.threads == 0;
        if !first && stat.start != self.start {
            // The id was given to another process, and this one is gone.
            return Err(Gone);
        }
        // There is none while an `exec` is under way, or after the end, or where it may not be seen.
        let another = !first && stat.stack != self.stack && stat.stack != 0;
        self.start = stat.start;
        self.stack = if stat.stack == 0 { self.stack } else { stat.stack };
        self.threads = stat.threads.max(1);
        self.account.see(&stat);
        (self.cpu, self.reaped, self.heir) = (self.account.cpu(), self.account.reaped(), stat.parent);
        self.record.minor_faults = stat.minor_faults.saturating_sub(self.faults_before.0);
        self.record.major_faults = stat.major_faults.saturating_sub(self.faults_before.1);
        self.stopped = matches!(stat.state, b'T' | b't');
        if first {
            self.record.parent = stat.parent;
        }
        if another {
            self.memory.forget();
        }
        if stat.state != b'Z' {
            self.memory.see_resident(self.read_resident(stat.rss_pages));
        }
        Ok(if another { Program::Another } else { Program::Same })
    }
}

/// A worker leaves its record.
fn bury(mut worker: LiveWorker, round: &mut Round) {
    worker.leaves_track(round);
    if worker.end_was_only_recorded() {
        round.ledger.bury_recorded(worker.into_record());
    } else {
        round.ledger.bury(worker.into_record());
    }
}
