//! CON301: state that several threads change. What a process changes for itself alone is `lost`'s to find.

use super::changes::{Act, Change, change};
use super::executors::Workers;
use super::handed::{Handed, who_runs};
use crate::source::calls;
use crate::source::finding::{Found, Level};
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Stmt};
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
    let mut threads: Vec<_> = who_runs(at.file, def).filter(shared).collect();
    if threads.is_empty() && !change.variable.of_instance {
        threads = run_through_others(at, def);
    }
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

/// The threads that run functions which call this one, and show no sign of a lock.
fn run_through_others<'a>(at: &At<'a>, def: &'a ast::StmtFunctionDef) -> Vec<&'a Handed<'a>> {
    let names = &at.file.names;
    let handed = at.file.handed().iter().filter(|handed| handed.workers == Workers::Threads);
    let calls_it = |task: &'a ast::StmtFunctionDef| {
        let Some(scope) = names.scope_of(task.range()) else { return false };
        let mut calls = calls::in_body(&task.body).into_iter().filter(|call| is_named(call, &def.name));
        let is_it =
            |call: &'a ast::ExprCall| names.definition(&call.func, scope).is_some_and(|(it, _)| std::ptr::eq(it, def));
        calls.any(is_it) && !sounds_so(at.file.source.text_of(task))
    };
    handed.filter(|handed| handed.runs.is_some_and(calls_it)).collect()
}

fn is_named(call: &ast::ExprCall, name: &str) -> bool {
    match &*call.func {
        Expr::Name(called) => called.id.as_str() == name,
        Expr::Attribute(method) => method.attr.as_str() == name,
        _ => false,
    }
}

/// Whether all who run the code that a call hands over change the same thing.
fn shares<'a>(at: &At<'a>, handed: &Handed<'a>, change: &Change<'a>) -> bool {
    if !change.variable.of_instance {
        return true;
    }
    let Some(task) = handed.task else { return false };
    // A closure within one of its methods, a method of the same instance, or of one that was made before the loop.
    let names = &at.file.names;
    let made_before = |instance: &'a Expr| {
        let made = names.value_behind(instance, handed.scope).filter(|_| instance.is_name_expr());
        made.is_some_and(|(made, _)| {
            made.is_call_expr() && !handed.in_loop.is_some_and(|each| each.contains_range(made.range()))
        })
    };
    match task {
        Expr::Name(_) => true,
        Expr::Attribute(method) => {
            names.variable(task, handed.scope).is_some_and(|method| method.of_instance) || made_before(&method.value)
        }
        _ => false,
    }
}

/// Whether a lock is held here, for all that source tells.
fn is_locked(at: &At<'_>) -> bool {
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

/// Whether a name is one of a lock.
fn sounds_so(name: &str) -> bool {
    const WORDS: [&str; 9] = ["lock", "mutex", "sem", "cond", "guard", "acquire", "sync", "atomic", "critical"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}
