//! CON301, CON302: state that several workers change, and state that a process changes for itself alone.

use super::changes::{Act, Change, change};
use super::executors::Workers;
use super::handed::{Handed, who_runs};
use crate::source::finding::{Found, Level};
use crate::source::names::{ScopeId, ScopeKind};
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::python::{Ranged, TextSize};
use crate::source::walk::{At, Node};

/// CON301: a thread reads shared state and writes it back, and another may have written in between.
pub(super) fn changed_without_lock<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Found> {
    let change = change(at, stmt)?;
    let level = match change.act {
        Act::Update | Act::UpdateItem { own: false } | Act::RemoveIfThere => Level::Warning,
        Act::UpdateItem { own: true } | Act::AddIfMissing => Level::Info,
        Act::Set | Act::Put => return None,
    };
    let def = at.function()?;
    if is_locked(at) || !def.decorator_list.is_empty() {
        return None;
    }
    let shared = |handed: &&Handed<'a>| handed.workers == Workers::Threads && shares(at, handed, &change);
    let threads: Vec<_> = who_runs(at.file, def).filter(shared).collect();
    let first = threads.first()?;
    let beside = |handed: &&Handed<'a>| threads.iter().filter(|other| other.scope == handed.scope).count() > 1;
    let several = |handed: &&Handed<'a>| handed.several || (handed.pool.is_none() && beside(handed));
    threads.iter().find(|handed| several(handed))?;
    let name = at.file.source.text_of(change.what);
    let line = at.file.source.place(first.call.start()).line;
    let race = match change.act {
        Act::RemoveIfThere | Act::AddIfMissing => "another may change it between this check and what follows from it",
        _ => "what another writes between the read and the write is lost",
    };
    let message =
        format!("`{name}` is changed by several threads (started in line {line}) without a lock: {race}; hold a lock");
    let range = if let Stmt::If(test) = stmt { test.test.range() } else { stmt.range() };
    Some(Found::at(&range, message).level(level))
}

/// Whether all who run the code that a call hands over change the same thing.
fn shares<'a>(at: &At<'a>, handed: &Handed<'a>, change: &Change<'a>) -> bool {
    if !change.variable.of_instance {
        return true;
    }
    // One instance: a method of it, or a closure within one of its methods.
    handed.task.is_some_and(|task| {
        task.is_name_expr() || at.file.names.variable(task, handed.scope).is_some_and(|method| method.of_instance)
    })
}

/// Whether a lock is held here, for all that source tells.
fn is_locked(at: &At<'_>) -> bool {
    let sounds_so = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["lock", "mutex", "sem", "cond", "guard", "acquire", "sync", "atomic", "critical"]
            .iter()
            .any(|word| name.contains(word))
    };
    let locks = |item: &ast::WithItem| match &item.context_expr {
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method) => sounds_so(&method.attr),
            Expr::Name(name) => sounds_so(&name.id),
            _ => true,
        },
        // Something that was made before and is entered here: what else would that be for.
        _ => true,
    };
    let in_function = at.around().take_while(|node| !matches!(node, Node::Stmt(Stmt::FunctionDef(_))));
    let held = in_function
        .into_iter()
        .any(|node| matches!(node, Node::Stmt(Stmt::With(with)) if with.items.iter().any(locks)));
    let acquires = || {
        let def = at.function()?;
        Some(at.file.source.text_of(def).contains(".acquire("))
    };
    held || acquires().unwrap_or(false)
}

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

/// Whether who started a process reads what the process changed, and does not set it too.
fn is_read_after<'a>(at: &At<'a>, handed: &Handed<'a>, change: &Change<'a>) -> bool {
    let names = &at.file.names;
    let after = handed.call.end();
    let body = match names.function(handed.scope) {
        Some(def) => def.body.as_slice(),
        None => at.file.source.body(),
    };
    // An instance that runs its own method is read by the name that it has outside.
    if change.variable.of_instance && handed.task.is_none() {
        let reads = |expr: &Expr| {
            let Expr::Attribute(attribute) = expr else { return false };
            attribute.attr.as_str() == change.variable.name
                && attribute.ctx.is_load()
                && attribute.start() > after
                && attribute.value.is_name_expr()
        };
        let of_it = |expr: &'a Expr| {
            let Expr::Attribute(attribute) = expr else { return false };
            reads(expr)
                && names
                    .value_behind(&attribute.value, handed.scope)
                    .is_some_and(|(made, _)| made.as_call_expr().is_some_and(|made| std::ptr::eq(made, handed.call)))
        };
        return expressions(body).into_iter().any(of_it);
    }
    let same = |expr: &'a Expr, scope: ScopeId| names.variable(expr, scope) == Some(change.variable);
    let mut read = false;
    for expr in expressions(body) {
        if !same(expr, handed.scope) {
            continue;
        }
        match expr {
            Expr::Name(ast::ExprName { ctx, .. }) | Expr::Attribute(ast::ExprAttribute { ctx, .. }) => {
                // What is set before the start is what the process begins with.
                if ctx.is_store() && expr.start() > handed.call.start() {
                    return false;
                }
                read |= ctx.is_load() && expr.start() > after;
            }
            _ => {}
        }
    }
    read || (!change.variable.of_instance && is_read_at_file_level(at, change, after))
}

/// Whether the file's own code, in no function, reads a variable behind a place.
fn is_read_at_file_level<'a>(at: &At<'a>, change: &Change<'a>, after: TextSize) -> bool {
    let names = &at.file.names;
    if !matches!(names.kind(change.variable.home), ScopeKind::Module) {
        return false;
    }
    expressions(at.file.source.body()).into_iter().any(|expr| {
        matches!(expr, Expr::Name(name) if name.ctx.is_load() && name.start() > after)
            && names.variable(expr, ScopeId::MODULE) == Some(change.variable)
    })
}

/// All expressions in a body, those of functions and classes defined in it left out.
fn expressions(body: &[Stmt]) -> Vec<&Expr> {
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
    let mut all = All(Vec::new());
    all.visit_body(body);
    all.0
}
