//! Where in a file its names and its data lie: ranges of it, each checked to lie within it and counted.

use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use std::ops::Range;

/// Most segments and sections that are looked at. Programs have a dozen and forty; an object file with a section for
/// each function has thousands, and what is told by its first ones is true.
const MOST: usize = 8192;

/// What sort of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// It can be run.
    Executable,
    /// A shared library (`.so`), which others load.
    Library,
    /// An object file (`.o`), to be linked.
    Object,
    /// What a process left as it died.
    Core,
}

impl FileKind {
    /// As people say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Library => "shared library",
            Self::Object => "object file",
            Self::Core => "core dump",
        }
    }
}

/// A loaded part of the file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// Where it is loaded.
    pub address: u64,
    /// Where it lies.
    pub file: Range<u64>,
}

/// A table of names.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Their texts.
    pub texts: Range<u64>,
    /// The symbols that have them; `None` where only the texts could be found.
    pub symbols: Option<Range<u64>>,
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    pub kind: FileKind,
    pub bits: u8,
    pub big_endian: bool,
    pub segments: Vec<Segment>,
    /// The names that it shares while it runs.
    pub dynamic_names: Option<Names>,
    /// Its own names; `None` when it is stripped.
    pub names: Option<Names>,
    /// What its compilers left.
    pub comment: Option<Range<u64>>,
    /// Where Go's build information begins.
    pub go_info: Option<u64>,
    /// Names of its sections.
    pub sections: Vec<Vec<u8>>,
    /// Whether a table that it announces is not there.
    pub damaged: bool,
}

impl Layout {
    /// Where in the file an address is loaded from.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = address.checked_sub(segment.address)?;
            let at = segment.file.start.checked_add(into)?;
            segment.file.contains(&at).then_some(at)
        })
    }

    /// The loaded parts, in order and none twice.
    pub fn loaded(&self) -> Vec<Range<u64>> {
        let mut parts: Vec<_> = self.segments.iter().map(|segment| segment.file.clone()).collect();
        parts.sort_by_key(|part| part.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for part in parts {
            match merged.last_mut() {
                Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
                _ => merged.push(part),
            }
        }
        merged
    }
}

/// Reads it. `dynamic_names` is where the dynamic section says those are: it is right also where there are no sections.
pub(super) fn layout<'data, Elf: FileHeader, R: ReadRef<'data>>(
    header: &Elf,
    data: R,
    is_library: bool,
    dynamic_names: Option<Range<u64>>,
) -> Option<Layout> {
    let endian = header.endian().ok()?;
    let length = data.len().ok()?;
    let within = |range: &Range<u64>| range.start <= range.end && range.end <= length;
    let kind = match header.e_type(endian) {
        elf::ET_CORE => FileKind::Core,
        elf::ET_REL => FileKind::Object,
        elf::ET_DYN if is_library => FileKind::Library,
        _ => FileKind::Executable,
    };
    let mut damaged = dynamic_names.as_ref().is_some_and(|range| !within(range));
    let segments = header.program_headers(endian, data);
    damaged |= segments.is_err();
    let segments = segments.unwrap_or_default().iter().take(MOST);
    let mut loaded = Vec::new();
    for segment in segments.filter(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        let (start, size) = segment.file_range(endian);
        let whole = start..start.saturating_add(size);
        damaged |= !within(&whole);
        let file = whole.start.min(length)..whole.end.min(length);
        if !file.is_empty() {
            loaded.push(Segment { address: segment.p_vaddr(endian).into(), file });
        }
    }
    let mut layout = Layout {
        kind,
        bits: if header.is_type_64() { 64 } else { 32 },
        big_endian: header.is_big_endian(),
        segments: loaded,
        dynamic_names: dynamic_names.filter(within).map(|texts| Names { texts, symbols: None }),
        names: None,
        comment: None,
        go_info: None,
        sections: Vec::new(),
        damaged,
    };
    match header.sections(endian, data) {
        Ok(sections) => {
            for section in sections.iter().take(MOST) {
                let range = section.file_range(endian).map(|(start, size)| start..start.saturating_add(size));
                let range = range.filter(within);
                let linked = |to: u32| {
                    let strings = sections.section(object::SectionIndex(to as usize)).ok()?;
                    let (start, size) = strings.file_range(endian)?;
                    Some(start..start.saturating_add(size)).filter(within)
                };
                match section.sh_type(endian) {
                    of @ (elf::SHT_SYMTAB | elf::SHT_DYNSYM) => {
                        let names =
                            linked(section.sh_link(endian)).map(|texts| Names { texts, symbols: range.clone() });
                        layout.damaged |= names.is_none();
                        let of = if of == elf::SHT_SYMTAB { &mut layout.names } else { &mut layout.dynamic_names };
                        // One of each is all that a file may have; what its sections say is more than what is loaded.
                        *of = names.or_else(|| of.take());
                    }
                    _ => {}
                }
                let Ok(name) = sections.section_name(endian, section) else { continue };
                match name {
                    b".comment" => layout.comment = range,
                    b".go.buildinfo" => layout.go_info = range.map(|range| range.start),
                    _ => {}
                }
                // An object file is not laid out for loading: its data are its sections.
                let allocated = section.sh_flags(endian).into() & u64::from(elf::SHF_ALLOC) != 0;
                if kind == FileKind::Object && allocated {
                    let file = section.file_range(endian).map(|(start, size)| start..start.saturating_add(size));
                    layout.segments.extend(file.filter(within).map(|file| Segment { address: 0, file }));
                }
                layout.sections.push(name.to_vec());
            }
        }
        Err(_) => layout.damaged = true,
    }
    Some(layout)
}
