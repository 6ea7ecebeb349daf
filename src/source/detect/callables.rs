//! CON208, CON210: what is wrong with the callable that is handed over.

use super::executors::{Workers, may_send, sends};
use super::handed::{self, Slot, Way, who_runs};
use crate::source::calls;
use crate::source::finding::{Fix, Found};
use crate::source::names::{QualifiedName, ScopeId};
use crate::source::python::Ranged;
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Node};

/// CON208: a task sends another to its own pool, and waits for it.
pub(super) fn waits_for_its_own_pool<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let Expr::Attribute(method) = &*call.func else { return None };
    let def = at.function().filter(|_| may_send(&method.attr))?;
    let names = &at.file.names;
    let pool = names.variable(&method.value, at.scope())?;
    let local = names.scope_of(def.range()) == Some(pool.home);
    let task = if let Some(place) = place_of(def, pool.name).filter(|_| local) {
        // A pool that the task is given: of threads, as the others cannot be sent.
        let one = method.attr.as_str() == "submit";
        if !matches!(method.attr.as_str(), "submit" | "map") || !is_waited_for(at, call, def, one) {
            return None;
        }
        let gets_it = |handed: &&handed::Handed<'a>| {
            let pool = handed.pool.and_then(|pool| names.variable(pool, handed.scope));
            let given = || names.variable(handed.call.arguments.args.get(place + 1)?, handed.scope);
            handed.way == Way::Call && handed.workers == Workers::Threads && pool.is_some() && given() == pool
        };
        who_runs(at.file, def).find(gets_it)?.runs?
    } else {
        let sent = sends(at.callee(call)?).filter(|sent| sent.workers == Workers::Threads)?;
        // A pool that the function builds is another one in each task.
        if local || (sent.later && !is_waited_for(at, call, def, sent.one)) {
            return None;
        }
        let same = |handed: &&handed::Handed<'a>| {
            handed.pool.is_some_and(|other| names.variable(other, handed.scope) == Some(pool))
        };
        at.file.handed().iter().filter(same).find_map(|handed| {
            let task = handed.runs?;
            (std::ptr::eq(task, def) || calls_it(at, task, def)).then_some(task)
        })?
    };
    let message = format!(
        "{}() runs in this pool and waits here for another task of it; once every worker waits like this, nothing runs \
         any more; send from outside, or use a second pool",
        task.name
    );
    Some(Found::at(call, message))
}

/// Which positional parameter of a function has this name.
fn place_of(def: &ast::StmtFunctionDef, name: &str) -> Option<usize> {
    let mut positional = def.parameters.posonlyargs.iter().chain(&def.parameters.args);
    positional.position(|parameter| parameter.parameter.name.as_str() == name)
}

/// Whether a function's own code calls another.
fn calls_it<'a>(at: &At<'a>, task: &'a ast::StmtFunctionDef, called: &'a ast::StmtFunctionDef) -> bool {
    let names = &at.file.names;
    let Some(scope) = names.scope_of(task.range()) else { return false };
    let is_it = |call: &ast::ExprCall| match &*call.func {
        Expr::Name(name) => name.id == called.name.id,
        Expr::Attribute(method) => method.attr.id == called.name.id,
        _ => false,
    };
    let mut calls = calls::in_body(&task.body).into_iter().filter(|call| is_it(call));
    calls.any(|call| names.definition(&call.func, scope).is_some_and(|(def, _)| std::ptr::eq(def, called)))
}

/// Whether the function that sends a task also waits for it.
fn is_waited_for<'a>(at: &At<'a>, call: &'a ast::ExprCall, def: &'a ast::StmtFunctionDef, one: bool) -> bool {
    let waits = |method: &str| matches!(method, "result" | "get" | "wait" | "as_completed" | "exception");
    match at.parent() {
        Some(Node::Expr(Expr::Attribute(method))) => return waits(method.attr.as_str()),
        Some(Node::Expr(Expr::Call(_)) | Node::Stmt(Stmt::For(_))) if !one => return true,
        _ => {}
    }
    let last = |call: &&ast::ExprCall| match &*call.func {
        Expr::Attribute(method) => waits(method.attr.as_str()) && call.arguments.find_keyword("timeout").is_none(),
        Expr::Name(name) => matches!(name.id.as_str(), "wait" | "as_completed"),
        _ => false,
    };
    let asks = |asked: &&ast::ExprCall| asked.end() > call.end() && last(asked);
    one && calls::in_body(&def.body).iter().any(asks)
}

/// CON210: a function is called where it should be passed, so that it runs here and its result there.
pub(super) fn called_instead<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call);
    let slot = handed::slot(&at.file.names, call, at.scope(), callee)?;
    let Expr::Call(inner) = slot.task else { return None };
    let (gets, named) = given_by(at, inner)?;
    let runs = match (slot.way, slot.workers) {
        (Way::Target, Workers::Processes) => "process",
        (Way::Target, _) => "thread",
        _ => "pool",
    };
    let message = format!("{named}() is called here and now, and the {runs} gets {gets} to call; pass {named} itself");
    let found = Found::at(inner, message);
    let mended = if matches!(gets, Gets::Coroutine | Gets::Generator) { None } else { mended(at, call, inner, &slot) };
    Some(match mended {
        Some(text) => found.fix(Fix {
            what: format!("pass {named}, and what it is called with beside it"),
            safe: true,
            edits: vec![(inner.range(), text)],
        }),
        None => found,
    })
}

