//! The laws of the rule set, the walk through it, and what is said of a bad rule file.
//!
//! Every rule has a case here that reaches it: a rule that nothing reaches is refused by
//! `every_rule_is_reached_by_a_case`.

use concadvise::rules::facts::Value;
use concadvise::rules::vocabulary::{Kind, VOCABULARY};
use concadvise::rules::{Facts, Rules};
use concadvise::trial::model::Model;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;

type Known = &'static [(&'static str, Value)];

const fn n(value: f64) -> Value {
    Value::Number(value)
}
const fn l(word: &'static str) -> Value {
    Value::Label(word)
}
const YES: Value = Value::Flag(true);
const NO: Value = Value::Flag(false);

/// What an ordinary CPython program on an eight-core machine is known to be; a case overrides what it is about.
const ORDINARY: Known = &[
    ("cpus_usable", n(8.0)),
    ("numa_nodes", n(1.0)),
    ("runtime", l("cpython")),
    ("free_threaded", NO),
    ("work_s", n(10.0)),
    ("wall_s", n(10.0)),
    ("wait_share", n(0.1)),
    ("cpu_share", n(0.1)),
    ("network_share", n(0.0)),
    ("runnable_share", n(0.0)),
    ("gil_wait_share", n(0.0)),
    ("processes_today", n(1.0)),
    ("threads_today", n(1.0)),
    ("workers_today", n(1.0)),
    ("oversubscribed", NO),
    ("gil_share", n(1.0)),
    ("class_judged", NO),
    ("lock_share", n(0.0)),
    ("at_once_today", n(1.0)),
    ("memory_per_worker_bytes", n(1e7)),
    ("memory_tight", NO),
    ("outgrows_machine", NO),
    ("releases_gil", NO),
    ("gil_demand", n(8.0)),
    ("tasks", n(100.0)),
    ("task_s", n(0.5)),
    ("concurrency_wanted", n(10.0)),
    ("dominant_wait", l("network")),
    ("class_confidence", n(0.0)),
    ("task_tried", NO),
];

