//! What fixes promise: applied whole or not at all, and not a byte lost that no fix names.

use super::*;
use crate::source::detect::Dispatch;
use crate::source::names::Module;
use crate::source::python::TextSize;
use crate::source::walk::{File, walk};
use proptest::prelude::*;
use std::{fs, io};

const APP: &str = "app.py";

fn edit(start: u32, end: u32, new: &str) -> (TextRange, String) {
    (TextRange::new(TextSize::new(start), TextSize::new(end)), new.to_owned())
}

fn fix(edits: &[(u32, u32, &str)]) -> Fix {
    let edits = edits.iter().map(|(start, end, new)| edit(*start, *end, new)).collect();
    Fix { what: String::new(), safe: true, edits }
}

/// All fixes of all detectors.
fn every_fix(path: &Path, bytes: &[u8]) -> Result<Option<Mended>, String> {
    let dispatch = Dispatch::of(|_| true);
    let module = Module::of(path);
    let wanted = |source: &Source| {
        let found = walk(&File::of(source, &module), &dispatch).findings;
        found.into_iter().filter_map(|finding| finding.fix).collect()
    };
    mend(path, bytes, &wanted)
}

fn mended(text: &str) -> String {
    let mended = every_fix(Path::new(APP), text.as_bytes()).expect("it can be fixed");
    mended.map_or_else(|| text.to_owned(), |mended| mended.text)
}

#[test]
fn edits_are_applied_in_order_and_overlapping_fixes_are_left_out() {
    for (fixes, text, applied) in [
        (vec![fix(&[(0, 1, "A")]), fix(&[(4, 5, "E")])], "AbcdE", 2),
        (vec![fix(&[(4, 5, "E")]), fix(&[(0, 1, "A")])], "AbcdE", 2),
        (vec![fix(&[(0, 1, "A"), (4, 5, "E")]), fix(&[(2, 3, "C")])], "AbcdE", 1),
        (vec![fix(&[(1, 1, "+")]), fix(&[(1, 1, "-")])], "a+bcde", 1),
        (vec![fix(&[(1, 1, "+")]), fix(&[(1, 1, "+")])], "a+bcde", 1),
        (vec![fix(&[(2, 4, "")])], "abe", 1),
        (vec![fix(&[])], "abcde", 0),
        (vec![fix(&[(0, 1, "a")])], "abcde", 0),
        (vec![fix(&[(3, 9, "x")])], "abcde", 0),
        (vec![fix(&[(3, 4, "x"), (1, 2, "y")])], "abcde", 0),
    ] {
        let round = apply("abcde", &fixes);
        assert_eq!(round, Round { text: text.to_owned(), applied }, "{fixes:?}");
    }
    assert_eq!(apply("é", &[fix(&[(1, 2, "x")])]).applied, 0, "half a character is none");
}

#[test]
fn what_would_not_parse_is_thrown_away_and_said() {
    let spoil = |_: &Source| vec![fix(&[(0, 1, "(")])];
    let mended = mend(Path::new(APP), b"x = 1\n", &spoil).expect("it can be read").expect("something to say");
    assert_eq!((mended.text.as_str(), mended.applied), ("x = 1\n", 0));
    assert!(mended.left[0].contains("thrown away"), "{:?}", mended.left);
}

#[test]
fn fixes_that_undo_each_other_come_to_an_end() {
    let flip = |source: &Source| vec![fix(&[(0, 1, if source.text.starts_with('x') { "y" } else { "x" })])];
    let mended = mend(Path::new(APP), b"x = 1\n", &flip).expect("it can be read").expect("something to say");
    assert!(mended.applied == ROUNDS && mended.left.len() == 1, "{mended:?}");
}

