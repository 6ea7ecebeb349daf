//! The target's tree of processes: finding each new one soon, cheaply, and also those whose parent has died.
//!
//! The kernel tells for next to nothing whether any task was born anywhere (the last id it gave out); only then are
//! the children listed, and only of workers that ran lately. A full look every second catches what that may miss.
//! We are the subreaper of a tree that we started, so a descendant whose parent has died becomes our own child. One
//! that was attached to is nobody's of ours: whom we know we follow by id, whoever its parent becomes.

mod recorded;

use super::account::Accounts;
use super::probe::{Probe, ProcPath};
use super::process::LiveProcess;
use super::readings::{children, last_pid};
use super::round::{Hidden, Round};
use super::sharing::together;
use super::stacks::Python;
use super::walks::Walks;
use super::worker::Gone;
use super::{Launch, Mechanism};
use crate::units::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everyone's children are listed at least this often, when any task was born meanwhile.
const FULL_LOOK: Duration = Duration::from_secs(1);
/// The same while births are recorded, which should leave nothing to be found.
const FULL_LOOK_RECORDED: Duration = Duration::from_secs(5);
/// Descriptors left to everything else in our process.
const RESERVE: usize = 128;

/// The living processes of the target.
#[derive(Debug)]
pub struct Tree {
    root: i32,
    /// What went before the root's last program.
    launch: Option<Launch>,
    processes: BTreeMap<i32, LiveProcess>,
    walks: Walks,
    /// Children of ours that are not the target's.
    strangers: Vec<i32>,
    /// How many files may be kept open.
    files: usize,
    loadavg: Probe,
    own_children: Probe,
    last_pid: Option<u64>,
    full_look: Duration,
    /// Whether any task was born since the last full look.
    unlooked: bool,
    found: Vec<i32>,
    scratch: Vec<u8>,
    /// Of processes that are gone.
    accounts: Accounts,
}

impl Tree {
    /// The tree of `root`, of which at most `files` files are kept open.
    pub fn new(root: i32, files: usize, round: &mut Round) -> Self {
        let us = std::process::id().cast_signed();
        let mut tree = Self {
            root,
            launch: None,
            processes: BTreeMap::new(),
            walks: Walks::default(),
            strangers: Vec::new(),
            files,
            // A descendant whose parent has died is given to our first thread.
            own_children: Probe::new(ProcPath::worker(us, us, "children"), true),
            loadavg: Probe::new(ProcPath::machine("loadavg"), true),
            last_pid: None,
            full_look: Duration::ZERO,
            unlooked: false,
            found: Vec::new(),
            scratch: Vec::new(),
            accounts: Accounts::default(),
        };
        tree.adopt();
        tree.strangers = tree.found.drain(..).filter(|pid| *pid != root).collect();
        round.files = tree.files_left();
        tree.found.push(root);
        tree.take_up(round);
        if !tree.processes.contains_key(&root) {
            tree.note_hidden_root(round);
        }
        tree
    }

    /// The root, held until now, is the target from now on.
    pub fn begins(&mut self) {
        if let Some(root) = self.processes.get_mut(&self.root) {
            root.begins();
        }
    }

    /// What went before the root's last program.
    pub const fn launch(&self) -> Option<Launch> {
        self.launch
    }

    /// One reading of everything.
    pub fn read(&mut self, round: &mut Round) {
        round.files = self.files_left();
        self.heed(round);
        let recorded = round.tracks.are_kept();
        let due = round.at >= self.full_look;
        let born = (due || !recorded) && self.any_task_born();
        self.sample(round);
        self.unlooked |= born;
        let full = self.unlooked && due;
        if full || (recorded && due) {
            self.full_look = round.at + if recorded { FULL_LOOK_RECORDED } else { FULL_LOOK };
            self.unlooked = false;
        }
        if born {
            self.adopt();
        }
        for process in self.processes.values_mut() {
            let unrecorded = recorded && !process.is_recorded();
            let recorded = recorded && !unrecorded;
            let bereaved = !recorded && process.is_bereaved();
            if (full || !recorded) && process.has_changed() {
                process.list_workers(full, round);
            }
            if born || bereaved || full || unrecorded {
                process.children(bereaved || full, &mut self.scratch, &mut self.found, round);
            }
        }
        self.meet(round);
        if round.wants(Mechanism::Memory) {
            self.walk(round);
        }
    }

    /// `pid`, a child of ours, has ended and is about to be reaped: its last readings. Its CPU time, waited-for
    /// children included; `None` when it is not the target's.
    pub fn dying(&mut self, pid: i32, round: &mut Round) -> Option<Duration> {
        self.found.push(pid);
        self.take_up(round);
        self.heed(round);
        let mut process = self.processes.remove(&pid)?;
        process.last_words(round);
        let cpu = process.cpu();
        process.bury(round);
        Some(cpu)
    }

