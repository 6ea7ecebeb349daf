//! [`ChangedLines`]: which lines a pull request changed, read from what `git diff --unified=0` says. File names are
//! anybody's, and so are the lines, some of which look like what git says: they are counted off and not looked at.

use crate::report::escape::word;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

/// Lines as they are now, by file; paths are escaped as reports escape them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedLines {
    files: BTreeMap<String, Vec<Range<u64>>>,
}

impl ChangedLines {
    /// Reads a diff whose paths begin with `a/` and `b/`. What is cut off or is none is read as far as it goes.
    pub fn of_diff(diff: &[u8]) -> Self {
        let mut changed = Self::default();
        let mut file = None;
        let mut lines = diff.split(|byte| *byte == b'\n');
        while let Some(line) = lines.next() {
            if line.starts_with(b"diff ") {
                file = None;
            } else if let Some(name) = line.strip_prefix(b"+++ ") {
                file = path(name);
            } else if let Some((removed, added, lines_now)) = hunk(line) {
                if let (Some(file), false) = (&file, lines_now.is_empty()) {
                    changed.files.entry(String::clone(file)).or_default().push(lines_now);
                }
                skip(&mut lines, removed, added);
            }
        }
        changed
    }

    /// Whether that line of that file is one of them.
    pub fn has(&self, path: &str, line: u64) -> bool {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.files.get(path).is_some_and(|lines| lines.iter().any(|lines| lines.contains(&line)))
    }
}

/// `@@ -3 +3,2 @@`: lines that were removed and added, and those that are new.
fn hunk(line: &[u8]) -> Option<(u64, u64, Range<u64>)> {
    let line = str::from_utf8(line.strip_prefix(b"@@ -")?.split(|byte| *byte == b'@').next()?).ok()?;
    let (before, after) = line.trim_end().split_once(" +")?;
    let count = |part: &str| -> Option<(u64, u64)> {
        let (start, count) = part.split_once(',').unwrap_or((part, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let ((_, removed), (start, added)) = (count(before)?, count(after)?);
    Some((removed, added, start..start.saturating_add(added)))
}

/// Passes over the lines of a hunk.
fn skip<'d>(lines: &mut impl Iterator<Item = &'d [u8]>, mut removed: u64, mut added: u64) {
    while removed > 0 || added > 0 {
        let Some(line) = lines.next() else { return };
        match line.first() {
            Some(b'-') => removed = removed.saturating_sub(1),
            Some(b'+') => added = added.saturating_sub(1),
            // `\ No newline at end of file`.
            Some(b'\\') => {}
            _ => (removed, added) = (removed.saturating_sub(1), added.saturating_sub(1)),
        }
    }
}

/// The path in `b/src/app.py` or `"b/na\303\257ve.py"`; `None` for `/dev/null`.
fn path(name: &[u8]) -> Option<String> {
    // A name with a blank in it is ended by a tab, quoted or not, for other readers' sake.
    let name = name.strip_suffix(b"\t").unwrap_or(name);
    let quoted = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\""));
    let plain = quoted.map_or_else(|| name.to_vec(), unquoted);
    Some(word(OsStr::from_bytes(plain.strip_prefix(b"b/")?)))
}

/// What C and git mean by `\t`, `\"` and `\303`.
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let [first, after @ ..] = rest {
        rest = after;
        let (b'\\', [escape, after @ ..]) = (first, rest) else {
            plain.push(*first);
            continue;
        };
        let digits: Vec<u32> = rest.iter().take(3).map_while(|digit| (*digit as char).to_digit(8)).collect();
        if let [high, middle, low] = digits[..] {
            plain.push((high << 6 | middle << 3 | low) as u8);
            rest = &rest[3..];
            continue;
        }
        rest = after;
        plain.push(match escape {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => *other,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lines_of_each_file_are_told_whatever_its_name_and_content() {
        let diff = [
            "diff --git a/app.py b/app.py\nindex 1..2 100644\n--- a/app.py\n+++ b/app.py\n",
            "@@ -3 +3,2 @@ def f():\n-old\n+new\n+newer\n@@ -9,2 +10,0 @@\n-gone\n-gone too\n@@ -20,0 +20 @@\n+more\n",
            // Lines that look like git's.
            "@@ -30,2 +31,2 @@\n--- a/other.py\n-@@ -1 +1 @@\n+++ b/evil.py\n+@@ -1 +1,9 @@\n",
            "diff --git a/end b/end\n--- a/end\n+++ b/end\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
            "diff --git a/with blank.py b/with blank.py\n--- a/with blank.py\t\n+++ b/with blank.py\t\n@@ -0,0 +1 @@\n+x\n",
            "diff --git \"a/na\\303\\257ve\\t\\\"\\\\\\001.py\" \"b/x\"\n--- /dev/null\n+++ \"b/na\\303\\257ve\\t\\\"\\\\\\001.py\"\n@@ -0,0 +1,2 @@\n+x\n+y\n",
            "diff --git \"a/\\303\\257 x\" \"b/\\303\\257 x\"\n+++ \"b/\\303\\257 x\"\t\n@@ -0,0 +7 @@\n+x\n",
            "diff --git a/gone.py b/gone.py\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
            "diff --git a/picture b/picture\nBinary files a/picture and b/picture differ\n@@ -1 +1 @@\n-x\n+x\n",
        ]
        .concat();
        let changed = ChangedLines::of_diff(diff.as_bytes());
        for (path, lines, others) in [
            ("app.py", &[3, 4, 20, 31, 32][..], &[1, 2, 5, 9, 10, 19, 21, 33][..]),
            ("./app.py", &[3], &[5]),
            ("end", &[1], &[0, 2]),
            ("with blank.py", &[1], &[2]),
            ("naïve\\x09\"\\\\x01.py", &[1, 2], &[3]),
            ("ï x", &[7], &[8]),
            ("gone.py", &[], &[0, 1]),
            ("other.py", &[], &[1]),
            ("evil.py", &[], &[1, 9]),
            ("picture", &[], &[1]),
        ] {
            lines.iter().for_each(|line| assert!(changed.has(path, *line), "{path}:{line} in {changed:?}"));
            others.iter().for_each(|line| assert!(!changed.has(path, *line), "{path}:{line} in {changed:?}"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_far_as_they_go(bytes: Vec<u8>, starts in 0u64.., counts in 0u64..) {
            let head = format!("+++ b/a\n@@ -{starts},{counts} +{starts},{counts} @@\n");
            ChangedLines::of_diff(&bytes);
            ChangedLines::of_diff(&[head.as_bytes(), &bytes].concat());
        }
    }
}
