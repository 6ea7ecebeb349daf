//! Free-threaded CPythons on this machine, by the names that they are installed under: `python3.14t` on `PATH`, and
//! pyenv's versions whose name ends in `t`. Looks at file names only; what each is, it must say itself.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// The newest, first by its name; `None` when there is none.
pub fn newest(path: Option<&OsStr>, pyenv: Option<&Path>) -> Option<PathBuf> {
    let on_path = path.into_iter().flat_map(std::env::split_paths).flat_map(|folder| {
        names(&folder).into_iter().filter_map(move |name| {
            let version = version(name.to_str()?.strip_prefix("python")?)?;
            Some((version, folder.join(name)))
        })
    });
    let of_pyenv = pyenv.into_iter().flat_map(|root| {
        let versions = root.join("versions");
        names(&versions).into_iter().filter_map(move |name| {
            let version = version(name.to_str()?)?;
            Some((version, versions.join(name).join("bin/python3")))
        })
    });
    // A shim of pyenv's is named as an interpreter is, and there whether or not one is chosen.
    let shims = pyenv.map(|root| root.join("shims"));
    let real = |file: &PathBuf| file.is_file() && file.parent() != shims.as_deref();
    on_path.chain(of_pyenv).filter(|(_, file)| real(file)).max_by_key(|(version, _)| *version).map(|(_, file)| file)
}

/// `3.14t` or `3.14.1t` as (minor, micro).
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_suffix('t')?.strip_prefix("3.")?.split('.');
    let minor = parts.next()?.parse().ok()?;
    let micro = parts.next().map_or(Ok(0), str::parse).ok()?;
    parts.next().is_none().then_some((minor, micro))
}

fn names(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_found_by_name_on_the_path_and_among_pyenvs() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |path: &str| {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
            fs::write(file, "").expect("a file");
        };
        let path = folder.path().join("bin");
        let found = || {
            let found = newest(Some(path.as_os_str()), Some(&folder.path().join("pyenv")))?;
            Some(found.strip_prefix(folder.path()).expect("it is in there").display().to_string())
        };
        for name in ["bin/python3", "bin/python3.13", "bin/python3.13t-config", "bin/python3t"] {
            make(name);
        }
        assert_eq!(found(), None);
        make("bin/python3.13t");
        assert_eq!(found().as_deref(), Some("bin/python3.13t"));
        make("pyenv/versions/3.13.1t/bin/python3");
        assert_eq!(found().as_deref(), Some("pyenv/versions/3.13.1t/bin/python3"));
        make("pyenv/versions/3.9t/bin/python3");
        make("bin/python3.14t");
        assert_eq!(found().as_deref(), Some("bin/python3.14t"));
    }
}
