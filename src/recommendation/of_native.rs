//! What follows for a native program from what it is built on: the sketch in its own executor's words, and the
//! environment variable that sets its workers without a change. Pure.
//!
//! Where nothing was found, or the program is none that was looked into, there is nothing to say.

use crate::host::Host;
use crate::target::Runtime;
use crate::target::binary::{Component, Evidence, Found, Inside};
use crate::trial::model::{Model, Setting};

/// From this version on Go counts a cgroup's CPU quota when it sets GOMAXPROCS (release notes of Go 1.25).
const GO_SEES_QUOTAS: (u32, u32) = (1, 25);

/// Sketches for threads, in order: the executor that is there for computing before the one that also waits.
const THREADS: [(Component, &str); 6] = [
    (Component::Rayon, include_str!("sketches/native_threads_rayon.txt")),
    (Component::OpenMp, include_str!("sketches/native_threads_openmp.txt")),
    (Component::Tbb, include_str!("sketches/native_threads_tbb.txt")),
    (Component::Go, include_str!("sketches/native_go.txt")),
    (Component::Tokio, include_str!("sketches/native_threads_tokio.txt")),
    (Component::CppThreads, include_str!("sketches/native_threads_cpp.txt")),
];

/// The sketch in the words of what the program is built on; `None` where none is better than the one for all.
pub(super) fn sketch(inside: &Inside, model: Model) -> Option<&'static str> {
    match model {
        Model::Threads => {
            let has = |component| inside.get(component).is_some();
            THREADS.into_iter().find(|(component, _)| has(*component)).map(|(_, sketch)| sketch)
        }
        // A goroutine that waits gives its thread away, so that one sketch serves both.
        Model::Asyncio | Model::AsyncioThreads => {
            inside.get(Component::Go).map(|_| include_str!("sketches/native_go.txt"))
        }
        _ => None,
    }
}

/// A sentence for each executor whose workers the environment sets.
pub(super) fn advice(runtime: &Runtime, host: &Host, setting: &Setting) -> Vec<String> {
    let Runtime::Native(native) = runtime else { return Vec::new() };
    let mut advice: Vec<String> = native.inside.executors().filter_map(|found| of_executor(found, setting)).collect();
    advice.extend(native.inside.get(Component::Go).filter(|_| host.cpus.quota.is_some()).and_then(quota));
    advice
}

fn of_executor(found: &Found, setting: &Setting) -> Option<String> {
    let knob = found.component.knob()?;
    let built = if found.evidence() == Evidence::Text { "seems to be built on" } else { "is built on" };
    let built = format!("The program {built} {}", found.title());
    let (workers, why) = match setting.model {
        Model::Threads | Model::AsyncioThreads => (setting.workers, "gives it that many workers without a change"),
        // Its own threads in each of many processes would come to more than there are cores.
        Model::Processes if setting.workers > 1 => (1, "keeps each process to one worker of its own"),
        Model::Sequential => (1, "keeps it from starting workers that do not pay"),
        _ => return None,
    };
    match (knob.set_to(workers), knob.code) {
        (Some(set), _) => Some(format!("{built}: {set} in its environment {why}, unless it sets a number itself.")),
        (None, Some(code)) => Some(format!("{built}: {code} set to {workers} {why} to its work.")),
        (None, None) => None,
    }
}

