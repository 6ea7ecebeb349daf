//! Findings × what a run showed → level and message.

use super::*;
use crate::classify::Class;
use crate::host::Cpus;
use crate::observe::{Function, InLoops, LoopLine, NativeThreads};
use crate::profile::drawing::draw;
use crate::source::detect::executors::Workers;
use crate::source::project::executor::{Executor, Unsent};
use crate::target::{CPython, PythonEntry, Runtime};
use crate::trial::Evidence as Tried;
use crate::trial::model::{Model, Setting};
use crate::units::{Bytes, Share};
use std::time::Duration;

/// Everything that findings are compared with, to be changed by tests.
struct World {
    outline: Outline,
    host: Host,
    observation: Observation,
    profile: Profile,
    classification: Classification,
    answer: Recommendation,
}

fn share(value: f64) -> Share {
    Share::new(value).expect("a share")
}

impl World {
    fn of(drawing: &str, class: Class) -> Self {
        let cpus = Cpus { online: 4, affinity: 4, numa_nodes: 1, ..Cpus::default() };
        let host = Host { cpus, ..Host::default() };
        let observation = draw(drawing);
        let mut profile = Profile::of(&observation, &host);
        profile.gil_share = Some(share(0.98));
        profile.memory_per_process = Bytes(12 << 20);
        let classification =
            Classification { class, bottleneck: None, confidence: Share::ONE, evidence: Vec::new(), settle: None };
        let outline = Outline { folder: "/srv".into(), files: 1, ..Outline::default() };
        let answer = Recommendation { setting: Setting::SEQUENTIAL, ..Recommendation::default() };
        Self { outline, host, observation, profile, classification, answer }
    }

    /// With executors of these sorts, at lines 1, 2 and so on, in functions `f1`, `f2`.
    fn with(mut self, kinds: &[Workers]) -> Self {
        let executor = |(at, workers): (u32, &Workers)| Executor {
            name: "Pool",
            workers: *workers,
            size: None,
            path: "/srv/app.py".into(),
            line: at,
            within: Some(format!("f{at}")),
            silent: Vec::new(),
        };
        self.outline.executors = (1..).zip(kinds).map(executor).collect();
        self
    }

    fn joined(&self) -> Recommendation {
        let runtime = Runtime::CPython(CPython::new("/usr/bin/python3".into(), PythonEntry::Code));
        let target = Target { argv: Vec::new(), program: None, runtime };
        let Self { outline, host, observation, profile, classification, answer } = self;
        let seen = Seen { host, target: &target, observation, profile, classification, rerun: None };
        answer.clone().of_findings(Some(outline), seen)
    }

    fn codes(&self) -> Vec<(String, u32)> {
        self.joined().findings.into_iter().map(|finding| (finding.code, finding.line)).collect()
    }
}

fn finding(code: &str, level: Level, line: u32) -> SourceFinding {
    let message = "time.sleep() blocks the event loop".to_owned();
    let path = "/srv/app.py".into();
    SourceFinding { code: code.into(), level, path, lines: (line, line), qualified_name: None, message }
}

/// A loop that was seen `seen` times at line 41 of `app.py` in so many seconds.
fn looping(seconds: u32, seen: u32, finding: SourceFinding) -> World {
    let mut world = World::of("python3/main: (#)x9", Class::Mixed);
    world.observation.wall = Duration::from_secs(seconds.into());
    world.observation.sampling.stacks = (100, 0);
    let lines = vec![LoopLine { path: "/srv/app.py".into(), line: 41, seen, active: 0 }];
    world.observation.in_loops =
        InLoops { looks: seconds * 20, processes: 1, each: Some(Duration::from_millis(50)), lines };
    world.outline.findings = vec![finding];
    world
}

