//! [`Report`] → [`Document`]: each stage's values under the names of the file, rounded and escaped. Decides nothing.

mod asked;
mod findings;
mod sites;
mod trials;
mod watched;
mod work;

use super::Report;
use super::escape::{block, text, word};
use super::schema::{self, Document, SCHEMA_VERSION};
use crate::classify::{Classification, Comparison};
use crate::host::Host;
use crate::notice::Notice;
use crate::observe::{Exit, Observation};
use crate::profile::WorkerProfile;
use crate::recommendation::{Alternative, Recommendation};
use crate::rules::Step;
use crate::target::binary::Found;
use crate::target::{Runtime, Target};
use crate::trial::model::Setting;
use crate::units::{Bytes, Share};
use std::time::Duration;

/// Workers listed one by one; a report of a thousand threads stays readable, and the sums cover them all.
pub const WORKERS_LISTED: usize = 256;

impl Document {
    /// What the file says of a report.
    pub fn of(report: &Report) -> Self {
        let Report { complete, recording, profile, classification, rule, recommendation, notices, .. } = report;
        let observation = &recording.observation;
        let mut workers: Vec<&WorkerProfile> = profile.workers.iter().filter(|worker| !worker.credited).collect();
        let weight = |worker: &WorkerProfile| (worker.computing() + worker.children.cpu, worker.blocked);
        workers.sort_by_key(|worker| std::cmp::Reverse(weight(worker)));
        let left_out = workers.len().saturating_sub(WORKERS_LISTED);
        let not_listed = (left_out > 0).then_some(Notice::WorkersNotListed { listed: WORKERS_LISTED, left_out });
        Self {
            schema_version: SCHEMA_VERSION,
            complete: *complete,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            rules_hash: asked::hash(report.rules_hash),
            recommendation: schema::Recommendation {
                rule: said(rule),
                admits: report.decision.admit.iter().map(|model| model.name().to_owned()).collect(),
                workers_bound: report.decision.workers.name().to_owned(),
                ..recommended(recommendation)
            },
            alternative: recommendation.alternatives.iter().map(alternative).collect(),
            decision: recommendation.path.iter().map(decision).collect(),
            classification: classified(classification),
            target: target(&recording.target, observation),
            host: host(&recording.host),
            profile: watched::profiled(profile, observation),
            twin: recording.tried.twin.as_ref().filter(|_| recording.tried.task.is_none()).map(work::twin),
            task: recording.tried.task.as_ref().map(|from| work::task(from, recording.tried.twin.as_ref())),
            site: sites::sites(recording.tried.rerun.as_ref(), &recommendation.sites)
                .into_iter()
                .chain(recording.tried.task.as_ref().and_then(|task| sites::of_calls(task, recommendation)))
                .collect(),
            cluster: recording.tried.cluster.as_ref().map(work::cluster),
            trial: [trials::trials(&recording.tried), sites::trials(recording.tried.rerun.as_ref())].concat(),
            curve: work::curves(recording, profile),
            finding: findings::findings(&recommendation.findings),
            fact: asked::facts(&report.facts),
            notice: notices.iter().chain(&not_listed).map(notice).collect(),
            sampling: watched::sampling(observation),
            function: watched::functions(&observation.functions),
            counter: observation.counters.iter().map(watched::counter).collect(),
            worker: workers.into_iter().take(WORKERS_LISTED).map(watched::worker).collect(),
        }
    }
}

fn recommended(from: &Recommendation) -> schema::Recommendation {
    let interval = from.speedup;
    schema::Recommendation {
        model: from.setting.model.name().to_owned(),
        workers: from.setting.workers as u64,
        site: from.at.as_deref().map(said),
        rule: String::new(),
        admits: Vec::new(),
        workers_bound: String::new(),
        workers_policy: said(&from.policy),
        chunk_size: from.setting.chunk_size.map(|size| size as u64),
        start_method: start_method(&from.setting),
        evidence: from.evidence.map(|evidence| evidence.name().to_owned()),
        speedup: interval.and_then(|interval| rounded(interval.value)),
        speedup_low: interval.and_then(|interval| rounded(interval.low)),
        speedup_high: interval.and_then(|interval| rounded(interval.high)),
        memory_bytes: from.memory.and_then(known),
        confidence: share(from.confidence),
        reason: said(&from.reason),
        flips: all_said(&from.flips),
        doubts: all_said(&from.doubts),
        advice: all_said(&from.advice),
        snippet: block(&from.snippet),
    }
}

