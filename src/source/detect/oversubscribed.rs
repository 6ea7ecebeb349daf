//! CON403: workers that each start a worker for each core.

use super::executors::{Pool, Workers};
use super::handed::{self, Way, who_runs};
use crate::source::calls::{self, Placed};
use crate::source::finding::{Found, Level};
use crate::source::python::Ranged;
use crate::source::python::ast::helpers::any_over_body;
use crate::source::python::ast::{self, Expr, Operator, UnaryOp};
use crate::source::walk::{At, Node};

/// CON403: each of several workers starts a thread or a process for each core.
pub(super) fn workers_of_workers<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    if let Some(jobs) = call.arguments.find_keyword("n_jobs") {
        return all_cores(at, &jobs.value).then(|| jobs_of_workers(at, call, jobs)).flatten();
    }
    let slot = handed::slot(&at.file.names, call, at.scope(), at.callee(call))?;
    let pool = slot.pool.filter(|_| slot.workers == Workers::Processes && slot.way != Way::Target)?;
    let (task, _) = handed::unwrapped(&at.file.names, slot.task, at.scope());
    let (def, scope) = at.definition(task)?;
    let names = &at.file.names;
    let is_native = |inner: &&'a ast::ExprCall| {
        names.resolve(&inner.func, scope).is_some_and(|name| NATIVE.iter().any(|native| name.starts_with(native)))
    };
    let native = calls::in_body(&def.body).into_iter().find(is_native).map(|inner| &*inner.func);
    let multiplies = |expr: &Expr| matches!(expr, Expr::BinOp(ast::ExprBinOp { op: Operator::MatMult, .. }));
    if native.is_none() && !any_over_body(&def.body, multiplies) {
        return None;
    }
    let (built, around) = names.value_behind(pool, at.scope())?;
    let built = built.as_call_expr()?;
    let size = Pool::built_by(&names.resolve(&built.func, around)?)?.size(built);
    if !size.is_none_or(|size| all_cores(at, size)) || LIMITS.iter().any(|word| at.file.mentions(word)) {
        return None;
    }
    let message = format!(
        "there is a process for each core, and {} in {}() runs on a thread for each core in each of them; limit these \
         with OMP_NUM_THREADS=1 or threadpoolctl",
        native.map_or("@", |native| at.file.source.text_of(native)),
        def.name
    );
    Some(Found::at(call, message).level(Level::Info))
}

/// Beginnings of what runs on as many threads as there are cores: BLAS, LAPACK and OpenMP below it.
const NATIVE: [&str; 9] = [
    "numpy.linalg.",
    "numpy.dot",
    "numpy.matmul",
    "numpy.einsum",
    "numpy.tensordot",
    "scipy.linalg.",
    "torch.matmul",
    "torch.mm",
    "torch.nn.functional.",
];
/// What a file says that limits these threads.
const LIMITS: [&str; 6] = [
    "_NUM_THREADS",
    "threadpool_limits",
    "threadpoolctl",
    "set_num_threads",
    "inner_max_num_threads",
    "ThreadpoolController",
];

/// Whether a number of workers means one for each core.
fn all_cores<'a>(at: &At<'a>, size: &'a Expr) -> bool {
    let Some((size, scope)) = at.file.names.value_behind(size, at.scope()) else { return false };
    match size {
        Expr::UnaryOp(negative) => negative.op == UnaryOp::USub && matches!(&*negative.operand, Expr::NumberLiteral(_)),
        Expr::Call(call) => {
            let counts =
                |name: &str| matches!(name, "os.cpu_count" | "multiprocessing.cpu_count" | "os.process_cpu_count");
            at.file.names.resolve(&call.func, scope).is_some_and(|name| counts(&name))
        }
        _ => false,
    }
}

/// `n_jobs=-1` in a worker, or within the arguments of another such call.
fn jobs_of_workers<'a>(at: &At<'a>, call: &'a ast::ExprCall, jobs: &'a ast::Keyword) -> Option<Found> {
    let outer = at.around().find_map(|node| match node {
        Node::Expr(Expr::Call(outer)) => {
            outer.arguments.find_keyword("n_jobs").filter(|other| all_cores(at, &other.value))
        }
        _ => None,
    });
    if outer.is_some() {
        let message = "this has a worker for each core in each worker of the call around it, which has one for each \
                       core too; give one of the two n_jobs=1";
        return Some(Found::at(jobs, message));
    }
    if let Some(given) = gives_workers(at, call) {
        let message = format!(
            "`{given}` has a worker for each core itself (n_jobs=), and this has another for each core in each of them; \
             give one of the two n_jobs=1"
        );
        return Some(Found::at(jobs, message));
    }
    let def = at.function()?;
    let line = |call: &ast::ExprCall| at.file.source.place(call.start()).line;
    let handed = || who_runs(at.file, def).find(|handed| handed.several).map(|handed| line(handed.call));
    let delayed = || at.file.calls().iter().find(|placed| delays(at, placed, def)).map(|placed| line(placed.call));
    let message = format!(
        "{}() runs in several workers at once (line {}), and each of them starts a worker for each core here; give this \
         n_jobs=1",
        def.name,
        handed().or_else(delayed)?
    );
    Some(Found::at(jobs, message))
}

/// The argument, of the call that a keyword is given to, that was made with a worker for each core.
fn gives_workers<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<&'a str> {
    let made_so = |argument: &&'a Expr| {
        let made = at.file.names.value_behind(argument, at.scope()).filter(|_| argument.is_name_expr());
        let jobs = made.and_then(|(made, _)| made.as_call_expr()?.arguments.find_keyword("n_jobs"));
        jobs.is_some_and(|jobs| all_cores(at, &jobs.value))
    };
    let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
    let given = call.arguments.args.iter().chain(keywords).find(made_so)?;
    Some(at.file.source.text_of(given))
}

/// Whether a call is joblib's `delayed(def)(…)`, in a loop.
fn delays<'a>(at: &At<'a>, placed: &Placed<'a>, def: &'a ast::StmtFunctionDef) -> bool {
    let Expr::Call(delayed) = &*placed.call.func else { return false };
    let names = &at.file.names;
    placed.in_loop.is_some()
        && names.resolve(&delayed.func, placed.scope).is_some_and(|name| name.last() == "delayed")
        && delayed
            .arguments
            .args
            .first()
            .and_then(|task| names.definition(task, placed.scope))
            .is_some_and(|(own, _)| std::ptr::eq(own, def))
}
