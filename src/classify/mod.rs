//! Profile → [`Classification`]: CPU-bound, I/O-bound, mixed, or not to be told; and what limits it. Pure.
//!
//! Judges the demand of the work, not the crowd of workers. What to do about it is `rules`'s.

mod bottleneck;
mod sufficiency;
#[cfg(test)]
mod tests;
mod threshold;

pub use bottleneck::Bottleneck;
pub use threshold::Comparison;

use crate::host::Host;
use crate::profile::Profile;
use crate::target::Runtime;
use crate::units::Share;
use sufficiency::{Insufficient, insufficient};
use threshold::{AGREEMENT, IO_BOUND, Ledger, MORE_THAN_CPU, ratio};

/// What sort of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Mostly computing.
    CpuBound,
    /// Mostly waiting for the outside.
    IoBound,
    /// Enough of both that either alone would mislead.
    Mixed,
    /// The evidence does not tell.
    Inconclusive,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::CpuBound, Self::IoBound, Self::Mixed, Self::Inconclusive];

    /// The word in reports and rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuBound => "cpu-bound",
            Self::IoBound => "io-bound",
            Self::Mixed => "mixed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// The judgement, with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// What sort of work it is.
    pub class: Class,
    /// What limits it; `None` when nothing was seen to.
    pub bottleneck: Option<Bottleneck>,
    /// Share of the replicates that were judged the same, lowered where samples were few or the machine was shared;
    /// zero where there was nothing to judge.
    pub confidence: Share,
    /// Each comparison that was made, in order.
    pub evidence: Vec<Comparison>,
    /// What would settle an inconclusive case, as a sentence.
    pub settle: Option<String>,
}

impl Classification {
    /// Whether there was something to judge. An inconclusive class can still be one: it lies near a border, or its
    /// replicates do not agree.
    pub fn judged(&self) -> bool {
        self.confidence > Share::ZERO
    }
}

/// Judges a profile.
pub fn classify(profile: &Profile, runtime: &Runtime, host: &Host) -> Classification {
    let mut ledger = Ledger::default();
    if let Some(reason) = insufficient(profile, &mut ledger) {
        let limited = reason == Insufficient::NothingDemanded;
        let mut bottleneck = || bottleneck::find(profile, runtime, host, Class::Inconclusive, &mut ledger);
        return Classification {
            class: Class::Inconclusive,
            bottleneck: if limited { bottleneck() } else { None },
            confidence: Share::ZERO,
            settle: Some(reason.settle().to_owned()),
            evidence: ledger.0,
        };
    }
    let wait = profile.demand.wait_share().unwrap_or_default();
    let class = class_of(wait, &mut ledger);
    let agreement = agreement(profile, class);
    let agreed = ledger.reaches(&AGREEMENT, agreement);
    Classification {
        class: if agreed { class } else { Class::Inconclusive },
        bottleneck: bottleneck::find(profile, runtime, host, class, &mut ledger),
        confidence: confidence(profile, agreement),
        settle: (!agreed).then(|| settle(wait, agreement)),
        evidence: ledger.0,
    }
}

/// What would settle a case on which the replicates do not agree, or of which there are none.
fn settle(wait: Share, agreement: Option<f64>) -> String {
    let (wait, low, high) = (wait.get(), MORE_THAN_CPU.at, IO_BOUND.at);
    match agreement {
        Some(_) => format!(
            "its waiting share of {wait:.2} is too near {low:.2} or {high:.2} for a run this short or uneven; a longer \
             run, or one with more of the usual work, would tell"
        ),
        None => format!(
            "too little of its course over time was seen to say how sure its waiting share of {wait:.2} is; a longer \
             run would tell"
        ),
    }
}

impl Class {
    /// The class that a waiting share stands for, when there is enough to judge.
    pub fn at(wait: Share) -> Self {
        class_of(wait, &mut Ledger::default())
    }
}

/// The class that a waiting share stands for.
fn class_of(wait: Share, ledger: &mut Ledger) -> Class {
    if ledger.reaches(&IO_BOUND, Some(wait.get())) {
        Class::IoBound
    } else if ledger.reaches(&MORE_THAN_CPU, Some(wait.get())) {
        Class::Mixed
    } else {
        Class::CpuBound
    }
}

/// Share of the replicates of that class; `None` without replicates.
fn agreement(profile: &Profile, class: Class) -> Option<f64> {
    let judged = |wait| class_of(wait, &mut Ledger::default());
    let same = profile.replicates.iter().filter(|replicate| judged(replicate.wait) == class).count();
    ratio(same as f64, profile.replicates.len() as f64)
}

/// The agreement, held below what n samples can ever show (Laplace's rule of succession: n + 1 of n + 2), and lowered
/// by half of what others took of the machine: run-queue wait is already out of the demand, but caches, disks and
/// clock rates were shared as well.
fn confidence(profile: &Profile, agreement: Option<f64>) -> Share {
    let n = profile.samples as f64;
    let elsewhere = profile.elsewhere.map_or(0.0, Share::get);
    let confidence = agreement.unwrap_or(0.0) * (n + 1.0) / (n + 2.0) * (1.0 - elsewhere / 2.0);
    Share::new(confidence).unwrap_or(Share::ZERO)
}