fn alternative(from: &Alternative) -> schema::Alternative {
    schema::Alternative {
        model: from.setting.model.name().to_owned(),
        workers: from.setting.workers as u64,
        chunk_size: from.setting.chunk_size.map(|size| size as u64),
        start_method: start_method(&from.setting),
        regret: rounded(from.regret).unwrap_or_default(),
    }
}

fn decision(from: &Step) -> schema::Decision {
    schema::Decision {
        rule: said(&from.rule),
        fact: said(&from.fact),
        value: from.value.as_deref().map(said),
        threshold: said(&from.threshold),
        held: from.held,
        flips_at: from.flips_at.and_then(rounded),
    }
}

fn classified(from: &Classification) -> schema::Classification {
    schema::Classification {
        class: from.class.name().to_owned(),
        bottleneck: from.bottleneck.map(|bottleneck| bottleneck.name().to_owned()),
        confidence: share(from.confidence),
        settle: from.settle.as_deref().map(said),
        evidence: from.evidence.iter().map(comparison).collect(),
    }
}

fn comparison(from: &Comparison) -> schema::Comparison {
    schema::Comparison {
        measure: said(from.measure),
        value: from.value.and_then(rounded),
        threshold: rounded(from.threshold).unwrap_or_default(),
        meaning: said(from.meaning),
        source: said(from.source),
    }
}

fn target(from: &Target, observation: &Observation) -> schema::Target {
    let (interpreter, version, gil) = match &from.runtime {
        Runtime::CPython(python) => (
            Some(python.executable.as_path()),
            python.version.map(|(major, minor, micro)| format!("{major}.{minor}.{micro}")),
            python.gil,
        ),
        Runtime::Script { interpreter } => (Some(interpreter.as_path()), None, None),
        Runtime::Native(_) | Runtime::Other => (None, None, None),
    };
    let native = if let Runtime::Native(native) = &from.runtime { Some(&native.inside) } else { None };
    let (exit_code, signal) = match observation.exit {
        Some(Exit::Code(code)) => (Some(code), None),
        Some(Exit::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    schema::Target {
        command: from.argv.iter().map(|argument| word(argument)).collect(),
        runtime: from.runtime.name().to_owned(),
        interpreter: interpreter.map(|path| word(path.as_os_str())),
        version,
        gil,
        attached: observation.attached.map(|_| true),
        pid: observation.attached,
        exit_code,
        signal,
        unknown: native.map_or_else(Vec::new, |inside| inside.unknown.iter().map(ToString::to_string).collect()),
        component: native.map_or_else(Vec::new, |inside| inside.found.iter().map(component).collect()),
    }
}

fn component(from: &Found) -> schema::Component {
    schema::Component {
        name: from.component.name().to_owned(),
        role: from.component.role().name().to_owned(),
        version: from.version.as_deref().map(said),
        evidence: from.evidence().name().to_owned(),
        seen: from.sightings.first().map_or_else(String::new, |sighting| said(&sighting.what)),
    }
}

fn host(from: &Host) -> schema::Host {
    let (cpus, memory) = (&from.cpus, &from.memory);
    let counted = |count: usize| (count > 0).then_some(count as u64);
    schema::Host {
        cpus_usable: cpus.usable() as u64,
        cpus_usable_waiting: cpus.usable_waiting() as u64,
        cpus_online: counted(cpus.online),
        cpu_quota: cpus.quota.as_ref().and_then(|quota| rounded(quota.cpus)),
        cpu_quota_from: cpus.quota.as_ref().map(|quota| word(quota.from.as_os_str())),
        physical_cores: cpus.physical_cores.map(|cores| cores as u64),
        numa_nodes: counted(cpus.numa_nodes),
        memory_total_bytes: known(memory.total),
        memory_usable_bytes: memory.usable().map(|bytes| count(bytes.0)),
        memory_limit_bytes: memory.limit.as_ref().map(|limit| count(limit.bytes.0)),
        memory_limit_from: memory.limit.as_ref().map(|limit| word(limit.from.as_os_str())),
        kernel: said(&from.kernel),
        arch: said(&from.arch),
        perf_event_paranoid: from.rights.perf_event_paranoid,
        ptrace_scope: from.rights.ptrace_scope,
    }
}

fn notice(from: &Notice) -> schema::Notice {
    schema::Notice { code: from.code().to_owned(), message: said(&from.to_string()) }
}

fn start_method(setting: &Setting) -> Option<String> {
    setting.start_method.map(|method| method.name().to_owned())
}

fn said(sentence: &str) -> String {
    text(sentence).into_owned()
}

fn all_said(sentences: &[String]) -> Vec<String> {
    sentences.iter().map(|sentence| said(sentence)).collect()
}

/// Nothing that runs takes no memory: zero means that it was not read.
fn known(bytes: Bytes) -> Option<u64> {
    (bytes.0 > 0).then_some(count(bytes.0))
}

/// TOML's whole numbers end at 2⁶³; nothing that was really counted comes near.
fn count(number: u64) -> u64 {
    number.min(i64::MAX as u64)
}

fn share(share: Share) -> f64 {
    (share.get() * 1e4).round() / 1e4
}

fn seconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64()).unwrap_or_default()
}

