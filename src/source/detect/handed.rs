//! Which calls hand a callable to workers: to a thread, a process, a pool, or an event loop's executor.
//!
//! What is wrong with that is left to the detectors; a [`File`] keeps all of its own, so that a function's code can be
//! asked who runs it.

use super::executors::{Pool, Workers, may_send, sends};
use crate::source::calls::Placed;
use crate::source::names::{Names, QualifiedName, ScopeId};
use crate::source::python::TextRange;
use crate::source::python::ast::{self, Expr, Number};
use crate::source::walk::File;

/// A call that hands a callable over.
pub(in crate::source) struct Handed<'a> {
    /// The call.
    pub call: &'a ast::ExprCall,
    /// The scope that it is in.
    pub scope: ScopeId,
    /// What is handed over, out of its `partial`; `None` for an instance that runs its own method.
    pub task: Option<&'a Expr>,
    /// The file's own function that is run.
    pub runs: Option<&'a ast::StmtFunctionDef>,
    /// What runs it.
    pub workers: Workers,
    /// How it is given.
    pub way: Way,
    /// The pool that it is handed to.
    pub pool: Option<&'a Expr>,
    /// Whether several of them may run at once by this call alone.
    pub several: bool,
    /// The loop that the call is in.
    pub in_loop: Option<TextRange>,
}

/// Where a call has what is run, and where the arguments for that.
pub(super) struct Slot<'a> {
    /// What is run.
    pub task: &'a Expr,
    /// What it is run with, in each call: not what a map goes through.
    pub arguments: &'a [Expr],
    /// What runs it.
    pub workers: Workers,
    /// The pool.
    pub pool: Option<&'a Expr>,
    /// How it is given.
    pub way: Way,
}

/// How a callable is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Way {
    /// With `target=` and `args=`.
    Target,
    /// Followed by its arguments, by position and by keyword.
    Call,
    /// Followed by its arguments, by position only.
    Positions,
    /// Followed by the tuple of its arguments.
    Tuple,
    /// Followed by what it goes through.
    Map,
}

const NONE: &[Expr] = &[];

/// What a call of `callee` hands over.
pub(super) fn slot<'a>(
    names: &Names<'a>,
    call: &'a ast::ExprCall,
    scope: ScopeId,
    callee: Option<&QualifiedName>,
) -> Option<Slot<'a>> {
    let arguments = &call.arguments;
    let pool = if let Expr::Attribute(method) = &*call.func { Some(&*method.value) } else { None };
    if let Expr::Attribute(method) = &*call.func
        && method.attr.as_str() == "run_in_executor"
    {
        let pool = arguments.args.first()?;
        let workers = match pool {
            Expr::NoneLiteral(_) => Workers::Threads,
            _ => executor(&names.instance_of(pool, scope)?)?,
        };
        let (task, rest) = (arguments.args.get(1)?, arguments.args.get(2..).unwrap_or(NONE));
        return Some(Slot { task, arguments: rest, workers, pool: Some(pool), way: Way::Positions });
    }
    let callee = callee?;
    let workers = match callee.as_str() {
        "threading.Thread" | "multiprocessing.dummy.Process" => Some((Workers::Threads, "target")),
        "threading.Timer" => Some((Workers::Threads, "function")),
        "multiprocessing.Process" | "multiprocessing.context.BaseContext.Process" => {
            Some((Workers::Processes, "target"))
        }
        _ => None,
    };
    if let Some((workers, keyword)) = workers {
        let task = arguments.find_argument_value(keyword, 1)?;
        let with = match arguments.find_argument_value("args", 3) {
            Some(Expr::Tuple(tuple)) => tuple.elts.as_slice(),
            Some(Expr::List(list)) => list.elts.as_slice(),
            _ => NONE,
        };
        return Some(Slot { task, arguments: with, workers, pool: None, way: Way::Target });
    }
    if matches!(callee.as_str(), "asyncio.to_thread" | "asyncio.threads.to_thread" | "_thread.start_new_thread") {
        let (task, rest) = arguments.args.split_first()?;
        let way = if callee.starts_with('_') { Way::Tuple } else { Way::Call };
        return Some(Slot { task, arguments: rest, workers: Workers::Threads, pool: None, way });
    }
    let sent = sends(callee)?;
    let (task, rest) = arguments.args.split_first()?;
    let (way, with) = match (sent.one, callee.last()) {
        (true, "submit") => (Way::Call, rest),
        (true, _) => (Way::Tuple, rest.first().map_or(NONE, |with| elements(with))),
        (false, _) => (Way::Map, NONE),
    };
    Some(Slot { task, arguments: with, workers: sent.workers, pool, way })
}

