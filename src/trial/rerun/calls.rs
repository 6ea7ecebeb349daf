//! Which calls of the program's own functions are its unit of work: what its Python is asked to measure, and the choice
//! among what it told. Pure.
//!
//! The other side is `harness/concadvise_rerun/calls.py`. Which calls there are to be measured is `source::loops`';
//! what was kept of them is read by `harness/concadvise_harness/recorded.py` alone.

use super::injection::Answers;
use crate::source::definitions::Definition;
use crate::source::loops::{Form, Loops, Site};
use crate::trial::task::{Origin, Recorded};
use crate::units::{counted, human};
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the collector.
pub const PART: &str = "calls";
/// Calls of one function that are kept: enough to show how they differ, few enough to run them all again.
const ITEMS: u64 = 200;
/// Bytes of arguments that are kept of all, and of one.
const BYTES: u64 = 32 << 20;
const EACH: u64 = 4 << 20;
/// Functions that are measured at most.
const MOST: usize = 1000;

/// Calls that take less of the run than this are not worth it: were they free, the rest would still take 80 % of the
/// time (Amdahl).
pub const LEAST_SHARE: f64 = 0.2;
/// As few calls as this are hardly spread over workers; calls further in are preferred when there are more of them.
const LEAST_CALLS: u64 = 8;
/// Others that are told of.
const OTHERS: usize = 3;

/// The plan's part for the collector.
pub fn part(loops: &Loops) -> Value {
    let candidates: Vec<Value> = candidates(loops)
        .iter()
        .enumerate()
        .map(|(id, one)| {
            // A path that is no text is that of no function that can be told of.
            json!({"id": id, "path": one.path.to_string_lossy(), "line": one.line, "name": one.name,
                "qualname": one.qualname})
        })
        .collect();
    json!({"candidates": candidates, "items": ITEMS, "bytes": BYTES, "each": EACH})
}

fn candidates(loops: &Loops) -> Vec<Definition> {
    let mut all = loops.definitions();
    all.truncate(MOST);
    all
}

/// The calls that are the unit of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Where they are made.
    pub site: Site,
    /// What is called.
    pub definition: Definition,
    /// How many there were.
    pub calls: u64,
    /// How many of them were kept.
    pub kept: u64,
    /// Time in which one was under way.
    pub busy: Duration,
    /// The same as a part of the run.
    pub share: f64,
    /// The folder below the injection's in which they are.
    pub folder: PathBuf,
    /// What to know of it beside, each a sentence.
    pub notes: Vec<String>,
}

impl Chosen {
    /// Where the calls are, for the trials' harness.
    pub fn recorded(&self, folder: &Path) -> Recorded {
        Recorded { folder: folder.join(&self.folder), calls: self.calls }
    }

    /// What a report says of where they are; paths below `folder`, an absolute one, are shown relative to it.
    pub fn origin(&self, folder: &Path) -> Origin {
        let path = self.site.path.strip_prefix(folder).unwrap_or(&self.site.path);
        Origin {
            path: path.to_string_lossy().into_owned(),
            line: u32::try_from(self.site.lines.0).unwrap_or(u32::MAX),
            calls: self.calls,
            busy: self.busy,
            sentence: format!("{self}."),
        }
    }

    /// `app.py:Client.fetch`.
    pub fn function(&self) -> String {
        named(&self.definition)
    }
}

impl fmt::Display for Chosen {
    /// The sentence about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, definition, calls, share, .. } = self;
        let function = definition.qualname.replace("<locals>.", "");
        let (path, place) = (file(&definition.path), file(&site.path));
        write!(
            f,
            "Your function {function} ({path}:{}), called {calls} times in the {} at {place}:{}, was {:.0} % of the run",
            definition.def,
            site.form,
            site.loop_line,
            share * 100.0
        )
    }
}

/// Calls of one function, as they were measured. Told by the target, and so untrusted.
struct Measured {
    definition: Definition,
    id: u64,
    site: Option<Site>,
    calls: u64,
    busy: Duration,
    share: f64,
    together: u64,
    kept: u64,
    unkept: Option<String>,
}

/// What was looked for: `calls made once for each item, in 3 loops of 1 file of its own`.
pub fn looked_for(loops: &Loops) -> String {
    let (count, files) = (counted(loops.loops, "loop"), counted(loops.files, "file"));
    format!("calls made once for each item, in {count} of {files} of its own")
}

