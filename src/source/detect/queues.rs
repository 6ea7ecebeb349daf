//! CON404: queues that take whatever is put in.

use super::handed::int;
use crate::source::finding::Found;
use crate::source::names::{Names, ScopeId, Variable};
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Node};

/// CON404: a loop puts into a queue that has no bound.
pub(super) fn without_bound<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let size = match at.callee(call)?.as_str() {
        "queue.Queue"
        | "queue.LifoQueue"
        | "queue.PriorityQueue"
        | "asyncio.Queue"
        | "multiprocessing.Queue"
        | "multiprocessing.JoinableQueue"
        | "multiprocessing.context.BaseContext.Queue"
        | "multiprocessing.context.BaseContext.JoinableQueue"
        | "asyncio.LifoQueue"
        | "asyncio.PriorityQueue" => call.arguments.find_argument_value("maxsize", 0),
        _ => return None,
    };
    if size.is_some_and(|size| int(size) != Some(0)) {
        return None;
    }
    let target = match at.parent()? {
        Node::Stmt(Stmt::Assign(assign)) => assign.targets.first().filter(|_| assign.targets.len() == 1)?,
        Node::Stmt(Stmt::AnnAssign(assign)) => &*assign.target,
        _ => return None,
    };
    let names = &at.file.names;
    let queue = names.variable(target, at.scope())?;
    let mut puts =
        at.file.calls().iter().filter(|placed| placed.in_loop && is_put(placed.call, names, placed.scope, queue));
    let line = at.file.source.place(puts.next()?.call.start()).line;
    let message = format!(
        "this queue takes all that the loop of line {line} puts in, however slow its consumers; maxsize= makes \
         producers wait, and bounds its memory"
    );
    Some(Found::at(call, message))
}

/// Whether a call puts something into a queue; a constant is what tells consumers to end.
fn is_put<'a>(put: &'a ast::ExprCall, names: &Names<'a>, scope: ScopeId, queue: Variable<'a>) -> bool {
    let Expr::Attribute(method) = &*put.func else { return false };
    matches!(method.attr.as_str(), "put" | "put_nowait")
        && put.arguments.args.first().is_some_and(|item| !item.is_literal_expr())
        && names.variable(&method.value, scope) == Some(queue)
}
