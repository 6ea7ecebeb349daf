//! Memory that means something: what forked copies share is counted once, what one more worker costs is seen, and
//! where the kernel hides it, that is said.

#[path = "support/measured.rs"]
mod measured;
#[path = "support/rights.rs"]
mod rights;
#[expect(dead_code, reason = "each file of tests uses a part of it")]
mod support;

use concadvise::observe::Observation;
use concadvise::profile::Profile;
use concadvise::report::recording::Recording;
use measured::measured;
use rights::concadvise_without_rights;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::{Ran, scene};

const MIB: u64 = 1 << 20;

/// The interpreter itself: `python3` on the path may be a script that runs others before it becomes Python.
fn interpreter() -> String {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let printed = asked.expect("python3 to be installed").stdout;
    String::from_utf8(printed).expect("a path").trim().to_owned()
}

/// One run at a time: beside one another they would wait for cores while their memory is looked at.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn python(script: &str) -> (Observation, Profile, Ran) {
    let _alone = alone();
    let scene = scene().option("--quiet").option("--record").option("run.json");
    let ran = scene.watch([interpreter().as_str(), "-c", script]).exits(0);
    let recording = Recording::read(&ran.path("run.json")).expect("it was recorded");
    let profile = Profile::of(&recording.observation, &recording.host);
    (recording.observation, profile, ran)
}

/// A parent with 200 MiB and four copies of it, each of which does `work` and then sleeps.
fn copies(work: &str) -> String {
    format!(
        "
import os, time, ctypes
held = bytearray(b'x') * ({MIB} * 200)
children = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        {work}
        time.sleep(3)
        os._exit(0)
    children.append(pid)
for pid in children: os.waitpid(pid, 0)"
    )
}

#[test]
fn a_parent_and_four_copies_of_it_share_their_memory() {
    measured(|| {
        let (observation, profile, _) = python(&copies("pass"));
        let sum: u64 = observation.processes.iter().map(|process| process.peak_rss.0).sum();
        assert!(sum > 900 * MIB, "each has it all: {sum}");
        let peak = observation.peak_memory.0;
        assert!((200 * MIB..260 * MIB).contains(&peak), "together they have it once: {peak}");
        let per_worker = profile.memory_growth_per_worker.unwrap_or_default().0;
        assert!(per_worker < 20 * MIB, "one more would cost next to nothing: {per_worker}");
    });
}

#[test]
fn copies_that_write_to_what_they_share_have_it_each() {
    measured(|| {
        // Written all along, so that the walks, whose turn comes when the budget allows it, see it grow.
        let (observation, ..) = python(&copies("time.sleep(1); held[::4096] = b'y' * len(held[::4096])"));
        let peak = observation.peak_memory.0;
        assert!(peak > 350 * MIB, "some of the four were seen with pages of their own: {peak}");
        assert!(peak < 1100 * MIB, "{peak}");
    });
}

#[test]
fn what_each_further_worker_costs_is_seen() {
    measured(|| {
        let (_, profile, ran) = python(&format!(
            "
import os, time
children = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        own = bytearray(b'x') * ({MIB} * 40)
        time.sleep(6 - 0.8 * len(children))
        os._exit(0)
    children.append(pid)
    time.sleep(0.8)
for pid in children: os.waitpid(pid, 0)"
        ));
        let per_worker = profile.memory_growth_per_worker.expect("five numbers of processes were seen").0;
        assert!((30 * MIB..50 * MIB).contains(&per_worker), "{per_worker}");
        assert_eq!(ran.key("profile.memory_growth_per_worker_bytes"), per_worker.to_string());
    });
}

#[test]
fn memory_that_grows_all_along_is_seen_to() {
    measured(|| {
        let (_, profile, _) = python(&format!(
            "
import time
held = []
for _ in range(40):
    held.append(bytearray(b'x') * {MIB})
    time.sleep(0.04)"
        ));
        let per_s = profile.memory_growth_per_s.expect("it ran for a second and a half");
        assert!((5.0 * MIB as f64..30.0 * MIB as f64).contains(&per_s), "at most 25 MiB in a second: {per_s}");
    });
}

#[test]
fn memory_over_time_is_told_with_those_who_have_it() {
    measured(|| {
        let (observation, ..) = python("import os, time\nif os.fork() == 0: time.sleep(0.5); os._exit(0)\nos.wait()");
        let most = observation.timeline.buckets.iter().max_by_key(|bucket| bucket.processes).expect("some");
        assert_eq!((most.processes, most.workers), (2, 2));
        assert!(most.memory.0 > 0 && most.memory <= observation.peak_memory, "{most:?}");
    });
}

#[test]
fn hidden_proportional_memory_is_said_and_resident_memory_stands_in() {
    measured(|| {
        let _alone = alone();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret");
        fs::copy("/bin/sleep", &secret).expect("a copy");
        // Of a program that one may run and not read, the kernel hides the memory.
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o111)).expect("its permissions");
        let mut command = concadvise_without_rights();
        command.args(["--quiet", "--no-trials", "--record", "run.json", "--", "./secret", "0.5"]);
        let output = command.current_dir(folder.path()).output().expect("it can be run");
        assert!(output.status.success(), "{output:?}");
        let observation = Recording::read(&folder.path().join("run.json")).expect("it was recorded").observation;
        let [process] = &observation.processes[..] else { panic!("{:#?}", observation.processes) };
        assert_eq!((process.peak_pss, process.peak_uss, process.first_uss), (None, None, None));
        assert!(process.peak_rss.0 > 0 && observation.peak_memory.0 > 0, "{process:?}");
        let said = observation.notices.iter().map(ToString::to_string).find(|notice| notice.contains("PSS"));
        assert!(said.is_some_and(|said| said.contains("resident memory is used")), "{:?}", observation.notices);
    });
}
