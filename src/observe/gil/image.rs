//! What a file that may hold CPython says of where its runtime lies: one symbol, read from the file's own tables.
//!
//! `_PyRuntime` is exported, so it stays in `.dynsym` of a stripped file. The file may be hostile: only the ranges that
//! are needed are read, each of bounded size, and whatever is out of place makes it "no CPython". Only files of our own
//! width and byte order are read, because the memory of a process of another would be laid out otherwise too.

use object::elf::{FileHeader64, ProgramHeader64, SectionHeader64, Sym64};
use object::pod::{Pod, from_bytes, slice_from_bytes};
use object::{NativeEndian, elf};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Largest table that is read; the whole symbol table of a CPython with everything linked into it is a few MB.
const LARGEST_TABLE: u64 = 32 << 20;
/// What everything of the interpreter hangs from, since 3.7.
const RUNTIME: &[u8] = b"_PyRuntime";
/// A constant `unsigned long`, since 3.11.
const VERSION: &[u8] = b"Py_Version";
/// The section that holds nothing but the runtime, since 3.11.
const RUNTIME_SECTION: &[u8] = b".PyRuntime";

/// Where a file keeps CPython's runtime, in addresses as the file counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// `_PyRuntime`.
    pub runtime: u64,
    /// `Py_Version`, which not all have.
    pub version: Option<u64>,
    /// The first part that is loaded: its place in the file and its address.
    pub first: (u64, u64),
}

impl Image {
    /// `None` when the file is no CPython, or too broken to tell.
    pub fn read(file: &File) -> Option<Self> {
        let endian = NativeEndian;
        let header = part(file, 0, size_of::<FileHeader64<NativeEndian>>() as u64)?;
        let (header, _) = from_bytes::<FileHeader64<NativeEndian>>(&header).ok()?;
        let native = if cfg!(target_endian = "little") { elf::ELFDATA2LSB } else { elf::ELFDATA2MSB };
        let ident = &header.e_ident;
        if ident.magic != elf::ELFMAG || ident.class != elf::ELFCLASS64 || ident.data != native {
            return None;
        }
        let segments = part(file, header.e_phoff.get(endian), bytes_of::<Segment>(header.e_phnum.get(endian).into()))?;
        let segments = table::<Segment>(&segments);
        let first = segments.iter().find(|segment| segment.p_type.get(endian) == elf::PT_LOAD)?;
        let sections = part(file, header.e_shoff.get(endian), bytes_of::<Section>(header.e_shnum.get(endian).into()))?;
        let sections = table::<Section>(&sections);
        let mut found = Found::default();
        for kind in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
            if found.runtime.is_none() {
                let symbols = sections.iter().find(|section| section.sh_type.get(endian) == kind);
                symbols.and_then(|symbols| found.look(file, symbols, sections));
            }
        }
        if found.runtime.is_none() {
            let names = sections.get(usize::from(header.e_shstrndx.get(endian)))?;
            let names = contents(file, names)?;
            let section =
                sections.iter().find(|section| name(&names, section.sh_name.get(endian)) == Some(RUNTIME_SECTION));
            found.runtime = section.map(|section| section.sh_addr.get(endian));
        }
        let first = (first.p_offset.get(endian), first.p_vaddr.get(endian));
        Some(Self { runtime: found.runtime?, version: found.version, first })
    }
}

type Segment = ProgramHeader64<NativeEndian>;
type Section = SectionHeader64<NativeEndian>;

#[derive(Default)]
struct Found {
    runtime: Option<u64>,
    version: Option<u64>,
}

impl Found {
    fn look(&mut self, file: &File, symbols: &Section, sections: &[Section]) -> Option<()> {
        let endian = NativeEndian;
        let names = contents(file, sections.get(symbols.sh_link.get(endian) as usize)?)?;
        for symbol in table::<Sym64<NativeEndian>>(&contents(file, symbols)?) {
            // One that is only asked for lies in another file.
            if symbol.st_shndx.get(endian) == elf::SHN_UNDEF {
                continue;
            }
            match name(&names, symbol.st_name.get(endian)) {
                Some(RUNTIME) => self.runtime = Some(symbol.st_value.get(endian)),
                Some(VERSION) => self.version = Some(symbol.st_value.get(endian)),
                _ => {}
            }
        }
        Some(())
    }
}

fn bytes_of<T>(count: u64) -> u64 {
    count.saturating_mul(size_of::<T>() as u64)
}

fn contents(file: &File, section: &Section) -> Option<Vec<u8>> {
    part(file, section.sh_offset.get(NativeEndian), section.sh_size.get(NativeEndian))
}

fn part(file: &File, offset: u64, size: u64) -> Option<Vec<u8>> {
    if size > LARGEST_TABLE {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

/// As many whole entries as there are.
fn table<T: Pod>(bytes: &[u8]) -> &[T] {
    slice_from_bytes(bytes, bytes.len() / size_of::<T>()).map_or(&[], |(entries, _)| entries)
}

fn name(names: &[u8], at: u32) -> Option<&[u8]> {
    let rest = names.get(usize::try_from(at).ok()?..)?;
    Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn our_own_program_is_no_cpython() {
        let file = File::open("/proc/self/exe").expect("our own program");
        assert_eq!(Image::read(&file), None);
    }

    #[test]
    fn a_broken_file_is_no_cpython() {
        let whole = std::fs::read("/proc/self/exe").expect("our own program");
        for length in [0, 3, 16, 63, 64, 200, 4096] {
            let mut file = tempfile::tempfile().expect("a temporary file");
            file.write_all(&whole[..length]).expect("room for it");
            assert_eq!(Image::read(&file), None, "{length} bytes");
        }
        // Every table is said to be as large as can be.
        let mut lies = whole[..64].to_vec();
        lies[32..].fill(0xff);
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&lies).expect("room for it");
        assert_eq!(Image::read(&file), None);
    }
}