/// Go of before that version takes every core it may run on for its own, whatever the quota.
fn quota(go: &Found) -> Option<String> {
    let version = go.version.as_deref()?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let version = (parts.next()??, parts.next()??);
    (version < GO_SEES_QUOTAS).then(|| {
        let (major, minor) = GO_SEES_QUOTAS;
        format!(
            "{} counts cores and not the CPU quota of its cgroup, as Go {major}.{minor} does: set GOMAXPROCS there.",
            go.title()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::CpuQuota;
    use crate::recommendation::snippet::snippet;
    use crate::target::Native;
    use crate::target::binary::Sighting;

    fn native(of: &[(Component, Option<&str>, Evidence)]) -> Runtime {
        let found = |(component, version, evidence): &(Component, Option<&str>, Evidence)| Found {
            component: *component,
            version: version.map(str::to_owned),
            sightings: vec![Sighting { evidence: *evidence, what: String::new(), offset: None }],
        };
        let inside = Inside { found: of.iter().map(found).collect(), unknown: Vec::new() };
        Runtime::Native(Native { inside, ..Native::default() })
    }

    const fn setting(model: Model, workers: usize) -> Setting {
        Setting { model, workers, chunk_size: None, start_method: None }
    }

    #[test]
    fn a_program_is_advised_in_the_words_of_what_it_is_built_on() {
        let sure = Evidence::Library;
        for (component, model, code, advised) in [
            (Component::Go, Model::Threads, "SetLimit(6)", "GOMAXPROCS=6 in its environment gives it that many"),
            (Component::Go, Model::Asyncio, "SetLimit(6)", ""),
            (Component::Rayon, Model::Threads, "num_threads(6)", "RAYON_NUM_THREADS=6"),
            (Component::OpenMp, Model::Threads, "num_threads(6)", "is built on OpenMP: OMP_NUM_THREADS=6"),
            (Component::OpenMp, Model::Processes, "-P 6", "OMP_NUM_THREADS=1 in its environment keeps each process"),
            (Component::OpenMp, Model::Sequential, "as it is", "OMP_NUM_THREADS=1"),
            (Component::Tbb, Model::Threads, "parallelism, 6)", "max_allowed_parallelism set to 6"),
            (Component::Tokio, Model::Threads, "worker_threads = 6", "TOKIO_WORKER_THREADS=6"),
            (Component::CppThreads, Model::Threads, "worker < 6", ""),
            (Component::OpenBlas, Model::Threads, "num_threads(6)", "OPENBLAS_NUM_THREADS=6"),
            (Component::Epoll, Model::Threads, "num_threads(6)", ""),
        ] {
            let runtime = native(&[(component, None, sure)]);
            let workers = if model == Model::Sequential { 1 } else { 6 };
            let setting = setting(model, workers);
            let pasted = snippet(&runtime, &setting, "6");
            assert!(pasted.contains(code) && !pasted.contains("{WORKERS}"), "{component} {model}: {pasted}");
            let said = advice(&runtime, &Host::default(), &setting).join(" ");
            assert!(said.contains(advised) && said.is_empty() == advised.is_empty(), "{component} {model}: {said}");
        }
    }

    #[test]
    fn what_only_a_text_tells_is_no_more_than_likely() {
        let runtime = native(&[(Component::Rayon, Some("1.12.1"), Evidence::Text)]);
        let said = advice(&runtime, &Host::default(), &setting(Model::Threads, 2)).join(" ");
        assert!(said.starts_with("The program seems to be built on rayon 1.12.1: RAYON_NUM_THREADS=2"), "{said}");
    }

    #[test]
    fn go_that_does_not_see_a_quota_is_told_of_it() {
        let mut host = Host::default();
        for (version, quota, told) in
            [("1.24.9", true, true), ("1.25", true, false), ("1.24.9", false, false), ("weekly", true, false)]
        {
            host.cpus.quota = quota.then(|| CpuQuota { cpus: 1.5, from: "/".into() });
            let runtime = native(&[(Component::Go, Some(version), Evidence::BuildInfo)]);
            let said = advice(&runtime, &host, &setting(Model::Processes, 1)).join(" ");
            assert_eq!(said.contains("counts cores and not the CPU quota"), told, "{version}: {said}");
        }
    }

    #[test]
    fn what_was_not_looked_into_is_advised_as_before() {
        let runtime = Runtime::Native(Native::default());
        let setting = setting(Model::Threads, 6);
        assert_eq!(advice(&runtime, &Host::default(), &setting), Vec::<String>::new());
        assert!(snippet(&runtime, &setting, "6").contains("GOMAXPROCS=6"));
    }
}
