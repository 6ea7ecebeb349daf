//! What the program's source tells, and the stacks that were seen of it.

use super::Facts;
use crate::observe::{Function, InLoops, Observation};
use crate::profile::HeldUp;
use crate::source::outline::{Outline, Releasing};

/// Sightings of loops from which a share of them says something: a second at the usual rate.
const FEWEST_LOOKS: u32 = 20;
/// Part of all sightings that are of event loops from which the program is taken to run in them.
const MOSTLY_IN_LOOPS: f64 = 0.5;
/// Sightings of loops from which none in a hundred of them blocked shows that hardly any time is blocked: with 300 the
/// 95 % limit of what was never seen is one in a hundred.
const ENOUGH_LOOKS: u32 = 300;

impl Facts {
    /// What source and stacks tell beside the profile. What was measured stays: the source only fills in.
    #[must_use]
    pub fn of_source(mut self, outline: Option<&Outline>, observation: &Observation) -> Self {
        let Some(outline) = outline.filter(|outline| outline.files > 0) else { return self };
        // That none was found does not mean that there is none: another package may use one.
        self.set_known("async_library", (!outline.async_libraries.is_empty()).then_some(true));
        self.fill_in("already_async", already_async(outline, observation));
        self.fill_in("blocking_in_async", blocking_in_async(outline, observation));
        self.fill_in("releases_gil", hottest_releases(outline, &observation.functions).then_some(true));
        self
    }

    fn fill_in(&mut self, name: &str, flag: Option<bool>) {
        if self.get(name).is_none() {
            self.set_known(name, flag);
        }
    }
}

/// A program that blocks in its coroutines hardly ever waits in epoll, which is what the profile goes by; its stacks
/// show the loop all the same. One without a coroutine, all of whose files were read, has none.
fn already_async(outline: &Outline, observation: &Observation) -> Option<bool> {
    let looks = observation.in_loops.looks;
    let all: f64 = observation.functions.iter().map(|function| f64::from(function.seen)).sum();
    if outline.coroutines > 0 && looks >= FEWEST_LOOKS && f64::from(looks) >= all * MOSTLY_IN_LOOPS {
        return Some(true);
    }
    (outline.coroutines == 0 && outline.unread == 0 && looks == 0 && outline.async_libraries.is_empty())
        .then_some(false)
}

fn blocking_in_async(outline: &Outline, observation: &Observation) -> Option<bool> {
    let blocks = outline.findings.iter().filter(|finding| HeldUp::CODES.contains(&finding.code.as_str()));
    let by = |path, lines| HeldUp::by(observation, &outline.folder, path, lines);
    if blocks.into_iter().any(|finding| matches!(by(&finding.path, finding.lines), HeldUp::For(_))) {
        return Some(true);
    }
    let InLoops { looks, lines, .. } = &observation.in_loops;
    let never = lines.iter().all(|line| line.seen == line.active);
    (*looks >= ENOUGH_LOOKS && never && lines.len() < InLoops::LINES_KEPT).then_some(false)
}

/// Whether the function that computes most is one that computes in a call which releases the GIL.
fn hottest_releases(outline: &Outline, functions: &[Function]) -> bool {
    let named = functions.iter().filter(|function| !function.name.is_empty());
    let Some(hottest) = named.max_by_key(|function| function.active).filter(|hottest| hottest.active > 0) else {
        return false;
    };
    let plain = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let same = |releasing: &Releasing| {
        releasing.path == outline.folder.join(&hottest.path) && plain(&releasing.within) == plain(&hottest.name)
    };
    outline.releasing.iter().any(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::LoopLine;
    use crate::rules::facts::Value;
    use crate::source::finding::Level;
    use crate::source::outline::SourceFinding;
    use std::time::Duration;

    fn outline() -> Outline {
        Outline { folder: "/srv".into(), files: 1, ..Outline::default() }
    }

    fn check(outline: &Outline, observation: &Observation, fact: &str, expect: Option<bool>) {
        let facts = Facts::default().of_source(Some(outline), observation);
        assert_eq!(facts.get(fact), expect.map(Value::Flag), "{fact} of {outline:?}");
    }

    /// A run of three seconds, all of it in a loop, of which line 41 was seen so often.
    fn run(seen: u32, active: u32) -> Observation {
        let function = Function { name: "main".into(), path: "/srv/app.py".into(), seen: 60, ..Function::default() };
        let lines = vec![LoopLine { path: "/srv/app.py".into(), line: 41, seen, active }];
        let in_loops = InLoops { looks: 60, processes: 1, each: Some(Duration::from_millis(50)), lines };
        Observation { wall: Duration::from_secs(3), functions: vec![function], in_loops, ..Observation::default() }
    }

    #[test]
    fn a_program_whose_stacks_are_in_a_loop_is_async_and_one_without_a_coroutine_is_not() {
        let with = Outline { coroutines: 1, ..outline() };
        check(&with, &run(0, 0), "already_async", Some(true));
        check(&with, &Observation::default(), "already_async", None);
        check(&outline(), &Observation::default(), "already_async", Some(false));
        check(&Outline { unread: 1, ..outline() }, &Observation::default(), "already_async", None);
        check(&Outline { files: 0, ..outline() }, &Observation::default(), "already_async", None);
        let measured = Facts::default().with("already_async", true);
        let facts = measured.of_source(Some(&outline()), &Observation::default());
        assert_eq!(facts.flag("already_async"), Some(true), "what was measured stays");
    }

    #[test]
    fn blocking_in_coroutines_is_known_from_a_finding_that_the_run_confirms() {
        let finding = SourceFinding {
            code: "CON101".into(),
            level: Level::Warning,
            path: "/srv/app.py".into(),
            lines: (41, 41),
            qualified_name: None,
            message: String::new(),
        };
        let found = Outline { coroutines: 1, findings: vec![finding], ..outline() };
        check(&found, &run(10, 0), "blocking_in_async", Some(true));
        check(&found, &run(0, 0), "blocking_in_async", None);
        check(&outline(), &run(10, 0), "blocking_in_async", None);
        let mut long = run(10, 10);
        long.in_loops.looks = 300;
        check(&outline(), &long, "blocking_in_async", Some(false));
    }

    #[test]
    fn the_gil_is_taken_to_be_released_where_the_hottest_function_calls_what_releases_it() {
        let releasing =
            Releasing { path: "/srv/app.py".into(), within: "Store.digest".into(), callable: "hashlib.sha256".into() };
        let outline = Outline { releasing: vec![releasing], async_libraries: vec!["aiohttp".into()], ..outline() };
        let hot = |name: &str, active| Function {
            name: name.into(),
            path: "app.py".into(),
            seen: 9,
            active,
            ..Function::default()
        };
        let run = |functions| Observation { functions, ..Observation::default() };
        check(&outline, &run(vec![hot("main", 1), hot("Store.digest", 8)]), "releases_gil", Some(true));
        check(&outline, &run(vec![hot("main", 9), hot("Store.digest", 8)]), "releases_gil", None);
        check(&outline, &run(vec![hot("Store.digest", 0)]), "releases_gil", None);
        check(&outline, &run(Vec::new()), "async_library", Some(true));
    }
}
