//! CON109: work that keeps the processor, and with it the event loop.

use super::spoken;
use super::suspends::Suspends;
use crate::source::detect::library::Library;
use crate::source::finding::Found;
use crate::source::python::ast::{self, Expr, Number, Operator, Stmt};
use crate::source::walk::{At, Loop};

/// CON109: a call of the table of callables that compute for long, in a coroutine's own code.
pub(in crate::source::detect) fn cpu_work<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    at.coroutine().filter(|_| !at.is_awaited())?;
    let callee = at.callee(call)?;
    let group = at.file.catalogue.cpu_work.of(callee)?;
    if group.repeated && !again_without_pause(at, call) {
        return None;
    }
    let again = if group.repeated { " in every turn of a loop that never awaits" } else { "" };
    let message = format!(
        "{} computes{again}, and the event loop waits; use {}",
        spoken(callee),
        Library::of(at.file).say(&group.instead)
    );
    let found = Found::at(call, message);
    Some(match group.level {
        Some(level) => found.level(level),
        None => found,
    })
}

/// Whether a loop runs a call again and again, and never lets the event loop go on.
fn again_without_pause<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> bool {
    if matches!(at.statement(), Some(Stmt::Return(_) | Stmt::Raise(_))) {
        return false;
    }
    match at.in_loop(call) {
        Some(Loop::For(each)) => !each.is_async && !Suspends::of(&each.body).any(),
        Some(Loop::Comprehension([each])) => !each.is_async,
        _ => false,
    }
}

/// Turns of a loop that take longer than any pause that an event loop should make: an empty turn takes some 15 ns
/// (measured here, CPython 3.13), one that does something several times that, so these are at least 50 ms.
const TURNS: u64 = 1_000_000;

/// How deep loops are followed.
const DEPTH: usize = 4;

/// CON109: loops in a coroutine whose turns, counted from the numbers in the source, are very many.
pub(in crate::source::detect) fn long_loop<'a>(at: &At<'a>, each: &'a ast::StmtFor) -> Option<Found> {
    at.coroutine().filter(|_| !each.is_async)?;
    let turns = turns(at, each, DEPTH).filter(|turns| *turns >= TURNS)?;
    if Suspends::of(&each.body).any() || Suspends::of(&each.body).leaves > 0 {
        return None;
    }
    // What measures itself is a benchmark, whose work is meant to keep the loop.
    let def = at.file.source.text_of(at.coroutine()?);
    if ["benchmark", "timer()", "perf_counter", "monotonic", "time.time"].into_iter().any(|word| def.contains(word)) {
        return None;
    }
    // The outermost one is told of.
    if let Some(Loop::For(outer)) = at.in_loop(each)
        && long(at, outer)
    {
        return None;
    }
    let use_instead = Library::of(at.file).say("loop.run_in_executor() with a ProcessPoolExecutor").into_owned();
    let message = format!("these loops turn {turns} times, and the event loop waits; use {use_instead}");
    Some(Found::at(&*each.iter, message))
}

fn long<'a>(at: &At<'a>, each: &'a ast::StmtFor) -> bool {
    !Suspends::of(&each.body).any() && turns(at, each, DEPTH).is_some_and(|turns| turns >= TURNS)
}

/// How many times the innermost body of nested loops over numbers runs, as far as the source says.
fn turns<'a>(at: &At<'a>, each: &'a ast::StmtFor, depth: usize) -> Option<u64> {
    let depth = depth.checked_sub(1)?;
    let own = length(at, &each.iter)?;
    let inner = each.body.iter().filter_map(|stmt| match stmt {
        Stmt::For(inner) if !inner.is_async => turns(at, inner, depth),
        _ => None,
    });
    own.checked_mul(inner.max().unwrap_or(1))
}

/// Length of a `range()` of numbers.
fn length<'a>(at: &At<'a>, iter: &'a Expr) -> Option<u64> {
    let Expr::Call(call) = iter else { return None };
    if !call.arguments.keywords.is_empty() || at.resolve(&call.func)? != "builtins.range" {
        return None;
    }
    match &*call.arguments.args {
        [stop] => number(at, stop, DEPTH),
        [start, stop] => number(at, stop, DEPTH)?.checked_sub(number(at, start, DEPTH)?),
        _ => None,
    }
}

/// The value of an expression of whole numbers.
fn number<'a>(at: &At<'a>, expr: &'a Expr, depth: usize) -> Option<u64> {
    let depth = depth.checked_sub(1)?;
    match at.value_of(expr)? {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(number) => number.as_u64(),
            _ => None,
        },
        Expr::BinOp(two) => {
            let (left, right) = (number(at, &two.left, depth)?, number(at, &two.right, depth)?);
            match two.op {
                Operator::Add => left.checked_add(right),
                Operator::Sub => left.checked_sub(right),
                Operator::Mult => left.checked_mul(right),
                Operator::Pow => left.checked_pow(u32::try_from(right).ok()?),
                Operator::LShift => left.checked_mul(1_u64.checked_shl(u32::try_from(right).ok()?)?),
                _ => None,
            }
        }
        _ => None,
    }
}
