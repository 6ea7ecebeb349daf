//! Whether there is anything to judge, asked before the class is; and what the user can do where there is not.

use super::threshold::{
    ACTIVE, AWAITS_CLIENTS, AWAITS_EVENTS, AWAITS_INPUT, DEMANDED, LONG_WAITS, Ledger, SAMPLES, STEADY, Threshold,
    ratio,
};
use crate::observe::kind::BlockedKind;
use crate::profile::Profile;

/// Why a run cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insufficient {
    /// Too short.
    TooShort,
    /// Long enough, and looked at too seldom: the machine was busy, or the budget of looking spent.
    TooFewSamples,
    /// Nothing but waiting for one another or for unseen children.
    NothingDemanded,
    /// Nothing but waiting for input.
    AwaitsInput,
    /// Next to nothing arrived.
    AwaitsRequests,
    /// Nothing but waiting for clients.
    AwaitsClients,
}

impl Insufficient {
    /// What would settle it.
    pub const fn settle(self) -> &'static str {
        match self {
            Self::TooShort => "give it more to do, so that it runs for at least half a second",
            Self::TooFewSamples => "run it where the machine is less busy, or give it several times as much to do",
            Self::NothingDemanded => "run the program that does the work, not the one that waits for it",
            Self::AwaitsInput => "give it its input",
            Self::AwaitsClients => "it waited for clients; run it under load",
            Self::AwaitsRequests => "put it under load: send it the requests it is meant to serve",
        }
    }
}

/// What [`Insufficient::TooShort`] asks for, in seconds: at least 20 samples even where one is taken each 25 ms.
const LONG_ENOUGH: f64 = 0.5;

/// The reason not to judge; `None` when there is enough. A sleep is enough: it stands for waiting.
pub(super) fn insufficient(profile: &Profile, ledger: &mut Ledger) -> Option<Insufficient> {
    let steady = profile.steady().as_secs_f64();
    let mut ask = |threshold: &Threshold, value| ledger.reaches(threshold, value);
    if !ask(&STEADY, Some(steady)) {
        return Some(Insufficient::TooShort);
    }
    if !ask(&SAMPLES, Some(profile.samples as f64)) {
        return Some(if steady < LONG_ENOUGH { Insufficient::TooShort } else { Insufficient::TooFewSamples });
    }
    let demand = &profile.demand;
    if !ask(&DEMANDED, ratio(demand.total().as_secs_f64(), steady)) {
        let idle = profile.blocked_by[BlockedKind::Idle].get();
        let awaits_clients = ask(&AWAITS_CLIENTS, profile.blocked.map(|_| idle));
        return Some(if awaits_clients { Insufficient::AwaitsClients } else { Insufficient::NothingDemanded });
    }
    if ask(&ACTIVE, ratio(demand.cpu.as_secs_f64(), steady)) {
        return None;
    }
    let waiting = demand.waiting().as_secs_f64();
    let [network, pipe, other] =
        [BlockedKind::Network, BlockedKind::Pipe, BlockedKind::Other].map(|kind| demand.waits[kind].as_secs_f64());
    if ask(&AWAITS_INPUT, ratio(pipe, waiting)) {
        return Some(Insufficient::AwaitsInput);
    }
    let mean_wait = demand.wait_count.and_then(|count| ratio(waiting, count.max(1) as f64));
    let seldom = ask(&AWAITS_EVENTS, ratio(network + pipe + other, waiting)) && ask(&LONG_WAITS, mean_wait);
    seldom.then_some(Insufficient::AwaitsRequests)
}
