//! The choice among the trials: the simplest model within 5 % of the best, at the fewest workers.

use super::limits::Limits;
use super::spread::{self, NOISE};
use super::{Case, TOLERANCE, trusts};
use crate::rules::projection::{Projection, best, best_of_each};
use crate::trial::model::{Model, StartMethod};
use crate::trial::{Evidence, Outcome, Trial};

/// Share of pairs that are most of them.
const MOST: f64 = 0.5;

/// What may be chosen of what ran: the admitted models within the limits, and sequential always. Nothing, when of the
/// models that the rule admits none was tried and none cannot be: then sequential has won against nobody.
pub(super) fn candidates(case: &Case, limits: &Limits, tried: &[Projection]) -> Vec<Projection> {
    let sequential = |tried: &Projection| tried.setting.model == Model::Sequential;
    // What the user's own function was seen to do needs no rule's leave, unless that knows of something no trial shows.
    // A loop around the same pool is for programs that have a loop, and a function does not tell.
    let hybrid = |model| matches!(model, Model::AsyncioThreads | Model::AsyncioProcesses);
    let shown = |tried: &Projection| {
        let own = tried.evidence == Evidence::Task && !hybrid(tried.setting.model);
        own && case.decision.admit != [Model::Sequential]
    };
    let admitted = |tried: &Projection| case.decision.admit.contains(&tried.setting.model) || shown(tried);
    // A pruned setting was not run either.
    let pruned = |trial: &Trial| matches!(trial.outcome, Outcome::Pruned(_));
    let untried = |model: &Model| case.trials.iter().all(|trial| trial.setting.model != *model || pruned(trial));
    let candidates: Vec<_> = tried
        .iter()
        .filter(|tried| trusts(case, tried))
        .filter(|tried| sequential(tried) || admitted(tried) && limits.allow(tried))
        .filter(|tried| safe(case, tried))
        .filter_map(|candidate| safely_started(case, tried, candidate))
        .collect();
    let unopposed = candidates.iter().all(sequential);
    let others = case.decision.admit.iter().filter(|model| **model != Model::Sequential);
    if unopposed && others.clone().count() > 0 && others.clone().all(untried) { Vec::new() } else { candidates }
}

/// What may be chosen of trials of the whole program: all that ran, but not of a model that did something else.
pub(super) fn best_safe(trials: &[Trial], tried: &[Projection]) -> Vec<Projection> {
    let wrong = |tried: &&Projection| {
        let same = trials.iter().filter(|trial| trial.setting.model == tried.setting.model);
        same.clone().any(|trial| matches!(trial.outcome, Outcome::Unsafe(_)))
    };
    tried.iter().filter(|tried| !wrong(tried)).cloned().collect()
}

/// Whether workers of that model that start that way never gave other results than one alone, and never hung.
fn safe(case: &Case, tried: &Projection) -> bool {
    let same = |trial: &Trial| {
        (trial.setting.model, trial.setting.start_method) == (tried.setting.model, tried.setting.start_method)
    };
    !case.trials.iter().any(|trial| same(trial) && matches!(trial.outcome, Outcome::Unsafe(_)))
}

/// The simplest within 5 % of the best at the fewest workers that are within 5 % of the best, so that both concessions
/// together never cost more than 5 %. A setting is also within it when most pairs of repeats say so: what noise alone
/// makes faster is not worth a less simple model. Between settings that differ only in start method or chunk size and by less than
/// the noise of a trial, the safer start and the smaller chunk.
pub(super) fn choose(candidates: &[Projection]) -> Option<&Projection> {
    let fastest = best(candidates)?;
    let limit = fastest.seconds * (1.0 + TOLERANCE);
    let within = |tried: &Projection| tried.seconds <= limit || spread::slower(tried, fastest) < MOST;
    let good = || candidates.iter().filter(|tried| within(tried));
    let simplest = good().map(|tried| (tried.setting.model, tried.setting.workers)).min()?;
    let same = || good().filter(|tried| (tried.setting.model, tried.setting.workers) == simplest);
    let equal = best(same())?.seconds * (1.0 + NOISE);
    same()
        .filter(|tried| tried.seconds <= equal)
        .min_by_key(|tried| (tried.setting.start_method.map(danger), tried.setting.chunk_size))
}

/// The best of every model that was not chosen.
pub(super) fn rivals(candidates: &[Projection], chosen: &Projection) -> Vec<Projection> {
    let others = best_of_each(candidates).into_iter().filter(|tried| tried.setting.model != chosen.setting.model);
    others.cloned().collect()
}

/// The rule's first model of which no trial says that it cannot be; sequential when there is none.
pub(super) fn first_possible(case: &Case) -> Model {
    let refused = |model: &Model| {
        let mut outcomes = case.trials.iter().filter(|trial| trial.setting.model == *model).map(|trial| &trial.outcome);
        let ran = |outcome: &Outcome| matches!(outcome, Outcome::Ok(_) | Outcome::Pruned(_));
        outcomes.clone().next().is_some() && !outcomes.any(ran)
    };
    case.decision.admit.iter().copied().find(|model| !refused(model)).unwrap_or(Model::Sequential)
}

/// Start methods from safest to most dangerous. Forkserver is Linux's default from CPython 3.14.
const fn danger(method: StartMethod) -> u8 {
    match method {
        StartMethod::Forkserver => 0,
        StartMethod::Spawn => 1,
        StartMethod::Fork => 2,
    }
}

/// A forked child inherits the locks of threads that it does not have, and may wait for them for ever. Where the
/// program has threads, a trial that forked stands for one that starts the next cheapest way that was tried: the
/// workers do the same work at the same speed, each only costs more to start. Not where that was tried itself. The user's
/// own function was forked in a process that had imported all that it needs, with the threads that native libraries start
/// for themselves, and no task hung: that fork is what it is, and the advice says where it would not be safe.
fn safely_started(case: &Case, tried: &[Projection], candidate: &Projection) -> Option<Projection> {
    let forks = candidate.setting.start_method == Some(StartMethod::Fork);
    if !forks || case.profile.today.threads <= 1 || candidate.evidence == Evidence::Task {
        return Some(candidate.clone());
    }
    let each = |tried: &Projection| tried.start / tried.setting.workers.max(1) as f64;
    let otherwise =
        || tried.iter().filter(|tried| tried.setting.start_method.is_some_and(|how| how != StartMethod::Fork));
    let same = |other: &Projection| {
        (other.setting.model, other.setting.workers) == (candidate.setting.model, candidate.setting.workers)
    };
    if otherwise().any(same) {
        return None;
    }
    let mut safe = candidate.clone();
    if let Some(other) = otherwise().min_by(|left, right| each(left).total_cmp(&each(right))) {
        let longer = (each(other) * candidate.setting.workers as f64 - candidate.start).max(0.0);
        safe.setting.start_method = other.setting.start_method;
        safe.start += longer;
        safe.seconds += longer;
        safe.repeats.iter_mut().for_each(|repeat| *repeat += longer);
    }
    Some(safe)
}
