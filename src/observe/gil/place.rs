//! Where in a process CPython's runtime lies: which of its mapped files holds it, and where that was put.
//!
//! Each file is read once for all processes: a hundred workers forked from one program, or started from it, cost one
//! look into its tables. What lies at that address is `words`'s.

use super::super::probe::ProcPath;
use super::image::Image;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Part of the list of mappings that is read: some ten thousand of them.
const MAPS: u64 = 1 << 20;
/// Files that are remembered; a tree runs far fewer.
const REMEMBERED: usize = 1024;

/// A process's runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Address of `_PyRuntime`.
    pub runtime: u64,
    /// Address of `Py_Version`, where there is one.
    pub version: Option<u64>,
    /// Major and minor version, as the file's name has it.
    pub named: Option<(u8, u8)>,
}

/// The files that were read, by device and inode.
#[derive(Debug, Default)]
pub struct Images(HashMap<(String, u64), Option<Image>>);

impl Images {
    /// Looks for the runtime of a process; `None` when it has none, as far as can be seen.
    ///
    /// # Errors
    /// When its mappings may not be read.
    pub fn find(&mut self, pid: i32) -> io::Result<Option<Place>> {
        let mut maps = Vec::new();
        File::open(ProcPath::process(pid, "maps"))?.take(MAPS).read_to_end(&mut maps)?;
        let maps = String::from_utf8_lossy(&maps);
        let mut seen: Vec<(&str, u64)> = Vec::new();
        for mapping in maps.lines().filter_map(Mapping::parse) {
            let key = (mapping.device, mapping.inode);
            // The program itself lies lowest. Of the rest only what is called so is worth opening.
            if seen.contains(&key) || !(seen.is_empty() || mapping.may_be_cpython()) {
                continue;
            }
            let is_program = seen.is_empty();
            seen.push(key);
            let image = self.image(pid, &mapping, is_program);
            if let Some(place) = image.and_then(|image| mapping.place(&image)) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn image(&mut self, pid: i32, mapping: &Mapping, is_program: bool) -> Option<Image> {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        let key = (mapping.device.to_owned(), mapping.inode);
        *self.0.entry(key).or_insert_with(|| {
            // The link to the program works also when its file was deleted; the path is as the process sees it.
            let path = if is_program {
                ProcPath::process(pid, "exe").as_ref().to_owned()
            } else {
                let root = PathBuf::from(format!("/proc/{pid}/root"));
                root.join(mapping.path.trim_start_matches('/'))
            };
            Image::read(&File::open(path).ok()?)
        })
    }
}

/// A mapped file: its first mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mapping<'a> {
    start: u64,
    offset: u64,
    device: &'a str,
    inode: u64,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    /// A line of `maps` (proc_pid_maps(5)); `None` when no file is mapped there.
    fn parse(line: &'a str) -> Option<Self> {
        let mut rest = line;
        let mut word = || {
            let (word, after) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
            rest = after;
            word
        };
        let (start, _) = word().split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        word();
        let offset = u64::from_str_radix(word(), 16).ok()?;
        let device = word();
        let inode = word().parse().ok().filter(|inode| *inode != 0)?;
        Some(Self { start, offset, device, inode, path: rest.trim_start() })
    }

    fn name(&self) -> &'a str {
        let path = self.path.strip_suffix(" (deleted)").unwrap_or(self.path);
        Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("")
    }

    fn may_be_cpython(&self) -> bool {
        self.name().starts_with("libpython") || self.name().starts_with("python")
    }

    /// `self` is the file's lowest mapping, and so that of its first loaded part.
    fn place(&self, image: &Image) -> Option<Place> {
        let (offset, address) = image.first;
        let into = offset.checked_sub(self.offset)?;
        let at = |symbol: u64| symbol.wrapping_sub(address).wrapping_add(self.start).wrapping_add(into);
        Some(Place { runtime: at(image.runtime), version: image.version.map(at), named: named_version(self.name()) })
    }
}

/// `python3.9`, `libpython3.10.so.1.0`, `libpython3.8d.so`.
fn named_version(name: &str) -> Option<(u8, u8)> {
    let (_, version) = name.split_once("python")?;
    let (major, rest) = version.split_once('.')?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    Some((major.parse().ok()?, rest[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_is_told_from_other_memory() {
        let line =
            "7f10a000-7f10b000 r--p 00002000 fd:01 1234                       /a b/libpython3.9.so.1.0 (deleted)";
        let mapping = Mapping::parse(line).expect("a mapping");
        let path = "/a b/libpython3.9.so.1.0 (deleted)";
        assert_eq!(mapping, Mapping { start: 0x7f10_a000, offset: 0x2000, device: "fd:01", inode: 1234, path });
        assert!(mapping.may_be_cpython());
        for other in ["7f10a000-7f10b000 rw-p 00000000 00:00 0 ", "7ffd0-7ffd1 rw-p 00000000 00:00 0  [stack]", "", "x"]
        {
            assert_eq!(Mapping::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn addresses_move_with_the_file_s_first_part() {
        let mapping = Mapping::parse("7f0000-7f1000 r--p 00000000 fd:01 7 /usr/bin/python3.9").expect("a mapping");
        let place = |first| mapping.place(&Image { runtime: 0x5000, version: Some(0x6000), first });
        let expect = |runtime, version| Some(Place { runtime, version: Some(version), named: Some((3, 9)) });
        assert_eq!(place((0, 0)), expect(0x7f_5000, 0x7f_6000));
        assert_eq!(place((0, 0x4000)), expect(0x7f_1000, 0x7f_2000));
        let fixed = Mapping { start: 0x4000, ..mapping };
        assert_eq!(
            fixed.place(&Image { runtime: 0x5000, version: None, first: (0, 0x4000) }).map(|p| p.runtime),
            Some(0x5000)
        );
    }

    #[test]
    fn a_version_is_read_from_a_file_s_name() {
        for (name, expect) in [
            ("python3.9", Some((3, 9))),
            ("libpython3.10.so.1.0", Some((3, 10))),
            ("libpython3.8d.so", Some((3, 8))),
            ("python3", None),
            ("libpython3.so", None),
            ("sh", None),
        ] {
            assert_eq!(named_version(name), expect, "{name}");
        }
    }

    #[test]
    fn our_own_process_has_no_runtime() {
        let mut images = Images::default();
        let us = std::process::id().cast_signed();
        assert_eq!(images.find(us).expect("our own mappings"), None);
        assert_eq!(images.0.len(), 1, "only the program itself was worth a look");
    }
}
