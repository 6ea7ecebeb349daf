//! Fixes applied to a file's bytes. Pure: which fixes are wanted, and reading and writing the file, are the caller's.
//!
//! A fix is applied whole or not at all, and what no fix names stays byte for byte: line ends, encoding, byte order
//! mark. What comes out parses, or nothing does.

use super::finding::Fix;
use super::python::{Source, TextRange, encode};
use std::borrow::Cow;
use std::path::Path;

/// Rounds of looking and applying. A fix that overlaps another is applied in the next; more than a few in a row means
/// that fixes undo each other.
const ROUNDS: usize = 8;

/// A file with its fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its text before.
    pub before: String,
    /// Its text now.
    pub text: String,
    /// The same as it is to be written.
    pub bytes: Vec<u8>,
    /// Fixes that were applied.
    pub applied: usize,
    /// Why others were not, clauses about the file.
    pub left: Vec<String>,
}

/// Applies what `wanted` asks for, looking again after each round. `None` when it asks for nothing.
///
/// # Errors
/// A clause that says why this file is not touched.
pub fn mend(path: &Path, bytes: &[u8], wanted: &dyn Fn(&Source) -> Vec<Fix>) -> Result<Option<Mended>, String> {
    let mut source = Source::parse(path, bytes)?;
    let mut fixes = wanted(&source);
    if fixes.is_empty() {
        return Ok(None);
    }
    if source.is_notebook() {
        return Err("it is a notebook, and those are not rewritten; change its cells by hand".to_owned());
    }
    if let Some((place, why)) = source.errors().next() {
        return Err(format!("line {} does not parse: {why}; it is fixed once it does", place.line));
    }
    if encode(&source.text, bytes)? != bytes {
        return Err("its encoding cannot be written back byte for byte; change it by hand".to_owned());
    }
    let before = source.text.clone();
    let mut mended = Mended { text: before.clone(), before, bytes: bytes.to_vec(), applied: 0, left: Vec::new() };
    for _ in 0..ROUNDS {
        let round = apply(&source.text, &fixes);
        if round.applied == 0 {
            break;
        }
        let new = encode(&round.text, bytes)?;
        let parsed = Source::parse(path, &new).ok().filter(|new| new.errors().next().is_none());
        let Some(parsed) = parsed.filter(|new| new.text == round.text) else {
            let fixes = if round.applied == 1 { "a fix" } else { "fixes" };
            mended.left.push(format!("{fixes} would not parse and {} thrown away", was(round.applied)));
            return Ok(Some(mended).filter(Mended::changed));
        };
        mended.applied += round.applied;
        (mended.text, mended.bytes) = (round.text, new);
        source = parsed;
        fixes = wanted(&source);
        if fixes.is_empty() {
            return Ok(Some(mended).filter(Mended::changed));
        }
    }
    let several = if fixes.len() == 1 { "fix overlaps another" } else { "fixes overlap others" };
    mended.left.push(format!("{} {several} and {} left", fixes.len(), was(fixes.len())));
    Ok(Some(mended))
}

impl Mended {
    /// Whether anything is to be written or told.
    fn changed(&self) -> bool {
        self.text != self.before || !self.left.is_empty()
    }
}

fn was(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// What one round of fixes gave.
#[derive(Debug, PartialEq, Eq)]
struct Round {
    text: String,
    applied: usize,
}

/// Applies fixes from the top down. One that reaches into the part that another changed, or touches it, is left out;
/// the same fix twice is one.
fn apply(text: &str, fixes: &[Fix]) -> Round {
    let mut sound: Vec<(TextRange, &Fix)> = fixes.iter().filter_map(|fix| Some((reach(text, fix)?, fix))).collect();
    sound.sort_by_key(|(reach, _)| (reach.start(), reach.end()));
    let end = line_end(text);
    let mut round = Round { text: String::with_capacity(text.len() + 64), applied: 0 };
    let mut done = 0;
    let mut last: Option<TextRange> = None;
    for (reach, fix) in sound {
        if last.is_some_and(|last| reach.start() <= last.end()) {
            continue;
        }
        for (range, new) in &fix.edits {
            round.text.push_str(&text[done..range.start().to_usize()]);
            round.text.push_str(&with_ends(new, end));
            done = range.end().to_usize();
        }
        round.applied += 1;
        last = Some(reach);
    }
    round.text.push_str(&text[done..]);
    round
}

/// From the first to the last byte that a fix is about; `None` when its edits are none, not in order, not apart, or not
/// in the text, and when they change nothing.
fn reach(text: &str, fix: &Fix) -> Option<TextRange> {
    let (first, _) = fix.edits.first()?;
    let (last, _) = fix.edits.last()?;
    let whole = |range: &TextRange| text.get(range.start().to_usize()..range.end().to_usize());
    let changes = fix.edits.iter().any(|(range, new)| whole(range) != Some(new.as_str()));
    let inside = fix.edits.iter().all(|(range, _)| whole(range).is_some());
    let apart = fix.edits.windows(2).all(|two| two[0].0.end() <= two[1].0.start());
    (changes && inside && apart).then(|| TextRange::new(first.start(), last.end()))
}

/// How lines end in a text: as its first.
fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']).map(|at| &text.as_bytes()[at..]) {
        Some([b'\r', b'\n', ..]) => "\r\n",
        Some([b'\r', ..]) => "\r",
        _ => "\n",
    }
}

fn with_ends<'a>(new: &'a str, end: &str) -> Cow<'a, str> {
    if end == "\n" || !new.contains('\n') {
        return Cow::Borrowed(new);
    }
    Cow::Owned(new.replace("\r\n", "\n").replace('\n', end))
}

#[cfg(test)]
mod tests;
