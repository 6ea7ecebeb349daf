//! What source says of a program that is run: its findings, where it builds executors, and what it uses. Plain values,
//! so that they can be kept beside what the run showed; what both mean together is `recommendation`'s.

use super::catalogue::{Catalogue, Entry, Listed};
use super::detect::Dispatch;
use super::finding::{Evidence, Finding, Level};
use super::loops::Loops;
use super::program::Program;
use super::project::check_all;
use super::project::executor::{Executor, Unsent};
use super::project::summary::Summary;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Findings that are kept; a report is not a list of everything.
const MOST_FINDINGS: usize = 200;
/// Executors, and functions that release the GIL, that are kept.
const MOST_PLACES: usize = 200;

/// Which findings the owner of a program wants to be told of.
pub trait Wanted {
    /// Whether an entry is looked for at all.
    fn looks_for(&self, entry: &Entry) -> bool;
    /// Whether a finding of an entry is told that is in this file.
    fn is_told_in(&self, entry: &Entry, path: &Path) -> bool;
    /// Whether nothing is told of this file, unless it is the one that is run.
    fn excludes(&self, path: &Path) -> bool;
}

/// What is on by itself, everywhere.
#[derive(Debug, Clone, Copy)]
pub struct ByDefault;

impl Wanted for ByDefault {
    fn looks_for(&self, entry: &Entry) -> bool {
        entry.default
    }
    fn is_told_in(&self, _: &Entry, _: &Path) -> bool {
        true
    }
    fn excludes(&self, _: &Path) -> bool {
        false
    }
}

/// A program's own files, in short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// The folder it was run in, for paths that are shown from there.
    pub folder: PathBuf,
    /// Files that were read.
    pub files: usize,
    /// Files that could not be read, or only in part.
    pub unread: usize,
    /// Findings, by file and place; bounded.
    pub findings: Vec<SourceFinding>,
    /// Findings that were not kept.
    pub left_out: usize,
    /// Where it builds executors; bounded.
    pub executors: Vec<Executor>,
    /// Tasks that it hands to threads and could not hand to processes; bounded.
    pub unsent: Vec<Unsent>,
    /// Asynchronous libraries that it uses, by the names of `libraries.toml`.
    pub async_libraries: Vec<String>,
    /// Coroutine functions in it.
    pub coroutines: usize,
    /// Calls of its own functions that are made once for each item, and that nothing keeps from being made at once.
    pub loops: usize,
    /// Functions that compute in calls which release the GIL; bounded.
    pub releasing: Vec<Releasing>,
}

/// A finding as far as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFinding {
    /// Its code.
    pub code: String,
    /// How much it matters.
    pub level: Level,
    /// The file.
    pub path: PathBuf,
    /// Its first and last line.
    pub lines: (u32, u32),
    /// The function or class around it.
    pub qualified_name: Option<String>,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
}

/// A function that computes in a call which releases the GIL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releasing {
    /// The file.
    pub path: PathBuf,
    /// The function, with the classes and functions around it.
    pub within: String,
    /// What it calls.
    pub callable: String,
}

impl Outline {
    /// Of the program of a script that is run in `folder`.
    pub fn of_script(path: &Path, folder: &Path, wanted: &dyn Wanted) -> Self {
        Self::of(Program::of_script(&folder.join(path)), folder, wanted)
    }

    /// Of `python -m name` that is run in `folder`.
    pub fn of_module(name: &str, folder: &Path, wanted: &dyn Wanted) -> Self {
        Self::of(Program::of_module(name, folder), folder, wanted)
    }

    fn of(program: Program, folder: &Path, wanted: &dyn Wanted) -> Self {
        let loops = Loops::of(&program).sites.iter().filter(|site| site.carried.is_none()).count();
        let unread = program.unread.len();
        // Its trees are dropped before the files are walked again: that is once more parsing, and half the memory.
        let paths: Vec<PathBuf> = program.modules.into_iter().map(|module| module.source.path).collect();
        let (mut checked, summaries) = check_all(&paths, &Dispatch::of(|entry| wanted.looks_for(entry)));
        let told = |entry: &Entry, path: &Path| {
            (paths.first().is_some_and(|first| first == path) || !wanted.excludes(path))
                && wanted.is_told_in(entry, path)
        };
        checked.findings.retain(|finding| told(finding.entry, &finding.path));
        let left_out = checked.findings.len().saturating_sub(MOST_FINDINGS);
        let executors = summaries.iter().flat_map(|summary| &summary.executors).map(|executor| {
            let of_runs = Catalogue::get().entries.iter().filter(|entry| entry.evidence == Evidence::Run);
            let unwanted = of_runs.filter(|entry| !wanted.looks_for(entry) || !told(entry, &executor.path));
            let mut executor = executor.clone();
            executor.silent.extend(unwanted.map(|entry| entry.code.clone()));
            executor
        });
        let functions = || summaries.iter().flat_map(|summary| &summary.functions);
        Self {
            folder: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
            files: checked.files,
            unread: unread + checked.notes.len(),
            findings: checked.findings.into_iter().take(MOST_FINDINGS).map(SourceFinding::of).collect(),
            left_out,
            executors: executors.take(MOST_PLACES).collect(),
            unsent: summaries.iter().flat_map(|summary| &summary.unsent).take(MOST_PLACES).cloned().collect(),
            async_libraries: used(&summaries, &Catalogue::get().libraries.asynchronous),
            coroutines: functions().filter(|function| function.is_async).count(),
            loops,
            releasing: summaries.iter().flat_map(releasing).take(MOST_PLACES).collect(),
        }
    }
}

