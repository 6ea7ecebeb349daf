//! What a native file is built on, told without running it: [`BinaryFacts`].
//!
//! The file may be hostile: ranges and lists are bounded, it is read in pieces, and nothing it says makes us panic,
//! loop, or take memory by its word. `headers` reads its frame, `layout` where names and data lie, `scan` looks for
//! the `signs` of each `component`, `go` reads what Go's linker leaves, `unknown` is what cannot be told and why.
//! What follows for the target is left to those who advise, how it is shown to `report`.

mod component;
mod go;
mod headers;
mod layout;
mod scan;
mod signs;
#[cfg(test)]
mod tests;
mod unknown;

pub use component::{Component, Knob, Role};
pub use go::{GoBuild, GoModule};
pub(super) use headers::{Headers, headers};
pub use layout::FileKind;
pub use unknown::Unknown;

use super::Native;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How sure a sighting makes it that a component is there. Later is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// A text in its data, which a program that only speaks of the component may hold too.
    Text,
    /// A name in its own symbol table, which stripping removes.
    Symbol,
    /// A section that only such a program has.
    Section,
    /// A shared library that it needs; it may need it for something else.
    Library,
    /// A name that it shares with other files, or wants from them, while it runs.
    DynamicSymbol,
    /// What its compiler or linker wrote down.
    BuildInfo,
}

impl Evidence {
    /// All, the surest last.
    pub const ALL: [Self; 6] =
        [Self::Text, Self::Symbol, Self::Section, Self::Library, Self::DynamicSymbol, Self::BuildInfo];

    /// As reports have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Symbol => "symbol",
            Self::Section => "section",
            Self::Library => "library",
            Self::DynamicSymbol => "dynamic symbol",
            Self::BuildInfo => "build info",
        }
    }
}

/// What was seen, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What it is worth.
    pub evidence: Evidence,
    /// The name or text, as it stands in the file.
    pub what: String,
    /// Where in the file; `None` for what is listed by name only (libraries, sections).
    pub offset: Option<u64>,
}

/// A component that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub component: Component,
    /// Its version, where the file tells.
    pub version: Option<String>,
    /// By what, the surest first; never empty, at most one of each [`Evidence`].
    pub sightings: Vec<Sighting>,
}

impl Found {
    /// The surest of what was seen; `Text` is the least.
    pub fn evidence(&self) -> Evidence {
        self.sightings.first().map_or(Evidence::Text, |sighting| sighting.evidence)
    }

    /// Name and version: `tokio 1.38.0`.
    pub fn title(&self) -> String {
        let version = self.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
        format!("{}{version}", self.component)
    }
}

/// What a native file is built on, and what of it cannot be told. By default nothing is, as it was not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// What was found, by [`Component`].
    pub found: Vec<Found>,
    /// Why something that was not found may be there all the same; empty where all of it was seen.
    pub unknown: Vec<Unknown>,
}

impl Default for Inside {
    fn default() -> Self {
        Self { found: Vec::new(), unknown: vec![Unknown::NotRead] }
    }
}

impl Inside {
    /// What is known of a component; `None` when it was not found.
    pub fn get(&self, component: Component) -> Option<&Found> {
        self.found.iter().find(|found| found.component == component)
    }

    /// Whether the file has it; `None` when it was not found and may be there all the same.
    pub fn has(&self, component: Component) -> Option<bool> {
        if self.get(component).is_some() { Some(true) } else { self.unknown.is_empty().then_some(false) }
    }

    /// The executors and libraries that bring workers of their own, and Go, whose runtime does.
    pub fn executors(&self) -> impl Iterator<Item = &Found> {
        let brings = |component: Component| {
            matches!(component.role(), Role::Executor | Role::Library) || component == Component::Go
        };
        self.found.iter().filter(move |found| brings(found.component))
    }
}

