//! CON106, CON111: tasks that nobody holds, and coroutines that need not be any.

use super::suspends::Suspends;
use super::{is_test, one_of};
use crate::source::finding::{Found, Level};
use crate::source::names::ScopeKind;
use crate::source::python::Ranged;
use crate::source::python::ast::helpers::{body_without_leading_docstring, is_dunder};
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::At;

/// What starts a task that the event loop itself holds only weakly.
const WEAKLY_HELD: [&str; 3] =
    ["asyncio.create_task", "asyncio.ensure_future", "asyncio.AbstractEventLoop.create_task"];

/// CON106: a task is started, and what would keep it is dropped.
pub(in crate::source::detect) fn dangling<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Found> {
    let (value, kept) = match stmt {
        Stmt::Expr(alone) => (&*alone.value, None),
        Stmt::Assign(assign) => match assign.targets.as_slice() {
            [Expr::Name(name)] => (&*assign.value, Some(name.id.as_str())),
            _ => return None,
        },
        _ => return None,
    };
    let Expr::Call(call) = value else { return None };
    if let Expr::Attribute(method) = &*call.func
        && !matches!(method.attr.as_str(), "create_task" | "ensure_future")
    {
        return None;
    }
    let callee = at.resolve(&call.func).filter(|callee| one_of(&WEAKLY_HELD, callee))?;
    // ensure_future() gives a future back as it is, and whoever made that may hold it.
    if callee.last() == "ensure_future" && !starts_a_coroutine(at, call.arguments.args.first()?) {
        return None;
    }
    let Some(name) = kept else {
        let found = Found::at(
            call,
            "nothing holds this task: it may be collected before it is done, and its exception is lost; keep it in a \
             set until it is done, or start it in a TaskGroup",
        );
        // A test ends before anything is collected, and may be about just that.
        return Some(if is_test(at) { found.level(Level::Info) } else { found });
    };
    let def = at.function()?;
    if Reads::of(name, &def.body).any {
        return None;
    }
    let found = Found::at(
        call,
        format!(
            "{name} is never used again, so nothing holds this task once {}() returns: it may be collected before it \
             is done, and its exception is lost; await it, or start it in a TaskGroup",
            def.name
        ),
    );
    // While the function itself waits, its local keeps the task.
    let waits_on = Suspends::of(&def.body).last.is_some_and(|last| last > stmt.end());
    Some(if waits_on || is_test(at) { found.level(Level::Info) } else { found })
}

/// Whether an expression is a call of a coroutine, as far as can be seen: not of what gives a future that others hold.
fn starts_a_coroutine<'a>(at: &At<'a>, expr: &'a Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    if let Some((def, _)) = at.definition(&call.func) {
        return def.is_async;
    }
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(method) => method.attr.as_str(),
        _ => return false,
    };
    !matches!(name, "gather" | "shield" | "wrap_future" | "run_in_executor" | "create_task" | "create_future")
}

/// Whether a name is read in some statements, functions defined there included.
struct Reads<'n> {
    name: &'n str,
    any: bool,
}

impl<'n> Reads<'n> {
    fn of(name: &'n str, body: &[Stmt]) -> Self {
        let mut reads = Self { name, any: false };
        reads.visit_body(body);
        reads
    }
}

impl<'a> Visitor<'a> for Reads<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // It lives on elsewhere.
            Stmt::Global(ast::StmtGlobal { names, .. }) | Stmt::Nonlocal(ast::StmtNonlocal { names, .. }) => {
                self.any |= names.iter().any(|name| name.as_str() == self.name);
            }
            _ => {}
        }
        if !self.any {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            self.any |= name.ctx.is_load() && (name.id.as_str() == self.name || name.id.as_str() == "locals");
        }
        if !self.any {
            walk_expr(self, expr);
        }
    }
}

/// Longest file that is searched for the uses of each of its coroutines, in bytes: nobody writes longer ones by hand.
const LONGEST: usize = 1 << 20;

/// CON111: a coroutine that never lets the event loop go on, and that only this file calls.
pub(in crate::source::detect) fn never_awaits<'a>(at: &At<'a>, def: &'a ast::StmtFunctionDef) -> Option<Found> {
    if !def.is_async || !def.decorator_list.is_empty() || is_dunder(&def.name) || is_stub(&def.body) {
        return None;
    }
    // What overrides, or is there to be overridden, has no choice.
    if let ScopeKind::Class(class) = at.file.names.kind(at.scope())
        && (class.arguments.is_some() || !class.decorator_list.is_empty() || is_a_hook(&def.name))
    {
        return None;
    }
    if Suspends::of(&def.body).any() || has_functions(&def.body) || at.file.source.text.len() > LONGEST {
        return None;
    }
    let mut uses = Uses { name: def.name.as_str(), called: false, otherwise: false, defined: 0 };
    uses.visit_body(at.file.source.body());
    if !uses.called || uses.otherwise || uses.defined > 1 {
        return None;
    }
    Some(Found::at(
        &def.name,
        format!(
            "{}() is a coroutine and never waits: each call makes an object more, and reads as if others could run \
             meanwhile; make it a function, or await what it waits for",
            def.name
        ),
    ))
}

/// Whether a method of this name is for subclasses to override: one that is not private, or says so.
fn is_a_hook(name: &str) -> bool {
    !name.starts_with('_') || name.contains("hook") || name.starts_with("_on_")
}

/// Whether a body is there for its signature: it does nothing, gives a constant or refuses.
fn is_stub(body: &[Stmt]) -> bool {
    match body_without_leading_docstring(body) {
        [] => true,
        [Stmt::Pass(_) | Stmt::Raise(_)] => true,
        [Stmt::Return(given)] => given.value.as_deref().is_none_or(|value| !value.is_call_expr()),
        [Stmt::Expr(alone)] => !alone.value.is_call_expr(),
        [.., Stmt::Raise(_)] => true,
        _ => false,
    }
}

/// Whether functions are defined in a body: what they are for often wants a coroutine around them.
fn has_functions(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)))
}

/// How a file uses a function, by its name alone.
struct Uses<'n> {
    name: &'n str,
    called: bool,
    otherwise: bool,
    defined: usize,
}

impl<'a> Visitor<'a> for Uses<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::FunctionDef(def) = stmt {
            self.defined += usize::from(def.name.as_str() == self.name);
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let named = |expr: &Expr| match expr {
            Expr::Name(name) => name.id.as_str() == self.name,
            Expr::Attribute(attribute) => attribute.attr.as_str() == self.name,
            // `__all__`, getattr(): others reach it by its name.
            Expr::StringLiteral(text) => text.value.to_str() == self.name,
            _ => false,
        };
        match expr {
            Expr::Await(awaited) => {
                if let Expr::Call(call) = &*awaited.value
                    && named(&call.func)
                {
                    self.called = true;
                    self.visit_arguments(&call.arguments);
                    if let Expr::Attribute(method) = &*call.func {
                        self.visit_expr(&method.value);
                    }
                    return;
                }
            }
            _ if named(expr) => self.otherwise = true,
            _ => {}
        }
        walk_expr(self, expr);
    }
}
