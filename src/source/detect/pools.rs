//! CON2xx: what goes wrong with pools, threads and processes.

use super::executors::{Pool, Workers, may_send, sends};
use super::fixes;
use crate::source::calls;
use crate::source::finding::{Found, Level};
use crate::source::names::ScopeKind;
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Loop, Node};

/// CON201: a pool built and torn down in every turn of a loop, or by a function that a loop calls.
pub(super) fn built_again_and_again<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let (body, target) = match at.repeats(call)? {
        Loop::For(each) => (&each.body, Some(&*each.target)),
        Loop::While(each) => (&each.body, None),
        Loop::Comprehension(_) => return None,
    };
    // A loop that ends with its first turn is none, and what is built again after an error has to be.
    let once = matches!(body.last(), Some(Stmt::Break(_) | Stmt::Return(_)));
    let retried = at.around().take_while(|node| !is_loop(node)).any(|node| matches!(node, Node::Stmt(Stmt::Try(_))));
    if once || retried {
        return None;
    }
    if let Some(pool) = Pool::built_by(at.callee(call)?) {
        let one = match at.parent()? {
            Node::Stmt(Stmt::With(_)) => true,
            Node::Stmt(Stmt::Assign(assign)) => matches!(assign.targets.as_slice(), [Expr::Name(_)]),
            _ => false,
        };
        if !one || target.is_some_and(|target| depends_on(call, target)) {
            return None;
        }
        let message =
            format!("a {} is built and torn down in every turn of this loop; build it once, before", pool.name);
        return Some(Found::at(call, message));
    }
    let (def, scope) = at.definition(&call.func)?;
    let names = &at.file.names;
    let pool = def.body.iter().find_map(|stmt| {
        let Stmt::With(with) = stmt else { return None };
        with.items.iter().find_map(|item| match &item.context_expr {
            Expr::Call(built) => Pool::built_by(&names.resolve(&built.func, scope)?),
            _ => None,
        })
    })?;
    let message = format!(
        "{}() builds and tears down a {} each time, and this loop calls it; build it once and pass it",
        def.name, pool.name
    );
    Some(Found::at(call, message).level(Level::Info))
}

fn is_loop(node: &Node<'_>) -> bool {
    matches!(node, Node::Stmt(Stmt::For(_) | Stmt::While(_)))
}

/// Whether a call's arguments use a name that a loop binds: then each turn wants another pool.
fn depends_on(call: &ast::ExprCall, target: &Expr) -> bool {
    let bound = |name: &str| {
        any_over_expr(target, |part: &Expr| matches!(part, Expr::Name(bound) if bound.id.as_str() == name))
    };
    let uses =
        |expr: &Expr| any_over_expr(expr, |part: &Expr| matches!(part, Expr::Name(name) if bound(name.id.as_str())));
    call.arguments.args.iter().any(uses) || call.arguments.keywords.iter().any(|keyword| uses(&keyword.value))
}

/// CON202: a task is sent and its result dropped, and with it its exception.
pub(super) fn result_dropped<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Found> {
    let Stmt::Expr(alone) = stmt else { return None };
    let Expr::Call(call) = &*alone.value else { return None };
    let Expr::Attribute(method) = &*call.func else { return None };
    if !may_send(&method.attr) {
        return None;
    }
    let sent = sends(&at.resolve(&call.func)?).filter(|sent| sent.later)?;
    if call.arguments.find_keyword("error_callback").is_some() || keeps_its_errors(at, call) {
        return None;
    }
    let what = if sent.one { "the result of this task is" } else { "the results of these tasks are" };
    let message = format!(
        "{what} dropped by {}(), and an exception with it; keep what it returns and ask for the result",
        method.attr
    );
    Some(Found::at(call, message))
}

/// Whether what a call sends lets no exception out, or may well not: of a method of something unknown nobody can tell.
fn keeps_its_errors<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> bool {
    let Some(mut task) = call.arguments.args.first() else { return true };
    // `submit(context.run, task)` sends the task in a context.
    if let (Expr::Attribute(run), Some(inner)) = (task, call.arguments.args.get(1))
        && run.attr.as_str() == "run"
        && at.instance_of(&run.value).is_some_and(|class| class == "contextvars.Context")
    {
        task = inner;
    }
    match (at.definition(task), task) {
        (Some((def, _)), _) => catches_all(&def.body),
        (None, Expr::Attribute(method)) if at.resolve(task).is_none() => {
            // Of whatever class it is: the file's own method of that name is most likely the one.
            let mut own = at.file.names.methods(method.attr.as_str()).peekable();
            own.peek().is_none() || own.any(|def| catches_all(&def.body))
        }
        (None, _) => false,
    }
}

