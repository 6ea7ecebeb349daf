//! Caveats about the quality of a measurement. Every wording lives here, so that a reader of a report meets each
//! caveat in one voice, and a degraded measurement is always said aloud.
//!
//! Deciding when one is due is the stage's that measured.

use crate::units::{Bytes, Share, human};
use std::fmt;
use std::time::Duration;

/// One caveat.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Sum over workers and the kernel's totals differ by more than 1 %.
    TotalsDisagree {
        /// CPU time summed over the workers that were seen.
        workers: Duration,
        /// CPU time that the kernel accounted.
        kernel: Duration,
    },
    /// Workers lived and died between two samples; their CPU time is known only as a sum.
    UnseenWorkers {
        /// CPU time of workers nobody saw.
        on_cpu: Duration,
    },
    /// More workers than are kept one by one.
    WorkersFolded {
        /// How many were added up instead.
        workers: u64,
    },
    /// Something optional could not be read.
    Unavailable {
        /// What is missing, in words.
        what: &'static str,
        /// Why, as the kernel or the file said it.
        why: String,
        /// What it would have added, or how to enable it.
        remedy: String,
    },
    /// Our samples came late, so shares by kind are coarse.
    SampledLate {
        /// 95th percentile of lateness.
        lateness: Duration,
    },
    /// Processes of the target were still running when its first process ended; they were left alone.
    LeftBehind {
        /// How many.
        processes: usize,
    },
    /// The run was stopped before its end.
    Interrupted {
        /// The signal.
        signal: i32,
    },
    /// The target itself failed, so what was observed may be its failing, not its work.
    TargetFailed {
        /// How it ended, in words.
        how: String,
    },
    /// Other programs used the machine's cores during the run.
    NoisyMachine {
        /// Share of the machine's CPU time that went elsewhere.
        elsewhere: Share,
    },
    /// The hypervisor or a cgroup quota took time away.
    Throttled {
        /// What was read to find out.
        how: String,
    },
    /// The twin can not stand for something the target does.
    TwinDoubt {
        /// What, and how it may mislead.
        doubt: String,
    },
    /// The trials were stopped by the budget.
    BudgetSpent {
        /// Settings that were planned and not run.
        skipped: usize,
    },
    /// The synthetic CPU work could not be calibrated within 5 %.
    CalibrationOff {
        /// On-CPU time measured over the time asked for.
        ratio: f64,
    },
    /// The decision went past a rule whose fact is unknown.
    UndecidableRule {
        /// The rule.
        rule: String,
        /// The unknown fact.
        fact: String,
    },
    /// Memory caps the number of workers.
    MemoryCaps {
        /// Workers that fit.
        workers: usize,
        /// Memory that one takes.
        per_worker: Bytes,
    },
    /// The report lists only the heaviest workers one by one.
    WorkersNotListed {
        /// How many it lists.
        listed: usize,
        /// How many it does not.
        left_out: usize,
    },
    /// The trials were stopped before their end.
    TrialsInterrupted {
        /// The signal.
        signal: i32,
    },
    /// No executor model was tried.
    TrialsSkipped {
        /// Why, as a clause.
        why: String,
    },
    /// Something about the user's own function that the trials of it depend on.
    TaskDoubt {
        /// What, as a sentence.
        doubt: String,
    },
    /// The machine became faster or slower while the trials ran.
    Drifted {
        /// Time of the last sequential run over that of the first.
        ratio: f64,
    },
    /// Some records of switches were lost.
    SwitchesLost {
        /// Records read.
        records: u64,
        /// Records that the kernel had no room for.
        lost: u64,
    },
    /// Switches were no longer recorded, because the target switched so often that it would have been slowed.
    SwitchesStopped {
        /// When, after the target's start.
        after: Duration,
    },
    /// Something about running the whole command again that its trials depend on.
    RerunDoubt {
        /// What, as a clause.
        doubt: String,
    },
    /// Running the command again was asked for and gave nothing to try.
    NothingToTurn {
        /// What was looked for, or why it could not be, as a clause.
        why: String,
    },
    /// A target that was attached to was let go before the time that was asked for.
    Detached {
        /// The signal that ended the watching; the target did not get it from us.
        signal: i32,
    },
}

