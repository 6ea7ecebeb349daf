//! CON209: resources that do not live as long as what uses them.

use super::executors::Workers;
use super::handed::{self, Way};
use crate::source::calls;
use crate::source::finding::Found;
use crate::source::python::ast::helpers::{any_over_body, any_over_expr};
use crate::source::python::ast::visitor::{Visitor, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::python::{Ranged, TextRange};
use crate::source::walk::At;

/// What a `with` statement closes at its end. Connections whose `with` ends a transaction only are not among these.
const CLOSED: [&str; 27] = [
    "builtins.open",
    "io.open",
    "gzip.open",
    "bz2.open",
    "lzma.open",
    "tarfile.open",
    "zipfile.ZipFile",
    "shelve.open",
    "mmap.mmap",
    "h5py.File",
    "pathlib.Path.open",
    "tempfile.TemporaryFile",
    "tempfile.NamedTemporaryFile",
    "tempfile.SpooledTemporaryFile",
    "tempfile.TemporaryDirectory",
    "socket.socket",
    "socket.create_connection",
    "urllib.request.urlopen",
    "requests.Session",
    "requests.session",
    "httpx.Client",
    "httpx.AsyncClient",
    "aiohttp.ClientSession",
    "psycopg.connect",
    "sqlalchemy.engine.Engine.connect",
    "sqlalchemy.engine.Engine.begin",
    "sqlalchemy.orm.Session",
];

/// Calls that wait for something, and so perhaps for what was started.
const WAITS: [&str; 24] = [
    "join",
    "result",
    "wait",
    "get",
    "shutdown",
    "close",
    "terminate",
    "as_completed",
    "gather",
    "run",
    "run_forever",
    "serve_forever",
    "communicate",
    "exception",
    "acquire",
    "sleep",
    "run_until_complete",
    "input",
    "wait_for",
    "mainloop",
    "recv",
    "cancel",
    "pause",
    "accept",
];

/// CON209: what a `with` statement closes is used by a thread or a coroutine that it does not wait for.
pub(super) fn closed_too_early<'a>(at: &At<'a>, with: &'a ast::StmtWith) -> Option<Found> {
    with.items.iter().enumerate().find_map(|(index, item)| {
        let (Expr::Call(opened), Some(Expr::Name(name))) = (&item.context_expr, item.optional_vars.as_deref()) else {
            return None;
        };
        let opener = at.resolve(&opened.func)?;
        if !CLOSED.contains(&opener.as_str()) {
            return None;
        }
        let mut plain = Plain(Vec::new());
        plain.visit_body(&with.body);
        let (start, what) = plain.0.into_iter().find_map(|call| {
            let what = start_of(at, call, name.id.as_str())?;
            (!ended_before(at, with, index, call)).then_some((call, what))
        })?;
        let message = format!(
            "`{}` is closed at the end of its `with`, which does not wait for this {what} that uses it; wait for it \
             within, or open `{}` in what it runs",
            name.id, name.id
        );
        Some(Found::at(start, message))
    })
}

/// The word for what a call starts, when that uses `name`.
fn start_of<'a>(at: &At<'a>, call: &'a ast::ExprCall, name: &str) -> Option<&'static str> {
    let is_it = |expr: &Expr| matches!(expr, Expr::Name(found) if found.id.as_str() == name);
    let callee = at.resolve(&call.func);
    if callee.as_deref().is_some_and(starts_coroutine) {
        let coroutine = call.arguments.args.first()?;
        return any_over_expr(coroutine, is_it).then_some("task");
    }
    let slot = handed::slot(&at.file.names, call, at.scope(), callee.as_ref())?;
    if slot.workers != Workers::Threads || slot.way == Way::Map {
        return None;
    }
    let passed = slot.arguments.iter().any(is_it)
        || match handed::unwrapped(&at.file.names, slot.task, at.scope()) {
            (_, Some(partial)) => partial.args.iter().any(is_it),
            (Expr::Attribute(method), None) => is_it(&method.value),
            (Expr::Lambda(lambda), None) => any_over_expr(&lambda.body, is_it),
            (task @ Expr::Name(_), None) => {
                let local =
                    at.definition(task).filter(|(def, _)| at.function().is_some_and(|f| within(def, f.range())));
                local.is_some_and(|(def, _)| any_over_body(&def.body, is_it))
            }
            _ => false,
        };
    passed.then_some(if slot.way == Way::Target { "thread" } else { "task" })
}

