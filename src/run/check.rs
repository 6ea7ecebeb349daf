//! `concadvise check`: what the source shows without being run.

use super::say;
use crate::cli::{Check, CheckFormat};
use crate::exit::{Ending, FOUND, OK, USAGE};
use crate::report::{escape, findings, findings_json};
use crate::source::catalogue::{Catalogue, Entry};
use crate::source::detect::Dispatch;
use crate::source::finding::Level;
use crate::source::project;
use std::path::PathBuf;

/// Checks, and prints what was found.
pub fn check(options: &Check) -> Ending {
    if let Some(wrong) = options.select.iter().chain(&options.ignore).find(|code| !is_code(code)) {
        let known: Vec<&str> = Catalogue::get().entries.iter().map(|entry| entry.code.as_str()).collect();
        say::complain(&format!("no finding's code begins with {wrong}; there are {}", known.join(", ")));
        return Ending::Status(USAGE);
    }
    let named = if options.paths.is_empty() { vec![PathBuf::from(".")] } else { options.paths.clone() };
    let checked = project::check(&named, &Dispatch::of(|entry| asked(options, entry)));
    for note in &checked.notes {
        say::complain(&format!("{}: {}", escape::word(note.path.as_os_str()), note.clause));
    }
    let page = match options.format {
        CheckFormat::Text => findings::render(&checked, say::colours()),
        CheckFormat::Json => findings_json::render(&checked),
    };
    if let Err(why) = say::out(&page) {
        say::complain(&format!("cannot write to standard output: {why}"));
        return Ending::Status(USAGE);
    }
    if checked.notes.iter().any(|note| note.refused) {
        return Ending::Status(USAGE);
    }
    let found = checked.findings.iter().any(|finding| finding.level >= Level::Warning);
    Ending::Status(if found { FOUND } else { OK })
}

/// The page of a finding's code; `None` when it is none.
pub(super) fn explain(code: &str) -> Option<String> {
    Catalogue::get().entry(&code.to_ascii_uppercase()).map(findings::explain)
}

/// Whether a word is a code of a finding, the beginning of some, or `ALL`.
fn is_code(word: &str) -> bool {
    Catalogue::get().entries.iter().any(|entry| names(word, entry))
}

fn names(word: &str, entry: &Entry) -> bool {
    let word = word.to_ascii_uppercase();
    word == "ALL" || !word.is_empty() && entry.code.starts_with(&word)
}

/// The most exact word decides, and `--ignore` between two that are as exact, as with ruff.
fn asked(options: &Check, entry: &Entry) -> bool {
    let exact = |words: &[String]| {
        let length = |word: &String| if word.eq_ignore_ascii_case("all") { 0 } else { word.len() };
        words.iter().filter(|word| names(word, entry)).map(length).max()
    };
    let selected = exact(&options.select).or((options.select.is_empty() && entry.default).then_some(0));
    match (selected, exact(&options.ignore)) {
        (Some(selected), Some(ignored)) => selected > ignored,
        (selected, _) => selected.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(select: &[&str], ignore: &[&str]) -> Check {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Check { paths: Vec::new(), format: CheckFormat::Text, select: words(select), ignore: words(ignore) }
    }

    #[test]
    fn the_most_exact_word_decides() {
        let entry = Catalogue::get().entry("CON101").expect("it is known");
        for (select, ignore, expected) in [
            (&[][..], &[][..], true),
            (&["CON1"], &[], true),
            (&["con101"], &[], true),
            (&["CON2"], &[], false),
            (&[], &["CON1"], false),
            (&["CON101"], &["CON1"], true),
            (&["CON1"], &["CON101"], false),
            (&["CON1"], &["CON1"], false),
            (&["ALL"], &["CON2"], true),
            (&["ALL"], &["ALL"], false),
        ] {
            assert_eq!(asked(&options(select, ignore), entry), expected, "{select:?} {ignore:?}");
        }
    }
}
