//! CON4xx: how many workers.

use super::executors::{Pool, Workers};
use super::handed::{self, Way, who_runs};
use crate::source::calls;
use crate::source::finding::{Found, Level};
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Number, UnaryOp};
use crate::source::walk::{At, Node};

/// CON401: the number of workers is a number in the source.
pub(super) fn hard_coded_workers<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let pool = Pool::built_by(at.callee(call)?)?;
    let size = pool.size(call)?;
    let Expr::NumberLiteral(number) = at.value_of(size)? else { return None };
    let Number::Int(number) = &number.value else { return None };
    // One worker is a decision about order, not about size.
    let workers = number.as_u64().filter(|workers| *workers > 1)?;
    let message = format!(
        "{workers} workers are right on one machine at most; take the number from where it runs, or measure it"
    );
    Some(Found::at(size, message))
}

/// CON402: the number of workers comes from a count of cores that this process may not use.
pub(super) fn cores_that_are_not_ours<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let pool = Pool::built_by(at.callee(call)?)?;
    let size = pool.size(call)?;
    if at.file.mentions("sched_getaffinity") || at.file.mentions("process_cpu_count") {
        return None;
    }
    let value = at.value_of(size)?;
    let mut counted = None;
    for inner in calls::in_expr(value) {
        match at.resolve(&inner.func).as_deref() {
            Some("os.cpu_count") => counted = Some((inner, "os.cpu_count")),
            Some("multiprocessing.cpu_count") => counted = Some((inner, "multiprocessing.cpu_count")),
            // Something else may make it smaller.
            Some("builtins.min") => return None,
            _ => {}
        }
    }
    let (counted, name) = counted?;
    let message = format!(
        "{name}() counts the machine's cores, also those that affinity and a container's quota keep from this process; \
         use len(os.sched_getaffinity(0)), or os.process_cpu_count() from Python 3.13"
    );
    Some(if std::ptr::eq(value, size) { Found::at(counted, message) } else { Found::at(size, message) })
}

/// CON403: each of several workers starts a thread or a process for each core.
pub(super) fn workers_of_workers<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    if let Some(jobs) = call.arguments.find_keyword("n_jobs") {
        return all_cores(at, &jobs.value).then(|| jobs_of_workers(at, jobs)).flatten();
    }
    let slot = handed::slot(&at.file.names, call, at.scope(), at.callee(call))?;
    let pool = slot.pool.filter(|_| slot.workers == Workers::Processes && slot.way != Way::Target)?;
    let (task, _) = handed::unwrapped(&at.file.names, slot.task, at.scope());
    let (def, scope) = at.definition(task)?;
    let names = &at.file.names;
    let native = calls::in_body(&def.body).into_iter().find(|inner| {
        names.resolve(&inner.func, scope).is_some_and(|name| NATIVE.iter().any(|native| name.starts_with(native)))
    })?;
    let (built, around) = names.value_behind(pool, at.scope())?;
    let built = built.as_call_expr()?;
    let size = Pool::built_by(&names.resolve(&built.func, around)?)?.size(built);
    if !size.is_none_or(|size| all_cores(at, size)) || LIMITS.iter().any(|word| at.file.mentions(word)) {
        return None;
    }
    let message = format!(
        "there is a process for each core, and {}() in {}() starts a thread for each core in each of them; limit these \
         with OMP_NUM_THREADS=1 or threadpoolctl",
        at.file.source.text_of(&*native.func),
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
fn jobs_of_workers<'a>(at: &At<'a>, jobs: &'a ast::Keyword) -> Option<Found> {
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
    let def = at.function()?;
    let handed = who_runs(at.file, def).find(|handed| handed.several)?;
    let line = at.file.source.place(handed.call.start()).line;
    let message = format!(
        "{}() runs in several workers at once (line {line}), and each of them starts a worker for each core here; give \
         this n_jobs=1",
        def.name
    );
    Some(Found::at(jobs, message))
}
