//! The laws of detectors, and samples: below `tests/findings` a comment `# -> CON101` says what its line must have, and
//! every other line must have nothing, of any code.

use super::{DETECTORS, Dispatch};
use crate::source::catalogue::{Catalogue, Entry};
use crate::source::finding::Evidence;
use crate::source::project::{check, check_bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Codes found below `path`, by file and line.
fn found(path: &Path) -> BTreeMap<(PathBuf, usize), BTreeSet<String>> {
    let checked = check(&[path.to_owned()], &Dispatch::of(|_| true));
    assert_eq!(checked.notes, [], "{}", path.display());
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for finding in checked.findings {
        found.entry((finding.path, finding.spot.start.line)).or_default().insert(finding.entry.code.clone());
    }
    found
}

/// Codes found in a text.
fn codes(text: &str) -> io::Result<BTreeSet<String>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.py");
    fs::write(&path, text)?;
    Ok(found(&path).into_values().flatten().collect())
}

/// Codes that source alone shows; those that only a run does are tested where they are judged
/// (`recommendation::findings`).
fn of_source() -> impl Iterator<Item = &'static Entry> {
    Catalogue::get().entries.iter().filter(|entry| entry.evidence == Evidence::Source)
}

#[test]
fn each_detector_has_its_entry_and_each_entry_its_detector() {
    let detectors: BTreeSet<&str> = DETECTORS.iter().map(|(code, _)| *code).collect();
    let entries: BTreeSet<&str> = of_source().map(|entry| entry.code.as_str()).collect();
    assert_eq!(detectors, entries);
}

#[test]
fn each_example_fires_and_what_to_use_instead_does_not() -> io::Result<()> {
    for entry in of_source() {
        assert!(codes(&entry.example)?.contains(&entry.code), "the example of {} does not fire", entry.code);
        let instead = codes(&entry.use_instead)?;
        assert!(instead.is_empty(), "what to use instead of {} has {instead:?}", entry.code);
        let has_word = entry.words.iter().any(|word| entry.example.contains(word));
        assert!(has_word, "the example of {} has none of its words, so such files would not be looked at", entry.code);
    }
    Ok(())
}

#[test]
fn samples_have_what_their_comments_say_and_nothing_else() -> io::Result<()> {
    let mut fired = BTreeSet::new();
    for sample in fs::read_dir("tests/findings")? {
        let sample = sample?.path();
        let mut expected: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for path in python_below(&sample)? {
            for (index, line) in fs::read_to_string(&path)?.lines().enumerate() {
                if let Some((_, codes)) = line.split_once("# -> ") {
                    let codes = codes.split(", ").map(|code| code.trim().to_owned());
                    expected.insert((path.clone(), index + 1), codes.collect());
                }
            }
        }
        fired.extend(expected.values().flatten().cloned());
        assert_eq!(found(&sample), expected, "{}", sample.display());
    }
    let entries: BTreeSet<String> = of_source().map(|entry| entry.code.clone()).collect();
    assert_eq!(fired, entries, "each code fires in a sample");
    Ok(())
}

#[test]
fn what_fires_is_in_a_file_that_has_a_word_of_its_code() -> io::Result<()> {
    for path in python_below(Path::new("tests/findings"))? {
        let text = fs::read_to_string(&path)?;
        let codes = text.lines().filter_map(|line| line.split_once("# -> ")).flat_map(|(_, codes)| codes.split(", "));
        for code in codes.map(str::trim).collect::<BTreeSet<_>>() {
            let entry = Catalogue::get().entry(code).expect("a code of ours");
            // Whole projects are joined: what is reached through helpers may stand where no word is.
            let is_looked_at = code == "CON102" || entry.words.iter().any(|word| text.contains(word));
            assert!(is_looked_at, "{} has no word of {code}, so nothing would be found there", path.display());
        }
    }
    Ok(())
}

fn python_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(path)? {
        all.extend(python_below(&entry?.path())?);
    }
    Ok(all)
}

/// The last line of a text with its fixes made; `None` where there is none.
fn mended(text: &str) -> io::Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.py");
    fs::write(&path, text)?;
    let checked = check(std::slice::from_ref(&path), &Dispatch::of(|_| true));
    let fixes: Vec<_> = checked.findings.into_iter().filter_map(|finding| finding.fix).collect();
    let mut mended = text.to_owned();
    for (range, new) in fixes.iter().flat_map(|fix| &fix.edits).rev() {
        mended.replace_range(std::ops::Range::<usize>::from(*range), new);
    }
    Ok((!fixes.is_empty()).then(|| mended.lines().last().unwrap_or_default().trim().to_owned()))
}

#[test]
fn a_call_is_mended_to_what_was_meant() -> io::Result<()> {
    let head = "import asyncio, threading\nfrom concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor\n\n\
                def work(*args, **kwargs):\n    print(args)\n\n\nasync def later():\n    print()\n\n\n\
                def square(x):\n    return x * x\n\n\
                threads = ThreadPoolExecutor()\nprocesses = ProcessPoolExecutor()\n";
    for (line, expected) in [
        ("threading.Thread(target=work())", Some("threading.Thread(target=work)")),
        ("threading.Thread(None, work())", Some("threading.Thread(None, work)")),
        ("threading.Thread(target=work(1, x))", Some("threading.Thread(target=work, args=(1, x,))")),
        (
            "threading.Thread(target=work(1,), daemon=True)",
            Some("threading.Thread(target=work, args=(1,), daemon=True)"),
        ),
        ("threading.Thread(target=work(1), args=(2,))", None),
        ("threading.Thread(target=work(key=1))", None),
        ("threading.Thread(target=later())", None),
        ("x = threads.submit(work(1, *x, key=2))", Some("x = threads.submit(work, 1, *x, key=2)")),
        ("x = threads.submit(work(1), 2)", None),
        ("x = threads.submit(work(item for item in x))", None),
        ("x = loop.run_in_executor(None, work(1))", Some("x = loop.run_in_executor(None, work, 1)")),
        ("x = loop.run_in_executor(None, work(key=1))", None),
        ("x = processes.map(square, items)", Some("x = processes.map(square, items, chunksize=100)")),
        ("x = processes.map(square, items, )", Some("x = processes.map(square, items, chunksize=100)")),
        ("x = processes.map(square, items,)", Some("x = processes.map(square, items, chunksize=100)")),
        (
            "x = processes.map(square, *items, timeout=1)",
            Some("x = processes.map(square, *items, timeout=1, chunksize=100)"),
        ),
        ("x = processes.map(square, (items))", None),
        ("x = processes.map(square, **items)", None),
    ] {
        assert_eq!(mended(&format!("{head}{line}\n"))?.as_deref(), expected, "{line}");
    }
    Ok(())
}

#[test]
fn nothing_panics_on_a_file_that_ends_anywhere() {
    let dispatch = Dispatch::of(|_| true);
    let mut cut = 0;
    for entry in &Catalogue::get().entries {
        for (end, _) in entry.example.char_indices() {
            // A letter of several bytes: nothing may be cut in its middle either.
            for last in ["", "é"] {
                let text = entry.example[..end].to_owned() + last;
                let checked = check_bytes(Path::new("cut.py"), text.into_bytes(), &dispatch);
                cut += checked.files;
            }
        }
    }
    assert!(cut > 1000, "{cut} texts are none");
}
