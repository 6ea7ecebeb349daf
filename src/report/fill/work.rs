//! What trials ran, as the report's tables: a twin, or the user's own function; and the curves of what came of it.

use super::schema;
use super::{all_said, count, rounded, said, seconds};
use crate::profile::Profile;
use crate::report::recording::Recording;
use crate::trial::curve;
use crate::trial::plan::Limits;
use crate::trial::task::Task;
use crate::trial::twin::Twin;

/// The synthetic task.
pub(super) fn twin(from: &Twin) -> schema::Twin {
    let task = &from.task;
    schema::Twin {
        tasks: from.tasks,
        cpu_held_s: seconds(task.cpu_held),
        cpu_released_s: seconds(task.cpu_released),
        waiting_s: seconds(task.waits.iter().map(|(_, time)| *time).sum()),
        memory_bytes: count(task.memory.0),
        argument_bytes: count(task.argument.0),
        result_bytes: count(task.result.0),
        compression: rounded(from.compression).unwrap_or_default(),
        pieces_seen: from.pieces_seen,
        doubts: all_said(&from.doubts),
    }
}

/// The user's own function.
pub(super) fn task(from: &Task, demand: Option<&Twin>) -> schema::Task {
    schema::Task {
        function: said(&from.function),
        items: said(&from.items_named),
        tasks: from.items,
        task_s: demand.map(|twin| seconds(twin.task.total())),
        slowest_s: (!from.slowest.is_zero()).then(|| seconds(from.slowest)),
        argument_bytes: from.argument.map(|bytes| count(bytes.0)),
        result_bytes: from.result.map(|bytes| count(bytes.0)),
        pickle_s: from.pickle.map(seconds),
        inner_threads: from.inner_threads,
        environment: all_said(&from.environment),
        results_compared: from.compared,
    }
}

/// The law fitted to each model that ran at enough worker counts.
pub(super) fn curves(recording: &Recording, profile: &Profile) -> Vec<schema::Curve> {
    let Recording { host, target, tried, .. } = recording;
    let own_async = tried.task.as_ref().is_some_and(|task| task.async_function.is_some());
    let limits = Limits { own_async, ..Limits::of(host, &target.runtime, profile) };
    let row = |curve: curve::Curve| schema::Curve {
        model: curve.model.name().to_owned(),
        workers: curve.points.iter().map(|(workers, _)| *workers as u64).collect(),
        rate_per_s: curve.points.iter().filter_map(|(_, rate)| rounded(*rate)).collect(),
        sigma: rounded(curve.usl.sigma).unwrap_or_default(),
        kappa: rounded(curve.usl.kappa).unwrap_or_default(),
        fit_error: rounded(curve.usl.error).unwrap_or_default(),
        peak_workers: curve.usl.peak().and_then(rounded),
        bound_workers: curve.bound.and_then(|(workers, _)| rounded(workers)),
        bound_rate_per_s: curve.bound.and_then(|(_, rate)| rounded(rate)),
    };
    curve::curves(tried.twin.as_ref(), &limits, &tried.trials).into_iter().map(row).collect()
}
