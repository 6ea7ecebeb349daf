//! CON4xx: how many workers.

use super::executors::Pool;
use super::fixes;
use crate::source::calls;
use crate::source::finding::Found;
use crate::source::python::ast::{self, Expr, Number};
use crate::source::walk::At;

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
    let found = if std::ptr::eq(value, size) { Found::at(counted, message) } else { Found::at(size, message) };
    Some(found.fix_if(fixes::usable_cores(at, counted)))
}
