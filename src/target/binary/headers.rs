//! What an ELF file's headers say: machine, loader, shared libraries. Nothing of it is run.
//!
//! The file may be hostile: only the ranges that are needed are read, each of bounded size, and whatever is out of
//! place makes the file "not ELF" or leaves its list short. Which runtime a file stands for is `detect`'s to say.

use super::layout::{Layout, layout};
use crate::target::Native;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadRef, StringTable};
use object::{Endianness, elf};
use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{Read, Seek};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Largest single range that is read: far above the program headers and dynamic section of any real executable.
const LARGEST_RANGE: u64 = 4 << 20;
/// Most bytes of all ranges together, which stay in memory while a file is read: a file may name as many as it likes.
const MOST_READ: u64 = 16 << 20;
/// What keeping a name takes beside its bytes, about; `ReadCache` reads none longer than 4096 bytes.
const LEAST_NAME: u64 = 64;
/// Most shared libraries that are listed; real programs name a few dozen.
const MOST_LIBRARIES: usize = 256;

/// What is told by the headers.
#[derive(Debug, Default)]
pub(in crate::target) struct Headers {
    pub native: Native,
    /// The program that loads it (`PT_INTERP`), for dynamically linked ones.
    pub loader: Option<PathBuf>,
}

/// The headers, and where everything else is.
#[derive(Debug)]
pub(super) struct Frame {
    pub headers: Headers,
    pub layout: Layout,
}

/// Reads the headers; `None` when the file is not ELF, or too broken to tell its machine.
pub(in crate::target) fn headers(file: &mut (impl Read + Seek)) -> Option<Headers> {
    frame(file).map(|frame| frame.headers)
}

/// Reads the headers and the tables of segments and sections; `None` as [`headers`].
pub(super) fn frame(file: &mut (impl Read + Seek)) -> Option<Frame> {
    let cache = ReadCache::new(file);
    let left = Cell::new(MOST_READ);
    let data = Bounded { cache: &cache, left: &left };
    let ident = data.read_bytes_at(0, 5).ok()?;
    match (ident.get(..4)? == elf::ELFMAG, ident.get(4)?) {
        (true, &elf::ELFCLASS64) => of_class::<elf::FileHeader64<Endianness>, _>(data),
        (true, &elf::ELFCLASS32) => of_class::<elf::FileHeader32<Endianness>, _>(data),
        _ => None,
    }
}

fn of_class<'data, Elf: FileHeader, R: ReadRef<'data>>(data: R) -> Option<Frame> {
    let header = Elf::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, data).unwrap_or_default();
    let mut found = Headers::default();
    found.native.arch = machine(header.e_machine(endian), header.is_type_64());

    let loader = segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
    found.loader = loader.map(|path| PathBuf::from(OsStr::from_bytes(path)));

    let dynamic = segments.iter().find_map(|segment| segment.dynamic(endian, data).ok().flatten()).unwrap_or_default();
    let word = |tag| dynamic.iter().find(|entry| entry.tag32(endian) == Some(tag)).map(|entry| entry.d_val(endian));
    let mut names_at = None;
    if let (Some(address), Some(size)) = (word(elf::DT_STRTAB), word(elf::DT_STRSZ)) {
        let (address, size): (u64, u64) = (address.into(), size.into());
        let in_file = segments.iter().find_map(|segment| {
            let start: u64 = segment.p_vaddr(endian).into();
            let into = address.checked_sub(start).filter(|into| *into < segment.p_filesz(endian).into())?;
            (segment.p_type(endian) == elf::PT_LOAD).then(|| segment.p_offset(endian).into().checked_add(into))?
        });
        names_at = in_file.map(|start: u64| start..start.saturating_add(size));
        let strings = names_at.as_ref().map(|at| StringTable::new(data, at.start, at.end));
        let needed = dynamic.iter().filter(|entry| entry.tag32(endian) == Some(elf::DT_NEEDED));
        let name = |entry: &Elf::Dyn| strings.as_ref()?.get(entry.val32(endian)?).ok();
        let names = needed.take(MOST_LIBRARIES).filter_map(name);
        found.native.libraries = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    }
    // A static executable may still have a dynamic section (static-pie), but nobody loads it and it needs nothing.
    found.native.statically_linked = found.loader.is_none() && found.native.libraries.is_empty();
    let flags: u64 = word(elf::DT_FLAGS_1).map_or(0, Into::into);
    let is_library = found.loader.is_none() && flags & u64::from(elf::DF_1_PIE) == 0;
    let layout = layout(header, data, is_library, names_at)?;
    Some(Frame { headers: found, layout })
}

/// The name the rest of the world uses; `std::env::consts::ARCH` where Rust has one.
fn machine(code: u16, wide: bool) -> String {
    let name = match code {
        elf::EM_X86_64 => "x86_64",
        elf::EM_386 => "x86",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_ARM => "arm",
        elf::EM_RISCV if wide => "riscv64",
        elf::EM_RISCV => "riscv32",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_PPC => "powerpc",
        elf::EM_S390 => "s390x",
        elf::EM_MIPS if wide => "mips64",
        elf::EM_MIPS => "mips",
        elf::EM_LOONGARCH if wide => "loongarch64",
        elf::EM_LOONGARCH => "loongarch32",
        elf::EM_SPARCV9 => "sparc64",
        _ => return format!("machine {code}"),
    };
    name.to_owned()
}

/// A file that refuses to read a range larger than any honest one, or more of them than honest ones come to.
struct Bounded<'a, F: Read + Seek> {
    cache: &'a ReadCache<F>,
    left: &'a Cell<u64>,
}

impl<F: Read + Seek> Clone for Bounded<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Read + Seek> Copy for Bounded<'_, F> {}

impl<F: Read + Seek> Bounded<'_, F> {
    fn spend(self, bytes: u64) -> Result<(), ()> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(())?);
        Ok(())
    }
}

impl<'a, F: Read + Seek> ReadRef<'a> for Bounded<'a, F> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        // What lies outside of the file is refused before it is paid for.
        if size > LARGEST_RANGE || offset.checked_add(size).is_none_or(|end| self.len().is_ok_and(|len| end > len)) {
            return Err(());
        }
        self.spend(size)?;
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let end = range.end.min(self.len()?);
        if range.start >= end {
            return Err(());
        }
        self.spend(LEAST_NAME)?;
        let name = self.cache.read_bytes_at_until(range.start..end, delimiter)?;
        self.spend(name.len() as u64).map(|()| name)
    }
}
