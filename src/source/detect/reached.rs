//! CON102: what a coroutine blocks on through helpers, told from all files together.

use super::coroutines::spoken;
use super::library::Library;
use crate::source::catalogue::Entry;
use crate::source::finding::{Evidence, Finding, Step};
use crate::source::names::QualifiedName;
use crate::source::project::graph::{Graph, Path};
use crate::source::project::summary::Called;

/// CON102: a coroutine calls a function of the project that ends in a blocking call.
pub(super) fn blocking_helper(entry: &'static Entry, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, function) in graph.functions().filter(|(_, function)| function.is_async) {
        for call in &function.calls {
            let Some(spot) = &call.spot else { continue };
            if spot.noqa.as_ref().is_some_and(|noqa| noqa.covers(&entry.code)) {
                continue;
            }
            let Some(path) = graph.to_blocking(&call.callee) else { continue };
            let mut chain = Vec::new();
            for (index, (file, step)) in path.steps.iter().enumerate() {
                let next = path.steps.get(index + 1).map(|(_, next)| &next.name);
                // A call may name it by the package that passes it on.
                let is = |call: &&Called, next: &QualifiedName| {
                    graph.function(&call.callee).is_some_and(|(_, found)| found.name == *next)
                };
                let called = next.and_then(|next| step.calls.iter().find(|call| is(call, next)));
                let (place, what) = match called {
                    Some(call) => (call.place, spoken(call.callee.last())),
                    None => (path.blocking.place, spoken(&path.blocking.callable)),
                };
                chain.push(Step { path: file.path.clone(), place, what: format!("{} calls {what}", step.within) });
            }
            findings.push(Finding {
                entry,
                level: entry.level,
                path: file.path.clone(),
                spot: spot.clone(),
                qualified_name: Some(function.within.clone()),
                message: format!(
                    "{} blocks the event loop: it calls {}{}; use {}",
                    spoken(call.callee.last()),
                    spoken(&path.blocking.callable),
                    through(&path),
                    file.library.unwrap_or(Library::Asyncio).say(&path.blocking.instead)
                ),
                evidence: Evidence::Source,
                chain,
                fix: None,
            });
        }
    }
    findings
}

/// What is between the helper and the blocking call, in a few words: the chain tells the rest.
fn through(path: &Path<'_>) -> String {
    match path.steps.get(1..).unwrap_or_default() {
        [] => String::new(),
        [(_, one)] => format!(" through {}", spoken(one.name.last())),
        [(_, first), rest @ ..] => format!(" through {} and {} more", spoken(first.name.last()), rest.len()),
    }
}
