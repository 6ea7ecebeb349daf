//! Whether the work is waited for in an event loop: from how many things each system call waits on.
//!
//! A loop waits in epoll, also when it has nothing but a timer and its own waker. A library that takes a time limit
//! polls one socket, which is no loop. What follows for a given runtime is `rules`'s.

use super::roles::Role;
use super::worker::WorkerProfile;
use crate::observe::Observation;
use crate::units::Share;

/// Samples below which a share says nothing: as many as a class needs.
const FEWEST: u64 = 20;

/// How the blocked samples were spent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loops {
    /// Part of the working workers' samples that waited on several things at once.
    pub multiplexed: Share,
    /// Part of them in which the first thread of a process waited in epoll.
    pub epoll: Share,
    /// Whether anybody may have run a loop, however little it was waited in: a process had an epoll, or a worker
    /// waited in one.
    pub any: bool,
}

impl Loops {
    /// `None` when too few samples could be read.
    pub(super) fn of(observation: &Observation, workers: &[WorkerProfile]) -> Option<Self> {
        let (mut all, mut multiplexed, mut epoll) = (0_u64, 0_u64, 0_u64);
        let both = observation.workers.iter().zip(workers);
        for (raw, _) in both.filter(|(_, worker)| worker.role == Role::Working) {
            let [one, several, in_epoll] =
                [raw.waited_on.one, raw.waited_on.several, raw.waited_on.epoll].map(u64::from);
            all += one + several + in_epoll;
            multiplexed += several + in_epoll;
            epoll += if raw.tid == raw.pid { in_epoll } else { 0 };
        }
        let share = |part: u64| Share::new(part as f64 / all as f64).unwrap_or_default();
        let any = observation.processes.iter().any(|process| process.has_epoll)
            || observation.workers.iter().any(|worker| worker.waited_on.epoll > 0);
        (all >= FEWEST).then(|| Self { multiplexed: share(multiplexed), epoll: share(epoll), any })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::observe::WaitedOn;
    use crate::profile::Profile;
    use crate::profile::drawing::draw;

    /// What each line's worker waited on: one thing, several, an epoll.
    fn loops(drawing: &str, ticks: &[[u32; 3]]) -> Option<Loops> {
        let mut observation = draw(drawing);
        for (worker, [one, several, epoll]) in observation.workers.iter_mut().zip(ticks) {
            worker.waited_on = WaitedOn { one: *one, several: *several, epoll: *epoll };
        }
        Profile::of(&observation, &Host::default()).loops
    }

    fn share(value: f64) -> Share {
        Share::new(value).expect("a number")
    }

    #[test]
    fn a_program_that_sleeps_runs_no_loop() {
        let none = Loops { multiplexed: Share::ZERO, epoll: Share::ZERO, any: false };
        assert_eq!(loops("main: (#tt)x20", &[[40, 0, 0]]), Some(none));
    }

    #[test]
    fn a_first_thread_in_epoll_runs_one() {
        let some = Loops { multiplexed: share(0.9), epoll: share(0.9), any: true };
        assert_eq!(loops("main: (#tt)x20", &[[4, 0, 36]]), Some(some));
    }

    #[test]
    fn a_poll_of_several_is_told_from_an_epoll() {
        let polled = Loops { multiplexed: Share::ONE, epoll: Share::ZERO, any: false };
        assert_eq!(loops("main: (#nn)x20", &[[0, 40, 0]]), Some(polled));
    }

    #[test]
    fn a_library_s_own_thread_in_epoll_is_not_the_program_s_loop() {
        let found = loops("app/main: (#nn)x20\napp/io: (#nn)x20", &[[40, 0, 0], [0, 0, 40]]).expect("samples enough");
        assert_eq!((found.multiplexed, found.epoll, found.any), (share(0.5), Share::ZERO, true));
    }

    #[test]
    fn a_loop_that_waits_for_its_threads_is_not_overlooked() {
        let threads = "python3/a: ..(t)x98\npython3/b: ..(t)x98";
        let found = loops(&format!("python3/main: ##(p)x98\n{threads}"), &[[0, 0, 98], [98, 0, 0], [98, 0, 0]]);
        assert!(found.expect("samples enough").any);
    }

    #[test]
    fn few_samples_and_hidden_ones_say_nothing() {
        assert_eq!(loops("main: (#tt)x20", &[[19, 0, 0]]), None);
        assert_eq!(loops("main: (#tt)x20", &[[0, 0, 0]]), None);
    }
}
