//! [`Comparable`]: what of a program's output is the same from run to run, and where a changed program's differs. Pure.

use std::fmt::Write;

/// How much of a differing line is shown.
const SHOWN: usize = 80;

/// What can be compared, after runs of the program as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparable {
    /// Every byte.
    All(Vec<u8>),
    /// The lines in any order.
    AnyOrder(Vec<Vec<u8>>),
    /// The lines that stay the same; `None` for each that does not, as one with a time in it.
    Some(Vec<Option<Vec<u8>>>),
    /// Nothing: it prints something else each time.
    Nothing,
}

impl Comparable {
    /// What two runs of the same program have in common.
    pub fn of(one: &[u8], other: &[u8]) -> Self {
        if one == other {
            return Self::All(one.to_vec());
        }
        if sorted(one) == sorted(other) {
            return Self::AnyOrder(sorted(one));
        }
        let (one, other) = (lines(one), lines(other));
        let same: Vec<Option<Vec<u8>>> =
            one.iter().zip(&other).map(|(one, other)| (one == other).then(|| one.clone())).collect();
        let tells = same.iter().flatten().any(|line| !line.is_empty());
        if one.len() == other.len() && tells { Self::Some(same) } else { Self::Nothing }
    }

    /// What is left to compare when more runs of the same program showed `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Some(one), Self::Some(other)) if one.len() == other.len() => {
                let both: Vec<_> =
                    one.into_iter().zip(other).map(|(one, other)| one.filter(|_| other.is_some())).collect();
                let tells = both.iter().flatten().any(|line| !line.is_empty());
                if tells { Self::Some(both) } else { Self::Nothing }
            }
            (one, other) if one.looseness() < other.looseness() => other,
            (one, _) => one,
        }
    }

    const fn looseness(&self) -> u8 {
        match self {
            Self::All(_) => 0,
            Self::AnyOrder(_) => 1,
            Self::Some(_) => 2,
            Self::Nothing => 3,
        }
    }

    /// How another run's output differs, as a clause; `None` when it does not.
    pub fn difference(&self, output: &[u8]) -> Option<String> {
        let expected: Vec<Option<Vec<u8>>> = match self {
            Self::Nothing => return None,
            Self::All(all) if all == output => return None,
            Self::All(all) => lines(all).into_iter().map(Some).collect(),
            Self::AnyOrder(all) if *all == sorted(output) => return None,
            Self::AnyOrder(all) => all.iter().cloned().map(Some).collect(),
            Self::Some(some) => some.clone(),
        };
        let actual = if matches!(self, Self::AnyOrder(_)) { sorted(output) } else { lines(output) };
        let differs = |at: &usize| match (expected.get(*at), actual.get(*at)) {
            (Some(Some(expected)), Some(actual)) => expected != actual,
            (Some(None), Some(_)) => false,
            _ => true,
        };
        let at = (0..expected.len().max(actual.len())).find(differs)?;
        let said = |line: Option<&Vec<u8>>| line.map_or_else(|| "nothing".to_owned(), |line| quoted(line));
        let before = expected.get(at).and_then(Option::as_ref);
        Some(format!("line {} of what it prints is {}, before {}", at + 1, said(actual.get(at)), said(before)))
    }

    /// What has to be said about the comparison; `None` when every byte was compared.
    pub fn doubt(&self) -> Option<&'static str> {
        match self {
            Self::All(all) if all.is_empty() => Some(
                "the program prints nothing, so whether it still does the same could be told by its exit status only",
            ),
            Self::All(_) => None,
            Self::AnyOrder(_) => {
                Some("the program prints its lines in another order each time, so they were compared in any order")
            }
            Self::Some(_) => {
                Some("some lines that the program prints are others each time, so only the rest were compared")
            }
            Self::Nothing => Some(
                "the program prints something else each time, so what it prints was not compared: whether it still does \
                 the same could be told by its exit status only",
            ),
        }
    }
}

fn lines(output: &[u8]) -> Vec<Vec<u8>> {
    let output = output.strip_suffix(b"\n").unwrap_or(output);
    if output.is_empty() { Vec::new() } else { output.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() }
}

fn sorted(output: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = lines(output);
    lines.sort();
    lines
}

/// A line as a reader may see it, cut short.
pub(super) fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown = String::from("\"");
    for char in text.chars().take(SHOWN) {
        let _ = write!(shown, "{}", char.escape_debug());
    }
    shown.push_str(if text.chars().nth(SHOWN).is_some() { "…\"" } else { "\"" });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_the_same_is_compared_and_nothing_else() {
        for (one, other, third, differs) in [
            ("a\nb\n", "a\nb\n", "a\nb\n", None),
            ("a\nb\n", "a\nb\n", "a\nc\n", Some("line 2 of what it prints is \"c\", before \"b\"")),
            ("a\nb\n", "a\nb\n", "a\n", Some("line 2 of what it prints is nothing, before \"b\"")),
            ("a\n", "a\n", "a\nmore\n", Some("line 2 of what it prints is \"more\", before nothing")),
            ("a\nb\n", "b\na\n", "b\na\n", None),
            ("a\nb\n", "b\na\n", "b\nc\n", Some("is \"b\", before \"a\"")),
            ("sum 9\nin 1.2 s\n", "sum 9\nin 1.3 s\n", "sum 9\nin 0.4 s\n", None),
            ("sum 9\nin 1.2 s\n", "sum 9\nin 1.3 s\n", "sum 8\nin 0.4 s\n", Some("\"sum 8\", before \"sum 9\"")),
            ("x1\n", "x2\n", "something else\n", None),
            ("", "", "", None),
        ] {
            let said = Comparable::of(one.as_bytes(), other.as_bytes()).difference(third.as_bytes());
            match differs {
                Some(part) => assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{third:?}: {said:?}"),
                None => assert_eq!(said, None, "{third:?}"),
            }
        }
    }

    #[test]
    fn every_further_run_can_only_leave_less_to_compare() {
        let runs = |one: &str, other: &str| Comparable::of(one.as_bytes(), other.as_bytes());
        let (exact, order, nothing) = (runs("a\nb", "a\nb"), runs("a\nb", "b\na"), runs("a", "b"));
        assert_eq!(exact.clone().and(order.clone()), order);
        assert_eq!(order.and(exact.clone()).difference(b"b\na"), None);
        assert_eq!(exact.and(nothing.clone()), nothing);
        let both = runs("s\nx1\ny", "s\nx2\ny").and(runs("s\nx1\ny", "s\nx1\nz"));
        assert_eq!(both, Comparable::Some(vec![Some(b"s".to_vec()), None, None]));
    }

    #[test]
    fn a_hostile_line_is_shown_short_and_tame() {
        let shown = quoted(format!("\x1b[31m{}", "x".repeat(500)).as_bytes());
        assert!(shown.starts_with("\"\\u{1b}[31m") && shown.chars().count() < 120, "{shown}");
    }
}
