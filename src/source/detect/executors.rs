//! Which pools there are: how they are built, what runs in them, and which argument is the number of workers.

use crate::source::python::ast::{self, Expr};

/// What runs the tasks of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// Threads of this process.
    Threads,
    /// Processes.
    Processes,
    /// Interpreters in threads of this process.
    Interpreters,
}

/// A pool that a call builds.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// Its class, in a word.
    pub name: &'static str,
    /// What runs its tasks.
    pub workers: Workers,
    /// Whether its workers start when it is built, and not with the first task.
    pub eager: bool,
    /// Keyword of the number of workers, which is also its first argument.
    keyword: &'static str,
}

const fn pool(name: &'static str, workers: Workers, eager: bool, keyword: &'static str) -> Pool {
    Pool { name, workers, eager, keyword }
}

const POOLS: [(&str, Pool); 7] = [
    ("concurrent.futures.ThreadPoolExecutor", pool("ThreadPoolExecutor", Workers::Threads, false, "max_workers")),
    ("concurrent.futures.ProcessPoolExecutor", pool("ProcessPoolExecutor", Workers::Processes, false, "max_workers")),
    (
        "concurrent.futures.InterpreterPoolExecutor",
        pool("InterpreterPoolExecutor", Workers::Interpreters, false, "max_workers"),
    ),
    ("multiprocessing.Pool", pool("Pool", Workers::Processes, true, "processes")),
    ("multiprocessing.pool.Pool", pool("Pool", Workers::Processes, true, "processes")),
    ("multiprocessing.context.BaseContext.Pool", pool("Pool", Workers::Processes, true, "processes")),
    ("multiprocessing.pool.ThreadPool", pool("ThreadPool", Workers::Threads, true, "processes")),
];

impl Pool {
    /// The pool that calling `callee` builds.
    pub fn built_by(callee: &str) -> Option<Self> {
        POOLS.iter().find(|(name, _)| *name == callee).map(|(_, pool)| *pool)
    }

    /// The number of workers that a call that builds it asks for.
    pub fn size<'a>(&self, call: &'a ast::ExprCall) -> Option<&'a Expr> {
        call.arguments.find_argument_value(self.keyword, 0)
    }
}

/// What a pool's method does with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// What runs the task.
    pub workers: Workers,
    /// Whether its errors are raised only where its result is asked for.
    pub later: bool,
    /// Whether it sends one task.
    pub one: bool,
}

/// Methods that send tasks to one of the pools.
const SENDING: [&str; 9] =
    ["submit", "map", "apply", "starmap", "apply_async", "map_async", "starmap_async", "imap", "imap_unordered"];

/// Whether a method of this name may be one that sends tasks: what is known before it is resolved, which is dear.
pub fn may_send(method: &str) -> bool {
    SENDING.contains(&method)
}

/// What a method of this name does, when it is one that sends tasks.
pub fn sends(callee: &str) -> Option<Sends> {
    if !callee.starts_with("concurrent.") && !callee.starts_with("multiprocessing.") {
        return None;
    }
    let (class, method) = callee.rsplit_once('.')?;
    let workers = match class {
        "concurrent.futures.ThreadPoolExecutor" | "multiprocessing.pool.ThreadPool" => Workers::Threads,
        "concurrent.futures.ProcessPoolExecutor" | "multiprocessing.pool.Pool" => Workers::Processes,
        "concurrent.futures.InterpreterPoolExecutor" => Workers::Interpreters,
        _ => return None,
    };
    let (later, one) = match (class.starts_with("concurrent"), method) {
        (true, "submit") | (false, "apply_async") => (true, true),
        (true, "map") | (false, "map_async" | "starmap_async" | "imap" | "imap_unordered") => (true, false),
        (false, "apply") => (false, true),
        (false, "map" | "starmap") => (false, false),
        _ => return None,
    };
    Some(Sends { workers, later, one })
}