#[test]
fn what_cannot_be_written_back_is_refused_with_why() {
    let any = |_: &Source| vec![fix(&[(0, 0, "é")])];
    let book = br#"{"cells": [{"cell_type": "code", "source": "x = 1"}]}"#;
    for (path, bytes, clause) in [
        ("app.ipynb", &book[..], "a notebook"),
        (APP, b"x = (\n", "does not parse"),
        (APP, b"# coding: cp1251\nx = '\xC6'\n", "lacks a character"),
        (APP, b"\x7fELF", "ELF"),
    ] {
        let why = mend(Path::new(path), bytes, &any).expect_err(clause);
        assert!(why.contains(clause), "{why}");
    }
}

#[test]
fn known_fixes_do_what_they_say() {
    let imports = "from concurrent.futures import ProcessPoolExecutor\nimport asyncio, os, time, requests\n";
    let unit = "def work(item):\n    return item\n";
    for (before, after) in [
        // CON204.
        (
            "with ProcessPoolExecutor() as pool:\n    x = '''\na\n'''\n\n    print(f'''{x}\n  b''',\n          pool)  # c\n",
            "if __name__ == \"__main__\":\n    with ProcessPoolExecutor() as pool:\n        x = '''\na\n'''\n\n        \
             print(f'''{x}\n  b''',\n              pool)  # c\n",
        ),
        (
            "with ProcessPoolExecutor() as pool:\n    out = list(pool.map(work, [1]))\n# so\nprint(out)",
            "if __name__ == \"__main__\":\n    with ProcessPoolExecutor() as pool:\n        out = list(pool.map(work, [1]))\n    \
             # so\n    print(out)",
        ),
        // What others may import, or workers may need, stays where it is.
        ("with ProcessPoolExecutor() as pool:\n    out = list(pool.map(work, [1]))\n", ""),
        ("with ProcessPoolExecutor() as pool:\n    pool.submit(work)\ndef later():\n    pass\n", ""),
        ("with ProcessPoolExecutor() as pool:\n    pool.submit(work)\n__all__ = []\n", ""),
        ("x = 1; ProcessPoolExecutor().__enter__()\n", ""),
        // CON402.
        (
            "def f():\n    return ProcessPoolExecutor(os.cpu_count() or 1)\n",
            "def f():\n    return ProcessPoolExecutor(len(os.sched_getaffinity(0)) or 1)\n",
        ),
        ("def f(os):\n    from multiprocessing import cpu_count\n    return ProcessPoolExecutor(cpu_count())\n", ""),
        // CON303.
        (
            "def f():\n    import multiprocessing as mp, threading\n    threading.Thread(target=g).start()\n    mp.Pool(2)\n",
            "def f():\n    import multiprocessing as mp, threading\n    threading.Thread(target=g).start()\n    \
             mp.get_context(\"spawn\").Pool(2)\n",
        ),
        // CON101.
        ("async def f():\n    time.sleep(1)\n", "async def f():\n    await asyncio.sleep(1)\n"),
        ("async def f():\n    x = time.sleep(1)\n", ""),
        ("async def f(asyncio):\n    time.sleep(1)\n", ""),
        (
            "async def f(u):\n    x = requests.get(u, timeout=3)\n",
            "async def f(u):\n    x = await asyncio.to_thread(requests.get, u, timeout=3)\n",
        ),
        (
            "async def f(u):\n    return requests.get(u).json()['a']\n",
            "async def f(u):\n    return (await asyncio.to_thread(requests.get, u)).json()['a']\n",
        ),
        ("async def f():\n    x = input()\n", "async def f():\n    x = await asyncio.to_thread(input)\n"),
        ("async def f(u):\n    return [requests.get(v) for v in u]\n", ""),
        ("async def f(u):\n    with open(u) as file:\n        pass\n", ""),
        ("async def f(u):\n    async def g(x=requests.get(1)):\n        pass\n", ""),
    ] {
        let text = |body: &str| format!("{imports}{unit}{body}");
        let expected = text(if after.is_empty() { before } else { after });
        assert_eq!(mended(&text(before)), expected);
    }
}

