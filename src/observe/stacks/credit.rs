//! Which frame of a Python stack the time is credited to: the innermost one of the program's own code. Pure.
//!
//! "In `socket.py`, `recv_into`" helps nobody; the line of the program that asked for it does.

/// The index of the frame to credit, of files innermost first: the innermost of the program's own files, else the
/// innermost of its code that is in no file (`python -c`), else the innermost of all. `None` when there is no frame.
pub fn credited<'a>(files: impl Iterator<Item = &'a str>) -> Option<usize> {
    let (mut any, mut typed) = (None, None);
    for (index, file) in files.enumerate() {
        any.get_or_insert(index);
        match Origin::of(file) {
            Origin::Own => return Some(index),
            Origin::Typed => _ = typed.get_or_insert(index),
            Origin::Library => {}
        }
    }
    typed.or(any)
}

/// Whether a file is one of the program's own.
pub fn is_own(file: &str) -> bool {
    Origin::of(file) == Origin::Own
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// A file of the program's own.
    Own,
    /// In no file: `python -c`, standard input, a notebook's cell; also what libraries generate (`dataclass`).
    Typed,
    /// Installed with the interpreter or into it.
    Library,
}

impl Origin {
    /// By where installers put files (the `site` module's rules): under a folder named for the interpreter's version
    /// in `lib`, or in `site-packages`; in one archive for embedded interpreters.
    fn of(file: &str) -> Self {
        if file.starts_with("<frozen ") || file.starts_with("<__array_function__") {
            return Self::Library;
        }
        if file.starts_with('<') {
            return Self::Typed;
        }
        let mut before = "";
        for folder in file.split('/') {
            let installed = matches!(folder, "site-packages" | "dist-packages");
            let version =
                folder.strip_prefix("python").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if installed || version && (before.starts_with("lib") || folder.ends_with(".zip")) {
                return Self::Library;
            }
            before = folder;
        }
        Self::Own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_files_are_told_from_the_program_s_own() {
        for file in [
            "/root/.pyenv/versions/3.11.7/lib/python3.11/threading.py",
            "/usr/lib/python3/dist-packages/yaml/__init__.py",
            "/usr/lib64/python3.12/json/decoder.py",
            "/home/me/project/.venv/lib/python3.13t/site-packages/requests/api.py",
            "/opt/app/python311.zip/asyncio/base_events.py",
            "<frozen importlib._bootstrap>",
        ] {
            assert_eq!(Origin::of(file), Origin::Library, "{file}");
        }
        for file in ["app.py", "/home/me/python3/app.py", "/srv/python-services/lib/job.py", "/work/lib/pythonic.py"] {
            assert_eq!(Origin::of(file), Origin::Own, "{file}");
        }
        for file in ["<string>", "<stdin>", "<ipython-input-3-abc>"] {
            assert_eq!(Origin::of(file), Origin::Typed, "{file}");
        }
    }

    #[test]
    fn the_innermost_frame_of_the_program_is_credited() {
        let (lib, typed) = ("/usr/lib/python3.11/socket.py", "<string>");
        for (files, expected) in [
            (vec![lib, "fetch.py", "main.py"], Some(1)),
            (vec!["fetch.py", lib, "main.py"], Some(0)),
            (vec![lib, typed, "app.py"], Some(2)),
            (vec![lib, typed, lib, typed], Some(1)),
            (vec![lib, lib], Some(0)),
            (vec![], None),
        ] {
            assert_eq!(credited(files.iter().copied()), expected, "{files:?}");
        }
    }
}
