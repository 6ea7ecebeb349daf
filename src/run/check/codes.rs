//! Which findings are asked for: by the command line, else by the project, else those that are on by themselves.

use super::configuration::Configuration;
use crate::cli::Check;
use crate::source::catalogue::{Catalogue, Entry};
use crate::source::outline::Wanted;

/// Whether a word is a code of a finding, the beginning of some, or `ALL`.
///
/// # Errors
/// A sentence with the codes that there are.
pub(super) fn known(word: &str) -> Result<(), String> {
    let entries = &Catalogue::get().entries;
    if entries.iter().any(|entry| names(word, entry)) {
        return Ok(());
    }
    let codes: Vec<&str> = entries.iter().map(|entry| entry.code.as_str()).collect();
    Err(format!("no finding's code begins with {word}; there are {}", codes.join(", ")))
}

/// Whether a code, the beginning of some, or `ALL`, means an entry.
pub(super) fn names(word: &str, entry: &Entry) -> bool {
    let word = word.to_ascii_uppercase();
    word == "ALL" || !word.is_empty() && entry.code.starts_with(&word)
}

/// Whether an entry is looked for. What is typed wins over what is configured: `--select` takes the place of all of
/// it, `--ignore` takes away from it.
pub(super) fn asked(options: &Check, configured: &Configuration, entry: &Entry) -> bool {
    if !options.select.is_empty() {
        return chosen(&options.select, &options.ignore, entry);
    }
    let by_project = || configured.looks_for(entry);
    !options.ignore.iter().any(|word| names(word, entry)) && by_project()
}

/// The most exact word decides, and `ignore` between two that are as exact, as with ruff.
pub(super) fn chosen(select: &[String], ignore: &[String], entry: &Entry) -> bool {
    let exact = |words: &[String]| {
        let length = |word: &String| if word.eq_ignore_ascii_case("all") { 0 } else { word.len() };
        words.iter().filter(|word| names(word, entry)).map(length).max()
    };
    let selected = exact(select).or((select.is_empty() && entry.default).then_some(0));
    match (selected, exact(ignore)) {
        (Some(selected), Some(ignored)) => selected > ignored,
        (selected, _) => selected.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
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
            let options = Check { select: words(select), ignore: words(ignore), ..Check::default() };
            assert_eq!(asked(&options, &Configuration::none(), entry), expected, "{select:?} {ignore:?} typed");
            let configured = Configuration { select: words(select), ignore: words(ignore), ..Configuration::none() };
            assert_eq!(asked(&Check::default(), &configured, entry), expected, "{select:?} {ignore:?} configured");
        }
    }

    #[test]
    fn what_is_typed_wins_over_what_is_configured() {
        let entry = Catalogue::get().entry("CON101").expect("it is known");
        for (select, ignore, configured_select, configured_ignore, expected) in [
            (&["CON1"][..], &[][..], &[][..], &["CON101"][..], true),
            (&["CON1"], &[], &["CON2"], &[], true),
            (&["CON2"], &[], &["CON101"], &[], false),
            (&[], &["CON1"], &["CON101"], &[], false),
            (&[], &["CON2"], &["CON101"], &[], true),
        ] {
            let options = Check { select: words(select), ignore: words(ignore), ..Check::default() };
            let (select, ignore) = (words(configured_select), words(configured_ignore));
            let configured = Configuration { select, ignore, ..Configuration::none() };
            assert_eq!(asked(&options, &configured, entry), expected, "{options:?} {configured:?}");
        }
    }
}
