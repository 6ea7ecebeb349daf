//! CON502: what a task does, against what it costs to send it alone.

use super::executors::{Workers, sends};
use super::handed::int;
use crate::source::calls;
use crate::source::finding::{Fix, Found};
use crate::source::names::ScopeId;
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::{self, Expr, Operator, Stmt};
use crate::source::python::{Ranged, TextRange, TextSize};
use crate::source::walk::At;

/// Items below which it does not matter how they are sent.
const FEW: u64 = 100;
/// Builtins and functions of `math` that take less time than sending a task does.
const CHEAP: [&str; 14] = [
    "abs",
    "min",
    "max",
    "round",
    "int",
    "float",
    "bool",
    "len",
    "ord",
    "chr",
    "divmod",
    "isinstance",
    "tuple",
    "complex",
];
const CHEAP_MATH: [&str; 14] =
    ["sqrt", "sin", "cos", "tan", "floor", "ceil", "log", "log2", "log10", "exp", "hypot", "fabs", "atan2", "fmod"];
/// Statements of a function that does next to nothing.
const SHORT: usize = 6;

/// CON502: functions of a few operations are sent to processes one by one.
pub(super) fn one_by_one<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call)?;
    sends(callee).filter(|sent| sent.workers == Workers::Processes && !sent.one && sent.later)?;
    // map_async() and starmap_async() work a size out.
    let chunked = callee.last().ends_with("_async");
    let arguments = &call.arguments;
    let spread = arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
    let third = !callee.starts_with("concurrent") && arguments.args.len() > 2;
    if chunked || spread || third || arguments.find_keyword("chunksize").is_some() {
        return None;
    }
    let [task, items, ..] = &*arguments.args else { return None };
    let (def, scope) = at.definition(task).filter(|_| task.is_name_expr())?;
    if how_many(at, items).is_some_and(|items| items < FEW) || !is_tiny(at, def, scope) {
        return None;
    }
    let message = format!(
        "{}() takes less time than sending an item to a process does, and each is sent alone; send many at once with \
         chunksize=, or call it here",
        def.name
    );
    let found = Found::at(call, message);
    Some(match chunked_text(at, arguments) {
        Some(edit) => found.fix(Fix { what: "send a hundred items at once".to_owned(), safe: true, edits: vec![edit] }),
        None => found,
    })
}

/// How many items there are, where source says it.
fn how_many<'a>(at: &At<'a>, items: &'a Expr) -> Option<u64> {
    let names = &at.file.names;
    let (value, scope) = names.value_behind(items, at.scope())?;
    match value {
        Expr::List(list) => Some(list.elts.len() as u64),
        Expr::Tuple(tuple) => Some(tuple.elts.len() as u64),
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mult, right, .. }) => {
            let each = left.as_list_expr()?.elts.len() as u64;
            names.value_behind(right, scope).and_then(|(times, _)| int(times)).map(|times| each.saturating_mul(times))
        }
        Expr::Call(range) if names.resolve(&range.func, scope).is_some_and(|name| name == "builtins.range") => {
            let last = range.arguments.args.get(usize::from(range.arguments.args.len() > 1))?;
            names.value_behind(last, scope).and_then(|(last, _)| int(last))
        }
        _ => None,
    }
}

/// Whether a function does no more than a few operations, on what are most likely numbers.
fn is_tiny<'a>(at: &At<'a>, def: &'a ast::StmtFunctionDef, scope: ScopeId) -> bool {
    let names = &at.file.names;
    let cheap_call = |call: &'a ast::ExprCall| {
        names.resolve(&call.func, scope).is_some_and(|name| match name.owner() {
            "builtins" => CHEAP.contains(&name.last()),
            "math" => CHEAP_MATH.contains(&name.last()),
            _ => false,
        })
    };
    let dear = |expr: &Expr| match expr {
        Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) | Expr::Lambda(_) => true,
        Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => true,
        Expr::BinOp(ast::ExprBinOp { op: Operator::MatMult, .. }) => true,
        Expr::BinOp(ast::ExprBinOp { op: Operator::Pow | Operator::LShift, right, .. }) => {
            int(right).is_none_or(|by| by > 16)
        }
        _ => false,
    };
    let mut left = SHORT;
    // What is not at the file's own level cannot be pickled: that is another finding.
    names.parent(scope) == Some(ScopeId::MODULE)
        && !def.is_async
        && def.decorator_list.is_empty()
        && calls::in_body(&def.body).into_iter().all(cheap_call)
        && is_short(&def.body, &mut left, &dear)
}

/// Whether a body has no more statements than are left, none of which goes on by itself.
fn is_short(body: &[Stmt], left: &mut usize, dear: &impl Fn(&Expr) -> bool) -> bool {
    body.iter().all(|stmt| {
        let Some(fewer) = left.checked_sub(1) else { return false };
        *left = fewer;
        let plain = |expr: &Expr| !any_over_expr(expr, dear);
        match stmt {
            Stmt::Return(back) => back.value.as_deref().is_none_or(plain),
            Stmt::Expr(alone) => plain(&alone.value),
            Stmt::Assign(assign) => plain(&assign.value),
            Stmt::AugAssign(assign) => plain(&assign.value),
            Stmt::If(test) => {
                plain(&test.test)
                    && is_short(&test.body, left, dear)
                    && test.elif_else_clauses.iter().all(|clause| is_short(&clause.body, left, dear))
            }
            Stmt::Pass(_) => true,
            _ => false,
        }
    })
}

/// `chunksize=` behind the last argument, where nothing but commas is between it and the end.
fn chunked_text(at: &At<'_>, arguments: &ast::Arguments) -> Option<(TextRange, String)> {
    let last = arguments.args.iter().map(Ranged::end).chain(arguments.keywords.iter().map(Ranged::end)).max()?;
    // In a file with syntax errors it may never be closed.
    let end = at.file.source.text_of(arguments).ends_with(')').then(|| arguments.end() - TextSize::from(1))?;
    let between = (last <= end).then(|| &at.file.source.text[TextRange::new(last, end)])?;
    let comma = match between.trim() {
        "" => ", ",
        "," if between.ends_with(char::is_whitespace) => "",
        "," => " ",
        _ => return None,
    };
    Some((TextRange::empty(end), format!("{comma}chunksize=100")))
}