fn starts_coroutine(callee: &str) -> bool {
    matches!(callee, "asyncio.create_task" | "asyncio.ensure_future" | "asyncio.TaskGroup.create_task")
}

fn within(node: &impl Ranged, range: TextRange) -> bool {
    range.contains_range(node.range())
}

/// Whether what a call within a `with` statement starts may have ended, for all that source tells, before the `with`
/// closes its item of that index.
fn ended_before<'a>(at: &At<'a>, with: &'a ast::StmtWith, index: usize, start: &'a ast::ExprCall) -> bool {
    let names = &at.file.names;
    // A pool or a group that is itself left before waits for its tasks.
    if let Expr::Attribute(method) = &*start.func
        && let Some(pool) = names.variable(&method.value, at.scope())
    {
        let later = with.items[index + 1..].iter().map(Ranged::range);
        let left: Vec<TextRange> = later.chain(with.body.iter().map(Ranged::range)).collect();
        if names.values(pool).any(|(built, _)| left.iter().any(|range| within(built, *range))) {
            return true;
        }
    }
    let after = |range: TextRange| range.end() > start.end();
    let calls = calls::in_body(&with.body);
    let named = |call: &ast::ExprCall| match &*call.func {
        Expr::Attribute(method) => WAITS.contains(&method.attr.as_str()),
        Expr::Name(name) => WAITS.contains(&name.id.as_str()),
        _ => false,
    };
    let is_thread = !matches!(&*start.func, Expr::Attribute(method) if matches!(method.attr.as_str(), "submit" | "apply_async" | "run_in_executor" | "create_task"));
    let starts =
        |call: &&ast::ExprCall| matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "start");
    if calls.iter().any(|call| after(call.range()) && named(call)) || (is_thread && !calls.iter().any(starts)) {
        return true;
    }
    // What goes on after it was started, or is done again and again, may wait in ways that are not seen here.
    let goes_on = |stmt: &Stmt| match stmt {
        Stmt::While(_) => after(stmt.range()),
        Stmt::For(_) | Stmt::With(_) => stmt.start() > start.end(),
        _ => false,
    };
    let pauses =
        |expr: &Expr| matches!(expr, Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_)) && after(expr.range());
    let mut inner = Statements(Vec::new());
    inner.visit_body(&with.body);
    inner.0.into_iter().any(goes_on) || any_over_body(&with.body, pauses)
}

/// All statements in a body, those of functions defined in it left out.
struct Statements<'a>(Vec<&'a Stmt>);

impl<'a> Visitor<'a> for Statements<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.0.push(stmt);
        if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// Calls whose value is dropped, kept in a name or a list, or returned: nothing waits where they stand.
struct Plain<'a>(Vec<&'a ast::ExprCall>);

impl<'a> Visitor<'a> for Plain<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let value = match stmt {
            Stmt::Expr(alone) => Some(&alone.value),
            Stmt::Assign(assign) => Some(&assign.value),
            Stmt::Return(back) => back.value.as_ref(),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            _ => None,
        };
        match value.map(|value| &**value) {
            Some(Expr::ListComp(several)) => self.0.extend(several.elt.as_call_expr()),
            Some(Expr::Call(call)) => {
                let method = call.func.as_attribute_expr();
                self.0.push(match method.map(|method| (method.attr.as_str(), &*method.value)) {
                    Some(("start", Expr::Call(thread))) => thread,
                    Some(("append" | "add", _)) => {
                        call.arguments.args.first().and_then(Expr::as_call_expr).unwrap_or(call)
                    }
                    _ => call,
                });
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}
