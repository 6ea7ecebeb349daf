//! CON103, CON104, CON105, CON107: how coroutines wait, and what they hold meanwhile.

use super::suspends::Suspends;
use super::{bound_by, one_of, uses};
use crate::source::detect::library::Library;
use crate::source::finding::Found;
use crate::source::loops::carry;
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Loop, Node};

/// How the names of callables begin that fetch something and leave the world as it is, so that the order of their
/// calls does not matter.
const FETCH: [&str; 13] = [
    "get", "fetch", "download", "load", "lookup", "resolve", "retrieve", "request", "query", "search", "scrape",
    "crawl", "ping",
];

/// What can do one thing at a time only, by the names that people give it.
const ONE_AT_A_TIME: [&str; 9] =
    ["conn", "connection", "cursor", "cur", "tx", "transaction", "db", "reader", "websocket"];

/// CON103: each turn of a loop waits for an answer that no other turn needs.
pub(in crate::source::detect) fn one_after_another<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Found> {
    let Stmt::For(each) = stmt else { return None };
    at.coroutine().filter(|_| !each.is_async)?;
    let inside = Suspends::of(&each.body);
    let [awaited] = inside.awaits.as_slice() else { return None };
    let Expr::Call(call) = &*awaited.value else { return None };
    if inside.others + inside.yields + inside.leaves > 0 || !fetches(call) || !uses(call, &each.target) {
        return None;
    }
    let statement = each.body.iter().find(|stmt| stmt.range().contains_range(call.range()))?;
    let plain = matches!(statement, Stmt::Expr(_) | Stmt::Assign(_) | Stmt::AnnAssign(_));
    if !plain || carry::carried(stmt, call, statement.range()).is_some() || holds_a_lock(at) {
        return None;
    }
    Some(in_turn(at, call))
}

/// CON103 in a comprehension.
pub(in crate::source::detect) fn one_after_another_in_comprehension<'a>(
    at: &At<'a>,
    call: &'a ast::ExprCall,
) -> Option<Found> {
    at.coroutine().filter(|_| at.is_awaited())?;
    let Loop::Comprehension([each]) = at.repeats(call)? else { return None };
    (!each.is_async && fetches(call) && uses(call, &each.target)).then(|| in_turn(at, call))
}

fn in_turn(at: &At<'_>, call: &ast::ExprCall) -> Found {
    let message = "each turn of this loop waits for its answer before the next one asks; where the order does not \
                   matter, ask at once with asyncio.gather() or a TaskGroup, and bound how many";
    Found::at(call, Library::of(at.file).say(message))
}

/// Whether a call only fetches, through something that can do several things at once.
fn fetches(call: &ast::ExprCall) -> bool {
    let (name, owner) = match &*call.func {
        Expr::Name(name) => (name.id.as_str(), None),
        Expr::Attribute(method) => (
            method.attr.as_str(),
            match &*method.value {
                Expr::Name(owner) => Some(owner.id.as_str()),
                Expr::Attribute(owner) => Some(owner.attr.as_str()),
                _ => None,
            },
        ),
        _ => return false,
    };
    let verb = name.trim_start_matches('_').split('_').next().unwrap_or_default();
    let alone = |owner: &str| ONE_AT_A_TIME.contains(&owner.trim_start_matches('_'));
    FETCH.contains(&verb) && !owner.is_some_and(alone)
}

/// Whether this runs below a lock: who takes one wants one thing at a time.
fn holds_a_lock<'a>(at: &At<'a>) -> bool {
    let is_lock = |item: &'a ast::WithItem| {
        let class = at.instance_of(&item.context_expr);
        class.is_some_and(|class| matches!(class.last(), "Lock" | "Condition" | "Semaphore" | "BoundedSemaphore"))
            || at.file.source.text_of(&item.context_expr).to_lowercase().contains("lock")
    };
    at.around().any(|node| matches!(node, Node::Stmt(Stmt::With(with)) if with.items.iter().any(is_lock)))
}

/// CON104: several coroutines are awaited together, and nothing says what becomes of the others when one fails.
pub(in crate::source::detect) fn gather_without_policy<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let several = call.arguments.args.len() > 1 || call.arguments.args.first().is_some_and(Expr::is_starred_expr);
    // `**options` may hold it.
    let says = |keyword: &ast::Keyword| keyword.arg.as_ref().is_none_or(|name| name.as_str() == "return_exceptions");
    if !several || !at.is_awaited() || call.arguments.keywords.iter().any(says) {
        return None;
    }
    (at.callee(call)? == "asyncio.gather").then(|| {
        Found::at(
            call,
            "when one of these fails its exception is raised here and the others run on, with nobody to see how they \
             end; use a TaskGroup, which cancels them, or return_exceptions=True and look at each result",
        )
    })
}

