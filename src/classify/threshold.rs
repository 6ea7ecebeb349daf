//! Every threshold of the classification, by name, with what it is for and where it comes from; and the list of the
//! comparisons that were made.

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

/// A value from which on something else follows.
#[derive(Debug)]
pub(super) struct Threshold {
    /// What is measured, with its unit.
    measure: &'static str,
    /// The value.
    pub at: f64,
    /// What follows at or above it, as a clause.
    reached: &'static str,
    /// What follows below it, as a clause.
    short: &'static str,
    /// Where it comes from.
    source: &'static str,
}

const OURS: &str = "our own judgement";
const GOETZ: &str = "Goetz, Java Concurrency in Practice: workers per core = 1 + wait / compute = 1 / (1 − wait share)";

/// Below it, start-up and our sampling interval are too large a part of what is seen.
pub(super) const STEADY: Threshold = Threshold {
    measure: "steady run, s",
    at: 0.1,
    reached: "the run was long enough to judge",
    short: "the run was too short to judge",
    source: "domain rules: work under 100 ms in all is not worth a pool",
};

/// Twenty samples place a share within ± 22 points at worst (95 %), half the distance between the class thresholds.
pub(super) const SAMPLES: Threshold = Threshold {
    measure: "samples",
    at: 20.0,
    reached: "there were samples enough to tell the kinds of waiting apart",
    short: "there were too few samples to tell the kinds of waiting apart",
    source: "95 % interval of a share: 1.96 · √(0.25 / n)",
};

/// Below it, what was demanded is a by-product of waiting for something that was not seen.
pub(super) const DEMANDED: Threshold = Threshold {
    measure: "CPU time and waits for the outside, as part of the steady run",
    at: 0.05,
    reached: "there was work to judge",
    short: "the workers only waited for one another or for children whose work was not seen",
    source: OURS,
};

/// Below it, with waits for input alone or in very few pieces, nothing happened.
pub(super) const ACTIVE: Threshold = Threshold {
    measure: "CPU time, as part of the steady run",
    at: 0.01,
    reached: "the target was doing something",
    short: "the target used next to no CPU",
    source: OURS,
};

/// Waits for a pipe, of all waits, from which a target without CPU use is waiting for its input.
pub(super) const AWAITS_INPUT: Threshold = Threshold {
    measure: "pipe waits, as part of all waits",
    at: 0.9,
    reached: "the target waited for input on a pipe or terminal",
    short: "the waits were not for input",
    source: OURS,
};

/// Waits for clients, of the time of all workers, from which a target that did next to nothing is a server without
/// clients.
pub(super) const AWAITS_CLIENTS: Threshold = Threshold {
    measure: "waiting for a client, as part of the worker-time",
    at: 0.5,
    reached: "the target served, and waited for clients",
    short: "the workers did not wait for clients",
    source: OURS,
};

/// Waits for events, of all waits, from which a target without CPU use may be a server without clients.
pub(super) const AWAITS_EVENTS: Threshold = Threshold {
    measure: "network, pipe and other waits, as part of all waits",
    at: 0.9,
    reached: "the waits were for events from outside",
    short: "the waits were for disk or a point in time",
    source: OURS,
};

/// Mean length of a wait from which waiting for an answer is more likely waiting for a first request.
pub(super) const LONG_WAITS: Threshold = Threshold {
    measure: "mean length of a wait, s",
    at: 1.0,
    reached: "hardly anything arrived",
    short: "events kept arriving",
    source: OURS,
};

/// From here a core serves 2.5 workers: overlapping waits is most of what there is to win.
pub(super) const IO_BOUND: Threshold = Threshold {
    measure: "waiting, as part of the demand",
    at: 0.6,
    reached: "waiting dominates: one core serves at least 2.5 workers",
    short: "waiting does not dominate: one core serves fewer than 2.5 workers",
    source: GOETZ,
};

/// Up to here a core serves at most 1.25 workers: more workers than cores hardly pay.
pub(super) const MORE_THAN_CPU: Threshold = Threshold {
    measure: "waiting, as part of the demand",
    at: 0.2,
    reached: "both computing and waiting count",
    short: "computing dominates: one core serves at most 1.25 workers",
    source: GOETZ,
};

/// Replicates that must be judged like the run itself.
pub(super) const AGREEMENT: Threshold = Threshold {
    measure: "replicates of the run that are judged the same",
    at: 0.8,
    reached: "resampling the run does not change the class",
    short: "resampling the run changes the class",
    source: "block bootstrap of the run's timeline; the level is our own judgement",
};

/// Part of the usable memory.
pub(super) const MEMORY: Threshold = Threshold {
    measure: "peak memory, as part of the usable memory",
    at: 0.85,
    reached: "there is no memory for another worker",
    short: "memory is not what limits it",
    source: OURS,
};

