//! Short-lived processes in the line of the one that started them: a shell's 600 commands are its own doing.
//!
//! Only says who is shown where. Their work is in the demand as every worker's is.

use super::worker::WorkerProfile;
use crate::observe::{Children, Observation};
use std::collections::BTreeMap;
use std::time::Duration;

/// User and system time of waited-for children are each told rounded down to the kernel's tick of 10 ms.
const ROUNDED: Duration = Duration::from_millis(20);

/// One process as its workers show it.
#[derive(Default)]
struct Life {
    parent: i32,
    born: Duration,
    died: Duration,
    on_cpu: Duration,
    /// The account of its first thread, in its last program.
    first_thread: Option<usize>,
}

impl Life {
    fn is_short(&self) -> bool {
        self.died.saturating_sub(self.born) < Children::SHORT_LIFE
    }
}

/// Fills in [`WorkerProfile::children`] and [`WorkerProfile::credited`]. `workers` are the accounts of
/// `observation.workers`, in the same order.
pub(super) fn credit(observation: &Observation, workers: &mut [WorkerProfile]) {
    let mut lives: BTreeMap<i32, Life> = BTreeMap::new();
    for (place, raw) in observation.workers.iter().enumerate() {
        let new = Life { parent: raw.parent, born: raw.born, ..Life::default() };
        let life = lives.entry(raw.pid).or_insert(new);
        (life.born, life.died) = (life.born.min(raw.born), life.died.max(raw.died));
        life.on_cpu += raw.on_cpu;
        if raw.tid == raw.pid {
            life.first_thread = Some(place);
        }
        workers[place].children = raw.children;
    }
    add_unseen(observation, &lives, workers);
    for (place, raw) in observation.workers.iter().enumerate() {
        let has_a_line = |parent: &Life| parent.first_thread.is_some_and(|first| workers[first].children.count > 0);
        workers[place].credited = lives[&raw.pid].is_short() && lives.get(&raw.parent).is_some_and(has_a_line);
    }
}

/// What a process waited for, less what its children that have lines of their own used, is what the short-lived ones
/// used; those that nobody saw too.
fn add_unseen(observation: &Observation, lives: &BTreeMap<i32, Life>, workers: &mut [WorkerProfile]) {
    let mut lined: BTreeMap<i32, Duration> = BTreeMap::new();
    for process in &observation.processes {
        if let Some(life) = lives.get(&process.pid).filter(|life| !life.is_short()) {
            *lined.entry(life.parent).or_default() += life.on_cpu + process.waited_cpu;
        }
    }
    for process in &observation.processes {
        let Some(first) = lives.get(&process.pid).and_then(|life| life.first_thread) else { continue };
        let unlined = process.waited_cpu.saturating_sub(lined.get(&process.pid).copied().unwrap_or_default());
        let cpu = &mut workers[first].children.cpu;
        if unlined > *cpu + ROUNDED {
            *cpu = unlined;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::draw;
    use super::*;
    use crate::host::Host;
    use crate::profile::Profile;
    use crate::units::Bytes;

    fn shell() -> Observation {
        let mut observation = draw("sh/main: (#c)x30\na/main: .(#)x3\nb/main: .....(#)x30");
        observation.workers[0].children =
            Children { count: 1, cpu: Duration::from_millis(30), peak_memory: Bytes(1 << 20) };
        observation
    }

    fn rows(observation: &Observation) -> Vec<(bool, u64, u128)> {
        let mut workers = super::super::worker::account(observation);
        credit(observation, &mut workers);
        let row = |worker: &WorkerProfile| (worker.credited, worker.children.count, worker.children.cpu.as_millis());
        workers.iter().map(row).collect()
    }

    #[test]
    fn a_short_lived_child_is_in_its_parent_s_line_and_a_long_lived_one_has_its_own() {
        assert_eq!(rows(&shell()), [(false, 1, 30), (true, 0, 0), (false, 0, 0)]);
    }

    #[test]
    fn children_that_nobody_saw_are_told_by_what_was_waited_for() {
        let mut observation = shell();
        observation.processes[0].waited_cpu = Duration::from_millis(340);
        assert_eq!(rows(&observation)[0], (false, 1, 30), "30 of the short and 300 of the long one, and a rounding");
        observation.processes[0].waited_cpu = Duration::from_millis(700);
        assert_eq!(rows(&observation)[0], (false, 1, 400));
    }

    #[test]
    fn who_was_born_from_nobody_that_was_seen_keeps_a_line() {
        let mut observation = shell();
        observation.workers[1].parent = 4;
        assert!(!rows(&observation)[1].0);
        assert_eq!(rows(&draw("main: (#)x3")), [(false, 0, 0)]);
    }

    #[test]
    fn credit_is_not_counted_again_in_the_demand() {
        let (with, mut without) = (shell(), shell());
        without.workers[0].children = Children::default();
        let of = |observation| Profile::of(observation, &Host::default());
        assert_eq!(of(&with).demand, of(&without).demand);
        assert_eq!(of(&with).on_cpu, of(&without).on_cpu);
    }
}
