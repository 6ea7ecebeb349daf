//! What a [`super::Twin`] cannot show of the target, each a sentence that says how it may mislead. Pure.
//!
//! A first study of twins found them wrong where something is shared that one worker's profile does not show: a disk
//! queue, a server, a lock, CPU in another process, results costly to unpickle, inner threads, an async client of
//! another cost. Where the profile hints at one, it is named here; how much confidence it costs is
//! `recommendation`'s to say.

use super::{NOMINAL_TASK, NOTABLE};
use crate::host::Host;
use crate::observe::kind::BlockedKind;
use crate::profile::Profile;
use crate::target::{CPython, Runtime};
use crate::units::{Share, counted, human};

/// CPU used by others above this part of the machine may be work done for the target.
const ELSEWHERE: f64 = 0.10;
/// One Python process that keeps more cores busy than this computes in several threads at once.
const INNER_THREADS: f64 = 1.2;
/// Computing above this part of the demand makes processes worth considering.
const COMPUTES: f64 = 0.20;
/// Waiting for one another above this part of the demand.
const CONTENDED: f64 = 0.05;
/// From this share of the waiting in epoll on, the program is an event loop (as for the fact `already_async`).
const IN_EPOLL: f64 = 0.80;
/// Up to this many pieces there is little to overlap.
const FEW_PIECES: u64 = 3;

/// Every doubt that the profile gives reason for.
pub(super) fn doubts(profile: &Profile, runtime: &Runtime, host: &Host, tasks: u64, pieces_seen: bool) -> Vec<String> {
    let demand = &profile.demand;
    let part = |time| Share::of(time, demand.total()).unwrap_or(Share::ZERO);
    let waits_for = |time| part(time).get() >= NOTABLE;
    let computes = part(demand.cpu).get() >= COMPUTES;
    let gil = matches!(runtime, Runtime::CPython(CPython { gil, .. }) if *gil != Some(false));
    let mut doubts = Vec::new();
    let mut doubt = |when: bool, sentence: &dyn Fn() -> String| {
        if when {
            doubts.push(sentence());
        }
    };

    doubt(!pieces_seen && tasks > 1, &|| {
        format!(
            "the work was assumed to divide into {tasks} independent tasks of about {}; the tool did not see its units",
            human((demand.total()).div_f64(tasks as f64))
        )
    });
    doubt(!pieces_seen && tasks == 1, &|| {
        format!("the whole work was taken as one task, because it is shorter than {}", human(NOMINAL_TASK * 3 / 2))
    });
    doubt(pieces_seen && tasks <= FEW_PIECES, &|| {
        format!("the waiting came in {}, so there is little to overlap", counted(tasks, "piece"))
    });
    doubt(gil && computes && profile.gil_share.is_none(), &|| {
        "how much of the computing holds the GIL was not measured; it was assumed to hold it all the time".into()
    });
    doubt(gil && computes, &|| {
        "what a task takes and gives back was not seen; if it is large, processes pay for pickling it".into()
    });
    doubt(profile.loops.is_some_and(|loops| loops.epoll.get() >= IN_EPOLL), &|| {
        "the program waits in an event loop, where waits overlap already and are seen as one; how many tasks it keeps \
         in flight was not seen, so keep at least as many as it has today"
            .into()
    });
    doubt(waits_for(demand.waits.disk()), &|| {
        "the tasks wait for a disk, whose queue may saturate; the twin's waits overlap without limit".into()
    });
    doubt(waits_for(demand.waits[BlockedKind::Network]), &|| {
        "the tasks wait for a network peer, which may saturate, and an async client costs other CPU time than the sync \
         one that was observed"
            .into()
    });
    doubt(part(demand.contention).get() >= CONTENDED, &|| {
        format!(
            "the workers waited {} for locks of one another; the twin's tasks share none, so the target may gain less",
            human(demand.contention)
        )
    });
    let elsewhere = profile.elsewhere.filter(|share| share.get() >= ELSEWHERE);
    doubt(elsewhere.is_some(), &|| {
        format!(
            "other processes used {} of the {} CPUs during the run; where they worked for the target (a database, a \
             server), more workers speed up only its own part",
            elsewhere.unwrap_or_default(),
            host.cpus.online.max(1)
        )
    });
    doubt(gil && profile.today.processes <= 1 && profile.cores_busy > INNER_THREADS, &|| {
        format!(
            "one Python process kept {:.1} cores busy, so it computes in several threads already; more workers compete \
             with those for the cores",
            profile.cores_busy
        )
    });
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Loops;
    use crate::target::PythonEntry;
    use std::time::Duration;

    fn check(change: impl FnOnce(&mut Profile), pieces_seen: bool, expected: &[&str]) {
        let python = Runtime::CPython(CPython { gil: Some(true), ..CPython::new("python3".into(), PythonEntry::Code) });
        let mut profile = Profile::default();
        profile.demand.waits[BlockedKind::Timer] = Duration::from_secs(1);
        change(&mut profile);
        let doubts = doubts(&profile, &python, &Host::default(), 100, pieces_seen);
        assert_eq!(doubts.len(), expected.len(), "{doubts:#?}");
        for (doubt, word) in doubts.iter().zip(expected) {
            assert!(doubt.contains(word), "{doubt:?} does not speak of {word:?}");
        }
    }

    #[test]
    fn plain_waits_that_were_seen_leave_no_doubt() {
        check(|_| {}, true, &[]);
    }

    #[test]
    fn each_shared_thing_that_the_profile_hints_at_is_named() {
        let second = Duration::from_secs(1);
        check(|profile| profile.demand.waits[BlockedKind::Disk] = second, true, &["disk"]);
        check(|profile| profile.demand.waits[BlockedKind::PageFault] = second, true, &["disk"]);
        check(|profile| profile.demand.waits[BlockedKind::Network] = second, true, &["async client"]);
        let epoll = Some(Loops { epoll: Share::ONE, multiplexed: Share::ONE, any: true });
        check(|profile| profile.loops = epoll, true, &["event loop"]);
        check(|profile| profile.demand.contention = second, true, &["locks"]);
        check(|profile| profile.elsewhere = Share::new(0.4), true, &["database"]);
        check(|profile| profile.cores_busy = 1.9, true, &["compete"]);
        check(|profile| profile.demand.cpu = second, false, &["did not see", "GIL", "pickling"]);
    }

    #[test]
    fn a_measured_gil_share_leaves_no_doubt_about_it() {
        let change = |profile: &mut Profile| {
            profile.demand.cpu = Duration::from_secs(1);
            profile.gil_share = Some(Share::ONE);
        };
        check(change, true, &["pickling"]);
    }
}
