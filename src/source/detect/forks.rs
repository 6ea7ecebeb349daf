//! CON303: a process is copied while it has threads.

use super::executors::{Pool, Workers};
use super::fixes;
use crate::source::calls;
use crate::source::finding::Found;
use crate::source::names::QualifiedName;
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::python::{Ranged, TextRange};
use crate::source::walk::At;

/// CON303: a process is forked after a thread was started, in the same function, and not joined.
pub(super) fn with_live_threads<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let forks = at.callee(call).is_some_and(|name| matches!(name.as_str(), "os.fork" | "os.forkpty" | "pty.fork"));
    let builds = || {
        let pool = at.callee(call).and_then(|name| Pool::built_by(name));
        pool.is_some_and(|pool| pool.eager && pool.workers == Workers::Processes)
    };
    if !forks && !starts(at, call, "multiprocessing.Process") && !builds() {
        return None;
    }
    let body = at.function().map_or(at.file.source.body(), |def| &def.body);
    let mut before = Vec::new();
    run_before(body, call.range(), &mut before);
    let mut live = None;
    for earlier in before {
        if starts(at, earlier, "threading.Thread") {
            live = Some(earlier);
        } else if is_method(earlier, "join") {
            live = None;
        }
    }
    let line = at.file.source.place(live?.start()).line;
    // What replaces its program at once needs no lock, and who chose another start method does not fork.
    let spared = if forks { &["os.exec", "execv", "execl"][..] } else { &["spawn", "forkserver"][..] };
    if spared.iter().any(|word| at.file.mentions(word)) {
        return None;
    }
    let when = if forks { "" } else { ", which forks by default on Linux before Python 3.14," };
    let message = format!(
        "this process{when} is copied while the thread of line {line} runs: the copy has no such thread, and a lock that \
         it held stays locked for good; start processes first, or use the spawn start method"
    );
    Some(Found::at(call, message).fix_if(fixes::spawned(at, call)))
}

/// Whether a call is `start()` of an instance of a class, or of one of the file's own classes that are made from it.
fn starts<'a>(at: &At<'a>, call: &'a ast::ExprCall, class: &str) -> bool {
    let Expr::Attribute(method) = &*call.func else { return false };
    let is_it =
        |instance: QualifiedName| instance == class || at.file.names.bases(&instance).iter().any(|base| base == class);
    method.attr.as_str() == "start" && at.instance_of(&method.value).is_some_and(is_it)
}

fn is_method(call: &ast::ExprCall, name: &str) -> bool {
    matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == name)
}

/// The calls that have run for certain when the one in `range` does, in order.
fn run_before<'a>(body: &'a [Stmt], range: TextRange, before: &mut Vec<&'a ast::ExprCall>) {
    for stmt in body {
        if stmt.range().contains_range(range) {
            let bodies: Vec<&[Stmt]> = match stmt {
                Stmt::With(with) => vec![&with.body],
                Stmt::For(each) => vec![&each.body],
                Stmt::While(each) => vec![&each.body],
                Stmt::Try(tried) => vec![&tried.body],
                Stmt::If(test) => {
                    let clauses = test.elif_else_clauses.iter().map(|clause| clause.body.as_slice());
                    std::iter::once(test.body.as_slice()).chain(clauses).collect()
                }
                _ => Vec::new(),
            };
            let inner = bodies.into_iter().find(|body| body.iter().any(|stmt| stmt.range().contains_range(range)));
            return run_before(inner.unwrap_or_default(), range, before);
        }
        // What one branch does may not have been done; a join in it may have.
        let joins =
            |call: &&ast::ExprCall| matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "join");
        let calls = calls::in_body(std::slice::from_ref(stmt));
        match stmt {
            Stmt::If(_) | Stmt::Match(_) => before.extend(calls.into_iter().filter(joins)),
            _ => before.extend(calls),
        }
    }
}
