//! Whether a file that does not parse is written for Python 2: told from the lines where the parser stumbled.

/// Whether one of `lines`, where the parser found errors, is right in Python 2.
pub fn is_python_2<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    lines.take(LOOKED_AT).any(line_is)
}

/// Errors looked at: the first print statement is seldom far from the first error.
const LOOKED_AT: usize = 100;

fn line_is(line: &str) -> bool {
    let line = line.split(':').next_back().filter(|last| last.trim_start().starts_with("print ")).unwrap_or(line);
    let line = line.trim();
    let after = |word: &str| line.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t'])).map(str::trim_start);
    if let Some(rest) = after("print") {
        return rest.starts_with(|c: char| c.is_alphanumeric() || "\"'_`%>(".contains(c));
    }
    if let Some(rest) = after("except") {
        // `except A, b:` catches A as b. Python 3.14 reads it as two exceptions, whose names are capitalised.
        let second = rest.strip_suffix(':').and_then(|rest| rest.rsplit_once(',')).map(|(_, second)| second.trim());
        return second.is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
    }
    if let Some(rest) = after("raise") {
        return rest
            .split_once(',')
            .is_some_and(|(class, _)| class.chars().all(|c| c.is_alphanumeric() || "._".contains(c)));
    }
    after("exec").is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "\"'_".contains(c)))
        || line.matches('`').count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_python_2_are_known_and_others_are_not() {
        for line in [
            "print 'x'",
            "    print x, y",
            "if x: print \"y\"",
            "except ValueError, e:",
            "except (A, B), why:",
            "raise ValueError, 'x'",
            "exec code in scope",
            "x = `y`",
            "print >>sys.stderr, 'x'",
        ] {
            assert!(is_python_2([line].into_iter()), "{line}");
        }
        for line in
            ["print('x'", "except ValueError, TypeError:", "raise ValueError(", "exec(x", "def broken(:", "print = 3 3"]
        {
            assert!(!is_python_2([line].into_iter()), "{line}");
        }
    }
}
