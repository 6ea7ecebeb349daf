//! [`Document`] → a page for a person: the answer first, then why, then what was measured, then what to paste.
//!
//! Never wider than [`WIDTH`] columns, and complete without colour: bold only repeats what position says. Everything
//! shown is escaped again, because a document may come from a file.

mod components;
mod findings;
mod functions;
mod sites;
mod trials;

use super::escape::{command, text};
use super::schema::{Document, Notice};
use crate::units::{Bytes, human};
use comfy_table::{ContentArrangement, Table, presets};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Columns of the page.
pub const WIDTH: u16 = 80;
/// Cells of the bar that shows where the time went.
const BAR: usize = 40;

/// How the page may be dressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether headings may be bold.
    pub bold: bool,
}

/// The page, each line ended.
pub fn render(document: &Document, style: Style) -> String {
    let mut page = Page { out: String::new(), style };
    page.headline(document);
    page.work(document);
    page.functions(document);
    page.findings(document);
    page.sites(document);
    page.trials(document);
    page.path(document);
    page.sentences("Doubts", &document.recommendation.doubts);
    page.sentences("What would change this", &document.recommendation.flips);
    page.sentences("Also worth knowing", &document.recommendation.advice);
    // What is unknown to the rules is said among the doubts and beside the rule; what a doubt says is not said twice.
    let doubts = &document.recommendation.doubts;
    let said = |notice: &&Notice| notice.code == "undecidable-rule" || doubts.contains(&notice.message);
    let notices = document.notice.iter().filter(|notice| !said(notice)).map(|notice| notice.message.clone());
    page.sentences("About the measurement", &notices.collect::<Vec<_>>());
    page.snippet(&document.recommendation.snippet);
    page.out
}

struct Page {
    out: String,
    style: Style,
}

impl Page {
    fn headline(&mut self, document: &Document) {
        self.bold(&wrapped(&headline(document), 0, 0));
        let answer = &document.recommendation;
        self.paragraph(&answer.reason);
        if let Some(settle) = &document.classification.settle {
            self.paragraph(&format!("To settle it: {}.", settle.trim_end_matches('.')));
        }
        if !document.complete {
            self.paragraph("This report is incomplete: the run or what follows it was cut short.");
        }
    }

    /// What sort of work it is and where its time went.
    fn work(&mut self, document: &Document) {
        let (profile, class) = (&document.profile, &document.classification);
        self.heading("The work");
        let mut judged = match class.class.as_str() {
            "inconclusive" => "of a kind that the evidence does not tell".to_owned(),
            class_name => format!("{class_name} ({} sure)", percent(class.confidence)),
        };
        if let Some(bottleneck) = &class.bottleneck {
            let _ = write!(judged, ", limited by {}", limited_by(bottleneck));
        }
        self.paragraph(&format!("{} is {judged}.", command(document.target.command.iter().map(String::as_str))));
        let (wall, cpu) = (time(profile.wall_s), time(profile.cpu_s));
        let mut sums = vec![match document.target.attached {
            Some(true) => format!("It was watched for {wall} of its run and used {cpu} of CPU"),
            _ => format!("It took {wall} and {cpu} of CPU"),
        }];
        sums.extend(profile.cores_busy.map(|cores| format!("{cores:.2} of {} CPUs busy", document.host.cpus_usable)));
        sums.extend(profile.peak_memory_bytes.map(|bytes| format!("{} at peak", Bytes(bytes))));
        let children: u64 = document.worker.iter().filter_map(|worker| worker.children).sum();
        if children > 0 {
            let cpu: f64 = document.worker.iter().filter_map(|worker| worker.children_cpu_s).sum();
            let processes = if children == 1 { "process" } else { "processes" };
            sums.push(format!("{children} short-lived {processes} ({} of CPU)", time(cpu)));
        }
        self.paragraph(&format!("{}.", sums.join(", ")));
        self.components(&document.target);
        let Some((on_cpu, runnable, blocked)) =
            profile.on_cpu_share.zip(profile.runnable_share).zip(profile.blocked_share).map(|((a, b), c)| (a, b, c))
        else {
            return;
        };
        self.out.push('\n');
        self.paragraph(&bar(&[(on_cpu, '█'), (runnable, '▒'), (blocked, '·')]));
        let mut kinds = profile.blocked.as_ref().map(|kinds| {
            vec![
                ("disk", kinds.disk),
                ("network", kinds.network),
                ("timer", kinds.timer),
                ("lock", kinds.lock),
                ("gil", kinds.gil),
                ("pipe", kinds.pipe),
                ("child", kinds.child),
                ("page fault", kinds.page_fault),
                ("idle", kinds.idle),
                ("other", kinds.other),
            ]
        });
        let kinds = kinds.as_mut().map_or_else(String::new, |kinds| {
            kinds.retain(|(_, share)| *share >= 0.01);
            kinds.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            kinds.iter().map(|(kind, share)| format!("{kind} {}", percent(*share))).collect::<Vec<_>>().join(", ")
        });
        let kinds = if kinds.is_empty() { kinds } else { format!(" ({kinds})") };
        self.paragraph(&format!(
            "█ on CPU {}   ▒ waiting for a core {}   · blocked {}{kinds}",
            percent(on_cpu),
            percent(runnable),
            percent(blocked)
        ));
    }