/// What could be told of a native file.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryFacts {
    /// What its headers say; what it is built on is in `native.inside`.
    pub native: Native,
    /// What sort of file it is.
    pub kind: FileKind,
    /// 32 or 64.
    pub bits: u8,
    /// Whether its numbers have their highest byte first.
    pub big_endian: bool,
    /// Whether its own symbol table was removed.
    pub stripped: bool,
    /// What Go's linker wrote down.
    pub go: Option<GoBuild>,
}

/// Reads the facts of the file at `path`; nothing of it is run.
///
/// # Errors
/// A clause about the file: why it cannot be read, or what it is instead of a native program.
pub fn read(path: &Path) -> Result<BinaryFacts, String> {
    let mut file = open(path)?;
    facts(&mut file)
}

/// What the file at `path` is if it is certainly no text: an ELF file, or another format of compiled code. `None` for
/// everything else, also for what cannot be read.
pub fn format_of(path: &Path) -> Option<&'static str> {
    let mut head = Vec::new();
    open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    format_of_head(&head)
}

/// As [`format_of`], by the first bytes of a file.
pub fn format_of_head(head: &[u8]) -> Option<&'static str> {
    // Java's magic number is that of Mach-O for several machines too; Java's version, which follows, is 45 or more.
    let of_java = head.get(..4) == Some(b"\xca\xfe\xba\xbe") && head.get(7).is_some_and(|major| *major >= 45);
    let is = |(magic, name): &(&[u8], &'static str)| head.starts_with(magic).then_some(*name);
    if of_java { Some("a Java class") } else { MAGIC.iter().find_map(is) }
}

/// How much of a file its format is told by.
const HEAD: u64 = 8;

/// The formats of compiled code, by how their files begin.
const MAGIC: [(&[u8], &str); 11] = [
    (b"\x7fELF", "an ELF file"),
    (b"!<arch>\n", "a static library (an archive of object files)"),
    (b"!<thin>\n", "a static library (an archive of object files)"),
    (b"MZ", "a Windows program (PE)"),
    (b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a macOS program for several machines (Mach-O)"),
    (b"\0asm", "a WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a ZIP archive"),
];

/// Opens a regular file; opening a FIFO or a device could wait or act.
fn open(path: &Path) -> Result<File, String> {
    let refuse = |why: std::io::Error| format!("it cannot be read: {why}");
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if metadata.is_file() { Ok(file) } else { Err("it is not a regular file".to_owned()) }
}

/// The facts of what `file` holds: a file, or bytes behind a [`std::io::Cursor`].
///
/// # Errors
/// As [`read`].
pub fn facts(file: &mut (impl Read + Seek)) -> Result<BinaryFacts, String> {
    let head = part(file, 0, HEAD as usize).map_err(|why| format!("it cannot be read: {why}"))?;
    match format_of_head(&head) {
        Some(_) if head.starts_with(b"\x7fELF") => {}
        Some(other) => return Err(format!("it is {other}; only ELF files, as Linux runs them, are read")),
        None if head.is_empty() => return Err("it is empty".to_owned()),
        None if head.starts_with(b"#!") => return Err("it is a script, not a native program".to_owned()),
        None => return Err("it is no native program".to_owned()),
    }
    let frame = headers::frame(file)
        .ok_or("it begins as an ELF file and its headers are cut short or make no sense; it may be damaged")?;
    let (headers, layout) = (frame.headers, frame.layout);
    if layout.kind == FileKind::Core {
        return Err("it is a core dump, what a process left as it died; name the program itself".to_owned());
    }
    let seen = scan::scan(file, &headers.native, &layout);
    let go = go::read(file, &layout, seen.go_info);
    let mut native = headers.native;
    let unknown = unknown::of(&native, &layout, &seen, go.is_some());
    native.inside = Inside { found: seen.found(go.as_ref()), unknown };
    let (kind, bits, big_endian, stripped) = (layout.kind, layout.bits, layout.big_endian, layout.names.is_none());
    Ok(BinaryFacts { native, kind, bits, big_endian, stripped, go })
}

/// At most `most` bytes from `offset`: fewer where the file ends.
fn part(file: &mut (impl Read + Seek), offset: u64, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