/// Chooses among what was told.
///
/// # Errors
/// Why there is nothing to try, a clause.
pub fn choose(loops: &Loops, answers: &Answers) -> Result<Chosen, String> {
    if loops.sites.is_empty() {
        let hint = "put what a loop does for an item into a function to have it tried";
        return Err(format!("none calls a function of the program's own ({hint})"));
    }
    let Some(told) = answers.of(PART).last() else {
        let why = answers.trouble.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        return Err(format!("none of the functions called there ran{why}"));
    };
    let mut measured = read(loops, told);
    measured.sort_by(|a, b| b.share.total_cmp(&a.share));
    let mut refused = Vec::new();
    let fit = |one: &&Measured| match unfit(one) {
        Some(why) => {
            refused.push((one.share, format!("{} was {}, but {why}", named(&one.definition), percent(one.share))));
            false
        }
        None => true,
    };
    // The outer ones of calls within calls take at least as long, so the longest is the outermost.
    let fitting: Vec<&Measured> = measured.iter().filter(fit).collect();
    let many = fitting.iter().find(|one| one.calls >= LEAST_CALLS);
    let Some(best) = many.or(fitting.first()) else {
        let most = match (refused.first(), measured.first()) {
            (Some((_, why)), _) => why.clone(),
            (None, Some(most)) => format!("the most was {}, {}", named(&most.definition), percent(most.share)),
            (None, None) => "none of the functions called there ran".to_owned(),
        };
        return Err(most);
    };
    let Some(site) = best.site.clone() else { return Err("none of them was called from a loop".to_owned()) };
    let mut notes: Vec<String> =
        refused.into_iter().filter(|(share, _)| *share > best.share).map(|(_, why)| why).collect();
    let others = fitting.iter().filter(|one| one.id != best.id).take(OTHERS);
    notes.extend(others.map(|one| {
        let times = counted(one.calls, "call");
        format!("Also seen: {}, {} in {times}.", named(&one.definition), percent(one.share))
    }));
    let function = named(&best.definition);
    notes.extend(site.doubt.iter().map(|doubt| format!("{function}: {doubt}")));
    notes.extend(best.unkept.iter().map(|why| format!("Some calls of {function} could not be recorded: {why}.")));
    notes.extend(overhead(told));
    Ok(Chosen {
        definition: best.definition.clone(),
        calls: best.calls,
        kept: best.kept,
        busy: best.busy,
        share: best.share,
        folder: Path::new(PART).join(best.id.to_string()),
        site,
        notes,
    })
}

/// Why these calls are not tried, a clause; `None` when they are.
fn unfit(one: &Measured) -> Option<String> {
    let least = LEAST_SHARE * 100.0;
    match &one.site {
        _ if one.share < LEAST_SHARE => Some(format!("less than {least:.0} % is not worth it")),
        None => Some("it was not called from a loop".to_owned()),
        _ if one.calls < 2 => Some("it was called once".to_owned()),
        _ if one.together > 1 => Some(format!("up to {} calls ran at the same time already", one.together)),
        Some(Site { carried: Some(why), loop_line, path, .. }) => {
            Some(format!("the loop at {}:{loop_line} cannot make its calls at once: {why}", file(path)))
        }
        Some(_) if one.kept == 0 => {
            let why = one.unkept.as_deref().unwrap_or("for no reason that was told");
            Some(format!("its calls could not be recorded: {why}"))
        }
        Some(_) => None,
    }
}

fn read(loops: &Loops, told: &Value) -> Vec<Measured> {
    let candidates = candidates(loops);
    let wall = told["wall_s"].as_f64().filter(|wall| *wall > 0.0 && wall.is_finite());
    let mut all = Vec::new();
    for call in told["calls"].as_array().into_iter().flatten() {
        let Some(id) = call["id"].as_u64() else { continue };
        let Some(definition) = usize::try_from(id).ok().and_then(|id| candidates.get(id)) else { continue };
        let busy = Duration::try_from_secs_f64(call["covered_s"].as_f64().unwrap_or(0.0)).unwrap_or_default();
        let places = call["callers"].as_array().cloned().unwrap_or_default();
        let mut places: Vec<(&str, u64, u64)> = places
            .iter()
            .filter_map(|place| Some((place[0].as_str()?, place[1].as_u64()?, place[2].as_u64().unwrap_or(0))))
            .collect();
        places.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        let unkept = call["unrecorded"].as_array().and_then(|reasons| reasons.first()?[0].as_str());
        all.push(Measured {
            site: site(loops, definition, &places),
            definition: definition.clone(),
            id,
            calls: call["calls"].as_u64().unwrap_or(0),
            busy,
            share: wall.map_or(0.0, |wall| (busy.as_secs_f64() / wall).min(1.0)),
            together: call["most_together"].as_u64().unwrap_or(0),
            kept: call["recorded"].as_u64().unwrap_or(0),
            unkept: unkept.map(str::to_owned),
        });
    }
    all
}

/// Where it was called from most. The caller of what `map` calls is whoever takes the results, perhaps elsewhere.
fn site(loops: &Loops, definition: &Definition, places: &[(&str, u64, u64)]) -> Option<Site> {
    let own = || loops.sites.iter().filter(|site| site.meant.contains(definition));
    let at = |(path, line, _): &(&str, u64, u64)| {
        let line = usize::try_from(*line).ok()?;
        own().find(|site| site.made_at(Path::new(path), line))
    };
    places.iter().find_map(at).or_else(|| own().find(|site| site.form == Form::Map)).cloned()
}

