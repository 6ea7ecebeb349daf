//! Decision + trials + Host → [`Recommendation`]: one setting, with reasons, alternatives and doubts. Pure.
//!
//! The simplest admitted model within 5 % of the best, at the fewest workers within 5 % of the best, capped by memory
//! and CPUs. `choice` picks it from the trials, `limits` holds the caps and counts workers where no trial ran,
//! `spread` says how sure the trials are, `words` says why, `snippet` is the code to paste. How all of it is shown is
//! `report`'s.

mod choice;
pub mod findings;
mod limits;
mod of_cluster;
mod of_elsewhere;
mod of_native;
mod of_sites;
mod of_task;
mod snippet;
mod spread;
mod words;

use crate::classify::Class;
use crate::host::Host;
use crate::profile::Profile;
use crate::rules::projection::{Projection, best_of_each, projections};
use crate::rules::{Decision, Facts, Step};
use crate::target::Target;
use crate::trial::model::{Model, Setting};
use crate::trial::twin::Twin;
use crate::trial::{Evidence, Trial};
use crate::units::{Bytes, Share};

pub use findings::{JoinedFinding, Seen, Standing};
pub use of_sites::SiteAdvice;

/// How much longer the simpler model, or fewer workers, may take and still be preferred (DESIGN §5).
const TOLERANCE: f64 = 0.05;

/// Most confidence in an answer that no trial stands behind: as good as the tables it is computed from.
const UNTRIED: f64 = 0.5;

/// What a named doubt leaves of the confidence. Not measured: it keeps a doubted answer below an undoubted one until
/// the accuracy benchmark says how often either is right.
const DOUBTED: f64 = 0.9;

/// The answer with its reasons.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recommendation {
    /// Model, workers, chunk size, start method.
    pub setting: Setting,
    /// The worker count as a policy that holds on other machines: `1`, `cpus`, `min(cpus, 8)`, `32`.
    pub policy: String,
    /// What the speed-up was measured on; `None` when no trial ran.
    pub evidence: Option<Evidence>,
    /// Expected speed-up over sequential; `None` when no trial ran.
    pub speedup: Option<Interval>,
    /// Highest memory expected at this setting.
    pub memory: Option<Bytes>,
    /// How sure: the weakest of class, rule and separation of the trials.
    pub confidence: Share,
    /// Why, in one or two sentences.
    pub reason: String,
    /// The path through the tree.
    pub path: Vec<Step>,
    /// What would change the answer, each a sentence.
    pub flips: Vec<String>,
    /// What makes it less sure, each a sentence.
    pub doubts: Vec<String>,
    /// Advice beside the model (vectorise, shared memory, batch), each a sentence.
    pub advice: Vec<String>,
    /// Code to paste.
    pub snippet: String,
    /// Other settings that ran, best first.
    pub alternatives: Vec<Alternative>,
    /// The place in the program that it is about, `app.py:42`; `None` when it is about all of it.
    pub at: Option<String>,
    /// Advice for each place where the program builds executors, in the order of the reruns' sites.
    pub sites: Vec<SiteAdvice>,
    /// What the program's source shows, and what the run says of it, those that matter most first.
    pub findings: Vec<JoinedFinding>,
}

/// A value with the range it lies in at 90 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Best estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Another setting and what choosing it would cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alternative {
    /// The setting.
    pub setting: Setting,
    /// Its time over the best time found, minus one.
    pub regret: f64,
}

/// All that a recommendation rests on.
struct Case<'a> {
    decision: &'a Decision,
    facts: &'a Facts,
    host: &'a Host,
    profile: &'a Profile,
    target: &'a Target,
    twin: Option<&'a Twin>,
    trials: &'a [Trial],
}

