//! CON1xx: what goes wrong in coroutines: blocking calls here, the rest below by what goes wrong, and what they all ask.

mod awaits;
mod clients;
mod cpu;
mod loops;
mod suspends;
mod tasks;

pub(super) use awaits::{
    gather_without_policy, lock_across_await, one_after_another, one_after_another_in_comprehension, unbounded_fan_out,
};
pub(super) use clients::built_per_request;
pub(super) use cpu::{cpu_work, long_loop};
pub(super) use loops::event_loop_again;
pub(super) use tasks::{dangling, never_awaits};

use super::fixes;
use super::library::Library;
use crate::source::finding::Found;
use crate::source::names::QualifiedName;
use crate::source::python::ast;
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::{Expr, Number, Stmt};
use crate::source::walk::{At, Node};

/// CON101: a call of the table of blocking callables, in a coroutine's own code.
pub(super) fn blocking_call<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    at.coroutine()?;
    if at.is_awaited() {
        return None;
    }
    let callee = at.callee(call)?;
    let group = at.file.catalogue.blocking.of(callee)?;
    if never_waits(call, callee) || at.file.mentions("monkey.patch_all") {
        return None;
    }
    let instead = Library::of(at.file).say(&group.instead);
    let found = Found::at(call, format!("{} blocks the event loop; use {instead}", spoken(callee)));
    let found = found.fix_if(fixes::awaited(at, call, callee, group));
    Some(match group.level {
        Some(level) => found.level(level),
        None => found,
    })
}

/// Whether its arguments say that it does not wait after all.
pub fn never_waits(call: &ast::ExprCall, callee: &str) -> bool {
    let zero = |expr: &Expr| matches!(expr, Expr::NumberLiteral(number) if matches!(&number.value, Number::Int(n) if n.as_u8() == Some(0)));
    let timeout = call.arguments.find_keyword("timeout").map(|keyword| &keyword.value);
    match callee {
        "time.sleep" => call.arguments.args.first().is_some_and(zero),
        "select.select" => call.arguments.args.get(3).is_some_and(zero),
        "threading.Thread.join" | "multiprocessing.Process.join" => {
            timeout.or(call.arguments.args.first()).is_some_and(zero)
        }
        // Told that the host is an address, it asks nobody. The flag may stand in a constant named after it.
        "socket.getaddrinfo" => {
            let says = |name: &str| name.contains("NUMERIC");
            let flag = |part: &Expr| match part {
                Expr::Attribute(attribute) => says(attribute.attr.as_str()),
                Expr::Name(name) => says(name.id.as_str()),
                _ => false,
            };
            let given = call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
            given.into_iter().any(|value| any_over_expr(value, flag))
        }
        "os.waitpid" => call.arguments.args.get(1).is_some_and(|options| !zero(options)),
        _ => timeout.is_some_and(zero),
    }
}

/// A callable as a reader says it: `open()`, `requests.Session.get()`.
pub fn spoken(callee: &str) -> String {
    format!("{}()", callee.strip_prefix("builtins.").unwrap_or(callee))
}

/// Whether a name is one of these.
fn one_of(names: &[&str], name: &QualifiedName) -> bool {
    names.contains(&name.as_str())
}

/// Whether an expression uses a name that a loop binds.
fn bound_by(expr: &Expr, target: &Expr) -> bool {
    let bound = |name: &ast::ExprName| {
        any_over_expr(target, |part: &Expr| matches!(part, Expr::Name(bound) if bound.id == name.id))
    };
    any_over_expr(expr, |part: &Expr| matches!(part, Expr::Name(name) if bound(name)))
}

/// Whether a call, in its arguments or in what it is a method of, uses a name that a loop binds.
fn uses(call: &ast::ExprCall, target: &Expr) -> bool {
    let arguments = &call.arguments;
    bound_by(&call.func, target)
        || arguments.args.iter().any(|arg| bound_by(arg, target))
        || arguments.keywords.iter().any(|keyword| bound_by(&keyword.value, target))
}

/// Whether this is a test, which makes afresh what it tests.
fn is_test(at: &At<'_>) -> bool {
    let named = |name: &str| name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py";
    let file = at.file.source.path.file_name().is_some_and(|name| named(&name.to_string_lossy()));
    let function = |node: Node<'_>| match node {
        Node::Stmt(Stmt::FunctionDef(def)) => def.name.starts_with("test_"),
        Node::Stmt(Stmt::ClassDef(def)) => def.name.starts_with("Test") || def.name.ends_with("Test"),
        _ => false,
    };
    file || at.around().any(function)
}