/// To six significant digits, which no measurement of ours exceeds; `None` when not finite.
fn rounded(number: f64) -> Option<f64> {
    format!("{number:.5e}").parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classify::{Bottleneck, Class};
    use crate::host::{CpuQuota, MemoryLimit};
    use crate::observe::Function;
    use crate::observe::kind::BlockedKind;
    use crate::observe::{Counter, Process, Totals, Worker};
    use crate::profile::Profile;
    use crate::recommendation::{Interval, SiteAdvice};
    use crate::report::recording::{Recording, Tried};
    use crate::rules::{Facts, Rules};
    use crate::target::{CPython, PythonEntry};
    use crate::trial::model::{Model, StartMethod};
    use crate::trial::rerun::Rerun;
    use crate::trial::rerun::sites::Site;
    use crate::trial::twin::Twin;
    use crate::trial::{Evidence, Measurement, Outcome, Trial};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    pub const HOSTILE: &str = "a\x1b[31m name\u{202e} with \"quotes\"";

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn part(value: f64) -> Share {
        Share::new(value).expect("a finite number")
    }

    fn ran(model: Model, workers: usize, start_method: Option<StartMethod>, wall: f64) -> Trial {
        let walls = vec![s(wall), s(wall * 1.01), s(wall * 0.99)];
        let measured =
            Measurement { tasks: 10, walls, peak_memory: Bytes(9 << 20), cpu: s(wall), ..Measurement::default() };
        let setting = Setting { model, workers, chunk_size: None, start_method };
        Trial { setting, evidence: Evidence::Twin, outcome: Outcome::Ok(measured) }
    }

    fn could_not(model: Model, outcome: Outcome) -> Trial {
        Trial { outcome, ..ran(model, 4, None, 1.0) }
    }

    fn recording() -> Recording {
        let mut observation =
            Observation { complete: true, wall: s(3.25), exit: Some(Exit::Code(0)), ..Default::default() };
        observation.totals = Totals { user: s(3.0), system: s(0.125), ..Totals::default() };
        let mut worker = Worker { pid: 7, tid: 8, name: HOSTILE.to_owned(), on_cpu: s(3.0), ..Worker::default() };
        worker.bursts.add(s(0.004), 700);
        worker.blocked_ticks[BlockedKind::Gil] = 3;
        observation.workers = vec![worker];
        observation.processes = vec![Process {
            argv: vec![OsString::from_vec(vec![0xff, b'x'])],
            executable: Some("/usr/bin/python3".into()),
            ..Process::default()
        }];
        observation.functions = vec![
            Function {
                name: "Client.fetch".into(),
                path: "/srv/app/client.py".into(),
                line: 42,
                inside: Some("recv_into (socket.py)".into()),
                seen: 810,
                active: 25,
                holding: 20,
            },
            Function {
                name: HOSTILE.into(),
                path: "/srv/evil\x1b.py".into(),
                line: 7,
                seen: 140,
                active: 140,
                ..Function::default()
            },
            Function { seen: 50, active: 10, ..Function::default() },
        ];
        observation.sampling.stacks = (960, 10);
        observation.counters = vec![Counter { name: "task-clock", value: u64::MAX }];
        observation.timeline.add(&crate::observe::timeline::Bucket { span: s(0.01), ..Default::default() });
        observation.sampling.lateness.add(s(0.0001), 325);
        observation.notices = vec![Notice::LeftBehind { processes: 2 }];

        let mut host = Host { kernel: "6.18.44".into(), arch: "x86_64".into(), ..Host::default() };
        host.cpus.quota = Some(CpuQuota { cpus: 2.5, from: "/sys/fs/cgroup/cpu.max".into() });
        host.cpus.affinity = 8;
        host.memory.total = Bytes(16 << 30);
        host.memory.limit =
            Some(MemoryLimit { bytes: Bytes(4 << 30), used: Bytes(1 << 30), from: "/sys/fs/cgroup/memory.max".into() });

        let entry = PythonEntry::File("primes.py".into());
        let argv = vec![OsString::from("python3"), OsString::from_vec(b"primes\xff.py".to_vec())];
        let executable = "/usr/bin/python3.11".into();
        let python = CPython { version: Some((3, 11, 7)), gil: Some(true), ..CPython::new(executable, entry) };
        let target = Target { argv, program: Some("/usr/bin/python3".into()), runtime: Runtime::CPython(python) };

        let trials = vec![
            ran(Model::Sequential, 1, None, 3.0),
            ran(Model::Threads, 2, None, 3.1),
            ran(Model::Processes, 2, Some(StartMethod::Fork), 1.55),
            Trial {
                setting: Setting {
                    chunk_size: Some(4),
                    ..ran(Model::Processes, 3, Some(StartMethod::Spawn), 1.2).setting
                },
                ..ran(Model::Processes, 3, Some(StartMethod::Spawn), 1.2)
            },
            could_not(
                Model::Interpreters,
                Outcome::NotApplicable("CPython 3.11 has no InterpreterPoolExecutor".into()),
            ),
            could_not(Model::Asyncio, Outcome::Pruned("its first run was 3 times slower than the best".into())),
            could_not(Model::AsyncioProcesses, Outcome::Failed(format!("it printed {HOSTILE}"))),
            could_not(Model::AsyncioThreads, Outcome::Unsafe("results differ from the sequential ones".into())),
        ];
        let twin = Twin { tasks: 10, compression: 1.0, ..Twin::default() };
        let mut site = Site {
            key: "app\x1b.py:42:ThreadPoolExecutor".into(),
            path: "app\x1b.py".into(),
            line: 42,
            library: false,
            executor: "ThreadPoolExecutor".into(),
            model: Model::Threads,
            workers: 4,
            asked: Some(4),
            built: 3,
            tasks: 900,
            mapped: true,
            chunk_size: None,
            start_method: None,
            busy: s(2.5),
            unsent: None,
            guarded: Some(true),
            threads: 0,
            version: (3, 11),
            untried: None,
            trials: Vec::new(),
        };
        site.trials = vec![
            Trial { evidence: Evidence::Program, ..ran(Model::Threads, 4, None, 3.0) },
            Trial { evidence: Evidence::Program, ..ran(Model::Processes, 2, Some(StartMethod::Fork), 1.6) },
        ];
        let library = Site { library: true, untried: Some("it is not yours".into()), trials: vec![], ..site.clone() };
        let rerun = Some(Rerun { sites: vec![site, library], compared: true });
        Recording {
            host,
            target,
            observation,
            source: Some(super::findings::tests::outline()),
            tried: Tried { twin: Some(twin), rerun, trials, ..Tried::default() },
        }
    }

    /// A report with something in every place, some of it hostile.
    pub fn crowded() -> Report {
        let recording = recording();
        let mut profile = Profile {
            wall: s(3.25),
            cpu: s(3.125),
            on_cpu: Some(part(0.97)),
            runnable: Some(part(0.01)),
            blocked: Some(part(0.02)),
            gil_share: Some(part(0.99)),
            cores_busy: 0.961_234_567,
            parallelism: 1.0,
            peak_memory: Bytes(24 << 20),
            workers: (0..300)
                .map(|tid| WorkerProfile {
                    tid,
                    name: HOSTILE.into(),
                    on_cpu: s(f64::from(tid)),
                    peak_memory: Bytes(1 << 20),
                    ..WorkerProfile::default()
                })
                .collect(),
            ..Profile::default()
        };
        profile.blocked_by[BlockedKind::Gil] = part(0.015);
        profile.blocked_by[BlockedKind::Disk] = part(0.005);
        let compared = |value| Comparison {
            measure: "waiting in the demand",
            value,
            threshold: 0.2,
            meaning: "it mostly computes",
            source: "DESIGN §5",
        };
        let classification = Classification {
            class: Class::CpuBound,
            bottleneck: Some(Bottleneck::Gil),
            confidence: part(0.98),
            evidence: vec![compared(Some(0.02)), compared(None)],
            settle: None,
        };
        let step = |rule: &str, value: Option<&str>, held| Step {
            rule: rule.into(),
            fact: "gil-held-share".into(),
            value: value.map(str::to_owned),
            threshold: ">= 0.50".into(),
            held,
            flips_at: held.map(|_| 0.5),
        };
        let setting = Setting {
            model: Model::Processes,
            workers: 3,
            chunk_size: Some(4),
            start_method: Some(StartMethod::Spawn),
        };
        let recommendation = Recommendation {
            setting,
            policy: "min(cpus, 3)".into(),
            evidence: Some(Evidence::Twin),
            speedup: Some(Interval { value: 2.5, low: 2.312_345_678, high: 2.71 }),
            memory: Some(Bytes(72 << 20)),
            confidence: part(0.9167),
            reason: "The work is pure Python that computes, and the GIL lets only one thread at a time do so.".into(),
            path: vec![
                step(Step::CLASS, Some("0.02"), Some(true)),
                step("python-tiny", Some("3.25 s"), Some(false)),
                step("python-vectorised", None, None),
                step("python-computing", Some("0.99"), Some(true)),
            ],
            flips: vec!["If less than half of the computing held the GIL, threads would do.".into()],
            doubts: vec![format!("The twin does not know what {HOSTILE} shares with others. {}", "Long. ".repeat(30))],
            advice: vec!["Consider vectorising the loop first.".into()],
            snippet: "from concurrent.futures import ProcessPoolExecutor\n\nwith ProcessPoolExecutor(3) as pool:\n    \
                      results = list(pool.map(work, items, chunksize=4))\n"
                .into(),
            alternatives: vec![Alternative { setting: Setting::SEQUENTIAL, regret: 1.5 }],
            at: None,
            findings: super::findings::tests::joined(),
            sites: vec![
                SiteAdvice {
                    setting: Setting { model: Model::Processes, workers: 2, chunk_size: Some(4), ..setting },
                    speedup: Some(Interval { value: 3.5, low: 3.0, high: 4.0 }),
                    speedup_now: Some(Interval { value: 1.875, low: 1.8, high: 1.95 }),
                    confidence: part(0.97),
                    reason: format!("processes do it, {HOSTILE}"),
                },
                SiteAdvice {
                    setting: Setting { model: Model::Threads, workers: 4, chunk_size: None, start_method: None },
                    speedup: None,
                    speedup_now: None,
                    confidence: Share::ZERO,
                    reason: "it is not yours".into(),
                },
            ],
        };
        let notices = vec![Notice::LeftBehind { processes: 2 }, Notice::TargetFailed { how: HOSTILE.to_owned() }];
        let rule = "python-computing".to_owned();
        let facts = Facts::default().with("wait_share", 0.25).with("runtime", "cpython").with("smt", true);
        let facts = facts.with("python_version", (3, 11));
        let decision = Rules::embedded().decide(&facts);
        let (complete, rules_hash) = (true, Rules::embedded().hash());
        Report {
            complete,
            recording,
            profile,
            classification,
            rule,
            facts,
            decision,
            rules_hash,
            recommendation,
            notices,
        }
    }

    #[test]
    fn numbers_have_six_digits_and_shares_four_decimals() {
        let document = Document::of(&crowded());
        assert_eq!(document.profile.cores_busy, Some(0.961_235));
        assert_eq!(document.recommendation.speedup_low, Some(2.312_35));
        assert!((seconds(Duration::from_nanos(1_234_567_891)) - 1.234_57).abs() < 1e-12);
        assert!((share(part(1.0 / 3.0)) - 0.3333).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_known_is_absent_and_never_zero() {
        let mut report = crowded();
        report.profile = Profile::default();
        report.recording.host = Host::default();
        report.recording.observation.exit = None;
        report.recommendation.speedup = None;
        let document = Document::of(&report);
        let profile = document.profile;
        for unknown in [profile.on_cpu_share, profile.gil_share, profile.cores_busy, profile.elsewhere_share] {
            assert_eq!(unknown, None);
        }
        assert_eq!((profile.blocked, profile.peak_memory_bytes), (None, None));
        assert_eq!((document.host.memory_usable_bytes, document.host.cpu_quota), (None, None));
        assert_eq!((document.target.exit_code, document.target.signal), (None, None));
        assert_eq!(document.recommendation.speedup, None);
    }

    #[test]
    fn speedups_are_against_the_sequential_trial_and_absent_without_one() {
        let mut report = crowded();
        let speedups =
            |report: &Report| -> Vec<_> { Document::of(report).trial.iter().map(|trial| trial.speedup).collect() };
        let expected = [Some(1.0), Some(3.0 / 3.1), Some(3.0 / 1.55), Some(2.5), None, None, None, None];
        for (speedup, expected) in speedups(&report).into_iter().zip(expected) {
            assert!((speedup.unwrap_or(-1.0) - expected.unwrap_or(-1.0)).abs() < 1e-4, "{speedup:?} {expected:?}");
        }
        report.recording.tried.trials.remove(0);
        assert!(speedups(&report).iter().all(Option::is_none));
    }

    #[test]
    fn only_the_heaviest_workers_are_listed_and_the_rest_is_said() {
        let document = Document::of(&crowded());
        assert_eq!(document.worker.len(), WORKERS_LISTED);
        assert_eq!((document.worker[0].tid, document.worker[WORKERS_LISTED - 1].tid), (299, 44));
        let said = document.notice.iter().find(|notice| notice.code == "workers-not-listed");
        assert!(said.is_some_and(|notice| notice.message.contains("44 lighter ones")));
    }

    #[test]
    fn shares_of_functions_are_of_all_sightings_and_the_rest_is_no_function() {
        let document = Document::of(&crowded());
        let shares: Vec<_> = document.function.iter().map(|row| (row.seen_share, row.active_share)).collect();
        assert_eq!(shares, [(0.81, 0.025), (0.14, 0.14)]);
        assert_eq!((document.sampling.stacks_read, document.sampling.stacks_failed), (Some(950), Some(10)));
        assert!(!format!("{:?}", document.function).contains('\x1b'), "{:?}", document.function);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_in_the_command() {
        assert_eq!(Document::of(&crowded()).target.command, ["python3", r"primes\xff.py"]);
    }
}