#[test]
fn a_finding_rises_falls_or_stays_by_what_the_run_showed() {
    use Level::{Error, Info, Warning};
    use Standing::{Confirmed, Harmless, Open};
    for (code, level, line, seconds, seen, expected) in [
        ("CON101", Warning, 41, 2, 6, (Error, Confirmed, "line 41 blocked the loop for about 300 ms in this run")),
        ("CON102", Info, 41, 2, 6, (Warning, Confirmed, "line 41 blocked the loop for about 300 ms in this run")),
        ("CON101", Error, 41, 2, 6, (Error, Confirmed, "about 300 ms in this run")),
        ("CON101", Warning, 40, 60, 9, (Info, Harmless, "it took less than 150 ms, under 1 % of it")),
        ("CON101", Warning, 40, 2, 9, (Warning, Open, "time.sleep() blocks the event loop")),
        ("CON101", Warning, 41, 2, 2, (Warning, Open, "time.sleep() blocks the event loop")),
        // Of what no stack tells, nothing is said.
        ("CON205", Warning, 41, 2, 9, (Warning, Open, "time.sleep() blocks the event loop")),
        ("CON205", Warning, 40, 60, 9, (Warning, Open, "time.sleep() blocks the event loop")),
    ] {
        let joined = looping(seconds, seen, finding(code, level, line)).joined();
        let [found] = joined.findings.as_slice() else { panic!("{:?}", joined.findings) };
        let case = format!("{code} at {line}, {seen} times in {seconds} s: {found:?}");
        assert_eq!((found.level, found.standing), (expected.0, expected.1), "{case}");
        assert!(found.message.ends_with(expected.2), "{case}");
        assert_eq!(found.evidence == Evidence::Run, found.standing != Open, "{case}");
        assert_eq!(found.path, Path::new("app.py"), "{case}");
    }
}

#[test]
fn the_confirmed_come_first_and_the_harmless_last() {
    let mut world = looping(60, 30, finding("CON101", Level::Warning, 41));
    world.outline.findings.insert(0, finding("CON101", Level::Warning, 7));
    world.outline.findings.push(finding("CON205", Level::Info, 2));
    world.outline.findings.push(finding("CON204", Level::Error, 3));
    assert_eq!(world.joined().findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [41, 3, 2, 7]);
}

const THREADS: &str = "python3/main: ##(l)x98\npython3/a: ..(#g)x49\npython3/b: ..(g#)x49";
const SLEEPERS: &str = "python3/main: ###(p)x97\none/main: ...(t)x97\ntwo/main: ...(t)x97";

fn convoy() -> String {
    let turn = |at: usize| format!("python3/{at}: .{}t{}", "l".repeat(at * 2), "l".repeat(39 - at * 2));
    format!("python3/main: #(l)x40\n{}", (0..20).map(turn).collect::<Vec<_>>().join("\n"))
}

#[test]
fn an_executor_that_the_run_speaks_against_is_told_at_its_line() {
    use Class::{CpuBound, IoBound, Mixed};
    use Workers::{Processes, Threads};
    let convoy = convoy();
    let none = Vec::<(String, u32)>::new();
    for (drawing, class, kinds, expected) in [
        (THREADS, CpuBound, &[Threads][..], Some("CON601")),
        (THREADS, IoBound, &[Threads], None),
        (THREADS, CpuBound, &[Processes], None),
        (SLEEPERS, IoBound, &[Processes], Some("CON602")),
        (SLEEPERS, CpuBound, &[Processes], None),
        (SLEEPERS, IoBound, &[Threads], None),
        (convoy.as_str(), IoBound, &[Threads], Some("CON603")),
        (convoy.as_str(), Mixed, &[Processes], None),
    ] {
        let expected = expected.map_or_else(|| none.clone(), |code| vec![(code.to_owned(), 1)]);
        assert_eq!(World::of(drawing, class).with(kinds).codes(), expected, "{class:?} {kinds:?} {drawing}");
    }
}

#[test]
fn what_is_silent_at_an_executor_is_not_told_and_hides_nothing_else() {
    let mut world = World::of(THREADS, Class::CpuBound).with(&[Workers::Threads]);
    world.observation.native_threads =
        vec![NativeThreads { pid: world.observation.workers[0].pid, threads: 1, libraries: vec!["OpenBLAS".into()] }];
    for (silent, expected) in
        [(&[][..], &["CON601", "CON901"][..]), (&["CON601"], &["CON901"]), (&["CON901"], &["CON601"])]
    {
        world.outline.executors[0].silent = silent.iter().map(ToString::to_string).collect();
        let codes: Vec<String> = world.codes().into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, expected, "without {silent:?}");
    }
}

#[test]
fn of_several_executors_only_one_in_a_function_that_was_seen_is_told_of() {
    let mut world = World::of(THREADS, Class::CpuBound).with(&[Workers::Threads, Workers::Threads]);
    assert_eq!(world.codes(), []);
    let function = |name: &str| Function { name: name.into(), path: "app.py".into(), seen: 1, ..Function::default() };
    world.observation.functions = vec![function("f2"), function("work")];
    assert_eq!(world.codes(), [("CON601".to_owned(), 2)]);
    world.observation.functions.push(function("f1"));
    assert_eq!(world.codes(), []);
}