/// Part of the quota; only asked where the quota is tighter than the affinity.
pub(super) const QUOTA: Threshold = Threshold {
    measure: "cores busy, as part of the cgroup quota",
    at: 0.9,
    reached: "the cgroup quota is used up",
    short: "the cgroup quota is not used up",
    source: OURS,
};

/// Part of the usable cores.
pub(super) const CORES: Threshold = Threshold {
    measure: "cores busy, as part of the usable CPUs",
    at: 0.85,
    reached: "all usable cores are busy",
    short: "cores are to spare",
    source: OURS,
};

/// Cycles per instruction, so that reaching it is the claim: one instruction per cycle or less, where processors can do
/// four and more.
pub(super) const STALLED: Threshold = Threshold {
    measure: "cycles per instruction",
    at: 1.0,
    reached: "the cores stall more than they compute",
    short: "the cores are kept busy computing",
    source: "Gregg, CPU Utilization is Wrong (2017): below 1 instruction per cycle a load is likely stalled on memory",
};

/// Misses of the last level of cache per thousand instructions.
pub(super) const MISSES: Threshold = Threshold {
    measure: "last-level cache misses per thousand instructions",
    at: 10.0,
    reached: "the stalls are for memory",
    short: "the stalls are not for memory",
    source: "our own judgement (64 bytes each, 2 GB/s for a core at 3 GHz and 1 instruction per cycle), never tried on a \
             processor with counters",
};

/// Part of the worker-time. Two threads that only compute wait half of theirs.
pub(super) const GIL: Threshold = Threshold {
    measure: "GIL wait, as part of the worker-time",
    at: 0.2,
    reached: "threads take turns at the GIL",
    short: "the GIL is not what limits it",
    source: "two threads that only compute wait 50 % of their time, four measured 61 %; the level is our own judgement",
};

/// Part of the worker-time.
pub(super) const LOCK: Threshold = Threshold {
    measure: "lock wait, as part of the worker-time",
    at: 0.3,
    reached: "workers queue at a lock of the program's own",
    short: "locks are not what limits it",
    source: OURS,
};

/// Part of the worker-time, with cores to spare by the count above: others use them, or work comes in bursts.
pub(super) const RUN_QUEUE: Threshold = Threshold {
    measure: "run-queue wait, as part of the worker-time",
    at: 0.2,
    reached: "workers wait for a core",
    short: "workers get a core when they want one",
    source: OURS,
};

/// Part of all waits.
pub(super) const DISK: Threshold = Threshold {
    measure: "disk waits, as part of all waits",
    at: 0.5,
    reached: "most waits are for the disk",
    short: "most waits are not for the disk",
    source: "a majority",
};

/// Part of all waits.
pub(super) const NETWORK: Threshold = Threshold {
    measure: "network waits, as part of all waits",
    at: 0.5,
    reached: "most waits are for the network",
    short: "most waits are not for the network",
    source: "a majority",
};

/// Part of the worker-time.
pub(super) const CHILD: Threshold = Threshold {
    measure: "child wait, as part of the worker-time",
    at: 0.5,
    reached: "most of the time is spent waiting for child processes",
    short: "child processes are not what limits it",
    source: "a majority",
};

/// Workers at once; half-way would be 1.5, but computing is exact and start-up is off.
pub(super) const TOGETHER: Threshold = Threshold {
    measure: "workers computing at once, mean",
    at: 1.25,
    reached: "several workers compute at once",
    short: "one worker computes at a time",
    source: OURS,
};

/// Workers at once, by head.
pub(super) const SEVERAL: Threshold = Threshold {
    measure: "workers at work at the same time, most",
    at: 2.0,
    reached: "several workers are at work",
    short: "one worker does everything, one thing after another",
    source: "a count",
};

/// The comparisons made so far, in order.
#[derive(Debug, Default)]
pub(super) struct Ledger(pub Vec<Comparison>);

impl Ledger {
    /// Compares and writes it down. What is unknown reaches nothing, so thresholds are asked such that reaching one is
    /// the claim that needs evidence.
    pub fn reaches(&mut self, threshold: &Threshold, value: Option<f64>) -> bool {
        let reached = value.is_some_and(|value| value >= threshold.at);
        let meaning = match value {
            None => "not known, so nothing follows",
            Some(_) if reached => threshold.reached,
            Some(_) => threshold.short,
        };
        let Threshold { measure, at, source, .. } = *threshold;
        self.0.push(Comparison { measure, value, threshold: at, meaning, source });
        reached
    }
}

/// `part` of `whole`; unknown without a whole.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole).filter(|ratio| ratio.is_finite())
}
