//! Checks files: each by itself, in parallel, and then all together.

use super::graph::{Graph, REEXPORTS};
use super::summary::{Function, Summary};
use super::{Binary, Note, binaries, files};
use crate::source::caught::caught;
use crate::source::detect::Dispatch;
use crate::source::finding::Finding;
use crate::source::globs::Globs;
use crate::source::names::{Module, QualifiedName};
use crate::source::python::{self, Source};
use crate::source::walk::{File, Walked, walk_with};
use crate::target::binary::format_of_head;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Findings, by file and place.
    pub findings: Vec<Finding>,
    /// What could not be read, or not well.
    pub notes: Vec<Note>,
    /// Files that were looked at.
    pub files: usize,
    /// Native files that were named, in that order.
    pub binaries: Vec<Binary>,
}

/// How a file is looked at.
#[derive(Clone, Copy)]
struct Way {
    /// Also where no finding can be in it.
    always: bool,
    /// As one that was named itself.
    named: bool,
    /// For the places of executors too.
    executors: bool,
}

/// What one file gave.
#[derive(Default)]
struct Seen {
    walked: Option<Walked>,
    note: Option<Note>,
}

/// Stack of a thread that walks trees: 16 kB for each level of the deepest one.
const STACK: usize = 16 << 20;

/// Longest file that is checked without being named, in bytes. Among the nine million lines of `bench/precision` no
/// file has an eighth of it, and text that is parsed takes some thirty times its length in memory.
const LONGEST_UNNAMED: usize = 8 << 20;

/// Checks the files and folders that are named, on as many threads as this process may use cores.
pub fn check(named: &[PathBuf], dispatch: &Dispatch) -> Checked {
    check_without(named, dispatch, &Globs::none())
}

/// The same without what is covered by `excluded`, unless it is named itself.
pub fn check_without(named: &[PathBuf], dispatch: &Dispatch, excluded: &Globs) -> Checked {
    on_wide_stacks(|| on_these_threads(named, dispatch, excluded, false)).0
}

/// As [`check`], with what each file says: so all are walked, also those that no finding can be in.
pub fn check_all(named: &[PathBuf], dispatch: &Dispatch) -> (Checked, Vec<Summary>) {
    on_wide_stacks(|| on_these_threads(named, dispatch, &Globs::none(), true))
}

/// Does something on threads whose stacks hold the deepest tree that is walked, as many as this process may use cores.
pub fn on_wide_stacks<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(what),
        // There are no threads to be had: whatever there is must do.
        Err(_) => what(),
    }
}

fn on_these_threads(named: &[PathBuf], dispatch: &Dispatch, excluded: &Globs, all: bool) -> (Checked, Vec<Summary>) {
    let apart = binaries::apart(named);
    let (files, mut notes) = files::find(&apart.others, excluded);
    notes.extend(apart.notes);
    let is_named: FxHashSet<&Path> = named.iter().map(PathBuf::as_path).collect();
    let look = |path: &PathBuf, always: bool| {
        look(path, dispatch, Way { always, named: is_named.contains(path.as_path()), executors: all })
    };
    let seen: Vec<Seen> = files.par_iter().map(|path| look(path, all)).collect();
    let mut checked = Checked { notes, files: files.len(), binaries: apart.binaries, ..Checked::default() };
    let mut summaries = Vec::new();
    let mut skipped = Vec::new();
    for (path, seen) in files.iter().zip(seen) {
        match (&seen.walked, &seen.note) {
            (None, None) => skipped.push(path),
            _ => checked.take(seen, &mut summaries),
        }
    }
    if !dispatch.projects.is_empty() {
        reach(&mut checked, &mut summaries, skipped, &|path| look(path, true));
        summaries.sort_by(|one, other| one.path.cmp(&other.path));
        let graph = Graph::of(&summaries);
        for (entry, detect) in &dispatch.projects {
            checked.findings.extend(detect(entry, &graph));
        }
    }
    let key = |finding: &Finding| (finding.path.clone(), finding.spot.cell, finding.spot.start, &finding.entry.code);
    checked.findings.sort_by(|one, other| key(one).cmp(&key(other)));
    checked.notes.sort();
    (checked, summaries)
}

/// Checks `bytes` as what `path` would hold, on this thread, which must have stack enough. A panic is not caught: it is
/// for finding those that this is.
pub fn check_bytes(path: &Path, bytes: Vec<u8>, dispatch: &Dispatch) -> Checked {
    let mut checked = Checked { files: 1, ..Checked::default() };
    let mut summaries = Vec::new();
    let way = Way { always: true, named: true, executors: true };
    checked.take(look_into(path, bytes, dispatch, way), &mut summaries);
    let graph = Graph::of(&summaries);
    for (entry, detect) in &dispatch.projects {
        checked.findings.extend(detect(entry, &graph));
    }
    checked
}

impl Checked {
    fn take(&mut self, seen: Seen, summaries: &mut Vec<Summary>) {
        self.notes.extend(seen.note);
        if let Some(walked) = seen.walked {
            self.findings.extend(walked.findings);
            summaries.push(walked.summary);
        }
    }
}

