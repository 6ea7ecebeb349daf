//! The places where a program builds executors, for those who know how it ran.

use crate::source::detect::executors::{Pool, Workers, sends};
use crate::source::detect::unpicklable;
use crate::source::finding::{Evidence, Spot};
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Number};
use crate::source::walk::At;
use std::path::PathBuf;

/// A call that builds a pool, or one thread or process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executor {
    /// Its class, in a word: `ThreadPoolExecutor`, `Thread`.
    pub name: &'static str,
    /// What runs its tasks.
    pub workers: Workers,
    /// The number of workers, where it is a number in the source.
    pub size: Option<u32>,
    /// The file.
    pub path: PathBuf,
    /// The line that the call begins at.
    pub line: u32,
    /// The function or class around it; `None` at the file's own level.
    pub within: Option<String>,
    /// Codes that only a run shows and that are not told here: a comment or the project says so.
    pub silent: Vec<String>,
}

/// Calls that build a worker of their own, and by which name a reader knows it.
const SINGLE: [(&str, &str, Workers); 2] =
    [("threading.Thread", "Thread", Workers::Threads), ("multiprocessing.Process", "Process", Workers::Processes)];

impl Executor {
    /// What a call builds, where that is one.
    pub fn built<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Self> {
        let callee = at.callee(call)?;
        let single = || SINGLE.iter().find(|(single, ..)| *single == callee.as_str());
        let (name, workers, size) = match Pool::built_by(callee) {
            Some(pool) => (pool.name, pool.workers, pool.size(call).and_then(|size| number(at.value_of(size)?))),
            None => single().map(|(_, name, workers)| (*name, *workers, None))?,
        };
        let source = at.file.source;
        let line = u32::try_from(source.place(call.start()).line).unwrap_or(u32::MAX);
        let within = at.file.names.within(at.scope());
        let silent = Spot::of(source, call.range()).noqa.map_or_else(Vec::new, |noqa| {
            let of_runs = at.file.catalogue.entries.iter().filter(|entry| entry.evidence == Evidence::Run);
            of_runs.filter(|entry| noqa.covers(&entry.code)).map(|entry| entry.code.clone()).collect()
        });
        Some(Self { name, workers, size, path: source.path.clone(), line, within, silent })
    }
}

/// A task that is handed to threads, and that no process could be handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// The file.
    pub path: PathBuf,
    /// The line.
    pub line: u32,
    /// What is handed over: `a lambda`.
    pub what: String,
}

impl Unsent {
    /// What a call hands to threads, where that is one.
    pub fn handed<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Self> {
        sends(at.callee(call)?).filter(|sent| sent.workers == Workers::Threads)?;
        let (node, what) = unpicklable(at, call.arguments.args.first()?)?;
        let source = at.file.source;
        let line = u32::try_from(source.place(node.start()).line).unwrap_or(u32::MAX);
        // The sentence of CON203 goes on after it.
        let what =
            what.trim_end_matches(" and").replace(" is defined within a function", ", which is defined in a function,");
        Some(Self { path: source.path.clone(), line, what })
    }
}

fn number(value: &Expr) -> Option<u32> {
    let Expr::NumberLiteral(number) = value else { return None };
    let Number::Int(number) = &number.value else { return None };
    number.as_u64().and_then(|number| u32::try_from(number).ok())
}
