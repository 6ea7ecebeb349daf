//! Which file a word names, and what sort of file it is: as `execvp` and the kernel find out, without running it.
//!
//! What the sort means for the runtime is `detect`'s, what is wrong with it `refusal`'s.

use super::binary;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much of a file the kernel looks at to tell its format (`BINPRM_BUF_SIZE` since Linux 5.1).
const HEAD: u64 = 256;
/// Where `execvp` looks when there is no `PATH` (glibc's `confstr(_CS_PATH)`).
const PATH_UNSET: &str = "/bin:/usr/bin";

/// The file that `word` names, found on `path` where it has no slash; `None` when there is none.
///
/// As `execvp`: an executable file anywhere on the path wins over one that is in the way but may not be executed;
/// the latter is given only when there is no other, so that its error can be told.
pub(super) fn find(word: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    if word.is_empty() {
        return None;
    }
    if word.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(word)).filter(|file| file.exists());
    }
    let path = path.unwrap_or(OsStr::new(PATH_UNSET));
    // An empty element means the current folder.
    let folders = path.as_bytes().split(|byte| *byte == b':').map(|folder| match folder {
        [] => Path::new("."),
        folder => Path::new(OsStr::from_bytes(folder)),
    });
    let files: Vec<PathBuf> = folders.map(|folder| folder.join(word)).filter(|file| file.is_file()).collect();
    files.iter().find(|file| may_execute(file)).or(files.first()).cloned()
}

/// Whether we, with our effective ids, may execute it; false on a file system mounted `noexec`.
pub(super) fn may_execute(file: &Path) -> bool {
    nix::unistd::eaccess(file, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// What sort of file it is.
#[derive(Debug)]
pub(super) enum Format {
    /// A native executable.
    Elf(binary::Headers),
    /// It opens with `#!`.
    Script(Shebang),
    /// It is empty.
    Empty,
    /// Neither.
    Unknown,
}

impl Format {
    /// Looks at the first bytes of a regular file, and at an ELF file's headers.
    ///
    /// # Errors
    /// When it cannot be read, or is not a regular file: opening a FIFO or a device could wait or act.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        let mut open = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(file)?;
        if !open.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut head = Vec::new();
        Read::by_ref(&mut open).take(HEAD).read_to_end(&mut head)?;
        Ok(match head.strip_prefix(b"#!") {
            Some(line) => Shebang::parse(line).map_or(Self::Unknown, Self::Script),
            None if head.is_empty() => Self::Empty,
            None => binary::headers(&mut open).map_or(Self::Unknown, Self::Elf),
        })
    }
}

/// The first line of a script.
#[derive(Debug, PartialEq)]
pub(super) struct Shebang {
    /// What runs the script, as written.
    pub interpreter: PathBuf,
    /// Everything after it, as one word: the kernel does not split it.
    pub argument: Option<OsString>,
}

impl Shebang {
    /// Reads what follows `#!` as the kernel's `load_script` does; `None` where it names no interpreter, or is cut off
    /// within its name.
    fn parse(head: &[u8]) -> Option<Self> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let end = head.iter().position(|byte| *byte == b'\n' || *byte == 0);
        let line = head[..end.unwrap_or(head.len())].trim_ascii_start();
        let length = line.iter().position(blank);
        if end.is_none() && length.is_none() && head.len() as u64 == HEAD - 2 {
            return None;
        }
        let (interpreter, rest) = line.split_at(length.unwrap_or(line.len()));
        let first = rest.iter().position(|byte| !blank(byte));
        let last = rest.iter().rposition(|byte| !blank(byte));
        let argument = first.zip(last).map(|(first, last)| OsString::from_vec(rest[first..=last].to_vec()));
        let interpreter = PathBuf::from(OsStr::from_bytes(interpreter));
        (!interpreter.as_os_str().is_empty()).then_some(Self { interpreter, argument })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_names_an_interpreter_and_at_most_one_argument() {
        for (line, interpreter, argument) in [
            ("/bin/sh\n", "/bin/sh", None),
            (" \t/bin/sh", "/bin/sh", None),
            ("/usr/bin/env -S python3  -u \t\nrest", "/usr/bin/env", Some("-S python3  -u")),
            ("/bin/sh\0-x\n", "/bin/sh", None),
            ("/usr/bin/python3\r\n", "/usr/bin/python3\r", None),
        ] {
            let expect = Shebang { interpreter: interpreter.into(), argument: argument.map(OsString::from) };
            assert_eq!(Shebang::parse(line.as_bytes()), Some(expect), "{line:?}");
        }
    }

    #[test]
    fn a_first_line_without_a_whole_name_is_none() {
        assert_eq!(Shebang::parse(b"\n/bin/sh"), None);
        assert_eq!(Shebang::parse(b"   "), None);
        assert_eq!(Shebang::parse(&[b'a'; HEAD as usize - 2]), None);
    }
}
