//! CON108: event loops that are made again and again.

use super::{is_test, one_of, uses};
use crate::source::calls;
use crate::source::detect::library::Library;
use crate::source::finding::{Found, Level};
use crate::source::python::ast;
use crate::source::walk::{At, Loop, Node};

/// What makes an event loop, runs one coroutine on it, and closes it.
const RUN: [&str; 3] = ["asyncio.run", "trio.run", "anyio.run"];

/// CON108: every item of a loop gets an event loop of its own.
pub(in crate::source::detect) fn event_loop_again<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let (target, body) = match at.repeats(call)? {
        Loop::For(each) => (&*each.target, Some(&each.body)),
        Loop::Comprehension([each, ..]) => (&each.target, None),
        // What runs until it is told to stop often has to begin anew.
        Loop::Comprehension(_) | Loop::While(_) => return None,
    };
    // What is tried again needs a new one, and tests keep their cases apart.
    let is_loop = |node: &Node<'_>| matches!(node, Node::Stmt(ast::Stmt::For(_)));
    let is_try = |node: Node<'_>| matches!(node, Node::Stmt(ast::Stmt::Try(_)));
    let retried = at.around().take_while(|node| !is_loop(node)).any(is_try);
    if retried || !(uses(call, target) || call.arguments.is_empty()) || is_test(at) {
        return None;
    }
    if let Some(callee) = at.callee(call).filter(|callee| one_of(&RUN, callee)) {
        let message = format!(
            "{callee}() makes and closes an event loop for each item, and the items wait for one another; run one \
             coroutine that handles them all, with asyncio.gather() or a TaskGroup"
        );
        return uses(call, target).then(|| Found::at(call, Library::of(at.file).say(&message)));
    }
    if at.callee(call).is_some_and(|callee| callee == "asyncio.new_event_loop") {
        let runs = |inner: &&ast::ExprCall| {
            matches!(&*inner.func, ast::Expr::Attribute(method) if method.attr.as_str() == "run_until_complete")
                && uses(inner, target)
        };
        calls::in_body(body?).into_iter().find(runs)?;
        let message = "an event loop is made for each item, and the items wait for one another; run one coroutine that \
                       handles them all";
        return Some(Found::at(call, message));
    }
    let (def, scope) = at.definition(&call.func).filter(|(def, _)| !def.is_async && def.decorator_list.is_empty())?;
    if !uses(call, target) {
        return None;
    }
    let is_run = |inner: &&'a ast::ExprCall| match &*inner.func {
        ast::Expr::Attribute(method) => method.attr.as_str() == "run",
        other => other.is_name_expr(),
    };
    let run = calls::in_body(&def.body)
        .into_iter()
        .filter(is_run)
        .find_map(|inner| at.file.names.resolve(&inner.func, scope).filter(|callee| one_of(&RUN, callee)))?;
    let message = format!(
        "{}() makes and closes an event loop each time ({run}()), and this loop calls it for each item; run one \
         coroutine that handles them all",
        def.name
    );
    Some(Found::at(call, message).level(Level::Info))
}