/// Texts with fixes: the samples and examples of every code, in several files.
fn samples() -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut folders = vec![std::path::PathBuf::from("tests/findings")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(ending) if ending == "py" => texts.push(fs::read_to_string(path)?),
                _ => {}
            }
        }
    }
    texts.extend(crate::source::catalogue::Catalogue::get().entries.iter().map(|entry| entry.example.clone()));
    // What samples seldom have: the modules that fixes need.
    let more: Vec<String> = texts.iter().map(|text| format!("import asyncio\nimport os\n{text}")).collect();
    Ok([texts, more].concat())
}

#[test]
fn line_ends_encoding_and_mark_are_kept() -> io::Result<()> {
    let mut fixed = 0;
    for text in samples()? {
        let plain = every_fix(Path::new(APP), text.as_bytes()).expect("it can be fixed");
        let Some(plain) = plain else { continue };
        fixed += 1;
        let bytes_of = |bytes: &[u8]| {
            let mended = every_fix(Path::new(APP), bytes).expect("it can be fixed");
            mended.expect("the same fixes").bytes
        };
        let crlf = |text: &str| text.replace('\n', "\r\n").into_bytes();
        assert_eq!(bytes_of(&crlf(&text)), crlf(&plain.text));
        let marked = |text: &str| [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        assert_eq!(bytes_of(&marked(&text)), marked(&plain.text));
        let latin = |text: &str| {
            let head = b"# coding: latin-1\n# \xE9t\xE9\n".to_vec();
            [head, text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect()].concat()
        };
        if text.chars().all(|c| u32::from(c) < 256) {
            assert_eq!(bytes_of(&latin(&text)), latin(&plain.text));
        }
    }
    assert!(fixed >= 6, "only {fixed} samples have a fix");
    Ok(())
}

#[test]
fn what_is_fixed_has_no_more_fixes() -> io::Result<()> {
    for text in samples()? {
        let once = mended(&text);
        assert_eq!(mended(&once), once);
    }
    Ok(())
}

/// Whether all of `part` is in `whole`, in its order.
fn is_within(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|c| rest.any(|other| other == c))
}

proptest! {
    #[test]
    fn nothing_is_lost_outside_of_edits(text in "[ab\n\ré(]{0,40}", marks in prop::collection::vec((0usize..40, 0usize..4, "[xy\n]{0,3}"), 0..8)) {
        let size = |at: usize| TextSize::try_from(at).expect("short");
        let fixes: Vec<Fix> = marks.iter().map(|(start, length, new)| {
            let range = TextRange::new(size(*start), size(start + length));
            Fix { what: String::new(), safe: true, edits: vec![(range, new.clone())] }
        }).collect();
        let round = apply(&text, &fixes);
        // What no range covers is there, in order, with nothing but new text between.
        let covered = |at: usize| marks.iter().any(|(start, length, _)| (*start..start + length).contains(&at));
        let kept: String = text.char_indices().filter(|(at, _)| !covered(*at)).map(|(_, c)| c).collect();
        prop_assert!(is_within(&kept, &round.text), "{:?} is not within {:?}", kept, round.text);
        let new: usize = marks.iter().map(|(_, _, new)| new.len() * 2).sum();
        prop_assert!(round.text.len() <= text.len() + new);
        if round.applied == 0 {
            prop_assert_eq!(round.text, text);
        }
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_fixed_or_refused_and_then_parses(which: usize, cut: usize, junk in "[ \n\t()'\"#]{0,6}") {
        let samples = samples().expect("samples");
        let sample = &samples[which % samples.len()];
        let mut cut = cut % (sample.len() + 1);
        while !sample.is_char_boundary(cut) {
            cut -= 1;
        }
        let text = format!("{}{junk}", &sample[..cut]);
        if let Ok(Some(mended)) = every_fix(Path::new(APP), text.as_bytes()) {
            let source = Source::parse(Path::new(APP), &mended.bytes).expect("it is text");
            prop_assert_eq!(source.errors().count(), 0);
            prop_assert_eq!(&mended.before, &text);
            let lines = |text: &str| text.lines().count();
            prop_assert!(lines(&mended.text) >= lines(&text), "a line is gone");
        }
    }
}
