//! Who calls whom, over all files: same class, same module, then imports, as names resolve. What is ambiguous, two
//! modules or functions of one name, is skipped.

use super::summary::{BlockingCall, Function, Summary};
use crate::source::names::QualifiedName;
use std::collections::{HashMap, HashSet, VecDeque};

/// Functions between a coroutine and a blocking call that are followed; a longer chain is hard to believe.
const LONGEST: usize = 8;

/// Names of one thing that are followed from package to package.
pub(super) const REEXPORTS: usize = 4;

/// All functions of a project.
pub struct Graph<'s> {
    summaries: &'s [Summary],
    functions: HashMap<&'s str, Option<(&'s Summary, &'s Function)>>,
    exports: HashMap<(&'s str, &'s str), &'s QualifiedName>,
}

/// A way to a blocking call.
pub struct Path<'s> {
    /// Functions, each calling the next; the last one blocks.
    pub steps: Vec<(&'s Summary, &'s Function)>,
    /// Where it blocks.
    pub blocking: &'s BlockingCall,
}

impl<'s> Graph<'s> {
    /// Joins summaries.
    pub fn of(summaries: &'s [Summary]) -> Self {
        let mut modules: HashMap<&str, usize> = HashMap::new();
        for summary in summaries {
            *modules.entry(summary.module.as_str()).or_default() += 1;
        }
        let mut functions: HashMap<&str, Option<_>> = HashMap::new();
        let mut exports = HashMap::new();
        for summary in summaries.iter().filter(|summary| modules[summary.module.as_str()] == 1) {
            for function in &summary.functions {
                let only = functions.entry(function.name.as_str());
                only.and_modify(|known| *known = None).or_insert(Some((summary, function)));
            }
            for (name, target) in &summary.exports {
                exports.insert((summary.module.as_str(), name.as_str()), target);
            }
        }
        Self { summaries, functions, exports }
    }

    /// Every function with its file, in order of files.
    pub fn functions(&self) -> impl Iterator<Item = (&'s Summary, &'s Function)> {
        self.summaries.iter().flat_map(|summary| summary.functions.iter().map(move |function| (summary, function)))
    }

    /// The function of this name, also by the name of a package that passes it on.
    pub fn function(&self, name: &QualifiedName) -> Option<(&'s Summary, &'s Function)> {
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
        let sync = |name: &QualifiedName| {
            self.function(name).filter(|(_, function)| !function.is_async && function.runs_when_called)
        };
        let first = sync(callee)?;
        let mut queue = VecDeque::from([vec![first]]);
        let mut seen: HashSet<&str> = HashSet::from([first.1.name.as_str()]);
        while let Some(steps) = queue.pop_front() {
            let (_, last) = steps.last()?;
            if let Some(blocking) = &last.blocking {
                return Some(Path { blocking, steps });
            }
            if steps.len() == LONGEST {
                continue;
            }
            for next in last.calls.iter().filter_map(|call| sync(&call.callee)) {
                if seen.insert(next.1.name.as_str()) {
                    queue.push_back([steps.as_slice(), &[next]].concat());
                }
            }
        }
        None
    }
}