/// Whether a function's body lets no exception out.
fn catches_all(body: &[Stmt]) -> bool {
    let takes_any = |handler: &ast::ExceptHandler| {
        let ast::ExceptHandler::ExceptHandler(handler) = handler;
        let any = |class: &Expr| matches!(class, Expr::Name(name) if matches!(name.id.as_str(), "Exception" | "BaseException"));
        handler.type_.as_deref().is_none_or(any)
    };
    let tries = |stmt: &Stmt| matches!(stmt, Stmt::Try(tried) if tried.handlers.iter().any(takes_any));
    let does = |stmt: &Stmt| match stmt {
        Stmt::While(each) => each.body.iter().any(tries),
        Stmt::For(each) => each.body.iter().any(tries),
        Stmt::With(with) => with.body.iter().any(tries),
        other => tries(other),
    };
    body.iter().any(does)
}

/// CON203: a lambda or a function within a function is sent to another process, which only gets what can be pickled.
pub(super) fn not_picklable<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let Expr::Attribute(method) = &*call.func else { return None };
    let task = if method.attr.as_str() == "run_in_executor" {
        let pool = at.instance_of(call.arguments.args.first()?)?;
        call.arguments.args.get(1).filter(|_| pool == "concurrent.futures.ProcessPoolExecutor")
    } else {
        let sent = sends(at.callee(call)?)?;
        call.arguments.args.first().filter(|_| sent.workers == Workers::Processes)
    };
    let (node, what) = unpicklable(at, task?)?;
    let message =
        format!("{what} cannot be pickled, so it cannot be sent to a process; define a function at the file's level");
    Some(Found::at(node, message))
}

/// The part of a task that cannot be pickled, and what it is, as the subject of a sentence.
pub fn unpicklable<'a>(at: &At<'a>, task: &'a Expr) -> Option<(&'a Expr, String)> {
    if let Expr::Call(call) = task {
        let partial = at.resolve(&call.func)? == "functools.partial";
        let inner = call.arguments.args.first().filter(|_| partial)?;
        return unpicklable(at, inner).map(|(_, what)| (task, what));
    }
    if at.value_of(task).is_some_and(Expr::is_lambda_expr) {
        return Some((task, "a lambda".to_owned()));
    }
    let (def, scope) = at.definition(task).filter(|_| task.is_name_expr())?;
    let names = &at.file.names;
    let mut around = names.outward(names.parent(scope)?);
    let local = around.any(|scope| matches!(names.kind(scope), ScopeKind::Function(_)));
    local.then(|| (task, format!("{}() is defined within a function and", def.name)))
}

/// CON204: processes are started when the file is imported, as each of them does under spawn and forkserver.
pub(super) fn without_guard<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    if !at.at_file_level() || at.is_guarded() || at.file.source.is_notebook() {
        return None;
    }
    let starts = |callee: &str, entered: bool| {
        callee == "multiprocessing.Process.start"
            || Pool::built_by(callee).is_some_and(|pool| pool.workers == Workers::Processes && (pool.eager || entered))
    };
    let here =
        at.callee(call).is_some_and(|callee| starts(callee, matches!(at.parent(), Some(Node::Stmt(Stmt::With(_))))));
    let through = || {
        let (def, scope) = at.definition(&call.func).filter(|(def, _)| !def.is_async)?;
        let called = |inner: &&'a ast::ExprCall| at.file.names.resolve(&inner.func, scope);
        let mut called = calls::in_body(&def.body).into_iter().filter_map(|inner| called(&inner));
        called.any(|callee| starts(&callee, true)).then(|| format!("{}() starts", def.name))
    };
    let who = if here { "this starts".to_owned() } else { through()? };
    // A package's `__main__` is not imported again, and who asks for fork gets it.
    let main = at.file.source.path.file_name().is_some_and(|name| name == "__main__.py");
    if main || at.file.mentions("'fork'") || at.file.mentions("\"fork\"") {
        return None;
    }
    let message = format!(
        "{who} processes when the file is imported, which each of them does again under spawn and forkserver \
         (the default from Python 3.14); put it below `if __name__ == \"__main__\":`"
    );
    Some(Found::at(call, message).fix_if(fixes::guard(at, call)))
}