/// What takes coroutines or tasks that all run at once: from its arguments with a star, or from its first one.
const TOGETHER: [&str; 3] = ["asyncio.gather", "asyncio.wait", "asyncio.as_completed"];

/// What starts one task.
const STARTS_ONE: [&str; 5] = [
    "asyncio.create_task",
    "asyncio.ensure_future",
    "asyncio.TaskGroup.create_task",
    "trio.Nursery.start_soon",
    "anyio.TaskGroup.start_soon",
];

/// CON105: as many tasks run at once as there are items, however many these are.
pub(in crate::source::detect) fn unbounded_fan_out<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call)?;
    let unbounded = if one_of(&TOGETHER, callee) {
        let all = match call.arguments.args.first()? {
            Expr::Starred(starred) => &*starred.value,
            first if callee.last() != "gather" => first,
            _ => return None,
        };
        let (each, element) = match at.value_of(all)? {
            Expr::ListComp(comp) => (comp.generators.as_slice(), &*comp.elt),
            Expr::SetComp(comp) => (comp.generators.as_slice(), &*comp.elt),
            Expr::Generator(comp) => (comp.generators.as_slice(), &*comp.elt),
            _ => return None,
        };
        let (Expr::Call(made), [each, ..]) = (element, each) else { return None };
        starts_anew(at, made, &each.target) && !is_bounded(at, &each.iter)
    } else if one_of(&STARTS_ONE, callee) {
        let Loop::For(each) = at.in_loop(call)? else { return None };
        let waits = Suspends::of(&each.body);
        !each.is_async && !waits.any() && starts_anew(at, call, &each.target) && !is_bounded(at, &each.iter)
    } else {
        return None;
    };
    if !unbounded || ["emaphore", "apacityLimiter", "imiter"].into_iter().any(|word| at.file.mentions(word)) {
        return None;
    }
    let message = "as many run at once as there are items, however many that are: memory, sockets and the other side \
                   take them all; bound them with asyncio.Semaphore, or a fixed number of workers and a queue";
    Some(Found::at(call, Library::of(at.file).say(message)))
}

/// Whether a call does something with the item that a loop binds. What asks the items themselves, `each.close()`, asks
/// what is there already, and was made in some number.
fn starts_anew<'a>(at: &At<'a>, call: &'a ast::ExprCall, target: &Expr) -> bool {
    let inner = at.resolve(&call.func).filter(|callee| one_of(&STARTS_ONE, callee)).and(call.arguments.args.first());
    match inner {
        Some(Expr::Call(made)) => starts_anew(at, made, target),
        // A nursery's `start_soon(each.serve, …)`.
        Some(Expr::Attribute(method)) => !bound_by(&method.value, target) && uses(call, target),
        _ => {
            let own = matches!(&*call.func, Expr::Attribute(method) if bound_by(&method.value, target));
            !own && uses(call, target)
        }
    }
}

/// Whether what is iterated has a length that whoever wrote it has chosen.
fn is_bounded<'a>(at: &At<'a>, iter: &'a Expr) -> bool {
    let of_items = |arg: &Expr| matches!(arg, Expr::Call(inner) if matches!(&*inner.func, Expr::Name(name) if name.id.as_str() == "len"));
    match iter {
        Expr::Tuple(_) | Expr::List(_) | Expr::Set(_) => true,
        Expr::Name(name) if name.id.chars().all(|c| !c.is_lowercase()) => true,
        Expr::Name(_) => matches!(at.value_of(iter), Some(Expr::Tuple(_) | Expr::List(_) | Expr::Set(_))),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "range")
                && !call.arguments.args.iter().any(of_items)
        }
        _ => false,
    }
}

/// Locks of threads and processes, as instances.
const LOCKS: [&str; 9] = [
    "threading.Lock",
    "threading.Condition",
    "threading.Semaphore",
    "threading.BoundedSemaphore",
    "multiprocessing.Lock",
    "multiprocessing.RLock",
    "multiprocessing.Condition",
    "multiprocessing.Semaphore",
    "multiprocessing.BoundedSemaphore",
];

/// CON107: a coroutine gives the event loop away while it holds a lock that is made for threads.
pub(in crate::source::detect) fn lock_across_await<'a>(at: &At<'a>, with: &'a ast::StmtWith) -> Option<Found> {
    at.coroutine().filter(|_| !with.is_async)?;
    let held = |item: &&'a ast::WithItem| at.instance_of(&item.context_expr).is_some_and(|of| one_of(&LOCKS, &of));
    let held = with.items.iter().find(held)?;
    let inside = Suspends::of(&with.body);
    if inside.awaits.is_empty() && inside.others == 0 {
        return None;
    }
    let message = "this lock is for threads, and is held while others run on the event loop: the next coroutine that \
                   wants it stops the loop, which then cannot let it go (an RLock lets it in as well); use asyncio.Lock, \
                   or await outside";
    Some(Found::at(&held.context_expr, Library::of(at.file).say(message)))
}
