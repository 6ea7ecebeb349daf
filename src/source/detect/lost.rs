//! CON302: state that a process changes for itself alone.

use super::changes::{Act, Change, change};
use super::executors::Workers;
use super::handed::{Handed, who_runs};
use crate::source::finding::Found;
use crate::source::names::ScopeId;
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::python::{Ranged, TextSize};
use crate::source::walk::At;

/// CON302: a process changes its own copy of what the program then reads.
pub(super) fn changed_in_process<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Found> {
    let change = change(at, stmt).filter(|change| change.act != Act::AddIfMissing)?;
    let def = at.function()?;
    let lost = |handed: &&Handed<'a>| handed.workers == Workers::Processes && is_read_after(at, handed, &change);
    let handed = who_runs(at.file, def).find(lost)?;
    let name = at.file.source.text_of(change.what);
    let line = at.file.source.place(handed.call.start()).line;
    let message = format!(
        "a process (started in line {line}) changes its own copy of `{name}` here, which is lost with it; return the \
         value, or send it through a queue"
    );
    let range = if let Stmt::If(test) = stmt { test.test.range() } else { stmt.range() };
    Some(Found::at(&range, message))
}

/// Whether who started a process, or who called that, or the file's own code, then reads what the process changed, and
/// does not set it too.
fn is_read_after<'a>(at: &At<'a>, handed: &Handed<'a>, change: &Change<'a>) -> bool {
    let names = &at.file.names;
    let starter = names.function(handed.scope);
    let here = starter.map_or(at.file.source.body(), |def| &def.body);
    let after = handed.call.end();
    if change.variable.of_instance {
        return match handed.task {
            Some(_) => reads(at, here, handed.scope, change, after) == Read::After,
            None => is_read_of(at, here, handed, change),
        };
    }
    match reads(at, here, handed.scope, change, after) {
        Read::Set => return false,
        Read::After => return true,
        Read::Never => {}
    }
    let Some(starter) = starter else { return false };
    // Whoever calls the starter.
    let calls_it = |call: &'a ast::ExprCall, scope: ScopeId| {
        matches!(&*call.func, Expr::Name(name) if name.id == starter.name.id)
            && names.definition(&call.func, scope).is_some_and(|(def, _)| std::ptr::eq(def, starter))
    };
    at.file.calls().iter().filter(|placed| calls_it(placed.call, placed.scope)).any(|placed| {
        let there = names.function(placed.scope).map_or(at.file.source.body(), |def| &def.body);
        reads(at, there, placed.scope, change, placed.call.end()) == Read::After
    })
}

/// What a body does with a variable behind a place.
#[derive(PartialEq)]
enum Read {
    /// Nothing.
    Never,
    /// Reads it.
    After,
    /// Sets it itself, so that what it reads may be that.
    Set,
}

fn reads<'a>(at: &At<'a>, body: &'a [Stmt], scope: ScopeId, change: &Change<'a>, after: TextSize) -> Read {
    let mut read = Read::Never;
    for expr in expressions(body) {
        let (Expr::Name(ast::ExprName { ctx, .. }) | Expr::Attribute(ast::ExprAttribute { ctx, .. })) = expr else {
            continue;
        };
        if expr.start() <= after || at.file.names.variable(expr, scope) != Some(change.variable) {
            continue;
        }
        if ctx.is_store() {
            return Read::Set;
        }
        read = Read::After;
    }
    read
}

/// Whether an attribute is read of the very instance that a call makes and runs in a process.
fn is_read_of<'a>(at: &At<'a>, body: &'a [Stmt], handed: &Handed<'a>, change: &Change<'a>) -> bool {
    let names = &at.file.names;
    let is_it = |instance: &'a Expr| {
        let made = names.value_behind(instance, handed.scope).filter(|_| instance.is_name_expr());
        made.and_then(|(made, _)| made.as_call_expr()).is_some_and(|made| std::ptr::eq(made, handed.call))
    };
    expressions(body).into_iter().any(|expr| {
        let Expr::Attribute(attribute) = expr else { return false };
        attribute.attr.as_str() == change.variable.name
            && attribute.ctx.is_load()
            && attribute.start() > handed.call.end()
            && is_it(&attribute.value)
    })
}

/// All expressions in a body, those of functions and classes defined in it left out.
fn expressions(body: &[Stmt]) -> Vec<&Expr> {
    let mut all = All(Vec::new());
    all.visit_body(body);
    all.0
}

struct All<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for All<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0.push(expr);
        walk_expr(self, expr);
    }
}
