//! Sightings added up by function. Bounded, however many functions the target has. Pure.

use crate::observe::Function;
use std::collections::HashMap;
use std::path::PathBuf;

/// Functions told apart while the run lasts; sightings in later ones are counted together.
const TOLD_APART: usize = 512;
/// Functions kept at the end, the rest counted together.
const KEPT: usize = 64;
/// Lines, and functions called, told apart of each.
const DETAILS: usize = 32;
/// The most of a name that is kept, in characters; the target chooses it.
const LONGEST_NAME: usize = 256;

/// A thread, seen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The function it is in: name and file.
    pub function: (String, PathBuf),
    /// The line.
    pub line: u32,
    /// The function on top of the stack, with its file's name, when that is another.
    pub inside: Option<String>,
    /// Whether the thread was on a core or waiting for one.
    pub active: bool,
    /// Whether it held the GIL.
    pub holding: bool,
    /// The program's own lines within the event loop that it runs; `None` when it runs none.
    pub in_loop: Option<Vec<(PathBuf, u32)>>,
    /// Its process.
    pub pid: i32,
}

/// All sightings.
#[derive(Debug, Default)]
pub struct Tally {
    functions: HashMap<(String, PathBuf), Counted>,
    others: Function,
}

#[derive(Debug, Default)]
struct Counted {
    seen: u32,
    active: u32,
    holding: u32,
    lines: Vec<(u32, u32)>,
    insides: Vec<(Option<String>, u32)>,
}

impl Tally {
    /// Adds a sighting that stands for `weight` of them.
    pub fn add(&mut self, sighting: Sighting, weight: u32) {
        let Sighting { function: (name, path), line, inside, active, holding, .. } = sighting;
        let key = (cut(name), path);
        let (active, holding) = (if active { weight } else { 0 }, if holding { weight } else { 0 });
        if self.functions.len() >= TOLD_APART && !self.functions.contains_key(&key) {
            add(&mut self.others, weight, active, holding);
            return;
        }
        let counted = self.functions.entry(key).or_default();
        counted.seen = counted.seen.saturating_add(weight);
        counted.active = counted.active.saturating_add(active);
        counted.holding = counted.holding.saturating_add(holding);
        count(&mut counted.lines, line, weight);
        count(&mut counted.insides, inside.map(cut), weight);
    }

    /// The functions seen most, the most seen first, and a nameless last one for all others together.
    pub fn into_functions(self) -> Vec<Function> {
        let (mut others, functions) = (self.others, self.functions);
        let mut functions: Vec<Function> = functions
            .into_iter()
            .map(|((name, path), counted)| Function {
                name,
                path,
                line: most(counted.lines).unwrap_or_default(),
                inside: most(counted.insides).flatten(),
                seen: counted.seen,
                active: counted.active,
                holding: counted.holding,
            })
            .collect();
        functions.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| (&a.path, &a.name).cmp(&(&b.path, &b.name))));
        for light in functions.split_off(functions.len().min(KEPT)) {
            add(&mut others, light.seen, light.active, light.holding);
        }
        if others.seen > 0 {
            functions.push(others);
        }
        functions
    }
}

fn add(function: &mut Function, seen: u32, active: u32, holding: u32) {
    function.seen = function.seen.saturating_add(seen);
    function.active = function.active.saturating_add(active);
    function.holding = function.holding.saturating_add(holding);
}

fn count<T: PartialEq>(counts: &mut Vec<(T, u32)>, what: T, weight: u32) {
    if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == what) {
        *count = count.saturating_add(weight);
    } else if counts.len() < DETAILS {
        counts.push((what, weight));
    }
}

/// The most frequent; of equals the first seen.
fn most<T>(counts: Vec<(T, u32)>) -> Option<T> {
    let best = counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(what, _)| what)
}

fn cut(name: String) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => name[..end].to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(name: &str, line: u32, inside: Option<&str>, active: bool) -> Sighting {
        let function = (name.to_owned(), PathBuf::from("app.py"));
        Sighting { function, line, inside: inside.map(str::to_owned), active, holding: active, in_loop: None, pid: 1 }
    }

    #[test]
    fn sightings_add_up_by_function_with_the_line_and_the_callee_seen_most() {
        let mut tally = Tally::default();
        for line in [7, 8, 8] {
            tally.add(sighting("fetch", line, Some("recv (socket.py)"), false), 2);
        }
        tally.add(sighting("fetch", 9, None, true), 1);
        tally.add(sighting("main", 1, None, true), 1);
        let functions = tally.into_functions();
        let names: Vec<_> = functions.iter().map(|function| (function.name.as_str(), function.seen)).collect();
        assert_eq!(names, [("fetch", 7), ("main", 1)]);
        let fetch = &functions[0];
        assert_eq!((fetch.line, fetch.active, fetch.holding), (8, 1, 1));
        assert_eq!(fetch.inside.as_deref(), Some("recv (socket.py)"));
    }

    #[test]
    fn a_program_of_many_functions_is_kept_bounded_and_no_sighting_is_lost() {
        let mut tally = Tally::default();
        for function in 0..2000u32 {
            tally.add(sighting(&format!("f{function}"), function, None, true), 1);
        }
        tally.add(sighting("f3", 3, None, true), 9);
        let long = "x".repeat(9000);
        for line in 0..200 {
            tally.add(sighting("f5", line, Some(&long), true), 1);
        }
        let functions = tally.into_functions();
        assert_eq!(functions.len(), KEPT + 1);
        assert_eq!((functions[0].name.as_str(), functions[1].name.as_str()), ("f5", "f3"));
        assert!(functions.last().is_some_and(|others| others.name.is_empty()));
        assert_eq!(functions.iter().map(|function| function.seen).sum::<u32>(), 2209);
    }
}
