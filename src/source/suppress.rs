//! `# noqa` comments, as flake8 and ruff read them: behind code for its line, as `# concadvise: noqa` in a line of its
//! own for the file. Codes that are not ours, or of nobody, are no error: others have theirs in the same comments.

/// Who may be told of a whole file: ourselves, and those whose comments we read on lines too.
const TOLD: [&str; 3] = ["concadvise", "ruff", "flake8"];

/// What a comment suppresses, on its line or in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noqa {
    /// Everything.
    All,
    /// These codes, and those that begin so.
    Codes(Vec<String>),
}

impl Noqa {
    /// What a comment on a line suppresses.
    pub fn on(line: &str) -> Option<Self> {
        let comments = line.match_indices('#').map(|(at, _)| line[at + 1..].trim_start());
        comments.filter_map(Self::of_comment).next_back()
    }

    /// What the comments on a range's first and last line suppress.
    pub fn on_either(first: &str, last: &str) -> Option<Self> {
        Self::either(Self::on(first), Self::on(last))
    }

    /// What either of two suppresses.
    pub fn either(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(Self::Codes(one)), Some(Self::Codes(other))) => Some(Self::Codes([one, other].concat())),
            (Some(Self::All), _) | (_, Some(Self::All)) => Some(Self::All),
            (one, other) => one.or(other),
        }
    }

    /// What the comments of a file that stand in lines of their own suppress in all of it.
    pub fn in_file<'a>(comments: impl Iterator<Item = &'a str>) -> Option<Self> {
        comments.filter_map(Self::of_file_comment).fold(None, |all, one| Self::either(all, Some(one)))
    }

    fn of_file_comment(comment: &str) -> Option<Self> {
        let (who, rest) = comment.strip_prefix('#')?.split_once(':')?;
        let told = TOLD.iter().any(|name| who.trim().eq_ignore_ascii_case(name));
        Self::of_comment(rest.trim_start()).filter(|_| told)
    }

    fn of_comment(comment: &str) -> Option<Self> {
        let word = comment.get(..4).filter(|word| word.eq_ignore_ascii_case("noqa"))?;
        let rest = comment[word.len()..].trim_start();
        let Some(codes) = rest.strip_prefix(':') else {
            // `noqa` alone, or with prose after it; `noqabc` is another word.
            return (rest.is_empty() || comment[4..].starts_with([' ', '\t', '#'])).then_some(Self::All);
        };
        let words = codes.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        let code = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_alphabetic())
                && word.ends_with(|c: char| c.is_ascii_digit())
                && word.chars().all(|c| c.is_ascii_alphanumeric())
        };
        let codes: Vec<String> = words.take_while(code).map(str::to_ascii_uppercase).collect();
        Some(Self::Codes(codes))
    }

    /// Whether findings of this code are suppressed.
    pub fn covers(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::Codes(codes) => codes.iter().any(|named| code.starts_with(named.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::python::Source;
    use std::path::Path;

    #[test]
    fn a_comment_in_a_line_of_its_own_suppresses_in_the_whole_file() {
        for (text, covers) in [
            ("# concadvise: noqa\nf()\n", true),
            ("def f():\n    # Concadvise : NOQA: E501, CON1\n    pass\n", true),
            ("# ruff: noqa: CON101\n", true),
            ("# flake8: noqa\n", true),
            ("# concadvise: noqa: E501\n# concadvise: noqa: CON101\n", true),
            ("# concadvise: noqa: CON102, XYZ999\n", false),
            ("# noqa\nf()\n", false),
            ("f()  # concadvise: noqa\n", false),
            ("x = \"\"\"\n# concadvise: noqa\n\"\"\"\n", false),
            ("# pylint: noqa\n", false),
            ("# see concadvise: noqa\n", false),
        ] {
            let source = Source::parse(Path::new("app.py"), text.as_bytes()).expect("it is text");
            assert_eq!(source.noqa().is_some_and(|noqa| noqa.covers("CON101")), covers, "{text}");
        }
    }

    #[test]
    fn comments_suppress_what_they_name() {
        for (line, covers) in [
            ("f()  # noqa", true),
            ("f()  # NOQA: CON101", true),
            ("f()  # noqa:con101", true),
            ("f()  # noqa: E501, CON101", true),
            ("f()  # noqa: E501 CON101 because", true),
            ("f()  # noqa: CON1", true),
            ("f()  # noqa because", true),
            ("f()  # type: ignore  # noqa: CON101", true),
            ("f()  # noqa: E501", false),
            ("f()  # noqa: CON102", false),
            ("f()  # noqabc", false),
            ("f()  # a noqa", false),
            ("f()", false),
        ] {
            assert_eq!(Noqa::on(line).is_some_and(|noqa| noqa.covers("CON101")), covers, "{line}");
            let either = Noqa::on_either("f(  # noqa: E501", line);
            assert_eq!(either.is_some_and(|noqa| noqa.covers("CON101")), covers, "{line}");
        }
    }
}
