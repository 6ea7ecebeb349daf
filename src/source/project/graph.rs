//! Who calls whom, over all files: same class, same module, then imports, as names resolve. What is ambiguous, two
//! modules or functions of one name, is skipped.

use super::summary::{BlockingCall, Function, Summary};
use crate::source::names::QualifiedName;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// Functions between a coroutine and a blocking call that are followed. In longer chains there most often is one that
/// goes on only the first time: what it loads is kept.
const LONGEST: usize = 5;

/// Names of one thing that are followed from package to package.
pub(super) const REEXPORTS: usize = 4;

/// A function with its file.
type InFile<'s> = (&'s Summary, &'s Function);

/// All functions of a project.
pub struct Graph<'s> {
    summaries: &'s [Summary],
    functions: FxHashMap<&'s str, Option<InFile<'s>>>,
    ways: FxHashMap<&'s str, Way<'s>>,
    exports: FxHashMap<(&'s str, &'s str), &'s QualifiedName>,
}

/// A way to a blocking call.
pub struct Path<'s> {
    /// Functions, each calling the next; the last one blocks.
    pub steps: Vec<(&'s Summary, &'s Function)>,
    /// Where it blocks.
    pub blocking: &'s BlockingCall,
}

/// A step on the way to a blocking call.
enum Way<'s> {
    /// The function blocks itself.
    Blocks(&'s BlockingCall),
    /// It calls one that leads there.
    Through(InFile<'s>),
}

impl<'s> Graph<'s> {
    /// Joins summaries.
    pub fn of(summaries: &'s [Summary]) -> Self {
        let mut modules: FxHashMap<&str, usize> = FxHashMap::default();
        for summary in summaries {
            *modules.entry(summary.module.as_str()).or_default() += 1;
        }
        let mut functions: FxHashMap<&str, Option<_>> = FxHashMap::default();
        let mut exports = FxHashMap::default();
        for summary in summaries.iter().filter(|summary| modules[summary.module.as_str()] == 1) {
            for function in &summary.functions {
                let only = functions.entry(function.name.as_str());
                only.and_modify(|known| *known = None).or_insert(Some((summary, function)));
            }
            for (name, target) in &summary.exports {
                exports.insert((summary.module.as_str(), name.as_str()), target);
            }
        }
        let mut graph = Self { summaries, functions, ways: FxHashMap::default(), exports };
        graph.ways = graph.ways();
        graph
    }

    /// Every function with its file, in order of files.
    pub fn functions(&self) -> impl Iterator<Item = InFile<'s>> {
        self.summaries.iter().flat_map(|summary| summary.functions.iter().map(move |function| (summary, function)))
    }

    /// The function of this name, also by the name of a package that passes it on.
    pub fn function(&self, name: &QualifiedName) -> Option<InFile<'s>> {
        let mut name = name.clone();
        for _ in 0..REEXPORTS {
            if let Some(found) = self.functions.get(name.as_str()) {
                return *found;
            }
            name = self.exported(&name)?;
        }
        None
    }

    /// What a module passes on under this name: `shop.fetch` may be `shop.client.fetch`.
    fn exported(&self, name: &QualifiedName) -> Option<QualifiedName> {
        let dots = name.match_indices('.').map(|(at, _)| at).rev();
        for at in dots {
            let (module, rest) = (&name[..at], &name[at + 1..]);
            let (first, rest) = rest.split_once('.').map_or((rest, None), |(first, rest)| (first, Some(rest)));
            if let Some(target) = self.exports.get(&(module, first)) {
                return Some(rest.map_or_else(|| (*target).clone(), |rest| target.join(rest)));
            }
        }
        None
    }

    /// The shortest way from calling a function to a blocking call, through functions that are no coroutines.
    pub fn to_blocking(&self, callee: &QualifiedName) -> Option<Path<'s>> {
        let mut steps = vec![self.sync(callee)?];
        loop {
            match self.ways.get(steps.last()?.1.name.as_str())? {
                Way::Blocks(blocking) => return Some(Path { steps, blocking }),
                Way::Through(next) => steps.push(*next),
            }
        }
    }

    /// The function of this name, if its body runs when it is called.
    fn sync(&self, name: &QualifiedName) -> Option<InFile<'s>> {
        self.function(name).filter(|(_, function)| !function.is_async && function.runs_when_called)
    }

    /// For each function from which there is a way to a blocking call, its first step: found backwards from the blocking
    /// calls, breadth first, so that each way is the shortest, and all are found in one pass.
    fn ways(&self) -> FxHashMap<&'s str, Way<'s>> {
        let mut callers: FxHashMap<&str, Vec<InFile<'s>>> = FxHashMap::default();
        let mut ways = FxHashMap::default();
        let mut ends = Vec::new();
        for (_, named) in self.functions() {
            let Some((file, function)) = self.sync(&named.name) else { continue };
            if let Some(blocking) = &function.blocking {
                ways.insert(function.name.as_str(), Way::Blocks(blocking));
                ends.push((file, function));
                continue;
            }
            for (_, called) in function.calls.iter().filter_map(|call| self.sync(&call.callee)) {
                callers.entry(called.name.as_str()).or_default().push((file, function));
            }
        }
        for _ in 1..LONGEST {
            let mut before = Vec::new();
            for end in ends {
                for caller in callers.get(end.1.name.as_str()).into_iter().flatten() {
                    if let Entry::Vacant(way) = ways.entry(caller.1.name.as_str()) {
                        way.insert(Way::Through(end));
                        before.push(*caller);
                    }
                }
            }
            ends = before;
        }
        ways
    }
}