    /// Why this rule decided, and how many were asked before it: the report has the comparisons of all.
    fn path(&mut self, document: &Document) {
        if document.recommendation.site.is_some() {
            return; // What the rules say of the whole is not why.
        }
        let rule = &document.recommendation.rule;
        let (deciding, before): (Vec<_>, Vec<_>) = document.decision.iter().partition(|step| step.rule == *rule);
        if deciding.is_empty() && before.is_empty() {
            return;
        }
        self.heading(&format!("Why: rule {}", text(rule)));
        let mut table = plain_table();
        for step in &deciding {
            table.add_row(vec![
                format!("{} {}", text(&step.fact), text(step.value.as_deref().unwrap_or("unknown"))),
                text(&step.threshold).into_owned(),
                step.flips_at.map_or_else(String::new, |value| format!("flips at {value}")),
            ]);
        }
        if !deciding.is_empty() {
            self.lines(&table.trim_fmt(), 1);
        }
        let asked: BTreeSet<&str> = before.iter().map(|step| step.rule.as_str()).collect();
        let failed: BTreeSet<&str> =
            before.iter().filter(|step| step.held == Some(false)).map(|step| step.rule.as_str()).collect();
        let open: BTreeSet<&str> = before.iter().filter(|step| step.held.is_none()).map(|step| &*step.rule).collect();
        let open = open.difference(&failed).count();
        let mut counts = vec![format!("{} did not hold", failed.len())];
        if open > 0 {
            counts.push(format!("{open} could not be decided because a fact is unknown"));
        }
        if !asked.is_empty() {
            self.paragraph(&format!("Of the rules before it {}.", counts.join(", ")));
        }
    }

    fn sentences(&mut self, heading: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.heading(heading);
        for sentence in sentences {
            self.out.push_str(&wrapped(&format!("– {sentence}"), 2, 2));
        }
    }

    fn snippet(&mut self, snippet: &str) {
        if snippet.is_empty() {
            return;
        }
        self.heading("To paste");
        // Not wrapped: a line break would change what the code means, so the few longer lines stay as they are.
        for line in snippet.lines() {
            let _ = writeln!(self.out, "{}", format!("    {}", text(line)).trim_end());
        }
    }

    fn heading(&mut self, heading: &str) {
        self.out.push('\n');
        self.bold(&format!("{heading}\n"));
    }

    fn bold(&mut self, lines: &str) {
        for line in lines.lines() {
            let _ =
                if self.style.bold { writeln!(self.out, "\x1b[1m{line}\x1b[0m") } else { writeln!(self.out, "{line}") };
        }
    }

    fn paragraph(&mut self, sentence: &str) {
        self.out.push_str(&wrapped(sentence, 2, 0));
    }

    fn lines(&mut self, lines: &str, indent: usize) {
        for line in lines.lines() {
            let _ = writeln!(self.out, "{}", format!("{:indent$}{line}", "").trim_end());
        }
    }
}