/// Looks at those of the skipped files that coroutines call into, directly or through others.
fn reach(
    checked: &mut Checked,
    summaries: &mut Vec<Summary>,
    skipped: Vec<&PathBuf>,
    look: &(dyn Fn(&PathBuf) -> Seen + Sync),
) {
    let coroutines = summaries.iter().flat_map(|summary| &summary.functions).filter(|function| function.is_async);
    let mut wanted: Vec<Wanted> = coroutines.flat_map(callees).map(Wanted::called).collect();
    if wanted.is_empty() || skipped.is_empty() {
        return;
    }
    let modules: Vec<_> = skipped.into_par_iter().map(|path| (Module::of(path).name, path)).collect();
    let mut unread: FxHashMap<String, Vec<&PathBuf>> = FxHashMap::default();
    modules.into_iter().for_each(|(module, path)| unread.entry(module).or_default().push(path));
    let mut known = Known::default();
    summaries.iter().for_each(|summary| known.add(summary));
    let mut followed = FxHashSet::default();
    loop {
        let mut again = Vec::new();
        let mut paths = Vec::new();
        while let Some(name) = wanted.pop() {
            if !followed.insert(name.name.clone()) {
                continue;
            }
            let mut found: Vec<&PathBuf> = Vec::new();
            parts(&name.name).for_each(|(module, _)| found.extend(unread.remove(module).into_iter().flatten()));
            if found.is_empty() {
                wanted.extend(known.next(&name));
            } else {
                paths.extend(found);
                again.push(name);
            }
        }
        if paths.is_empty() {
            return;
        }
        let seen: Vec<Seen> = paths.par_iter().map(|path| look(path)).collect();
        let before = summaries.len();
        seen.into_iter().for_each(|seen| checked.take(seen, summaries));
        summaries[before..].iter().for_each(|summary| known.add(summary));
        for name in &again {
            followed.remove(&name.name);
        }
        wanted = again;
    }
}

/// A name to be followed.
struct Wanted {
    name: QualifiedName,
    /// How often it was passed on from module to module, which may go in circles under ever longer names.
    passed: usize,
}

impl Wanted {
    fn called(name: QualifiedName) -> Self {
        Self { name, passed: 0 }
    }
}

/// What is known of files that were read, by name: what functions call, and what modules pass on.
#[derive(Default)]
struct Known {
    calls: FxHashMap<QualifiedName, Vec<QualifiedName>>,
    passes: FxHashMap<(String, String), QualifiedName>,
}

impl Known {
    fn add(&mut self, summary: &Summary) {
        for function in summary.functions.iter().filter(|function| !function.is_async) {
            self.calls.entry(function.name.clone()).or_default().extend(callees(function));
        }
        for (name, target) in &summary.exports {
            self.passes.insert((summary.module.clone(), name.clone()), target.clone());
        }
    }

    /// What following a name leads to.
    fn next(&self, wanted: &Wanted) -> Vec<Wanted> {
        let Wanted { name, passed } = wanted;
        let calls = self.calls.get(name).into_iter().flatten().cloned().map(Wanted::called);
        if *passed == REEXPORTS {
            return calls.collect();
        }
        let on = parts(name).find_map(|(module, rest)| {
            let (first, below) = rest.split_once('.').map_or((rest, None), |(first, below)| (first, Some(below)));
            let target = self.passes.get(&(module.to_owned(), first.to_owned()))?;
            Some(below.map_or_else(|| target.clone(), |below| target.join(below)))
        });
        calls.chain(on.map(|name| Wanted { name, passed: passed + 1 })).collect()
    }
}

fn callees(function: &Function) -> impl Iterator<Item = QualifiedName> {
    function.calls.iter().map(|call| call.callee.clone())
}

/// The modules that a name may be in, and what it is there: `shop.client` and `fetch`, `shop` and `client.fetch`.
fn parts(name: &QualifiedName) -> impl Iterator<Item = (&str, &str)> {
    name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]))
}

/// Looks at one file.
fn look(path: &Path, dispatch: &Dispatch, way: Way) -> Seen {
    let refuse = |clause: String| {
        let note = Note { path: path.to_owned(), clause, refused: way.named };
        Seen { note: Some(note), walked: None }
    };
    let bytes = match python::bytes(path) {
        Ok(bytes) => bytes,
        Err(why) => return refuse(why),
    };
    if let Some(format) = format_of_head(&bytes) {
        return refuse(format!("it is {format}, whatever its name says; name it itself to have it told of"));
    }
    if !way.always && !way.named && !dispatch.may_find_in(&bytes) {
        return Seen::default();
    }
    if !way.named && bytes.len() > LONGEST_UNNAMED {
        return refuse(format!(
            "it is longer than {} MiB, as generated files are; it is checked when it is named itself",
            LONGEST_UNNAMED >> 20
        ));
    }
    match caught(|| look_into(path, bytes, dispatch, way)) {
        Ok(seen) => seen,
        Err(said) => {
            refuse(format!("it is left out, because concadvise itself failed on it ({said}); please report it"))
        }
    }
}

/// Looks at what one file holds.
fn look_into(path: &Path, bytes: Vec<u8>, dispatch: &Dispatch, way: Way) -> Seen {
    let refuse = |clause: String| {
        let note = Note { path: path.to_owned(), clause, refused: way.named };
        Seen { note: Some(note), walked: None }
    };
    let source = match Source::parse(path, &bytes) {
        Ok(source) => source,
        Err(why) => return refuse(why),
    };
    drop(bytes);
    if source.is_python_2() {
        return refuse("it is written for Python 2, which is not checked".to_owned());
    }
    let mut errors = source.errors();
    let note = errors.next().map(|(place, why)| {
        let more = errors.count();
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let clause = format!("line {} does not parse: {why}{more}; the rest is checked", place.line);
        Note { path: path.to_owned(), clause, refused: false }
    });
    let module = Module::of(path);
    let walked = walk_with(&File::of(&source, &module), dispatch, way.executors);
    Seen { walked: Some(walked), note }
}
