//! Profile → [`Classification`]: CPU-bound, I/O-bound, mixed, or not to be told; and what limits it. Pure.
//!
//! Judges the demand of the work, not the crowd of workers. What to do about it is `rules`'s.

use crate::host::Host;
use crate::profile::Profile;
use crate::target::Runtime;
use crate::units::Share;

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

/// What it is limited by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bottleneck {
    /// CPython's lock: several threads share one core's worth.
    Gil,
    /// All usable cores are busy.
    Cores,
    /// A cgroup quota.
    Quota,
    /// Memory.
    Memory,
    /// Memory bandwidth.
    MemoryBandwidth,
    /// Disk.
    Disk,
    /// Network.
    Network,
    /// A lock of the program's own.
    Lock,
    /// Child processes.
    Child,
    /// One worker does everything, one thing after another.
    Serial,
}

impl Bottleneck {
    /// The word in reports and rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gil => "gil",
            Self::Cores => "cores",
            Self::Quota => "quota",
            Self::Memory => "memory",
            Self::MemoryBandwidth => "memory-bandwidth",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Lock => "lock",
            Self::Child => "child",
            Self::Serial => "serial",
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
    /// Share of the replicates that were judged the same.
    pub confidence: Share,
    /// Each comparison that was made, in order.
    pub evidence: Vec<Comparison>,
    /// What would settle an inconclusive case, as a sentence.
    pub settle: Option<String>,
}

/// One measured value against one named threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was measured.
    pub measure: &'static str,
    /// What it was; `None` when unknown.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: f64,
    /// What follows from it, as a clause.
    pub meaning: &'static str,
    /// Where the threshold comes from.
    pub source: &'static str,
}

/// Judges a profile.
pub fn classify(profile: &Profile, runtime: &Runtime, host: &Host) -> Classification {
    let _ = (profile, runtime, host);
    Classification {
        class: Class::Inconclusive,
        bottleneck: None,
        confidence: Share::ZERO,
        evidence: Vec::new(),
        settle: None,
    }
}
