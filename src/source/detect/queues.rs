//! CON404: queues that take whatever is put in.

use super::handed::{self, int};
use crate::source::calls::Placed;
use crate::source::finding::Found;
use crate::source::names::Variable;
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
    let is_put = |placed: &&Placed<'a>| placed.in_loop.is_some() && puts_into(at, placed, queue);
    let line = at.file.source.place(at.file.calls().iter().find(is_put)?.call.start()).line;
    let message = format!(
        "this queue takes all that the loop of line {line} puts in, however slow its consumers; maxsize= makes \
         producers wait, and bounds its memory"
    );
    Some(Found::at(call, message))
}

/// Whether a call puts something into a queue, by its own name or by the parameter that it is given as; a constant is
/// what tells consumers to end.
fn puts_into<'a>(at: &At<'a>, put: &Placed<'a>, queue: Variable<'a>) -> bool {
    let Expr::Attribute(method) = &*put.call.func else { return false };
    if !matches!(method.attr.as_str(), "put" | "put_nowait")
        || put.call.arguments.args.first().is_none_or(Expr::is_none_literal_expr)
    {
        return false;
    }
    let names = &at.file.names;
    let Some(into) = names.variable(&method.value, put.scope) else { return false };
    let Some(def) = names.function(put.scope).filter(|_| into != queue) else { return into == queue };
    let parameter = names.scope_of(def.range()) == Some(into.home) && def.parameters.includes(into.name);
    parameter && at.file.calls().iter().any(|call| gives(at, call, def, queue))
}

/// Whether a call calls a function, or hands it over, with a queue among its arguments.
fn gives<'a>(at: &At<'a>, placed: &Placed<'a>, def: &'a ast::StmtFunctionDef, queue: Variable<'a>) -> bool {
    let names = &at.file.names;
    let Placed { call, scope, .. } = *placed;
    let is_queue = |argument: &'a Expr| names.variable(argument, scope) == Some(queue);
    let is_def = |function: &'a Expr| names.definition(function, scope).is_some_and(|(own, _)| std::ptr::eq(own, def));
    if call.arguments.args.iter().any(is_queue) && is_def(&call.func) {
        return true;
    }
    let slot = handed::slot(names, call, scope, names.resolve(&call.func, scope).as_ref());
    slot.is_some_and(|slot| slot.arguments.iter().any(is_queue) && is_def(slot.task))
}
