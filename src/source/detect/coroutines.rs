//! CON1xx: what goes wrong in coroutines.

use super::fixes;
use crate::source::finding::Found;
use crate::source::python::ast;
use crate::source::python::ast::{Expr, Number};
use crate::source::walk::At;

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
    let found = Found::at(call, format!("{} blocks the event loop; use {}", spoken(callee), group.instead));
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
        "os.waitpid" => call.arguments.args.get(1).is_some_and(|options| !zero(options)),
        _ => timeout.is_some_and(zero),
    }
}

/// A callable as a reader says it: `open()`, `requests.Session.get()`.
pub fn spoken(callee: &str) -> String {
    format!("{}()", callee.strip_prefix("builtins.").unwrap_or(callee))
}