#[test]
fn what_is_not_known_of_the_gil_or_the_machine_is_not_claimed() {
    let world = || World::of(THREADS, Class::CpuBound).with(&[Workers::Threads]);
    let check = |change: fn(&mut World)| {
        let mut world = world();
        change(&mut world);
        assert_eq!(world.codes(), []);
    };
    check(|world| {
        world.profile.gil_share = None;
        world.profile.workers.iter_mut().for_each(|worker| worker.blocked_by = Default::default());
    });
    check(|world| world.profile.gil_share = Some(share(0.2)));
    check(|world| world.host.cpus.affinity = 1);
    check(|world| world.profile.workers.truncate(2));
}

#[test]
fn waits_for_the_gil_tell_where_the_interpreter_was_not_read() {
    let mut world = World::of(THREADS, Class::CpuBound).with(&[Workers::Threads]);
    world.profile.gil_share = None;
    let message = "its 2 threads take turns at the GIL and waited 980 ms for it in all; use processes";
    assert_eq!(world.joined().findings[0].message, message);
}

#[test]
fn trials_that_clearly_contradict_an_executor_are_told_and_others_are_not() {
    let world = |regret, confidence| {
        let mut world = World::of("python3/main: #(l)x99\npython3/a: .(#)x99", Class::Mixed).with(&[Workers::Threads]);
        let other = Setting { model: Model::Threads, workers: 4, ..Setting::SEQUENTIAL };
        world.answer.setting = Setting { model: Model::Processes, workers: 4, ..Setting::SEQUENTIAL };
        world.answer.evidence = Some(Tried::Twin);
        world.answer.confidence = share(confidence);
        world.answer.alternatives = vec![crate::recommendation::Alternative { setting: other, regret }];
        world
    };
    let joined = world(0.8, 0.9).joined();
    assert_eq!(joined.findings[0].code, "CON902");
    assert_eq!(joined.findings[0].message, "in trials of work like its own, threads took 80 % longer than processes");
    for (regret, confidence) in [(0.1, 0.9), (0.8, 0.5)] {
        assert_eq!(world(regret, confidence).codes(), []);
    }
    let mut untried = world(0.8, 0.9);
    untried.answer.evidence = None;
    assert_eq!(untried.codes(), []);
}

#[test]
fn native_threads_beside_workers_are_told_and_matter_where_both_are_more_than_the_cpus() {
    let native = |pid, threads| NativeThreads { pid, threads, libraries: vec!["OpenBLAS".into()] };
    let mut world = World::of(SLEEPERS, Class::CpuBound).with(&[Workers::Processes]);
    let pids: Vec<i32> = world.observation.workers.iter().map(|worker| worker.pid).collect();
    for (pid, threads, level) in
        [(pids[1], 3, Some(Level::Warning)), (pids[2], 1, Some(Level::Info)), (pids[0], 3, None)]
    {
        world.observation.native_threads = vec![native(pid, threads)];
        let joined = world.joined().findings;
        assert_eq!(joined.first().map(|finding| finding.level), level, "{joined:?}");
        assert!(joined.iter().all(|finding| finding.code == "CON901"), "{joined:?}");
    }
    let mut world = World::of(THREADS, Class::Mixed).with(&[Workers::Threads]);
    world.observation.native_threads = vec![native(world.observation.workers[0].pid, 1)];
    let message = "1 native thread (OpenBLAS) ran beside its 1 worker, on 4 usable CPUs";
    assert_eq!(world.joined().findings[0].message, message, "a native thread is no worker");
    let mut world = World::of(SLEEPERS, Class::CpuBound).with(&[Workers::Processes]);
    world.host.cpus.affinity = 1;
    world.observation.native_threads = vec![native(world.observation.workers[1].pid, 3)];
    let message = "3 native threads (OpenBLAS) ran beside each of its 2 workers, on 1 usable CPU";
    assert_eq!(world.joined().findings[0].message, message);
}

#[test]
fn a_task_that_no_process_can_be_handed_is_doubted_where_processes_are_advised() {
    let mut world = World::of(THREADS, Class::Mixed);
    world.outline.unsent = vec![Unsent { path: "/srv/app.py".into(), line: 9, what: "a lambda".into() }; 2];
    assert_eq!(world.joined().doubts, Vec::<String>::new());
    world.answer.setting = Setting { model: Model::Processes, workers: 4, ..Setting::SEQUENTIAL };
    let sentence = "app.py:9 hands a lambda to its threads (and 1 more): it cannot be sent to a process as it is";
    assert_eq!(world.joined().doubts, [sentence]);
}
