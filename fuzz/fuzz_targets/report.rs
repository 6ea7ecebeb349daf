//! Any text as a report: read or refused, and what is read is shown, read as a run, and judged beside itself, which
//! changes nothing; never a panic, nothing that acts on a terminal, a runner or a page.

#![no_main]

use concadvise::gate::current::Current;
use concadvise::gate::judge::judge;
use concadvise::gate::policy::{Policy, Thresholds};
use concadvise::gate::show::{Format, Outcome};
use concadvise::gate::verdict::Verdict;
use concadvise::gate::{Baseline, wire};
use concadvise::report::table::{Style, render};
use concadvise::report::toml;
use concadvise::rules::Rules;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);

fuzz_target!(|text: &str| {
    let Ok(document) = toml::read(text) else { return };
    let page = render(&document, Style::default());
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "a control character reached the page");
    let Ok(run) = Current::of(&document) else { return };
    let run = run.named("target");
    let written = wire::write(&Baseline::of([run.record.clone()]));
    if let Ok(read) = wire::read("b.toml", &written) {
        assert_eq!(wire::write(&read), written, "what was read is written as other bytes");
    }
    let runs = [run.clone(), run];
    let judged = judge(&runs[0].record, &runs, &RULES, Policy::Fail, &Thresholds::default()).expect("there are runs");
    assert_ne!(judged.verdict, Verdict::Changed, "a run beside itself: {judged:#?}");
    let outcome = Outcome { judgements: vec![judged], ..Outcome::default() };
    for format in Format::ALL {
        let page = format.render(&outcome, false);
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "a control character in {}", format.name());
    }
});
