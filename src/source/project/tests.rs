//! Files that are hard to find or to read.

use super::{Checked, check};
use crate::source::detect::Dispatch;
use std::fs;
use std::io::Result;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const BAD: &str = "import time\nasync def f():\n    time.sleep(1)\n";

/// Writes files below a new folder and checks it.
fn check_files(files: &[(&str, &[u8])]) -> Result<(tempfile::TempDir, Checked)> {
    let folder = tempfile::tempdir()?;
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        fs::write(path, bytes)?;
    }
    let checked = all(&[folder.path().to_owned()]);
    Ok((folder, checked))
}

fn all(named: &[PathBuf]) -> Checked {
    check(named, &Dispatch::of(|_| true))
}

/// Names of files with findings.
fn names(folder: &Path, checked: &Checked) -> Vec<String> {
    let below = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    checked.findings.iter().map(|finding| below(&finding.path)).collect()
}

#[test]
fn other_peoples_code_is_left_out_unless_it_is_named() -> Result<()> {
    let files: Vec<(&str, &[u8])> = vec![
        ("app.py", BAD.as_bytes()),
        ("deep/er/app.py", BAD.as_bytes()),
        ("ignored/app.py", BAD.as_bytes()),
        (".gitignore", b"ignored/\n"),
        ("env/pyvenv.cfg", b""),
        ("env/app.py", BAD.as_bytes()),
        ("lib/site-packages/app.py", BAD.as_bytes()),
        (".hidden/app.py", BAD.as_bytes()),
        ("stub.pyi", BAD.as_bytes()),
        ("script", BAD.as_bytes()),
    ];
    let (folder, checked) = check_files(&files)?;
    assert_eq!(names(folder.path(), &checked), ["app.py", "deep/er/app.py"]);
    for named in ["env", "lib/site-packages", "script", ".hidden/app.py", "ignored"] {
        let checked = all(&[folder.path().join(named)]);
        assert_eq!(checked.findings.len(), 1, "{named}");
    }
    let twice = [folder.path().join("app.py"), folder.path().join("app.py")];
    assert_eq!(all(&twice).findings.len(), 1, "a file that is named twice is checked once");
    Ok(())
}

#[test]
fn circles_of_links_have_an_end() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("app.py"), BAD)?;
    symlink(folder.path(), folder.path().join("again"))?;
    symlink("self.py", folder.path().join("self.py"))?;
    assert_eq!(names(folder.path(), &all(&[folder.path().to_owned()])), ["app.py"]);
    let named = all(&[folder.path().join("self.py")]);
    assert!(named.notes.iter().any(|note| note.refused), "{:?}", named.notes);
    Ok(())
}

#[test]
fn what_is_no_python_text_is_told_and_the_rest_is_checked() -> Result<()> {
    let files: Vec<(&str, &[u8])> = vec![
        ("app.py", BAD.as_bytes()),
        ("binary.py", b"\x7FELF async def \0"),
        ("nulls.py", b"async def f():\n\0"),
        ("old.py", b"import os\nprint 'async def'\n"),
        ("broken.py", b"import time\nasync def f(:\n    pass\nasync def g():\n    time.sleep(1)\n"),
        ("other.ipynb", b"async def {"),
        ("latin.py", b"# coding: latin-1\nimport time\nasync def f():\n    time.sleep('\xE9')\n"),
        ("bytes.py", b"# async def\nx = '\xE9'\n"),
    ];
    let (folder, checked) = check_files(&files)?;
    assert_eq!(names(folder.path(), &checked), ["app.py", "broken.py", "latin.py"]);
    let clauses = [
        "binary.py ELF",
        "broken.py line 2",
        "bytes.py UTF-8",
        "nulls.py null",
        "old.py Python 2",
        "other.ipynb notebook",
    ];
    assert_eq!(checked.notes.len(), clauses.len(), "{:?}", checked.notes);
    for (note, expected) in checked.notes.iter().zip(clauses) {
        let (name, word) = expected.split_once(' ').unwrap_or_default();
        assert!(note.path.ends_with(name) && note.clause.contains(word) && !note.refused, "{note:?}");
    }
    Ok(())
}

#[test]
fn what_is_not_there_is_refused() {
    let checked = all(&[PathBuf::from("/no/such/folder")]);
    assert!(checked.notes.len() == 1 && checked.notes[0].refused, "{:?}", checked.notes);
}

#[test]
fn a_notebook_is_checked_by_cells() -> Result<()> {
    let book = br##"{"cells": [{"cell_type": "markdown", "source": ["async def"]},
        {"cell_type": "code", "source": ["import time\n", "async def f():\n", "    time.sleep(1)"]}]}"##;
    let (_folder, checked) = check_files(&[("app.ipynb", book)])?;
    let spots: Vec<_> = checked.findings.iter().map(|finding| (finding.spot.cell, finding.spot.start.line)).collect();
    assert_eq!(spots, [(Some(2), 3)]);
    Ok(())
}

#[test]
fn the_deepest_tree_that_is_walked_fits_the_stack() -> Result<()> {
    let nested = format!("import time\nasync def f():\n    x = {}time.sleep(1){}\n", "[".repeat(480), "]".repeat(480));
    let chain = format!("import time\nasync def f():\n    return time.sleep(1){}\n", " + time.sleep(1)".repeat(300));
    let (_folder, checked) = check_files(&[("nested.py", nested.as_bytes()), ("chain.py", chain.as_bytes())])?;
    assert_eq!((checked.findings.len(), checked.notes), (302, vec![]));
    Ok(())
}

#[test]
fn modules_that_pass_names_on_in_circles_are_left() -> Result<()> {
    let files: Vec<(&str, &[u8])> = vec![
        ("app.py", b"import a\nasync def f():\n    a.a.a.load(1)\n"),
        ("a/__init__.py", b"from a.a import a\n"),
        ("a/a.py", b"from a import a\nfrom a.a.a import a as b\n"),
    ];
    assert!(check_files(&files)?.1.findings.is_empty());
    Ok(())
}

#[test]
fn a_chain_is_told_step_by_step_over_files() -> Result<()> {
    let files: Vec<(&str, &[u8])> = vec![
        ("app.py", b"from helper import load\nclass C:\n    async def f(self):\n        load(1)\n"),
        ("helper.py", b"from deep import wait\ndef load(key):\n    wait(key)\n"),
        ("deep.py", b"import time\ndef wait(key):\n    time.sleep(key)\n"),
    ];
    let (folder, checked) = check_files(&files)?;
    let [finding] = checked.findings.as_slice() else {
        return Err(std::io::Error::other(format!("{:?}", checked.findings)));
    };
    assert_eq!((finding.entry.code.as_str(), finding.qualified_name.as_deref()), ("CON102", Some("C.f")));
    let step = |name: &str, line, what: &str| (folder.path().join(name), line, what.to_owned());
    let chain: Vec<_> = finding.chain.iter().cloned().map(|step| (step.path, step.place.line, step.what)).collect();
    assert_eq!(chain, [step("helper.py", 3, "load calls wait()"), step("deep.py", 3, "wait calls time.sleep()")]);
    Ok(())
}
