//! `/proc/self/mountinfo`, read leniently: a line we do not understand costs that line only.
//!
//! The format is proc(5)'s. What a mount is looked for is `cgroup`'s and `rights`'s.

use super::tree::Tree;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One mount, as this process sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mount {
    /// Which part of the file system is mounted: `/`, or `/docker/ID` of a cgroup hierarchy.
    pub root: PathBuf,
    /// Where.
    pub point: PathBuf,
    /// File system type: `cgroup`, `cgroup2`, `proc`.
    pub kind: String,
    /// Options of the mount and of the file system, in that order; a cgroup v1 mount names its controllers here.
    pub options: Vec<String>,
}

impl Mount {
    /// Every mount that is not hidden by a later one at the same place.
    pub(super) fn read_all(tree: Tree<'_>) -> io::Result<Vec<Self>> {
        let bytes = tree.bytes("/proc/self/mountinfo")?;
        let mut mounts: Vec<Self> = Vec::new();
        for mount in bytes.split(|byte| *byte == b'\n').filter_map(Self::parse) {
            mounts.retain(|earlier| earlier.point != mount.point);
            mounts.push(mount);
        }
        Ok(mounts)
    }

    /// One line: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let root = unescaped(words.nth(3)?);
        let point = unescaped(words.next()?);
        let mut options = listed(words.next()?);
        words.find(|word| *word == b"-")?;
        let kind = String::from_utf8_lossy(words.next()?).into_owned();
        options.extend(words.nth(1).map(listed).unwrap_or_default());
        Some(Self { root, point, kind, options })
    }

    /// The mount at exactly this place.
    pub(super) fn at<'a>(mounts: &'a [Self], point: &str) -> Option<&'a Self> {
        mounts.iter().find(|mount| mount.point == Path::new(point))
    }
}

fn listed(word: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(word).split(',').map(str::to_owned).collect()
}

/// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
fn unescaped(word: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) if byte == b'\\' => {
                plain.push(code);
                rest = &after[3..];
            }
            _ => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_root_place_type_and_both_lists_of_options() {
        let line =
            br"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue";
        let mount = Mount::parse(line).expect("proc(5)'s own example");
        assert_eq!((mount.root.as_path(), mount.point.as_path()), (Path::new("/mnt1"), Path::new("/mnt 2")));
        assert_eq!(mount.kind, "ext3");
        assert_eq!(mount.options, ["rw", "noatime", "rw", "errors=continue"]);
    }

    #[test]
    fn a_line_that_breaks_off_is_no_mount() {
        for line in ["", "36 35", "36 35 98:0 / /mnt rw", "36 35 98:0 / /mnt rw -", "\u{fffd} - - -"] {
            assert_eq!(Mount::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_backslash_that_starts_no_octal_number_stays() {
        for (written, meant) in [(r"/a\134b", r"/a\b"), (r"/a\9b", r"/a\9b"), (r"/a\", r"/a\"), (r"/\777", r"/\777")] {
            assert_eq!(unescaped(written.as_bytes()), Path::new(meant));
        }
    }
}
