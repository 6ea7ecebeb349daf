//! `--fix`, `--unsafe-fixes` and `--diff`: fixes applied to files, or shown.

use super::Look;
use crate::report::escape;
use crate::report::file::replace;
use crate::run::say;
use crate::source::finding::Finding;
use crate::source::fix::{Mended, mend};
use crate::source::names::Module;
use crate::source::project::{Checked, on_wide_stacks};
use crate::source::python::{Source, bytes};
use crate::source::walk::{File, walk};
use rayon::prelude::*;
use similar::TextDiff;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Applies fixes to the files that findings are in. Says what was done, and what could not be.
///
/// # Errors
/// A sentence, when a file could not be written; those before it are.
pub(super) fn in_files(look: &Look<'_>, checked: &Checked) -> Result<usize, String> {
    let (mut fixes, mut files) = (0, 0);
    for (path, mended) in mended(look, checked) {
        let shown = escape::word(path.as_os_str());
        if mended.text != mended.before {
            replace(&path, &mended.bytes).map_err(|why| {
                format!("cannot write {shown}: {why}; the file is as it was, and those after it are not fixed")
            })?;
            (fixes, files) = (fixes + mended.applied, files + 1);
        }
    }
    if fixes > 0 {
        let (fix, file) = (if fixes == 1 { "fix" } else { "fixes" }, if files == 1 { "file" } else { "files" });
        say::complain(&format!("{fixes} {fix} applied in {files} {file}"));
    }
    Ok(fixes)
}

/// The same as a unified diff, and nothing is written; empty when nothing would change.
pub(super) fn as_diff(look: &Look<'_>, checked: &Checked) -> String {
    let exact = !std::io::stdout().is_terminal();
    let one = |(path, mended): (PathBuf, Mended)| {
        let name = |side: &str| quoted(&Path::new(side).join(crate::report::findings::from(&look.base, &path)));
        let (old, new) = (name("a"), name("b"));
        let diff = TextDiff::from_lines(&mended.before, &mended.text).unified_diff().header(&old, &new).to_string();
        // A program applies it as it is; a terminal would obey it.
        if exact { diff } else { diff.lines().map(on_terminal).collect() }
    };
    mended(look, checked).into_iter().filter(|(_, mended)| mended.text != mended.before).map(one).collect()
}

fn on_terminal(line: &str) -> String {
    let parts = line.strip_suffix('\r').unwrap_or(line).split('\t').map(escape::text);
    parts.collect::<Vec<_>>().join("\t") + "\n"
}

/// A name as `git` and `patch` read it: in quotes, with what is not printable as octal numbers, where it must be.
fn quoted(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let plain = std::str::from_utf8(bytes).is_ok_and(|name| escape::text(name) == name && !name.contains(['"', '\\']));
    if plain {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\{byte:03o}"),
    };
    format!("\"{}\"", bytes.iter().map(one).collect::<String>())
}

/// Every file in which a fix is asked for, with what becomes of it. What cannot be done is said.
fn mended(look: &Look<'_>, checked: &Checked) -> Vec<(PathBuf, Mended)> {
    let with_fix = checked.findings.iter().filter(|finding| is_asked(look, finding));
    let paths: BTreeSet<&PathBuf> = with_fix.map(|finding| &finding.path).collect();
    let one = |path: &&PathBuf| {
        let module = Module::of(path);
        let wanted = |source: &Source| {
            let found = walk(&File::of(source, &module), &look.dispatch).findings;
            let asked = found.into_iter().filter(|finding| look.is_told(finding) && is_asked(look, finding));
            asked.filter_map(|finding| finding.fix).collect()
        };
        bytes(path).and_then(|bytes| mend(path, &bytes, &wanted))
    };
    let paths: Vec<&PathBuf> = paths.into_iter().collect();
    let outcomes: Vec<_> = on_wide_stacks(|| paths.par_iter().map(one).collect());
    let mut all = Vec::new();
    for (path, outcome) in paths.into_iter().zip(outcomes) {
        let say = |clause: &str| say::complain(&format!("{}: {clause}", escape::word(path.as_os_str())));
        match outcome {
            Ok(Some(mended)) => {
                mended.left.iter().for_each(|clause| say(clause));
                all.push((path.clone(), mended));
            }
            Ok(None) => {}
            Err(why) => say(&format!("not fixed: {why}")),
        }
    }
    all
}

fn is_asked(look: &Look<'_>, finding: &Finding) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.safe || look.unsafe_fixes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn names_that_would_break_a_line_are_quoted() {
        for (name, shown) in [
            (&b"a/app.py"[..], "a/app.py"),
            (b"a/two\nlines.py", r#""a/two\012lines.py""#),
            ("a/é\u{202e}.py".as_bytes(), r#""a/\303\251\342\200\256.py""#),
            (b"a/\xff\"\\.py", r#""a/\377\"\\.py""#),
        ] {
            assert_eq!(quoted(Path::new(OsStr::from_bytes(name))), shown);
        }
    }

    #[test]
    fn a_terminal_is_never_sent_what_it_would_obey() {
        assert_eq!(on_terminal("+\tx = '\u{1b}[31m'\r"), "+\tx = '\\x1b[31m'\n");
    }
}