/// Class, what is known beside the ordinary, and the rule that decides.
const CASES: &[(&str, Known, &str)] = &[
    ("cpu-bound", &[("work_s", n(0.09))], "cpu-tiny"),
    ("cpu-bound", &[("cpus_usable", n(1.0)), ("wait_share", n(0.0))], "cpu-one-cpu"),
    ("cpu-bound", &[("cpus_usable", n(1.0))], "cpu-one-cpu-some-waits"),
    ("cpu-bound", &[("processes_today", n(3.0)), ("lock_share", n(0.48))], "cpu-take-turns"),
    ("cpu-bound", &[("processes_today", n(3.0)), ("lock_share", n(0.48)), ("at_once_today", n(1.5))], "cpu-python"),
    ("cpu-bound", &[("workers_today", n(4.0)), ("lock_share", n(0.61))], "cpu-python"),
    ("io-bound", &[("workers_today", n(3.0)), ("lock_share", n(0.5))], "io-take-turns"),
    ("mixed", &[("workers_today", n(6.0)), ("lock_share", n(0.77))], "mixed-take-turns"),
    ("cpu-bound", &[("outgrows_machine", YES)], "cpu-outgrows-machine"),
    ("cpu-bound", &[("numa_nodes", n(2.0)), ("remote_memory_share", n(0.4))], "cpu-numa"),
    ("cpu-bound", &[("runtime", l("script"))], "cpu-script"),
    (
        "cpu-bound",
        &[("runtime", l("native")), ("oversubscribed", YES), ("runnable_share", n(0.6))],
        "cpu-native-too-many-workers",
    ),
    ("cpu-bound", &[("runtime", l("native"))], "cpu-native"),
    ("cpu-bound", &[("runtime", l("other"))], "cpu-native"),
    ("cpu-bound", &[("free_threaded", YES)], "cpu-free-threaded"),
    ("cpu-bound", &[("network_share", n(0.1)), ("in_async_server", YES)], "cpu-async-server"),
    ("cpu-bound", &[("picklable", NO)], "cpu-not-picklable"),
    ("cpu-bound", &[("releases_gil", YES), ("gil_demand", n(0.1))], "cpu-gil-released"),
    ("cpu-bound", &[("releases_gil", YES), ("gil_demand", n(1.5))], "cpu-gil-partly-released"),
    ("cpu-bound", &[("gil_share", n(0.5))], "cpu-gil-sometimes-held"),
    ("cpu-bound", &[("memory_per_worker_bytes", n(1e9)), ("payload_bytes", n(5e7))], "cpu-large-payload"),
    ("cpu-bound", &[("memory_tight", YES)], "cpu-memory-tight"),
    ("cpu-bound", &[("vectorizable", YES)], "cpu-vectorizable"),
    ("cpu-bound", &[("image_or_video", YES)], "cpu-images"),
    ("cpu-bound", &[("ml_inference", YES)], "cpu-inference"),
    ("cpu-bound", &[("gil_wait_share", n(0.61)), ("threads_today", n(4.0))], "cpu-threads-take-turns"),
    (
        "cpu-bound",
        &[("runnable_share", n(0.5)), ("oversubscribed", YES), ("processes_today", n(32.0))],
        "cpu-too-many-workers",
    ),
    ("cpu-bound", &[("task_s", n(0.001))], "cpu-small-tasks"),
    ("cpu-bound", &[], "cpu-python"),
    ("io-bound", &[("work_s", n(0.05))], "io-tiny"),
    ("io-bound", &[("work_s", n(0.5)), ("tasks", n(3.0))], "io-few-short"),
    ("io-bound", &[("tasks", n(1.0))], "io-one-wait"),
    ("io-bound", &[("tasks", n(3.0)), ("cpu_share", n(0.01))], "io-default"),
    ("io-bound", &[("runtime", l("script"))], "io-script"),
    ("io-bound", &[("already_async", YES), ("blocking_in_async", YES)], "io-blocking-in-async"),
    ("io-bound", &[("already_async", YES), ("blocking_in_async", NO)], "io-already-async"),
    ("io-bound", &[("dominant_wait", l("disk")), ("many_small_files", YES)], "io-many-files"),
    ("io-bound", &[("dominant_wait", l("disk"))], "io-disk"),
    ("io-bound", &[("cpu_share", n(0.2))], "io-some-computing"),
    ("io-bound", &[("cpu_share", n(0.01)), ("streaming", YES), ("async_library", YES)], "io-streaming"),
    ("io-bound", &[("cpu_share", n(0.01)), ("database_reads", YES), ("async_library", YES)], "io-database-async"),
    ("io-bound", &[("cpu_share", n(0.01)), ("database_reads", YES)], "io-database"),
    ("io-bound", &[("cpu_share", n(0.01)), ("legacy_blocking", YES)], "io-legacy"),
    ("io-bound", &[("cpu_share", n(0.01)), ("concurrency_wanted", n(900.0)), ("async_library", YES)], "io-many-async"),
    (
        "io-bound",
        &[("cpu_share", n(0.01)), ("concurrency_wanted", n(900.0)), ("dominant_wait", l("timer"))],
        "io-many-timers",
    ),
    ("io-bound", &[("cpu_share", n(0.01)), ("concurrency_wanted", n(101.0))], "io-many-blocking"),
    ("io-bound", &[("cpu_share", n(0.01)), ("concurrency_wanted", n(100.0))], "io-default"),
    ("mixed", &[("work_s", n(0.05))], "mixed-tiny"),
    ("mixed", &[("runtime", l("script"))], "mixed-script"),
    ("mixed", &[("cpus_usable", n(1.0))], "mixed-one-cpu"),
    ("mixed", &[("runtime", l("native"))], "mixed-native"),
    ("mixed", &[("free_threaded", YES)], "mixed-free-threaded"),
    ("mixed", &[("network_share", n(0.3)), ("in_async_server", YES)], "mixed-async-server"),
    ("mixed", &[("network_share", n(0.3)), ("already_async", YES)], "mixed-already-async"),
    ("mixed", &[("releases_gil", YES), ("gil_demand", n(0.1))], "mixed-gil-released"),
    ("mixed", &[("picklable", NO)], "mixed-not-picklable"),
    ("mixed", &[("memory_per_worker_bytes", n(1e9)), ("payload_bytes", n(5e7))], "mixed-large-payload"),
    ("mixed", &[("memory_tight", YES)], "mixed-memory-tight"),
    ("mixed", &[], "mixed-python"),
    ("inconclusive", &[("wall_s", n(0.01))], "inconclusive-short"),
    ("inconclusive", &[("work_s", n(0.01))], "inconclusive-tiny"),
    ("inconclusive", &[("task_tried", YES)], "inconclusive-tried"),
    ("inconclusive", &[("class_judged", YES), ("class_confidence", n(0.5))], "inconclusive-between-classes"),
    ("inconclusive", &[("processes_today", n(4.0))], "inconclusive-processes-today"),
    ("inconclusive", &[("threads_today", n(4.0))], "inconclusive-threads-today"),
    ("inconclusive", &[], "inconclusive-default"),
];

