//! What the run showed, as tables: the profile, its workers, functions and counters, and how well it was watched.

use super::schema::{self, Kinds};
use super::{count, known, rounded, said, seconds, share, word};
use crate::observe::kind::{BlockedKind, ByKind};
use crate::observe::{Counter, Function, Observation};
use crate::profile::{Profile, Role, WorkerProfile};
use crate::units::Share;

/// `[profile]`.
pub(super) fn profiled(from: &Profile, observation: &Observation) -> schema::Profile {
    let seen = from.on_cpu.is_some();
    schema::Profile {
        wall_s: seconds(from.wall),
        cpu_s: seconds(from.cpu),
        user_s: seconds(observation.totals.user),
        system_s: seconds(observation.totals.system),
        startup_s: seconds(from.startup),
        shutdown_s: seconds(from.shutdown),
        on_cpu_share: from.on_cpu.map(share),
        runnable_share: from.runnable.map(share),
        blocked_share: from.blocked.map(share),
        gil_share: from.gil_share.map(share),
        gil_inferred: (from.blocked_by[BlockedKind::Gil] > Share::ZERO).then_some(from.gil_inferred),
        cores_busy: seen.then(|| rounded(from.cores_busy)).flatten(),
        core_shares: from.core_shares.iter().copied().map(share).collect(),
        parallelism: seen.then(|| rounded(from.parallelism)).flatten(),
        parallelism_peak: seen.then(|| rounded(from.parallelism_peak)).flatten(),
        peak_memory_bytes: known(from.peak_memory),
        memory_per_process_bytes: known(from.memory_per_process),
        memory_growth_per_worker_bytes: from.memory_growth_per_worker.map(|bytes| count(bytes.0)),
        memory_growth_per_s_bytes: from.memory_growth_per_s.and_then(rounded),
        cow_growth_bytes: from.cow_growth.map(|bytes| count(bytes.0)),
        burst_median_s: from.bursts.map(|(median, _)| seconds(median)),
        burst_p95_s: from.bursts.map(|(_, p95)| seconds(p95)),
        processes: from.today.processes as u64,
        threads: from.today.threads as u64,
        elsewhere_share: from.elsewhere.map(share),
        samples: from.samples,
        blocked: from.blocked.map(|_| kinds(&from.blocked_by)),
        demand: schema::Demand {
            cpu_s: seconds(from.demand.cpu),
            waiting_s: seconds(from.demand.waiting()),
            contention_s: seconds(from.demand.contention),
            wait_count: from.demand.wait_count,
        },
    }
}

fn kinds(from: &ByKind<Share>) -> Kinds {
    let part = |kind| share(from[kind]);
    Kinds {
        disk: part(BlockedKind::Disk),
        network: part(BlockedKind::Network),
        timer: part(BlockedKind::Timer),
        lock: part(BlockedKind::Lock),
        gil: part(BlockedKind::Gil),
        pipe: part(BlockedKind::Pipe),
        child: part(BlockedKind::Child),
        page_fault: part(BlockedKind::PageFault),
        idle: part(BlockedKind::Idle),
        other: part(BlockedKind::Other),
    }
}

/// `[sampling]`.
pub(super) fn sampling(observation: &Observation) -> schema::Sampling {
    let from = &observation.sampling;
    let stacks = Some(from.stacks).filter(|(asked, _)| *asked > 0).map(|(asked, failed)| (count(asked), count(failed)));
    schema::Sampling {
        ticks: from.ticks,
        interval_shortest_s: seconds(from.interval.0),
        interval_longest_s: seconds(from.interval.1),
        lateness_p95_s: from.lateness.quantile(0.95).map(seconds),
        own_cpu_s: seconds(from.own_cpu),
        own_memory_bytes: known(from.own_memory),
        switch_records: from.switches.map(|switches| count(switches.records)),
        switch_records_lost: from.switches.map(|switches| count(switches.lost)),
        switches_until_s: from.switches.and_then(|switches| switches.until).map(seconds),
        stacks_read: stacks.map(|(asked, failed)| asked - failed.min(asked)),
        stacks_failed: stacks.map(|(_, failed)| failed),
    }
}

/// `[[function]]`.
pub(super) fn functions(from: &[Function]) -> Vec<schema::Function> {
    let all: f64 = from.iter().map(|function| f64::from(function.seen)).sum();
    let part = |seen: u32| Share::new(f64::from(seen) / all).map_or(0.0, share);
    let row = |function: &Function| schema::Function {
        name: said(&function.name),
        path: word(function.path.as_os_str()),
        line: function.line,
        inside: function.inside.as_deref().map(said),
        seen_share: part(function.seen),
        active_share: part(function.active),
        holding_share: part(function.holding),
    };
    // The nameless one is no function, but all that were not kept; the shares are of those as well.
    from.iter().filter(|function| !function.name.is_empty()).map(row).collect()
}

/// A row of `[[counter]]`.
pub(super) fn counter(from: &Counter) -> schema::Counter {
    schema::Counter { name: said(from.name), value: count(from.value) }
}

/// A row of `[[worker]]`.
pub(super) fn worker(from: &WorkerProfile) -> schema::Worker {
    let most = from.blocked_by.iter().max_by_key(|(_, time)| **time).filter(|(_, time)| !time.is_zero());
    let role = match from.role {
        Role::Working => "working",
        Role::Coordinating => "coordinating",
        Role::Idle => "idle",
    };
    schema::Worker {
        pid: from.pid,
        tid: from.tid,
        name: word(from.name.as_ref()),
        role: role.to_owned(),
        on_cpu_s: seconds(from.on_cpu),
        runnable_s: seconds(from.runnable),
        blocked_s: seconds(from.blocked),
        blocked_on: most.map(|(kind, _)| kind.name().to_owned()),
        peak_memory_bytes: known(from.peak_memory),
        children: (from.children.count > 0).then_some(count(from.children.count)),
        children_cpu_s: (!from.children.cpu.is_zero()).then(|| seconds(from.children.cpu)),
        children_peak_memory_bytes: known(from.children.peak_memory),
    }
}
