//! What Go's linker writes into every program: its version, the package it was built from, and the modules in it.
//!
//! The block begins with [`MAGIC`]; from Go 1.18 on the texts follow it, each with its length before it, and before
//! that it held the addresses of two strings (`debug/buildinfo` of Go's library reads both).

use super::layout::Layout;
use super::part;
use std::io::{Read, Seek};

/// How the block begins.
pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Bytes of the block before its texts.
const HEADER: usize = 32;
/// Longest text: that of a program with thousands of modules.
const LONGEST: usize = 1 << 20;
/// Longest version; longer ones are no Go's.
const LONGEST_VERSION: usize = 256;
/// Most modules and settings that are kept; the largest known programs have some hundreds.
const MOST: usize = 4096;
/// The list of modules is between two marks of this length.
const MARK: usize = 16;

/// How a Go program was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoBuild {
    /// Version of Go without `go` before it: `1.22.3`.
    pub version: String,
    /// The package it was built from: `example.com/tool/cmd/serve`.
    pub package: Option<String>,
    /// The module it belongs to.
    pub module: Option<GoModule>,
    /// The modules it is built on.
    pub dependencies: Vec<GoModule>,
    /// How it was built: `CGO_ENABLED` = `1`.
    pub settings: Vec<(String, String)>,
    /// Where in the file this stands.
    pub offset: u64,
}

/// A module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoModule {
    /// Its path: `golang.org/x/sync`.
    pub path: String,
    /// Its version; `(devel)` for one that was built where it was written.
    pub version: String,
}

/// Reads the block: of the section it has, or where it was seen. `None` when there is none, or it makes no sense.
pub(super) fn read(file: &mut (impl Read + Seek), layout: &Layout, seen: Option<u64>) -> Option<GoBuild> {
    layout.go_info.into_iter().chain(seen).find_map(|offset| block(file, layout, offset))
}

fn block(file: &mut (impl Read + Seek), layout: &Layout, offset: u64) -> Option<GoBuild> {
    let header = part(file, offset, HEADER).ok().filter(|header| header.starts_with(MAGIC))?;
    let (&size, &flags) = (header.get(14)?, header.get(15)?);
    let (version, modules) = if flags & 2 != 0 {
        let (version, next) = text(file, offset.checked_add(HEADER as u64)?)?;
        (version, text(file, next).map(|(modules, _)| modules))
    } else {
        let numbers = Numbers { size: usize::from(size), big_endian: flags & 1 != 0 };
        let at = |from: usize| numbers.read(header.get(from..)?);
        let version = string(file, layout, numbers, at(16)?)?;
        (version, at(16 + numbers.size).and_then(|address| string(file, layout, numbers, address)))
    };
    let version = String::from_utf8(version).ok().filter(|version| version.len() <= LONGEST_VERSION)?;
    let version = version.strip_prefix("go").or_else(|| version.strip_prefix("devel "))?.to_owned();
    let mut go =
        GoBuild { version, package: None, module: None, dependencies: Vec::new(), settings: Vec::new(), offset };
    if let Some(list) = modules.as_deref().and_then(between_marks) {
        go.take(&String::from_utf8_lossy(list));
    }
    Some(go)
}

impl GoBuild {
    /// Takes in the list: lines of words with tabs between them.
    fn take(&mut self, list: &str) {
        // A replacement stands on the line after what it replaces.
        let mut replaced_main = false;
        for line in list.lines() {
            let mut words = line.split('\t');
            let (key, first, second) = (words.next(), words.next(), words.next().unwrap_or_default());
            let Some(first) = first else { continue };
            let module = || GoModule { path: first.to_owned(), version: second.to_owned() };
            match key {
                Some("path") => self.package = Some(first.to_owned()),
                Some("mod") => (self.module, replaced_main) = (Some(module()), true),
                Some("dep") if self.dependencies.len() < MOST => {
                    self.dependencies.push(module());
                    replaced_main = false;
                }
                Some("=>") if replaced_main => self.module = Some(module()),
                Some("=>") => {
                    if let Some(last) = self.dependencies.last_mut() {
                        *last = module();
                    }
                }
                Some("build") if self.settings.len() < MOST => {
                    let (name, value) = first.split_once('=').unwrap_or((first, ""));
                    self.settings.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// The list without the marks around it; the byte before the second one ends its last line.
fn between_marks(text: &[u8]) -> Option<&[u8]> {
    let list = text.get(MARK..text.len().checked_sub(MARK)?)?;
    (list.last() == Some(&b'\n')).then_some(list)
}

/// A text with its length before it (seven bits in a byte, the lowest first), and where the next one begins.
fn text(file: &mut (impl Read + Seek), offset: u64) -> Option<(Vec<u8>, u64)> {
    let head = part(file, offset, 10).ok()?;
    let last = head.iter().position(|byte| byte & 0x80 == 0)?;
    let length = head[..=last]
        .iter()
        .rev()
        .try_fold(0_usize, |length, byte| length.checked_mul(128).map(|length| length | usize::from(byte & 0x7f)))?;
    let start = offset.checked_add(last as u64 + 1)?;
    let text = (length <= LONGEST).then(|| part(file, start, length).ok()).flatten()?;
    (text.len() == length).then_some((text, start.checked_add(length as u64)?))
}

/// How numbers of the machine's word are written.
#[derive(Clone, Copy)]
struct Numbers {
    size: usize,
    big_endian: bool,
}

impl Numbers {
    fn read(self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.size)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match (self.size, self.big_endian) {
            (4 | 8, true) => Some(bytes.iter().fold(0, add)),
            (4 | 8, false) => Some(bytes.iter().rev().fold(0, add)),
            _ => None,
        }
    }
}

/// A string of Go at an address: where its bytes are, and how many.
fn string(file: &mut (impl Read + Seek), layout: &Layout, numbers: Numbers, address: u64) -> Option<Vec<u8>> {
    let header = part(file, layout.offset_of(address)?, 2 * numbers.size).ok()?;
    let (data, length) = (numbers.read(&header)?, numbers.read(header.get(numbers.size..)?)?);
    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST)?;
    let text = part(file, layout.offset_of(data)?, length).ok()?;
    (text.len() == length).then_some(text)
}