/// What measuring added to the run, where that may have changed the shares.
fn overhead(told: &Value) -> Option<String> {
    const TOLD: f64 = 0.02;
    let wall = told["wall_s"].as_f64()?;
    let calls = told["calls"].as_array()?.iter().filter_map(|call| call["overhead_s"].as_f64()).sum::<f64>();
    let spent = calls + told["recording_s"].as_f64()?;
    let shown = human(Duration::try_from_secs_f64(spent).ok()?);
    (spent > TOLD * wall).then(|| format!("Measuring and recording the calls took about {shown} of the scouting run."))
}

fn named(definition: &Definition) -> String {
    format!("{}:{}", file(&definition.path), definition.qualname.replace("<locals>.", ""))
}

fn file(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn percent(share: f64) -> String {
    format!("{:.0} % of the run", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::program::{Module, Program};
    use crate::source::python::Source;

    const APP: &str = "\
def outer(x):
    return [inner(y) for y in x]
def inner(y): pass
for x in xs:
    out.append(outer(x))
for x in xs:
    acc = inner(acc)
";

    fn loops() -> Loops {
        let source = Source::parse(Path::new("/app.py"), APP.as_bytes()).expect("it is text");
        let modules = vec![Module { name: "app".into(), package: false, source }];
        Loops::of(&Program { modules, unread: Vec::new() })
    }

    /// `outer` and `inner` with calls, share, and the line that they are called at.
    fn told(all: &[(&str, u64, f64, u64)]) -> Answers {
        let definitions = loops().definitions();
        let calls: Vec<Value> = all
            .iter()
            .map(|(name, calls, share, line)| {
                let id = definitions.iter().position(|one| one.name == *name);
                json!({"id": id, "calls": calls, "covered_s": share * 10.0, "most_together": 1, "recorded": 4,
                    "overhead_s": 0.01, "unrecorded": [], "callers": [["/other.py", 1, 1], ["/app.py", line, 3]]})
            })
            .collect();
        let value = json!({"wall_s": 10.0, "recording_s": 0.0, "calls": calls});
        Answers { begun: true, told: vec![(PART.into(), value)], trouble: None }
    }

    #[test]
    fn the_outermost_calls_that_are_many_are_the_unit_of_work() {
        for (outer, inner, expect, line) in [(20, 400, "outer", 4), (4, 400, "inner", 2), (4, 6, "outer", 4)] {
            let answers = told(&[("inner", inner, 0.8, 2), ("outer", outer, 0.9, 5)]);
            let chosen = choose(&loops(), &answers).expect("one is worth it");
            assert_eq!((chosen.definition.name.as_str(), chosen.site.loop_line), (expect, line), "{outer} and {inner}");
            assert!(chosen.notes.iter().any(|note| note.starts_with("Also seen: app.py:")), "{:?}", chosen.notes);
        }
    }

    #[test]
    fn the_sentence_says_where_and_how_much() {
        let chosen = choose(&loops(), &told(&[("outer", 20, 0.934, 5)])).expect("it is worth it");
        let expect = "Your function outer (app.py:1), called 20 times in the loop at app.py:4, was 93 % of the run";
        assert_eq!(chosen.to_string(), expect);
        let recorded = Recorded { folder: "/f/calls/0".into(), calls: 20 };
        assert_eq!((chosen.function(), chosen.recorded(Path::new("/f"))), ("app.py:outer".to_owned(), recorded));
    }

    #[test]
    fn what_is_not_tried_says_why() {
        let nothing = Answers { begun: true, ..Answers::default() };
        for (answers, sentence) in [
            (told(&[("outer", 20, 0.1, 5)]), "app.py:outer was 10 % of the run, but less than 20 % is not worth it"),
            (told(&[("outer", 1, 0.9, 5)]), "it was called once"),
            (told(&[("outer", 20, 0.9, 99)]), "it was not called from a loop"),
            (told(&[("inner", 20, 0.9, 7)]), "cannot make its calls at once: each call needs acc"),
            (nothing, "none of the functions called there ran"),
        ] {
            let why = choose(&loops(), &answers).expect_err("it cannot be tried");
            assert!(why.contains(sentence), "{why}");
        }
        let why = choose(&Loops { files: 2, loops: 3, sites: Vec::new() }, &Answers::default()).expect_err("no site");
        assert!(why.contains("into a function"), "{why}");
        assert_eq!(looked_for(&loops()), "calls made once for each item, in 3 loops of 1 file of its own");
    }

    #[test]
    fn what_a_target_tells_is_not_trusted() {
        for value in [json!(null), json!({"calls": 7}), json!({"calls": [{"id": 99}, {"id": -1}, []], "wall_s": "x"})] {
            let answers = Answers { begun: true, told: vec![(PART.into(), value)], trouble: None };
            assert!(choose(&loops(), &answers).is_err());
        }
    }
}