/// CON205: a task is sent and waited for at once, in a loop: one runs at a time.
pub(super) fn waited_for_at_once<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let Expr::Attribute(method) = &*call.func else { return None };
    let Expr::Call(inner) = &*method.value else { return None };
    if !matches!(method.attr.as_str(), "result" | "get") || !call.arguments.is_empty() {
        return None;
    }
    sends(&at.resolve(&inner.func)?).filter(|sent| sent.one && sent.later)?;
    match at.in_loop(call)? {
        // Pools that are compared with one another in a loop are waited for in turn.
        Loop::For(each) if waited_for_in(&each.body) > 1 => None,
        Loop::For(_) | Loop::Comprehension(_) => Some(Found::at(call, one_at_a_time(&method.attr))),
        Loop::While(_) => None,
    }
}

/// How many calls of the form `….submit(…).result()` a body has.
fn waited_for_in(body: &[Stmt]) -> usize {
    let asks = |call: &&ast::ExprCall| {
        let Expr::Attribute(method) = &*call.func else { return false };
        let Expr::Call(inner) = &*method.value else { return false };
        let sends = |name: &str| matches!(name, "submit" | "apply_async");
        matches!(method.attr.as_str(), "result" | "get")
            && matches!(&*inner.func, Expr::Attribute(inner) if sends(inner.attr.as_str()))
    };
    calls::in_body(body).into_iter().filter(asks).count()
}

/// CON205 over two statements: a task is sent, and the next statement waits for it.
pub(super) fn waited_for_next<'a>(at: &At<'a>, each: &'a ast::StmtFor) -> Option<Found> {
    each.body.windows(2).find_map(|two| {
        let [Stmt::Assign(assign), next] = two else { return None };
        let ([Expr::Name(kept)], Expr::Call(sent)) = (assign.targets.as_slice(), &*assign.value) else { return None };
        let asks = match next {
            Stmt::Expr(alone) => &*alone.value,
            Stmt::Assign(assign) => &*assign.value,
            _ => return None,
        };
        let Expr::Call(asked) = asks else { return None };
        let Expr::Attribute(method) = &*asked.func else { return None };
        let same = matches!(&*method.value, Expr::Name(name) if name.id == kept.id);
        if !same || !matches!(method.attr.as_str(), "result" | "get") || !asked.arguments.is_empty() {
            return None;
        }
        sends(&at.resolve(&sent.func)?).filter(|sent| sent.one && sent.later)?;
        Some(Found::at(asked, one_at_a_time(&method.attr)))
    })
}

fn one_at_a_time(method: &str) -> String {
    format!(
        "{method}() waits for each task before the next is sent, so one runs at a time; send all, then ask for results"
    )
}

/// CON206: a thread or process is started and joined at once, in a loop: one runs at a time.
pub(super) fn started_and_joined<'a>(at: &At<'a>, each: &'a ast::StmtFor) -> Option<Found> {
    let (name, call) = each.body.windows(2).find_map(|two| {
        let (started, _) = method_of_name(&two[0], "start")?;
        let (joined, call) = method_of_name(&two[1], "join")?;
        (started.id == joined.id && call.arguments.is_empty()).then_some((joined, call))
    })?;
    let made = |stmt: &Stmt| matches!(stmt, Stmt::Assign(assign) if matches!(assign.targets.as_slice(), [Expr::Name(target)] if target.id == name.id));
    each.body.iter().find(|stmt| made(stmt))?;
    let Expr::Attribute(join) = &*call.func else { return None };
    let (what, level) = match at.instance_of(&join.value)?.as_str() {
        "threading.Thread" => ("thread", None),
        // One process after another is also how leaks and crashes are kept apart.
        "multiprocessing.Process" => ("process", Some(Level::Info)),
        _ => return None,
    };
    let message =
        format!("each {what} is waited for before the next is started, so one runs at a time; start all, then join");
    let found = Found::at(call, message);
    Some(level.map_or(found.clone(), |level| found.level(level)))
}

/// `name.method(…)` as a statement.
fn method_of_name<'a>(stmt: &'a Stmt, method: &str) -> Option<(&'a ast::ExprName, &'a ast::ExprCall)> {
    let Stmt::Expr(alone) = stmt else { return None };
    let Expr::Call(call) = &*alone.value else { return None };
    let Expr::Attribute(attribute) = &*call.func else { return None };
    match &*attribute.value {
        Expr::Name(name) if attribute.attr.as_str() == method => Some((name, call)),
        _ => None,
    }
}
