//! Rust source as the laws of `tidy.rs` see it: without comments, strings and tests, and as the paths it names.
//!
//! A light reader, not a parser: it knows tokens and the shape of a path, which is all that the laws ask about.

/// One source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Below `src/`, e.g. `trial/plan.rs`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// With comments, strings and tests blanked out, line for line.
    pub code: String,
}

/// A path that code names, `crate::profile::Profile`, with groups taken apart and `super` resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its segments.
    pub segments: Vec<String>,
}

impl Source {
    /// Reads one file's text.
    pub fn new(path: &str, text: &str) -> Self {
        let bare = without_comments_and_strings(text);
        Self { path: path.to_owned(), text: text.to_owned(), code: without_tests(&bare) }
    }

    /// Names of the modules that this file declares for tests only.
    pub fn test_modules(&self) -> Vec<String> {
        let bare = without_comments_and_strings(&self.text);
        let after = bare.split("#[cfg(test)]").skip(1);
        after.filter_map(|rest| Some(rest.split_once("mod ")?.1.split_once([';', '{'])?.0.trim().to_owned())).collect()
    }

    /// The module this file is, as segments below the crate.
    pub fn module(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        stem.split('/').filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned).collect()
    }

    /// Every path that the code names.
    pub fn paths(&self) -> Vec<Named> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let begins = is_word(&tokens[at].1) && (at == 0 || tokens[at - 1].1 != "::");
            if begins {
                at = path(&tokens, at, &mut Vec::new(), &mut found);
            } else {
                at += 1;
            }
        }
        found.into_iter().map(|named| self.resolved(named)).collect()
    }

    /// `super::x` as `crate::…::x`, `self::x` as well.
    fn resolved(&self, named: Named) -> Named {
        let ups = named.segments.iter().take_while(|segment| *segment == "super").count();
        let here = named.segments.first().is_some_and(|segment| segment == "self");
        if ups == 0 && !here {
            return named;
        }
        let mut module = self.module();
        module.truncate(module.len().saturating_sub(ups));
        let rest = named.segments.into_iter().skip(ups.max(usize::from(here)));
        let segments = ["crate".to_owned()].into_iter().chain(module).chain(rest).collect();
        Named { line: named.line, segments }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single characters, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = if c.is_alphanumeric() || c == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            if !c.is_whitespace() {
                tokens.push((number + 1, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// Reads the path or the group of paths at `at`, below `above`; returns where it ends.
fn path(tokens: &[(usize, String)], mut at: usize, above: &mut Vec<String>, found: &mut Vec<Named>) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| token.as_str());
    let depth = above.len();
    let line = tokens[at].0;
    while is_word(token(at)) || token(at) == "*" {
        above.push(token(at).to_owned());
        at += 1;
        if token(at) == "!" {
            above.push("!".to_owned());
        }
        if token(at) != "::" {
            break;
        }
        at += 1;
        if token(at) == "{" {
            at += 1;
            while !matches!(token(at), "}" | "") {
                let before = at;
                at = if is_word(token(at)) || token(at) == "*" { path(tokens, at, above, found) } else { at + 1 };
                if token(at) == "as" {
                    at += 2;
                }
                at = at.max(before + 1);
            }
            above.truncate(depth);
            return at + 1;
        }
    }
    if above.len() > depth {
        found.push(Named { line, segments: above.clone() });
    } else {
        at += 1;
    }
    above.truncate(depth);
    at
}

/// The text with every comment and every string replaced by blanks; line ends stay.
fn without_comments_and_strings(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let blank = |out: &mut String, from: usize, to: usize| {
        out.extend(bytes[from..to.min(bytes.len())].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    };
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| bytes.get(at + i) == Some(&c));
    while at < bytes.len() {
        let word_before = at > 0 && (bytes[at - 1].is_alphanumeric() || bytes[at - 1] == '_');
        let end = if starts(at, "//") {
            (at..bytes.len()).find(|i| bytes[*i] == '\n').unwrap_or(bytes.len())
        } else if starts(at, "/*") {
            end_of_block(&bytes, at)
        } else if let Some(end) = (!word_before).then(|| end_of_raw(&bytes, at)).flatten() {
            end
        } else if bytes[at] == '"' {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != '"' {
                end += if bytes[end] == '\\' { 2 } else { 1 };
            }
            end + 1
        } else if bytes[at] == '\'' && (bytes.get(at + 1) == Some(&'\\') || bytes.get(at + 2) == Some(&'\'')) {
            let from = if bytes.get(at + 1) == Some(&'\\') { at + 3 } else { at + 2 };
            (from..bytes.len()).find(|i| bytes[*i] == '\'').map_or(bytes.len(), |i| i + 1)
        } else {
            out.push(bytes[at]);
            at += 1;
            continue;
        };
        blank(&mut out, at, end);
        at = end;
    }
    out
}

fn end_of_block(text: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < text.len() {
        match (text[i], text[i + 1]) {
            ('/', '*') => {
                depth += 1;
                i += 2;
            }
            ('*', '/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    text.len()
}

/// Where the raw string that begins at `at` ends, when one does.
fn end_of_raw(text: &[char], at: usize) -> Option<usize> {
    let mut i = at;
    if matches!(text.get(i), Some('b' | 'c')) {
        i += 1;
    }
    if text.get(i) != Some(&'r') {
        return None;
    }
    i += 1;
    let hashes = text[i..].iter().take_while(|c| **c == '#').count();
    i += hashes;
    if text.get(i) != Some(&'"') {
        return None;
    }
    let closes = |i: usize| text[i] == '"' && (1..=hashes).all(|h| text.get(i + h) == Some(&'#'));
    Some((i + 1..text.len()).find(|i| closes(*i)).map_or(text.len(), |i| i + 1 + hashes))
}

/// The code with every item below `#[cfg(test)]` replaced by blank lines.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let mut depth = 0;
        let end = after.char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
        });
        let (item, following) = after.split_at(end.unwrap_or(after.len()));
        out.extend(item.chars().filter(|c| *c == '\n'));
        rest = following;
    }
    out + rest
}
