//! `# noqa` comments, as flake8 and ruff read them.

/// What a comment suppresses on its line.
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
        match (Self::on(first), Self::on(last)) {
            (Some(Self::Codes(first)), Some(Self::Codes(last))) => Some(Self::Codes([first, last].concat())),
            (Some(Self::All), _) | (_, Some(Self::All)) => Some(Self::All),
            (first, last) => first.or(last),
        }
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