/// What a call gives that nobody can call.
#[derive(Clone, Copy)]
enum Gets {
    Nothing,
    Coroutine,
    Generator,
    Result,
}

impl std::fmt::Display for Gets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "None",
            Self::Coroutine => "a coroutine, which nothing awaits,",
            Self::Generator => "a generator",
            Self::Result => "its result",
        })
    }
}

/// Builtins that give nothing that can be called.
const PLAIN: [&str; 12] =
    ["print", "input", "len", "sum", "sorted", "range", "str", "int", "float", "list", "dict", "open"];

/// What a call gives, when that cannot be called, and what it calls.
fn given_by<'a>(at: &At<'a>, inner: &'a ast::ExprCall) -> Option<(Gets, &'a str)> {
    let named = at.file.source.text_of(&*inner.func);
    if let Some((def, scope)) = at.definition(&inner.func) {
        return Some((given_by_function(at, def, scope)?, named));
    }
    let callee = at.resolve(&inner.func)?;
    gives_no_callable(at, &callee).then_some((Gets::Result, named))
}

/// Whether calling what is not the file's own gives nothing that can be called.
fn gives_no_callable(at: &At<'_>, callee: &QualifiedName) -> bool {
    callee.strip_prefix("builtins.").is_some_and(|name| PLAIN.contains(&name))
        || at.file.catalogue.blocking.of(callee).is_some()
}

fn given_by_function<'a>(at: &At<'a>, def: &'a ast::StmtFunctionDef, scope: ScopeId) -> Option<Gets> {
    if !def.decorator_list.is_empty() {
        return None;
    }
    if def.is_async {
        return Some(Gets::Coroutine);
    }
    let mut leaves = Leaves::default();
    leaves.visit_body(&def.body);
    if leaves.yields {
        return Some(Gets::Generator);
    }
    if leaves.given.is_empty() {
        // What only raises, or has no body, is made to be replaced.
        let works = |stmt: &Stmt| !matches!(stmt, Stmt::Raise(_) | Stmt::Pass(_)) && !is_bare(stmt);
        return def.body.iter().any(works).then_some(Gets::Nothing);
    }
    leaves.given.into_iter().all(|given| not_callable(at, given, scope, HOPS)).then_some(Gets::Result)
}

/// A docstring or `...`.
fn is_bare(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Expr(alone) if matches!(&*alone.value, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)))
}

/// Names that are followed to what they hold.
const HOPS: usize = 4;

/// Whether a value is plainly nothing that can be called.
fn not_callable<'a>(at: &At<'a>, value: &'a Expr, scope: ScopeId, hops: usize) -> bool {
    let Some(hops) = hops.checked_sub(1) else { return false };
    let names = &at.file.names;
    match value {
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::FString(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::ListComp(_)
        | Expr::DictComp(_)
        | Expr::SetComp(_)
        | Expr::Generator(_)
        | Expr::Compare(_)
        | Expr::BinOp(_)
        | Expr::UnaryOp(_) => true,
        Expr::BoolOp(several) => several.values.iter().all(|one| not_callable(at, one, scope, hops)),
        Expr::If(either) => [&either.body, &either.orelse].into_iter().all(|one| not_callable(at, one, scope, hops)),
        Expr::Call(call) => names.resolve(&call.func, scope).is_some_and(|callee| gives_no_callable(at, &callee)),
        // A name that begins as such a value, `total = 0`, and is added to.
        Expr::Name(_) => {
            names.variable(value, scope).filter(|variable| variable.home == scope).is_some_and(|variable| {
                let mut values = names.values(variable).peekable();
                values.peek().is_some() && values.all(|(value, scope)| not_callable(at, value, scope, hops))
            })
        }
        _ => false,
    }
}

/// What a function's own code returns, `None` aside.
#[derive(Default)]
struct Leaves<'a> {
    given: Vec<&'a Expr>,
    yields: bool,
}

impl<'a> Visitor<'a> for Leaves<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::Return(back) => {
                self.given.extend(back.value.as_deref().filter(|value| !value.is_none_literal_expr()))
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.yields |= matches!(expr, Expr::Yield(_) | Expr::YieldFrom(_));
        if !expr.is_lambda_expr() {
            walk_expr(self, expr);
        }
    }
}

/// What takes the place of the inner call, where that is plain.
fn mended<'a>(at: &At<'a>, call: &'a ast::ExprCall, inner: &'a ast::ExprCall, slot: &Slot<'a>) -> Option<String> {
    let source = at.file.source;
    let func = source.text_of(&*inner.func);
    let with = &inner.arguments;
    if with.is_empty() {
        return Some(func.to_owned());
    }
    // In a file with syntax errors it may never be closed.
    let text = source.text_of(with).strip_prefix('(')?.strip_suffix(')')?.trim();
    let text = text.strip_suffix(',').unwrap_or(text).trim_end();
    if text.contains('#') || with.args.iter().any(Expr::is_generator_expr) {
        return None;
    }
    let has = |keyword: &str| call.arguments.find_keyword(keyword).is_some();
    let alone = slot.arguments.is_empty() && call.arguments.keywords.is_empty();
    match slot.way {
        Way::Call if alone => Some(format!("{func}, {text}")),
        Way::Positions if alone && with.keywords.is_empty() => Some(format!("{func}, {text}")),
        Way::Target if has("target") && !has("args") && !has("kwargs") && with.keywords.is_empty() => {
            Some(format!("{func}, args=({text},)"))
        }
        _ => None,
    }
}