/// The simplest admitted setting that is as good as the best, or, where no trial ran, the rule's first model at a
/// computed number of workers.
pub fn recommend(
    decision: &Decision,
    facts: &Facts,
    host: &Host,
    profile: &Profile,
    target: &Target,
    twin: Option<&Twin>,
    trials: &[Trial],
) -> Recommendation {
    let case = Case { decision, facts, host, profile, target, twin, trials };
    let tried = projections(twin, trials);
    let limits = limits::Limits::of(&case);
    let candidates = choice::candidates(&case, &limits, &tried);
    let chosen = choice::choose(&candidates);
    let rivals = chosen.map_or_else(Vec::new, |chosen| choice::rivals(&candidates, chosen));
    let wanted = chosen.map_or_else(|| limits.untried(&case), |chosen| chosen.setting);
    let setting = limits.clamp(wanted);
    let separation = chosen.map_or(UNTRIED, |chosen| spread::separation(chosen, &rivals));
    let sequential = tried.iter().find(|tried| tried.setting.model == Model::Sequential);
    let policy = limits.policy(setting);
    let words = words::Words { case: &case, limits: &limits, tried: &tried, setting, chosen, rivals: &rivals };
    Recommendation {
        setting,
        evidence: chosen.map(|chosen| chosen.evidence),
        speedup: chosen.zip(sequential).map(|(chosen, sequential)| spread::speedup(sequential, chosen)),
        memory: memory(&case, setting, chosen),
        confidence: confidence(&case, chosen, separation),
        reason: words.reason(),
        path: decision.path.clone(),
        flips: words.flips(),
        doubts: words.doubts(separation),
        advice: words.advice(),
        snippet: snippet::snippet(&target.runtime, &setting, &policy),
        alternatives: alternatives(&tried, setting.model),
        at: None,
        sites: Vec::new(),
        findings: Vec::new(),
        policy,
    }
}

/// The weakest of class, rule and separation, less when something is doubted.
fn confidence(case: &Case, chosen: Option<&Projection>, separation: f64) -> Share {
    let class = case.facts.number("class_confidence").unwrap_or(Decision::UNREPLICATED);
    // Trials of the user's own function are compared whatever its class, and so whatever rule that leads to.
    let of_task = chosen.is_some_and(|chosen| chosen.evidence == Evidence::Task);
    let reached = if of_task { 1.0 } else { class.min(case.decision.confidence.get()) };
    let mut confidence = reached.min(separation);
    if !case.decision.undecided.is_empty() {
        confidence *= DOUBTED;
    }
    let of_twin = chosen.is_some_and(|chosen| chosen.evidence == Evidence::Twin);
    if of_twin && case.twin.is_some_and(|twin| !twin.doubts.is_empty()) {
        confidence *= DOUBTED;
    }
    Share::new(confidence).unwrap_or(Share::ZERO)
}

/// Highest memory expected: for processes each worker's and the parent's, for the others one process and what its
/// further workers touch; never less than the trial itself took.
fn memory(case: &Case, setting: Setting, chosen: Option<&Projection>) -> Option<Bytes> {
    let each = case.profile.memory_per_process;
    let further = setting.workers.saturating_sub(1) as u64;
    let touched = case.twin.map_or(Bytes(0), |twin| twin.task.memory);
    let expected = match setting.model {
        Model::Sequential => each,
        model if model.uses_processes() => Bytes(each.0.saturating_mul(further.saturating_add(2))),
        _ => each + Bytes(touched.0.saturating_mul(further)),
    };
    let tried = chosen.map_or(Bytes(0), |chosen| chosen.peak_memory);
    // Without a measured process, a sum over workers would be a sum of nothing.
    let expected = if each > Bytes(0) { expected.max(tried) } else { tried };
    (expected > Bytes(0)).then_some(expected)
}

/// The best setting of every other model that ran, best first.
fn alternatives(tried: &[Projection], model: Model) -> Vec<Alternative> {
    let mut each = best_of_each(tried);
    each.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let Some(best) = each.first().map(|best| best.seconds) else { return Vec::new() };
    let others = each.into_iter().filter(|tried| tried.setting.model != model);
    others.map(|tried| Alternative { setting: tried.setting, regret: tried.seconds / best - 1.0 }).collect()
}

/// Whether a trial may stand for this work. A twin is built from the profile, so not where that showed nothing to
/// judge; where it only does not tell which of two classes this is, the twin has its shape all the same.
fn trusts(case: &Case, tried: &Projection) -> bool {
    let class = case.facts.label("class").filter(|class| *class != Class::Inconclusive.name());
    let judged = case.facts.number("class_confidence").is_some_and(|confidence| confidence > 0.0);
    tried.evidence != Evidence::Twin || class.is_some() || judged
}

#[cfg(test)]
mod tests;