fn facts(class: &'static str, known: &[(&'static str, Value)]) -> Facts {
    let mut facts = Facts::default().with("class", class);
    for (name, value) in ORDINARY.iter().chain(known) {
        facts.set(name, *value);
    }
    facts
}

fn check(class: &'static str, known: &[(&'static str, Value)], expect: &str) {
    let decision = Rules::embedded().decide(&facts(class, known));
    assert_eq!(decision.rule, expect, "{class} with {known:?}: {:#?}", decision.path);
}

#[test]
fn every_case_ends_at_its_rule() {
    for (class, known, expect) in CASES {
        check(class, known, expect);
    }
}

#[test]
fn every_rule_is_reached_by_a_case() {
    let reached: BTreeSet<&str> = CASES.iter().map(|(_, _, rule)| *rule).collect();
    for (_, rule) in Rules::embedded().iter() {
        assert!(reached.contains(rule.id.as_str()), "no case reaches {}", rule.id);
    }
}

#[test]
fn every_row_of_the_survey_has_a_rule_that_names_it() {
    let rules = Rules::embedded();
    let named: BTreeSet<u32> = rules
        .iter()
        .filter_map(|(_, rule)| rule.source.strip_prefix("survey "))
        .flat_map(|source| source.split(';').next().unwrap_or_default().split(','))
        .filter_map(|row| row.trim().parse().ok())
        .collect();
    assert_eq!(named, (1..=15).collect());
}

#[test]
fn ids_are_unique_and_only_the_last_rule_of_a_class_has_no_condition() {
    let rules = Rules::embedded();
    let all: Vec<_> = rules.iter().collect();
    let ids: BTreeSet<&str> = all.iter().map(|(_, rule)| rule.id.as_str()).collect();
    assert_eq!(ids.len(), all.len());
    for (place, (class, rule)) in all.iter().enumerate() {
        let last = all.get(place + 1).is_none_or(|(next, _)| next != class);
        assert_eq!(rule.when.is_empty(), last, "{}", rule.id);
    }
}

#[test]
fn with_nothing_known_nothing_is_recommended_that_costs_anything() {
    let decision = Rules::embedded().decide(&Facts::default());
    assert_eq!((decision.rule.as_str(), decision.admit), ("inconclusive-default", vec![Model::Sequential]));
    assert!(!decision.undecided.is_empty(), "a decision past rules that could not be decided is provisional");
}

#[test]
fn an_unknown_fact_passes_its_rule_over_and_is_said() {
    let decision = Rules::embedded().decide(&facts("mixed", &[("network_share", n(0.3))]));
    assert_eq!(decision.rule, "mixed-python");
    let (rule, fact) = ("mixed-async-server".to_owned(), "in_async_server".to_owned());
    assert!(decision.undecided.contains(&(rule, fact)), "{:?}", decision.undecided);
    let step = decision.path.iter().find(|step| step.fact == "in_async_server").expect("the step is on the path");
    assert_eq!((step.value.as_deref(), step.held), (None, None));
}

#[test]
fn an_unknown_fact_does_not_matter_when_the_rule_would_say_the_same_or_is_false_anyway() {
    let decision = Rules::embedded().decide(&facts("cpu-bound", &[]));
    let fact = |name: &str| decision.undecided.iter().any(|(_, fact)| fact == name);
    assert!(!fact("vectorizable"), "a vectorisable loop gets the same models");
    assert!(!fact("in_async_server"), "what never waits for the network is no server");
    assert!(!fact("payload_bytes"), "a process of 10 MB hands over no large data");
    assert!(fact("picklable"), "what cannot be pickled gets other models");
}

#[test]
fn the_path_shows_what_decided_each_rule_with_the_value_where_it_turns_over() {
    let decision = Rules::embedded().decide(&facts("io-bound", &[("cpu_share", n(0.2))]));
    let first = &decision.path[0];
    assert_eq!((first.rule.as_str(), first.fact.as_str(), first.held), ("io-tiny", "work_s", Some(false)));
    assert_eq!((first.value.as_deref(), first.threshold.as_str()), (Some("10.0 s"), "< 100 ms"));
    let last = decision.path.last().expect("a path");
    assert_eq!((last.rule.as_str(), last.held), ("io-some-computing", Some(true)));
    let share = decision.path.iter().find(|step| step.fact == "cpu_share").expect("the share was asked for");
    assert_eq!((share.threshold.as_str(), share.flips_at), (">= 0.10", Some(0.1)));
}

