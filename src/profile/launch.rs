//! Launching, told from the work: what the first process ran before it became the program.
//!
//! A pyenv shim is bash that starts dozens of helpers and then becomes Python; its CPU time, its helpers and its waits
//! for them are not the program's. A shell may also do work and become the last of its commands, so launching is
//! believed only while it is short, computes rather than waits for the outside, and is not one long command.

use super::worker::WorkerProfile;
use crate::observe::kind::BlockedKind;
use crate::observe::{Launch, Observation, Worker};
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest stretch that is launching whatever comes after it. Ours: pyenv's shim takes 0.1 to 0.5 s on a loaded
/// machine of two cores.
const LONGEST: Duration = Duration::from_secs(2);
/// Part of the run up to which a longer one is, as for start-up.
const MOST_OF_WALL: f64 = 0.2;
/// Part of it that its workers together may wait for a timer or the network: a launcher waits for its helpers and for
/// the disk they are read from, and a shell that slept or downloaded worked.
const WAITS_OUTSIDE: f64 = 0.5;
/// Part of it that any one helper may live: a launcher asks many things one after another, and one long command
/// (`sh -c 'gzip a; gzip b'`) is work.
const ONE_COMMAND: f64 = 0.8;

/// The launch, where it was only that. `workers` are the accounts of `observation.workers`, in the same order.
pub(super) fn launch(observation: &Observation, workers: &[WorkerProfile]) -> Option<Launch> {
    let launch = observation.launch?;
    let both = || observation.workers.iter().zip(workers).filter(|(raw, _)| is_of(&launch, raw));
    let root = observation.workers.iter().find(|worker| worker.born == launch.until && worker.tid == worker.pid)?.pid;
    // Not the waits of unknown kind: helpers this short are seldom caught at theirs.
    let outside = [BlockedKind::Timer, BlockedKind::Network];
    let waited: Duration = both().flat_map(|(_, worker)| outside.map(|kind| worker.blocked_by[kind])).sum();
    let longest_helper = both().filter(|(raw, _)| raw.pid != root).map(|(raw, _)| raw.lifetime()).max();
    let short = launch.until <= LONGEST.max(observation.wall.mul_f64(MOST_OF_WALL));
    let asks = waited <= launch.until.mul_f64(WAITS_OUTSIDE);
    let many = longest_helper.unwrap_or_default() < launch.until.mul_f64(ONE_COMMAND);
    (short && asks && many).then_some(launch)
}

/// Whether a worker was of the launch: it ended before the program began.
pub(super) fn is_of(launch: &Launch, worker: &Worker) -> bool {
    worker.died <= launch.until
}

