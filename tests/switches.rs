//! The kernel's records of switches, on real programs: bursts one by one, nobody missed, and an end to it where it
//! would slow the target.
//!
//! Only counts, shares and ratios are asserted: the machine may be busy with other things. Where these rights give no
//! records, the notice that says so is what is tested.

#[path = "support/measured.rs"]
mod measured;

use concadvise::notice::Notice;
use concadvise::observe::{Mechanism, Observation, Settings, Stdio, Worker, observe};
use measured::measured;
use std::ffi::OsString;
use std::time::Duration;

fn watch(argv: &[&str], without: &[Mechanism]) -> Observation {
    let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
    let stdio = Stdio::Capture { input: Vec::new() };
    let settings = Settings { stdio, without: without.to_vec(), ..Settings::default() };
    observe(&argv, &settings, &mut |_| {}).expect("the command can be run")
}

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn python(script: &str, without: &[Mechanism]) -> Observation {
    let asked = watch(&["python3", "-c", "import sys; print(sys.executable, end='')"], &[]);
    let interpreter = String::from_utf8(asked.output.expect("a captured run has output").stdout).expect("a path");
    watch(&[&interpreter, "-c", script], without)
}

fn has(observation: &Observation, code: &str) -> bool {
    observation.notices.iter().any(|notice| notice.code() == code)
}

/// Whether there were records; where there were none it must have been said.
fn recorded(observation: &Observation) -> bool {
    let said = observation
        .notices
        .iter()
        .any(|notice| matches!(notice, Notice::Unavailable { what, .. } if what.contains("records of switches")));
    assert_eq!(observation.sampling.switches.is_none(), said, "{:?}", observation.notices);
    !said
}

/// CPU time of the workers over what the kernel accounted.
fn accounted_for(observation: &Observation) -> f64 {
    let workers: Duration = observation.workers.iter().map(|worker| worker.on_cpu).sum();
    (workers + observation.folded.on_cpu).as_secs_f64() / observation.totals.cpu().as_secs_f64()
}

fn named<'a>(observation: &'a Observation, name: &str) -> Vec<&'a Worker> {
    observation.workers.iter().filter(|worker| worker.name == name).collect()
}

#[test]
fn six_hundred_short_children_are_all_seen_and_add_up() {
    measured(|| {
        let observation = watch(&["sh", "-c", "i=0; while [ $i -lt 600 ]; do /bin/true; i=$((i+1)); done"], &[]);
        if !recorded(&observation) {
            return;
        }
        let children = named(&observation, "true");
        assert_eq!(children.len(), 600);
        let shell = observation.workers.first().expect("the shell");
        assert!(children.iter().all(|child| child.parent == shell.pid && child.on_cpu > Duration::ZERO));
        let share = accounted_for(&observation);
        assert!((share - 1.0).abs() < 0.01, "{share} of the kernel's sum");
        assert!(!has(&observation, "unseen-workers"), "{:?}", observation.notices);
    });
}

#[test]
fn five_hundred_short_threads_are_all_seen_and_add_up() {
    measured(|| {
        let script = "import threading as t, time
def work():
    end = time.thread_time() + 0.001
    while time.thread_time() < end: pass
for _ in range(50):
    all = [t.Thread(target=work) for _ in range(10)]
    for one in all: one.start()
    for one in all: one.join()";
        let observation = python(script, &[]);
        if recorded(&observation) {
            assert_eq!(observation.workers.len(), 501);
            let share = accounted_for(&observation);
            assert!((share - 1.0).abs() < 0.01, "{share} of the kernel's sum");
        }
    });
}

#[test]
fn orphans_daemons_and_chains_of_exec_are_all_seen() {
    measured(|| {
        let script = "(sh -c '/bin/true; sleep 0.05; /bin/true' &)
        setsid sh -c 'for i in 1 2 3; do /bin/true; done'
        sh -c 'exec sh -c \"exec /bin/true\"'; sleep 0.2";
        let observation = watch(&["sh", "-c", script], &[]);
        if recorded(&observation) {
            assert_eq!(named(&observation, "true").len(), 6, "{:?}", observation.workers);
            assert_eq!(named(&observation, "sleep").len(), 2, "{:?}", observation.workers);
        }
    });
}

#[test]
fn each_burst_and_each_wait_is_told_by_itself() {
    measured(|| {
        // A hundred sleeps of 4 ms, each after about 1 ms of work.
        let script = "import time
for _ in range(100):
    end = time.thread_time() + 0.001
    while time.thread_time() < end: pass
    time.sleep(0.004)";
        let observation = python(script, &[]);
        if !recorded(&observation) {
            return;
        }
        let [worker] = &observation.workers[..] else { panic!("{:?}", observation.workers) };
        assert!((100..400).contains(&worker.waits.total()), "{} waits", worker.waits.total());
        let switches = worker.voluntary_switches.expect("readable") + worker.involuntary_switches.expect("readable");
        assert!(
            worker.bursts.total().abs_diff(switches) <= 2 + switches / 20,
            "{switches}: {:?}",
            worker.bursts.total()
        );
        // A sleep is never shorter than asked for, and a wait is never cut into two.
        let wait = worker.waits.quantile(0.5).expect("waits").as_secs_f64();
        assert!(wait > 0.004 * 0.9, "{wait}");
        let bursts = worker.bursts.mean().expect("bursts").mul_f64(worker.bursts.total() as f64).as_secs_f64();
        let share = bursts / worker.on_cpu.as_secs_f64();
        // More by interrupts and by what a hypervisor took, which the scheduler does not count as the worker's.
        assert!((0.7..=1.2).contains(&share), "bursts add up to {share} of its time on a core");
    });
}

#[test]
fn a_target_that_switches_too_often_is_recorded_no_longer_and_still_watched() {
    measured(|| {
        let script = "import os, threading as t, time
there, back = os.pipe(), os.pipe()
def answer():
    while os.read(there[0], 1) == b'x': os.write(back[1], b'x')
other = t.Thread(target=answer); other.start()
turns, end = 0, time.time() + 60
while turns < 60000 and time.time() < end:
    os.write(there[1], b'x'); os.read(back[0], 1); turns += 1
os.write(there[1], b'q'); other.join()";
        let observation = python(script, &[]);
        if !recorded(&observation) {
            return;
        }
        let switches = observation.totals.voluntary_switches + observation.totals.involuntary_switches;
        let rate = switches as f64 / observation.wall.as_secs_f64();
        let told = observation.sampling.switches.expect("it began");
        // Far from the limit on both sides; in between the machine decides.
        if rate > 60_000.0 && observation.wall > Duration::from_secs(1) {
            assert!(told.until.is_some_and(|until| until < observation.wall), "{rate}/s: {told:?}");
        }
        assert_eq!(told.until.is_some(), has(&observation, "switches-stopped"), "{:?}", observation.notices);
        assert_eq!(observation.workers.len(), 2, "{:?}", observation.workers);
        let share = accounted_for(&observation);
        // Without records, what the other thread did after it was last read is nobody's.
        assert!((share - 1.0).abs() < 0.2, "{share} of the kernel's sum");
    });
}

#[test]
fn without_records_there_are_means_and_no_waits() {
    measured(|| {
        let observation = python("import time\nfor _ in range(100): time.sleep(0.002)", &[Mechanism::Switches]);
        assert_eq!(observation.sampling.switches, None);
        let [worker] = &observation.workers[..] else { panic!("{:?}", observation.workers) };
        assert!(worker.bursts.total() >= 100 && worker.waits.total() == 0, "{worker:?}");
    });
}