impl SourceFinding {
    fn of(finding: Finding) -> Self {
        let line = |line| u32::try_from(line).unwrap_or(u32::MAX);
        Self {
            code: finding.entry.code.clone(),
            level: finding.level,
            lines: (line(finding.spot.start.line), line(finding.spot.end.line)),
            path: finding.path,
            qualified_name: finding.qualified_name,
            message: finding.message,
        }
    }
}

/// The listed names that any file imports or calls.
fn used(summaries: &[Summary], listed: &Listed) -> Vec<String> {
    let imported = summaries.iter().flat_map(|summary| summary.exports.values());
    let called = summaries.iter().flat_map(|summary| &summary.functions).flat_map(|function| &function.calls);
    let names = imported.chain(called.map(|call| &call.callee)).filter_map(|name| listed.of(name));
    names.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

fn releasing(summary: &Summary) -> impl Iterator<Item = Releasing> + '_ {
    summary.functions.iter().filter_map(|function| {
        let callable =
            function.calls.iter().find(|call| Catalogue::get().libraries.releases_gil.of(&call.callee).is_some())?;
        let callable = callable.callee.to_string();
        Some(Releasing { path: summary.path.clone(), within: function.within.clone(), callable })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::detect::executors::Workers;
    use std::fs;

    const APP: &str = "\
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from help import fetch

def digest(text):
    return hashlib.sha256(text).hexdigest()

async def handle():
    time.sleep(1)
    return await fetch()

def main(items):
    with ThreadPoolExecutor(max_workers=8) as pool:
        pool.map(digest, items)
    return [digest(item) for item in items]
";

    fn outline() -> std::io::Result<(tempfile::TempDir, Outline)> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("app.py"), APP)?;
        fs::write(folder.path().join("help.py"), "import aiohttp\n\nasync def fetch():\n    return 1\n")?;
        fs::write(folder.path().join("other.py"), "import time\nasync def unused():\n    time.sleep(1)\n")?;
        let outline = Outline::of_script(Path::new("app.py"), folder.path(), &ByDefault);
        Ok((folder, outline))
    }

    #[test]
    fn a_program_is_outlined_from_its_own_files_alone() -> std::io::Result<()> {
        let (folder, outline) = outline()?;
        assert_eq!((outline.files, outline.unread, outline.left_out), (2, 0, 0));
        assert_eq!(outline.folder, folder.path().canonicalize()?);
        let codes: Vec<_> = outline.findings.iter().map(|finding| (finding.code.as_str(), finding.lines.0)).collect();
        assert!(codes.contains(&("CON101", 10)) && codes.contains(&("CON401", 14)), "{codes:?}");
        assert_eq!((outline.coroutines, outline.loops), (2, 1));
        assert_eq!(outline.async_libraries, ["aiohttp"]);
        Ok(())
    }

    #[test]
    fn executors_and_calls_that_release_the_gil_are_told_with_their_places() -> std::io::Result<()> {
        let (_folder, outline) = outline()?;
        let [executor] = outline.executors.as_slice() else { panic!("{:?}", outline.executors) };
        assert_eq!((executor.name, executor.workers, executor.size), ("ThreadPoolExecutor", Workers::Threads, Some(8)));
        assert_eq!((executor.line, executor.within.as_deref()), (14, Some("main")));
        let [releasing] = outline.releasing.as_slice() else { panic!("{:?}", outline.releasing) };
        assert_eq!((releasing.within.as_str(), releasing.callable.as_str()), ("digest", "hashlib.sha256"));
        Ok(())
    }

    #[test]
    fn a_listed_name_stands_for_what_is_below_it_and_for_nothing_else() {
        let listed = &Catalogue::get().libraries.asynchronous;
        assert_eq!(listed.of("aiohttp.ClientSession"), Some("aiohttp"));
        assert_eq!(listed.of("httpx.AsyncClient"), Some("httpx.AsyncClient"));
        assert_eq!((listed.of("httpx.Client"), listed.of("aiohttpx"), listed.of("redis")), (None, None, None));
    }
}