/// The observation without the launch, as if the run had begun with the program. Times of the workers stay as they
/// are, since they are only compared with one another.
pub(super) fn without(launch: &Launch, observation: &Observation) -> Observation {
    let mut work = observation.clone();
    work.launch = None;
    work.wall = work.wall.saturating_sub(launch.until);
    work.sampling.ticks = work.sampling.ticks.saturating_sub(launch.ticks);
    let known: BTreeSet<i32> = work.workers.iter().map(|worker| worker.pid).collect();
    let gone = work.workers.extract_if(.., |worker| is_of(launch, worker));
    let switches: u64 = gone.filter_map(|worker| worker.voluntary_switches).sum();
    let left: BTreeSet<i32> = work.workers.iter().map(|worker| worker.pid).collect();
    work.processes.retain(|process| left.contains(&process.pid) || !known.contains(&process.pid));
    let cpu = work.totals.cpu();
    if !cpu.is_zero() {
        let kept = cpu.saturating_sub(launch.cpu).div_duration_f64(cpu);
        work.totals.user = work.totals.user.mul_f64(kept);
        work.totals.system = work.totals.system.mul_f64(kept);
    }
    work.totals.voluntary_switches = work.totals.voluntary_switches.saturating_sub(switches);
    let mut middle = Duration::ZERO;
    let before = work.timeline.buckets.iter().take_while(|bucket| {
        let is_before = middle + bucket.span / 2 < launch.until;
        middle += bucket.span;
        is_before
    });
    let before = before.count();
    work.timeline.buckets.drain(..before);
    work
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::profile::drawing::{CELL, draw};
    use crate::profile::{Profile, Role, Today};

    /// A drawing whose first two lines are the first process before and after its `exec`.
    fn launched(drawing: &str) -> Observation {
        let mut observation = draw(drawing);
        observation.workers[1].tid = observation.workers[1].pid;
        let until = observation.workers[1].born;
        assert_eq!(observation.workers[0].died, until, "{drawing}");
        let of_it = observation.workers.iter().filter(|worker| worker.died <= until);
        let ticks = u64::try_from(until.as_millis() / CELL.as_millis()).expect("a drawing is short");
        observation.launch = Some(Launch { until, ticks, cpu: of_it.map(|worker| worker.on_cpu).sum() });
        observation
    }

    /// A shell that asks three helpers and becomes a sleeper: 20 cells of launching before 100 of work.
    const SHIM: &str = "python3/main: #(c)x5#(c)x5##(c)x4##\n\
        python3/main: ....................(##tttttttt)x10\n\
        head/main:    .(#)x5\n\
        sed/main:     .......(#)x5\n\
        sort/main:    ..............(p)x3#";

    #[test]
    fn what_a_launcher_did_is_start_up_and_nobody_s_work() {
        let mut observation = launched(SHIM);
        // Helpers that lived and died between two samples.
        let unseen = CELL * 6;
        observation.totals.system += unseen;
        observation.totals.voluntary_switches += 90;
        if let Some(launch) = &mut observation.launch {
            launch.cpu += unseen;
        }
        let profile = Profile::of(&observation, &Host::default());
        assert_eq!(profile.today, Today { processes: 1, threads: 1 });
        assert_eq!((profile.startup, profile.wall), (CELL * 20, CELL * 120));
        assert_eq!((profile.demand.cpu, profile.demand.waiting()), (CELL * 20, CELL * 80));
        assert_eq!(profile.demand.wait_count, Some(10));
        assert_eq!(profile.cpu, observation.totals.cpu(), "the launch is in the whole tree's");
        assert_eq!(profile.samples, 100);
        let roles: Vec<Role> = profile.workers.iter().map(|worker| worker.role).collect();
        use Role::{Coordinating, Working};
        assert_eq!(roles, [Coordinating, Working, Coordinating, Coordinating, Coordinating]);
    }

    #[test]
    fn rounding_up_a_launch_s_cpu_time_takes_nothing_from_the_program() {
        let mut observation = launched(SHIM);
        if let Some(launch) = &mut observation.launch {
            launch.cpu += CELL * 2;
        }
        assert_eq!(Profile::of(&observation, &Host::default()).demand.cpu, CELL * 20);
    }

    fn check(drawing: &str, believed: bool) {
        let observation = launched(drawing);
        let accounts = super::super::worker::account(&observation);
        assert_eq!(launch(&observation, &accounts).is_some(), believed, "{drawing}");
    }

    #[test]
    fn a_launcher_that_computes_by_itself_launches() {
        check("python3/main: (#)x30\npython3/main: ..............................(t)x20", true);
    }

    #[test]
    fn helpers_whose_waits_are_unknown_or_for_the_disk_launch() {
        let dots = ".".repeat(31);
        let helpers = "a/main: .(o)x20\nb/main: ...........(d)x20";
        check(&format!("sh/main: #(c)x30\nsh/main: {dots}(t)x30\n{helpers}"), true);
    }

    #[test]
    fn a_shell_that_slept_or_downloaded_worked() {
        let dots = ".".repeat(30);
        check(&format!("sh/main: #(c)x29\nsh/main: {dots}(t)x30\nsleep/main: .(t)x28"), false);
        check(&format!("sh/main: #(n)x29\nsh/main: {dots}(t)x30"), false);
    }

    #[test]
    fn a_shell_that_ran_one_long_command_worked() {
        check(&format!("sh/main: #(c)x29\nsh/main: {}(#)x30\ngzip/main: .(#)x28", ".".repeat(30)), false);
    }

    #[test]
    fn a_long_launch_is_one_only_before_a_longer_run() {
        let (helpers, dots) = ("a/main: .(#)x90\nb/main: .(.)x90(#)x110", ".".repeat(201));
        check(&format!("sh/main: #(c)x200\nsh/main: {dots}(#)x700\n{helpers}"), false);
        check(&format!("sh/main: #(c)x200\nsh/main: {dots}(#)x900\n{helpers}"), true);
    }

    #[test]
    fn a_helper_that_outlives_the_launch_is_the_program_s() {
        let lines = format!("{SHIM}\nserver/main: ..........(#)x110");
        let profile = Profile::of(&launched(&lines), &Host::default());
        assert_eq!(profile.today, Today { processes: 2, threads: 1 });
        assert_eq!(profile.demand.waits[BlockedKind::Timer], CELL * 80);
    }
}
