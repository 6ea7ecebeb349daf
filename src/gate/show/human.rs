//! For a terminal and a log: what changed first, each with before and after, why, and what to do.

use super::Outcome;
use crate::gate::verdict::{Judgement, Verdict};
use crate::report::escape::text;
use std::fmt::Write;

/// The page.
pub fn render(outcome: &Outcome, colours: bool) -> String {
    let mut page = String::new();
    let mut worst_first: Vec<&Judgement> = outcome.judgements.iter().collect();
    worst_first.sort_by_key(|judged| std::cmp::Reverse(judged.verdict));
    for judged in worst_first {
        one(&mut page, judged, colours);
    }
    for note in &outcome.notes {
        let _ = writeln!(page, "note: {}", text(note));
    }
    let end = if outcome.fails() { "the gate fails" } else { "the gate passes" };
    let _ = writeln!(page, "{}: {end}", outcome.counts());
    page
}

fn one(page: &mut String, judged: &Judgement, colours: bool) {
    let colour = match judged.verdict {
        Verdict::Changed => "31",
        Verdict::Warn | Verdict::Inconclusive | Verdict::Incomparable => "33",
        Verdict::Unchanged | Verdict::Improved => "32",
    };
    let word = judged.verdict.name();
    let word = if colours { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() };
    let drift: Vec<&str> = judged.drift.iter().map(|drift| drift.name()).collect();
    let drift = if drift.is_empty() { String::new() } else { format!(" (drift of {})", drift.join(" and ")) };
    let policy = if judged.verdict == Verdict::Changed && !judged.fails() {
        format!(", which only warns: policy {}", judged.policy.name())
    } else {
        String::new()
    };
    let _ = writeln!(page, "{}: {word}{drift}{policy}", text(&judged.target));
    for (name, choice) in [("before", &judged.before), ("after", &judged.after)] {
        let _ = writeln!(page, "  {name:6}  {}", text(&choice.to_string()));
    }
    for reason in &judged.reasons {
        let _ = writeln!(page, "  why     {}", text(reason));
    }
    for moved in judged.moved.iter().take(if judged.verdict == Verdict::Unchanged { 0 } else { 5 }) {
        let _ = writeln!(page, "  moved   {} {} → {}", text(&moved.signal), moved.before, moved.after);
    }
    for found in &judged.new_errors {
        let place = format!("{}:{}", found.path, found.line);
        let _ = writeln!(page, "  error   {}: {} {}", text(&place), text(&found.code), text(&found.message));
    }
    for todo in &judged.todo {
        let _ = writeln!(page, "  do      {}", text(todo));
    }
}