/// The answer in one sentence.
fn headline(document: &Document) -> String {
    if let Some(headline) = sites::headline(document) {
        return headline;
    }
    let answer = &document.recommendation;
    let sure = format!("{} sure", percent(answer.confidence));
    let faster = match (answer.speedup, answer.speedup_low, answer.speedup_high) {
        (Some(speedup), Some(low), Some(high)) => {
            Some(format!("{} ({}–{}) faster than one at a time", times(speedup), number(low), number(high)))
        }
        (Some(speedup), ..) => Some(format!("{} faster than one at a time", times(speedup))),
        (None, ..) => None,
    };
    if document.classification.class == "inconclusive" && faster.is_none() {
        return "Not enough evidence to recommend anything but what it does today.".to_owned();
    }
    if answer.model == "sequential" {
        return format!("Keep it sequential: nothing that was tried is worth its cost, {sure}.");
    }
    let what = match answer.model.as_str() {
        "asyncio" => format!("Use asyncio with {} tasks in flight", answer.workers),
        "asyncio+threads" => format!("Use asyncio with {} threads", answer.workers),
        "asyncio+processes" => format!("Use asyncio with {} processes", answer.workers),
        model => {
            let plural = if answer.workers == 1 { model.strip_suffix("es").or(model.strip_suffix('s')) } else { None };
            format!("Use {} {}", answer.workers, text(plural.unwrap_or(model)))
        }
    };
    let how = answer.start_method.as_ref().map_or_else(String::new, |method| format!(" started by {}", text(method)));
    let chunks = answer.chunk_size.filter(|size| *size > 1);
    let chunks = chunks.map_or_else(String::new, |size| format!(", {size} tasks at a time"));
    format!("{what}{how}{chunks}: {}, {sure}.", faster.unwrap_or_else(|| "not tried here".to_owned()))
}

fn limited_by(bottleneck: &str) -> String {
    match bottleneck {
        "gil" => "the GIL".to_owned(),
        "cores" => "the cores".to_owned(),
        "quota" => "its CPU quota".to_owned(),
        "memory-bandwidth" => "memory bandwidth".to_owned(),
        "lock" => "a lock of its own".to_owned(),
        "child" => "its child processes".to_owned(),
        "serial" => "doing one thing after another".to_owned(),
        other => format!("the {}", text(other)).replace("the memory", "memory"),
    }
}

/// Shares as a bar of [`BAR`] cells, each part at least one cell when it is there at all.
fn bar(parts: &[(f64, char)]) -> String {
    let mut bar = String::new();
    let mut until = 0.0;
    for (share, mark) in parts {
        until += share;
        let end = (until * BAR as f64).round() as usize;
        let end = if *share >= 0.005 { end.max(bar.chars().count() + 1) } else { end };
        while bar.chars().count() < end.min(BAR) {
            bar.push(*mark);
        }
    }
    bar
}

/// A sentence broken into lines of [`WIDTH`], all but the first set `hang` further in.
fn wrapped(sentence: &str, indent: usize, hang: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH - (indent + hang) as u16);
    table.add_row(vec![text(sentence).into_owned()]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 0));
    }
    let mut out = String::new();
    for (at, line) in table.lines().enumerate() {
        let indent = if at == 0 { indent } else { indent + hang };
        let _ = writeln!(out, "{}", format!("{:indent$}{line}", "").trim_end());
    }
    out
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH - 2);
    table
}

fn time(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| "?".to_owned(), human)
}

/// With a space that no line is broken at.
fn percent(share: f64) -> String {
    format!("{:.0}\u{a0}%", share * 100.0)
}

fn times(factor: f64) -> String {
    format!("{}×", number(factor))
}