fn elements(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::Tuple(tuple) => &tuple.elts,
        Expr::List(list) => &list.elts,
        _ => NONE,
    }
}

fn executor(class: &str) -> Option<Workers> {
    sends(&format!("{class}.submit")).map(|sent| sent.workers)
}

/// What a `functools.partial` is made of, or the expression itself, with the arguments that it brings.
pub(super) fn unwrapped<'a>(
    names: &Names<'a>,
    task: &'a Expr,
    scope: ScopeId,
) -> (&'a Expr, Option<&'a ast::Arguments>) {
    let partial = match task {
        Expr::Call(call) => Some(call),
        _ => names.value_behind(task, scope).and_then(|(value, _)| value.as_call_expr()),
    };
    let made = partial.filter(|call| names.resolve(&call.func, scope).is_some_and(|name| name == "functools.partial"));
    match made.and_then(|call| Some((call.arguments.args.first()?, &call.arguments))) {
        Some((inner, arguments)) => (inner, Some(arguments)),
        None => (task, None),
    }
}

/// All that a file hands over.
pub(in crate::source) fn all<'a>(file: &File<'a>) -> Vec<Handed<'a>> {
    file.calls().iter().filter_map(|placed| handed(&file.names, *placed)).collect()
}

/// Whether a call may hand something over, by its name alone: most are methods that do not, and to resolve them is dear.
fn may_hand(call: &ast::ExprCall) -> bool {
    let Expr::Attribute(method) = &*call.func else { return true };
    let name = method.attr.as_str();
    may_send(name)
        || matches!(name, "run_in_executor" | "to_thread" | "start_new_thread")
        || name.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase())
        || ["target", "function"].iter().any(|keyword| call.arguments.find_keyword(keyword).is_some())
}

fn handed<'a>(names: &Names<'a>, placed: Placed<'a>) -> Option<Handed<'a>> {
    let Placed { call, scope, in_loop } = placed;
    if !may_hand(call) {
        return None;
    }
    let callee = names.resolve(&call.func, scope);
    if let Some(slot) = slot(names, call, scope, callee.as_ref()) {
        let (task, _) = unwrapped(names, slot.task, scope);
        let one_worker = slot.pool.is_some_and(|pool| has_one_worker(names, pool, scope));
        return Some(Handed {
            call,
            scope,
            task: Some(task),
            runs: names.definition(task, scope).map(|(def, _)| def),
            workers: slot.workers,
            way: slot.way,
            pool: slot.pool,
            several: (in_loop.is_some() || slot.way == Way::Map) && !one_worker,
            in_loop,
        });
    }
    let class = callee?;
    let workers = names.bases(&class).iter().find_map(|base| match base.as_str() {
        "threading.Thread" => Some(Workers::Threads),
        "multiprocessing.Process" => Some(Workers::Processes),
        _ => None,
    })?;
    let (run, _) = names.method(&class, "run")?;
    Some(Handed {
        call,
        scope,
        task: None,
        runs: Some(run),
        workers,
        way: Way::Target,
        pool: None,
        several: in_loop.is_some(),
        in_loop,
    })
}

/// Whether a pool is known to have one worker.
pub(super) fn has_one_worker<'a>(names: &Names<'a>, pool: &'a Expr, scope: ScopeId) -> bool {
    let size = || {
        let (built, at) = names.value_behind(pool, scope)?;
        let Expr::Call(built) = built else { return None };
        let (size, at) = (Pool::built_by(&names.resolve(&built.func, at)?)?.size(built)?, at);
        names.value_behind(size, at)
    };
    size().is_some_and(|(size, _)| int(size) == Some(1))
}

/// The whole number that an expression is.
pub(super) fn int(expr: &Expr) -> Option<u64> {
    let Expr::NumberLiteral(number) = expr else { return None };
    if let Number::Int(number) = &number.value { number.as_u64() } else { None }
}

/// Who runs a function's code in workers.
pub(super) fn who_runs<'f, 'a>(
    file: &'f File<'a>,
    def: &'a ast::StmtFunctionDef,
) -> impl Iterator<Item = &'f Handed<'a>> {
    file.handed().iter().filter(move |handed| handed.runs.is_some_and(|run| std::ptr::eq(run, def)))
}
