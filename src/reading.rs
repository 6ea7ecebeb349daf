//! Files of others, read whole as text: never more than was allowed for, never waited for, and refused by a clause.
//! What is in them is the caller's.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Why a file was not read, as a clause.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The kernel refused.
    #[error(transparent)]
    Refused(#[from] io::Error),
    /// It is no file.
    #[error("it is a folder")]
    Folder,
    /// Reading it could wait for ever, or act.
    #[error("it is not a regular file")]
    Special,
    /// It has more bytes than that.
    #[error("it is larger than {} MiB", .0 >> 20)]
    Large(usize),
    /// What is on that line, counted from 1.
    #[error("line {0} is not UTF-8 text")]
    NotText(usize),
}

impl Unread {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(why) if why.kind() == io::ErrorKind::NotFound)
    }
}

/// The text of a regular file of at most `most` bytes.
///
/// # Errors
/// When it is not that, or cannot be read.
pub fn text(path: &Path, most: usize) -> Result<String, Unread> {
    read(path, most, false)
}

/// The same of what a person named, which may be a pipe as well: `/dev/stdin`, or `<(git show main:FILE)` of a shell. One
/// that nobody writes into is empty.
///
/// # Errors
/// As [`text`].
pub fn named(path: &Path, most: usize) -> Result<String, Unread> {
    read(path, most, true)
}

fn read(path: &Path, most: usize, streams: bool) -> Result<String, Unread> {
    // So that opening a pipe does not wait for a writer; of a regular file it changes nothing.
    let open = OpenOptions::new().read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path);
    let file = open?;
    let about = file.metadata()?;
    let sort = about.file_type();
    if sort.is_dir() {
        return Err(Unread::Folder);
    }
    if !sort.is_file() {
        if !streams || sort.is_block_device() {
            return Err(Unread::Special);
        }
        wait_for_more(&file)?;
    }
    if usize::try_from(about.len()).map_or(true, |length| length > most) {
        return Err(Unread::Large(most));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(Unread::Large(most));
    }
    String::from_utf8(bytes).map_err(|why| Unread::NotText(line_of(why.as_bytes(), why.utf8_error().valid_up_to())))
}

fn wait_for_more(file: &File) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(())
}

/// What begins a line that a merge left behind.
const CONFLICT: [&str; 3] = ["<<<<<<< ", ">>>>>>> ", "||||||| "];

/// The first line on which a merge left its marks, counted from 1.
pub fn conflict(text: &str) -> Option<usize> {
    let marked = |line: &str| CONFLICT.iter().any(|mark| line.starts_with(mark));
    text.lines().position(marked).map(|line| line + 1)
}

/// The line that a byte is on, counted from 1.
pub fn line_of(text: &[u8], byte: usize) -> usize {
    text[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::fs;
    use std::io::Write;

    #[test]
    fn whatever_is_no_text_of_that_size_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("text"), "a\nb").expect("a file");
        fs::write(path("bytes"), b"a\nb\xff").expect("a file");
        fs::create_dir(path("folder")).expect("a folder");
        File::create(path("sparse")).and_then(|file| file.set_len(1 << 40)).expect("a file");
        nix::unistd::mkfifo(&path("pipe"), Mode::S_IRWXU).expect("a pipe");
        let zero = Path::new("/dev/zero");
        for (path, of_a_file, of_a_name) in [
            (path("text"), "a\nb", "a\nb"),
            (path("bytes"), "line 2 is not UTF-8 text", "line 2 is not UTF-8 text"),
            (path("folder"), "it is a folder", "it is a folder"),
            (path("sparse"), "it is larger than 1 MiB", "it is larger than 1 MiB"),
            (path("pipe"), "it is not a regular file", ""),
            (zero.to_owned(), "it is not a regular file", "it is larger than 1 MiB"),
            (path("none"), "No such file or directory (os error 2)", "No such file or directory (os error 2)"),
        ] {
            let said = |read: Result<String, Unread>| read.unwrap_or_else(|why| why.to_string());
            assert_eq!(said(text(&path, 1 << 20)), of_a_file, "{}", path.display());
            assert_eq!(said(named(&path, 1 << 20)), of_a_name, "{}", path.display());
        }
        assert!(text(&path("none"), 9).is_err_and(|why| why.is_missing()));
        assert!(text(&path("text"), 3).is_ok() && text(&path("text"), 2).is_err(), "the bound is in bytes");
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let (from, mut to) = io::pipe().expect("a pipe");
        let name = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&from));
        let writer = std::thread::spawn(move || {
            for part in ["one ", "two"] {
                std::thread::sleep(std::time::Duration::from_millis(20));
                to.write_all(part.as_bytes()).expect("a reader");
            }
        });
        assert_eq!(named(Path::new(&name), 100).expect("text"), "one two");
        writer.join().expect("it wrote");
    }
}