/// Two digits behind the point below ten, where they tell something.
fn number(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fill::tests::crowded;
    use crate::report::schema;

    fn page(document: &Document) -> String {
        render(document, Style::default())
    }

    #[test]
    fn the_whole_page_reads_like_this() {
        let document = Document::of(&crowded());
        insta::assert_snapshot!(page(&document));
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let mut document = Document::of(&crowded());
        let long = "x".repeat(500);
        let wide = "漢字の名前".repeat(40);
        document.target.command.push(long.clone());
        document.recommendation.reason = wide.clone();
        document.decision[0].rule = long.clone();
        document.decision[1].fact = wide.clone();
        document.trial[4].reason = Some(long.clone());
        document.trial[5].model = long.clone();
        document.notice.push(schema::Notice { code: long.clone(), message: format!("{long} {wide}") });
        for line in page(&document).lines() {
            // Han and kana take two columns each.
            let columns: usize = line.chars().map(|c| if c >= '\u{3000}' { 2 } else { 1 }).sum();
            assert!(columns <= usize::from(WIDTH), "{columns} columns: {line}");
        }
    }

    #[test]
    fn nothing_from_a_target_or_a_file_acts_on_the_terminal() {
        let mut document = Document::of(&crowded());
        let hostile = "\x1b]0;owned\x07\u{202e}";
        document.recommendation.snippet = format!("{hostile}\n{hostile}");
        document.recommendation.model = hostile.into();
        document.recommendation.start_method = Some(hostile.into());
        document.classification.bottleneck = Some(hostile.into());
        document.classification.class = hostile.into();
        document.classification.settle = Some(hostile.into());
        document.target.command = vec![hostile.into()];
        document.trial.iter_mut().for_each(|trial| trial.model = hostile.into());
        document.trial.iter_mut().for_each(|trial| trial.outcome = hostile.into());
        document.decision.iter_mut().for_each(|step| step.threshold = hostile.into());
        document.notice.iter_mut().for_each(|notice| notice.message = hostile.into());
        let page = page(&document);
        assert!(!page.contains(['\x1b', '\x07', '\u{202e}']), "{page}");
    }

    #[test]
    fn bold_adds_nothing_but_itself() {
        let document = Document::of(&crowded());
        let bold = render(&document, Style { bold: true });
        assert_ne!(bold, page(&document));
        assert_eq!(bold.replace("\x1b[1m", "").replace("\x1b[0m", ""), page(&document));
    }

    #[test]
    fn the_headline_says_what_to_do_how_much_it_is_worth_and_how_sure_that_is() {
        let answer = |model: &str, workers, speedup: Option<(f64, f64, f64)>| schema::Recommendation {
            model: model.into(),
            workers,
            speedup: speedup.map(|(value, ..)| value),
            speedup_low: speedup.map(|(_, low, _)| low),
            speedup_high: speedup.map(|(.., high)| high),
            confidence: 0.92,
            ..Default::default()
        };
        for (class, answer, expected) in [
            (
                "io-bound",
                answer("threads", 8, Some((7.6, 7.1, 8.0))),
                "Use 8 threads: 7.60× (7.10–8.00) faster than one at a time, 92 % sure.",
            ),
            (
                "io-bound",
                answer("asyncio", 256, Some((120.0, 96.2, 130.0))),
                "Use asyncio with 256 tasks in flight: 120.0× (96.2–130.0) faster than one at a time, 92 % sure.",
            ),
            ("cpu-bound", answer("processes", 1, None), "Use 1 process: not tried here, 92 % sure."),
            (
                "cpu-bound",
                answer("sequential", 1, Some((1.0, 1.0, 1.0))),
                "Keep it sequential: nothing that was tried is worth its cost, 92 % sure.",
            ),
            (
                "inconclusive",
                answer("sequential", 1, None),
                "Not enough evidence to recommend anything but what it does today.",
            ),
        ] {
            let mut document = Document { recommendation: answer, ..Document::default() };
            document.classification.class = class.into();
            assert_eq!(headline(&document).replace('\u{a0}', " "), expected);
        }
    }

    #[test]
    fn an_empty_document_still_makes_a_page() {
        assert!(page(&Document::default()).contains("incomplete"));
    }

    #[test]
    fn a_part_that_is_there_is_seen_in_the_bar() {
        for (parts, expected) in [
            ([1.0, 0.0, 0.0], "█".repeat(40)),
            ([0.006, 0.0, 0.994], format!("█{}", "·".repeat(39))),
            ([0.5, 0.25, 0.25], format!("{}{}{}", "█".repeat(20), "▒".repeat(10), "·".repeat(10))),
        ] {
            assert_eq!(bar(&[(parts[0], '█'), (parts[1], '▒'), (parts[2], '·')]), expected);
        }
    }
}
