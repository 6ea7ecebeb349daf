//! Findings for people: each with its line of source and the place in it marked; and a code's page for `explain`.

use super::shown;
use crate::report::{binary, escape};
use crate::source::catalogue::Entry;
use crate::source::finding::{Finding, Level};
use crate::source::project::Checked;
use crate::units::counted;
use std::fmt::Write;

/// Most columns of a line of source that are shown.
const WIDEST: usize = 110;

/// All findings and their number, each line ended.
pub fn render(checked: &Checked, colours: bool) -> String {
    let mut page = binary::render(&checked.binaries, colours);
    for finding in &checked.findings {
        one(&mut page, finding, colours);
        page.push('\n');
    }
    let count = |level: Level| checked.findings.iter().filter(|finding| finding.level == level).count();
    let said = |level: Level| match level {
        Level::Info => format!("{} {}", count(level), level.name()),
        _ => counted(count(level), level.name()),
    };
    let some = |level: Level| Some(said(level)).filter(|_| count(level) > 0);
    let counts: Vec<String> = Level::ALL.into_iter().rev().filter_map(some).collect();
    let counts = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
    if checked.files > 0 || checked.binaries.is_empty() {
        let _ = writeln!(page, "{} checked: {counts}{}", counted(checked.files, "file"), mendable(checked));
    }
    page
}

/// What could be done about it by whom it is told to; empty where nothing can.
fn mendable(checked: &Checked) -> String {
    let fixes = || checked.findings.iter().filter(|one| one.spot.cell.is_none()).filter_map(|one| one.fix.as_ref());
    let safe = fixes().filter(|fix| fix.safe).count();
    match (safe, fixes().count() - safe) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; {safe} can be fixed with --fix"),
        (0, not) => format!("; {not} can be fixed with --unsafe-fixes"),
        (safe, not) => format!("; {safe} can be fixed with --fix, {not} more with --unsafe-fixes"),
    }
}

/// What a code means, as a page.
pub fn explain(entry: &Entry) -> String {
    let indented = |text: &str| text.lines().fold(String::new(), |all, line| all + "    " + line + "\n");
    let plain = format!(
        "{} {}\n\n  level     {}{}\n  evidence  {}\n\n{}\n\nWhy it is bad\n{}\n\nExample\n{}\nUse instead\n{}\nSource: {}",
        entry.code,
        entry.name,
        entry.level.name(),
        if entry.default { "" } else { ", only when selected" },
        entry.evidence.name(),
        entry.what,
        entry.why,
        indented(entry.example.trim_end()),
        indented(entry.use_instead.trim_end()),
        entry.source
    );
    plain.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn one(page: &mut String, finding: &Finding, colours: bool) {
    let dress = |code: &str, text: &str| if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let colour = match finding.level {
        Level::Info => "36",
        Level::Warning => "33",
        Level::Error => "31",
    };
    let spot = &finding.spot;
    let cell = spot.cell.map_or_else(String::new, |cell| format!("cell {cell}:"));
    let place = format!("{}:{cell}{}:{}", shown(&finding.path), spot.start.line, spot.start.column);
    let level = dress(colour, &format!("{} {}", finding.level.name(), finding.entry.code));
    let _ = writeln!(page, "{}: {level} {}", dress("1", &place), escape::text(&finding.message));
    let number = spot.start.line.to_string();
    let margin = " ".repeat(number.len());
    let last = if spot.end.line == spot.start.line { spot.end.column } else { usize::MAX };
    if let Some((line, before, marked)) = cut(&spot.line, spot.start.column, last) {
        let bar = dress("34", "|");
        let _ = writeln!(page, "  {margin} {bar}\n  {} {bar} {line}", dress("34", &number));
        let _ = writeln!(page, "  {margin} {bar} {}{}", " ".repeat(before), dress(colour, &"^".repeat(marked)));
    }
    for step in &finding.chain {
        let place = format!("{}:{}:{}", shown(&step.path), step.place.line, step.place.column);
        let _ = writeln!(page, "  {margin} = {place}: {}", escape::text(&step.what));
    }
    if let Some(fix) = finding.fix.as_ref().filter(|_| spot.cell.is_none()) {
        let option = if fix.safe { "--fix" } else { "--unsafe-fixes" };
        let _ = writeln!(page, "  {margin} = with {option}: {}", escape::text(&fix.what));
    }
}

/// The part of a line around the columns `from` to `to` (from 1, the last one past the mark), how many characters are
/// before the mark, and how long the mark is; `None` when the line is empty or was cut before the mark.
fn cut(line: &str, from: usize, to: usize) -> Option<(String, usize, usize)> {
    let clean: Vec<char> = line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    let text: Vec<String> = clean.iter().map(|c| escape::text(&c.to_string()).into_owned()).collect();
    let length = clean.iter().rposition(|c| !c.is_whitespace())? + 1;
    let (from, to) = (from.checked_sub(1)?, to.saturating_sub(1).min(length));
    let marked = to.checked_sub(from).filter(|marked| *marked > 0)?;
    let indent = clean.iter().position(|c| !c.is_whitespace()).unwrap_or(0).min(from);
    // A mark far to the right of a long line is shown with what is just before it.
    let start = if to.saturating_sub(indent) > WIDEST { from.saturating_sub(WIDEST / 4).max(indent) } else { indent };
    let end = length.min(start + WIDEST);
    let wide = |part: &[String]| part.iter().map(|one| one.chars().count()).sum::<usize>();
    let before = wide(&text[start..from]);
    let marked = wide(&text[from..(from + marked).min(end)]).max(1);
    Some((text[start..end].concat(), before, marked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_below_what_it_marks() {
        for (line, from, to, expected) in [
            ("    time.sleep(1)  # x", 5, 18, Some(("time.sleep(1)  # x", 0, 13))),
            ("\tx = é(1)", 6, 10, Some(("x = é(1)", 4, 4))),
            ("x = f(", 5, usize::MAX, Some(("x = f(", 4, 2))),
            ("x\u{1b}[31m()", 1, 9, Some(("x\\x1b[31m()", 0, 11))),
            ("", 1, 2, None),
            ("cut", 10, 20, None),
        ] {
            let expected = expected.map(|(line, before, marked)| (line.to_owned(), before, marked));
            assert_eq!(cut(line, from, to), expected, "{line:?}");
        }
        let long = "x".repeat(300) + "time.sleep(1)";
        let (line, before, marked) = cut(&long, 301, 314).expect("it is there");
        assert_eq!(&line[before..before + marked], "time.sleep(1)");
        assert!(line.len() <= WIDEST);
    }
}