#[test]
fn the_reason_names_what_was_measured() {
    let decision = Rules::embedded().decide(&facts("io-bound", &[("cpu_share", n(0.2))]));
    assert_eq!(decision.reason, "20 % of the demand computes; what of it holds the GIL caps what threads can gain.");
}

#[test]
fn confidence_is_the_share_of_replicates_that_end_at_the_same_rule() {
    let mut near = facts("io-bound", &[("cpu_share", n(0.2))]);
    let replicates = [0.2, 0.15, 0.12, 0.08].map(Value::Number).to_vec();
    near.set_replicates("cpu_share", replicates);
    assert_eq!(Rules::embedded().decide(&near).confidence.get(), 0.75);
    near.set_replicates("class", vec![l("io-bound"), l("mixed"), l("mixed"), l("mixed")]);
    assert_eq!(Rules::embedded().decide(&near).confidence.get(), 0.25, "a replicate of another class ends elsewhere");
    assert_eq!(Rules::embedded().decide(&facts("io-bound", &[])).confidence.get(), 0.5, "no spread is known");
}

#[test]
fn the_hash_is_of_decisions_not_of_wording() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = include_str!("../rules/inconclusive.toml");
    let hash = |text: &str| {
        fs::write(dir.path().join("inconclusive.toml"), text).expect("a rule file");
        Rules::load(dir.path()).expect("good rules").hash()
    };
    let embedded = Rules::embedded().hash();
    assert_eq!(hash(&format!("# a comment\n\n{}", text.replace("too soon", "much too soon"))), embedded);
    assert_ne!(hash(&text.replace("value = 0.1 ", "value = 0.10001 ")), embedded);
    assert_ne!(hash(&text.replace("inconclusive-short", "short")), embedded);
}

#[test]
fn a_project_replaces_and_inserts_rules() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ours = r#"
class = "io-bound"

[[rule]]
id = "our-crawler"
before = "io-some-computing"
when = [{ fact = "python_version", op = ">=", value = "3.11" }, { fact = "dominant_wait", op = "==", value = "network" }]
admit = ["asyncio"]
workers = "waits"
reason = "Our crawler is asynchronous."
source = "the team"

[[rule]]
id = "io-default"
admit = ["asyncio+threads"]
workers = "waits"
reason = "All our services have a loop."
source = "the team"
"#;
    fs::write(dir.path().join("ours.toml"), ours).expect("a rule file");
    let rules = Rules::load(dir.path()).expect("good rules");
    let ids: Vec<_> = rules.iter().map(|(_, rule)| rule.id.as_str()).collect();
    let place = |id| ids.iter().position(|known| *known == id).expect("the rule is there");
    assert_eq!(place("our-crawler") + 1, place("io-some-computing"));
    let crawler = facts("io-bound", &[]).with("python_version", (3, 12));
    assert_eq!(rules.decide(&crawler).rule, "our-crawler");
    let disk = facts("io-bound", &[("dominant_wait", l("pipe")), ("cpu_share", n(0.0))]);
    assert_eq!(rules.decide(&disk).admit, [Model::AsyncioThreads]);
    assert_eq!(rules.iter().count(), Rules::embedded().iter().count() + 1);
}

/// Any value of a kind, and nonsense now and then.
fn any_value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Share => (0.0..=1.0).prop_map(Value::Number).boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
        Kind::Version => (2_u16..5, 0_u16..30).prop_map(|(major, minor)| Value::Version(major, minor)).boxed(),
        Kind::Label(words) => proptest::sample::select(words).prop_map(Value::Label).boxed(),
        _ => any::<f64>().prop_map(Value::Number).boxed(),
    }
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let each: Vec<_> = VOCABULARY
        .iter()
        .map(|fact| {
            proptest::option::of((any_value(fact.kind), proptest::collection::vec(any_value(fact.kind), 0..4)))
                .prop_map(move |value| (fact.name, value))
        })
        .collect();
    each.prop_map(|known| {
        let mut facts = Facts::default();
        for (name, value) in known {
            if let Some((value, replicates)) = value {
                facts.set(name, value);
                facts.set_replicates(name, replicates);
            }
        }
        facts
    })
}

proptest! {
    #[test]
    fn whatever_is_known_a_rule_of_the_class_decides(facts in any_facts()) {
        let rules = Rules::embedded();
        let decision = rules.decide(&facts);
        let class = facts.label("class").unwrap_or("inconclusive");
        prop_assert!(rules.iter().any(|(of, rule)| of.name() == class && rule.id == decision.rule));
        prop_assert!(!decision.reason.contains('{'), "{}", decision.reason);
        prop_assert!((0.0..=1.0).contains(&decision.confidence.get()));
    }
}
