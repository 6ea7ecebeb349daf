//! Where text goes when it leaves us for a file: whole or not at all.

use super::escape::word;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// What a new file may be at most; the umask takes off the rest.
const EVERYONE: u32 = 0o666;

/// Puts `text` into the file at `path` so that a reader sees the old text or the new, never a part: a temporary file
/// beside it, flushed to the disk, then renamed. A symbolic link is followed and stays; a pipe or a device is written
/// to as it is; an existing file's permissions stay.
///
/// # Errors
/// A sentence with the path, the cause, and what to do.
pub fn write_atomically(path: &Path, text: &str) -> Result<(), String> {
    put(path, text.as_bytes()).map_err(|why| sentence(path, &why))
}

/// The same with bytes, for a file that is there already.
///
/// # Errors
/// The cause alone: what the file is, its writer knows.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes)
}

/// Says early what would make [`write_atomically`] fail later; a run may take hours.
///
/// # Errors
/// The same sentence.
pub fn writable(path: &Path) -> Result<(), String> {
    let check = || if is_stream(path) { Ok(()) } else { beside(&resolved(path)?).map(drop) };
    check().map_err(|why| sentence(path, &why))
}

fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    if is_stream(path) {
        return OpenOptions::new().write(true).open(path)?.write_all(text);
    }
    let path = resolved(path)?;
    let file = beside(&path)?;
    // Through the file itself: the wrapper's errors name the temporary file, which says nothing to anybody.
    file.as_file().write_all(text)?;
    if let Ok(there) = fs::metadata(&path) {
        // Whoever may write a file is not always its owner, and may not give it back: then it is the writer's.
        let _ = fchown(file.as_file(), Some(there.uid()), Some(there.gid()));
        file.as_file().set_permissions(Permissions::from_mode(there.permissions().mode()))?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    // The rename itself lives in the folder; not every file system lets a folder be flushed, and the text is safe.
    let _ = File::open(folder(&path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A new file in the same folder, and so on the same file system, that is removed unless it is renamed.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let permissions = Permissions::from_mode(EVERYONE);
    let made = Builder::new().prefix(".concadvise-").permissions(permissions).tempfile_in(folder(path));
    // By its kind alone, for the same reason.
    made.map_err(|why| why.kind().into())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a link leads, so that the link is not replaced by the file. A folder is refused here.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => fs::canonicalize(path),
        // A link that leads to no file yet.
        Err(why) if why.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(led) => Ok(folder(path).join(led)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(why) => Err(why),
    }
}

/// Whether what is written to `path` cannot be replaced by writing again: a pipe, a terminal, a device.
pub fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| {
        let sort = there.file_type();
        sort.is_fifo() || sort.is_char_device() || sort.is_block_device() || sort.is_socket()
    })
}

fn sentence(path: &Path, why: &io::Error) -> String {
    let remedy = match why.kind() {
        io::ErrorKind::NotFound => "make its folder first, or name another file with --output",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name a file you may write with --output"
        }
        io::ErrorKind::IsADirectory => "name a file in it with --output",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room, or name a file on another disk with --output"
        }
        _ => "name another file with --output, or - for standard output",
    };
    format!("cannot write {}: {why}; {remedy}", word(path.as_os_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder_with(name: &str, text: &str) -> io::Result<(tempfile::TempDir, PathBuf)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        fs::write(&path, text)?;
        Ok((folder, path))
    }

    fn names(folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    #[test]
    fn the_new_text_replaces_the_old_and_nothing_else_is_left() -> io::Result<()> {
        let (folder, path) = folder_with("report.toml", "old and longer")?;
        write_atomically(&path, "new").map_err(io::Error::other)?;
        assert_eq!(fs::read_to_string(&path)?, "new");
        assert_eq!(names(folder.path())?, ["report.toml"]);
        Ok(())
    }

    #[test]
    fn a_new_file_has_the_permissions_that_any_program_would_give_it() -> io::Result<()> {
        let (folder, usual) = folder_with("usual", "")?;
        let path = folder.path().join("ours");
        write_atomically(&path, "x").map_err(io::Error::other)?;
        assert_eq!(fs::metadata(&path)?.permissions(), fs::metadata(&usual)?.permissions());
        Ok(())
    }

    #[test]
    fn an_existing_files_permissions_stay() -> io::Result<()> {
        let (_folder, path) = folder_with("private.toml", "old")?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        write_atomically(&path, "new").map_err(io::Error::other)?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn a_link_stays_a_link_whether_its_file_is_there_or_not() -> io::Result<()> {
        for there in [true, false] {
            let (folder, path) = folder_with("real.toml", "old")?;
            if !there {
                fs::remove_file(&path)?;
            }
            let link = folder.path().join("link.toml");
            symlink("real.toml", &link)?;
            write_atomically(&link, "new").map_err(io::Error::other)?;
            assert!(fs::symlink_metadata(&link)?.is_symlink());
            assert_eq!(fs::read_to_string(&path)?, "new");
        }
        Ok(())
    }

    #[test]
    fn every_refusal_names_the_path_the_cause_and_a_way_out() -> io::Result<()> {
        let (folder, file) = folder_with("file", "")?;
        for (path, cause, remedy) in [
            (folder.path().join("none/report.toml"), "not found", "make its folder"),
            (folder.path().to_owned(), "directory", "name a file in it"),
            (file.join("report.toml"), "a directory", "--output"),
            (PathBuf::from("/dev/full"), "No space left", "make room"),
        ] {
            let refusal = write_atomically(&path, "text").expect_err("must be refused");
            for part in [&*path.to_string_lossy(), cause, remedy] {
                assert!(refusal.contains(part), "{part} is missing in: {refusal}");
            }
            assert!(!refusal.contains(".concadvise-"), "{refusal}");
        }
        assert_eq!(names(folder.path())?, ["file"]);
        Ok(())
    }

    #[test]
    fn an_early_look_finds_what_a_late_write_would() -> io::Result<()> {
        let (folder, file) = folder_with("file", "kept")?;
        assert!(writable(&file).is_ok() && writable(Path::new("/dev/null")).is_ok());
        assert!(writable(folder.path()).is_err() && writable(&folder.path().join("none/r")).is_err());
        assert_eq!(fs::read_to_string(&file)?, "kept");
        assert_eq!(names(folder.path())?, ["file"]);
        Ok(())
    }
}