    /// Memory of all that are alive now.
    pub fn memory_now(&self) -> Bytes {
        together(self.processes.values().filter_map(LiveProcess::holding))
    }

    /// CPU time of all that are there now, waited-for children included.
    pub fn cpu(&self) -> Duration {
        self.processes.values().map(LiveProcess::cpu).sum()
    }

    /// How many are alive now.
    pub fn alive(&self) -> usize {
        self.processes.values().filter(|process| process.is_alive()).count()
    }

    /// The processes that run Python now, each with its CPU time and the number of its threads.
    pub fn pythons(&self) -> impl Iterator<Item = (Python, Duration, usize)> {
        self.processes.values().filter_map(|process| Some((process.python()?, process.cpu(), process.workers_alive())))
    }

    /// How many workers of theirs.
    pub fn workers_alive(&self) -> usize {
        self.processes.values().map(LiveProcess::workers_alive).sum()
    }

    /// Nothing more is read: all that are left leave their records. The sums of them all.
    pub fn close(self, round: &mut Round) -> Accounts {
        let mut accounts = self.accounts;
        for mut process in self.processes.into_values() {
            accounts.close(process.account(), None);
            process.bury(round);
        }
        recorded::bury_all_unmet(round);
        accounts
    }

    fn sample(&mut self, round: &mut Round) {
        let mut gone = Vec::new();
        for (pid, process) in &mut self.processes {
            if process.sample(round) == Err(Gone) {
                gone.push(*pid);
            } else if *pid == self.root {
                self.launch = process.launch();
            }
        }
        // Later ones first: they are mostly the children of the earlier, and settle with them.
        for pid in gone.into_iter().rev() {
            let Some(mut process) = self.processes.remove(&pid) else { continue };
            if process.pid() == self.root && round.attached.is_none() {
                self.note_hidden_root(round);
            }
            let heir = self.processes.get_mut(&process.heir()).map(LiveProcess::account);
            self.accounts.close(process.account(), heir);
            if let Some(parent) = self.processes.get_mut(&process.parent()) {
                parent.inherit(process.io());
            }
            process.bury(round);
        }
    }

    /// We are the one to reap it, so until then it is there, and hidden from us if we cannot see it.
    fn note_hidden_root(&self, round: &mut Round) {
        let path = ProcPath::process(self.root, "stat");
        round.missing.note(Hidden::Target, path.as_ref(), &"not visible before it ended");
    }

    /// Whether the kernel gave out an id since the last call; `true` when it does not tell.
    fn any_task_born(&mut self) -> bool {
        let mut buffer = [0; 128];
        let now = self.loadavg.read(&mut buffer).ok().and_then(last_pid);
        let before = std::mem::replace(&mut self.last_pid, now);
        now.is_none() || now != before
    }

    /// Adds our own children to those found.
    fn adopt(&mut self) {
        if self.own_children.read_whole(&mut self.scratch).is_ok() {
            self.found.extend(children(&self.scratch));
        }
    }

    /// Takes up those that were found and are not known, and their children.
    fn take_up(&mut self, round: &mut Round) {
        while let Some(pid) = self.found.pop() {
            if self.processes.contains_key(&pid) || self.strangers.contains(&pid) {
                continue;
            }
            if let Ok(process) = LiveProcess::new(pid, round) {
                // A zombie of which nothing more is to be told has left its record already.
                if round.tracks.are_kept() && !process.is_alive() && !round.tracks.know(pid) && pid != self.root {
                    continue;
                }
                if !round.tracks.are_kept() {
                    process.children(true, &mut self.scratch, &mut self.found, round);
                }
                self.processes.insert(pid, process);
            }
        }
    }

    /// Walks the pages of the process that waits for it the longest, once the budget allows that: a smaller one that
    /// overtook it would spend what is saved for it, and it would never be its turn.
    fn walk(&mut self, round: &mut Round) {
        let waiting =
            self.processes.values_mut().filter_map(|process| Some((process.waits_for_walk(&self.walks)?, process)));
        if let Some((_, process)) = waiting.min_by_key(|(since, _)| *since)
            && self.walks.allow(round.at, process.resident())
        {
            process.walk(&mut self.walks, round);
        }
    }

    fn files_left(&self) -> usize {
        let kept: usize = self.processes.values().map(LiveProcess::files).sum();
        self.files.saturating_sub(kept + RESERVE)
    }
}