impl Notice {
    /// A stable, short name for reports.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TotalsDisagree { .. } => "totals-disagree",
            Self::UnseenWorkers { .. } => "unseen-workers",
            Self::WorkersFolded { .. } => "workers-folded",
            Self::Unavailable { .. } => "unavailable",
            Self::SampledLate { .. } => "sampled-late",
            Self::LeftBehind { .. } => "left-behind",
            Self::Interrupted { .. } => "interrupted",
            Self::TargetFailed { .. } => "target-failed",
            Self::NoisyMachine { .. } => "noisy-machine",
            Self::Throttled { .. } => "throttled",
            Self::TwinDoubt { .. } => "twin-doubt",
            Self::BudgetSpent { .. } => "budget-spent",
            Self::CalibrationOff { .. } => "calibration-off",
            Self::UndecidableRule { .. } => "undecidable-rule",
            Self::MemoryCaps { .. } => "memory-caps",
            Self::WorkersNotListed { .. } => "workers-not-listed",
            Self::TrialsInterrupted { .. } => "trials-interrupted",
            Self::TrialsSkipped { .. } => "trials-skipped",
            Self::Drifted { .. } => "drifted",
            Self::TaskDoubt { .. } => "task-doubt",
            Self::SwitchesLost { .. } => "switches-lost",
            Self::SwitchesStopped { .. } => "switches-stopped",
            Self::Detached { .. } => "detached",
            Self::RerunDoubt { .. } => "rerun-doubt",
            Self::NothingToTurn { .. } => "nothing-to-turn",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TotalsDisagree { workers, kernel } => write!(
                f,
                "the workers that were seen used {} of CPU but the kernel accounted {}; shares by worker cover only the first",
                human(*workers),
                human(*kernel)
            ),
            Self::UnseenWorkers { on_cpu } => write!(
                f,
                "{} of CPU went to workers that lived and died between two samples; they are counted as one line",
                human(*on_cpu)
            ),
            Self::WorkersFolded { workers } => {
                write!(f, "{workers} further workers were added up instead of listed one by one")
            }
            Self::Unavailable { what, why, remedy } => write!(f, "{what} could not be read: {why}; {remedy}"),
            Self::SampledLate { lateness } => write!(
                f,
                "samples came up to {} late, so the shares by blocked kind are coarse; a less busy machine would sharpen them",
                human(*lateness)
            ),
            Self::LeftBehind { processes } => write!(
                f,
                "{processes} processes of the target were still running when it ended; they were left running and are not in the totals"
            ),
            Self::Interrupted { signal } => {
                write!(f, "signal {signal} stopped the run, so everything here covers only the part before it")
            }
            Self::TargetFailed { how } => {
                write!(
                    f,
                    "the target {how}, so this may describe its failing and not its work; run it where it succeeds"
                )
            }
            Self::NoisyMachine { elsewhere } => write!(
                f,
                "other programs used {elsewhere} of this machine's CPU during the run; times are less sure than they look"
            ),
            Self::Throttled { how } => write!(f, "CPU time was taken away during the run: {how}"),
            Self::TwinDoubt { doubt } | Self::TaskDoubt { doubt } | Self::RerunDoubt { doubt } => f.write_str(doubt),
            Self::NothingToTurn { why } => {
                write!(
                    f,
                    "--rerun found nothing to try in the program itself: {why}; a synthetic workload was tried instead"
                )
            }
            Self::BudgetSpent { skipped } => {
                write!(f, "the trial budget ended with {skipped} settings not run; a larger --budget would try them")
            }
            Self::CalibrationOff { ratio } => write!(
                f,
                "the synthetic work cost {:.0} % of the CPU time it should have; trial times are off by as much",
                ratio * 100.0
            ),
            Self::UndecidableRule { rule, fact } => write!(
                f,
                "rule {rule} could not be decided because {fact} is unknown, so the decision past it is provisional"
            ),
            Self::MemoryCaps { workers, per_worker } => {
                write!(f, "memory allows {workers} workers at {per_worker} each; more would not fit")
            }
            Self::WorkersNotListed { listed, left_out } => {
                write!(f, "the {listed} heaviest workers are listed; {left_out} lighter ones are in the sums only")
            }
            Self::TrialsInterrupted { signal } => {
                write!(
                    f,
                    "signal {signal} stopped the trials, so the models not yet tried are missing from the comparison"
                )
            }
            Self::TrialsSkipped { why } => write!(f, "no executor model was tried: {why}"),
            Self::Drifted { ratio } => write!(
                f,
                "the sequential run took {:.0} % as long at the end of the trials as at their start, so the machine \
                 changed meanwhile; speed-ups are less sure than they look",
                ratio * 100.0
            ),
            Self::SwitchesLost { records, lost } => write!(
                f,
                "{lost} records of switches were lost and {records} read; bursts and waits across the gaps are left out"
            ),
            Self::SwitchesStopped { after } => write!(
                f,
                "the target switched and forked so often that recording it would have slowed it by more than 1 %, so \
                 after {} that ended; bursts are means over sampling intervals from there on, and very short workers \
                 may be missed",
                human(*after)
            ),
            Self::Detached { signal } => {
                write!(f, "signal {signal} ended the watching early; the target was left as it is")
            }
        }
    }
}
