//! CPython by its files' names, and what its command line asks it to run.
//!
//! What the interpreter says of itself is `ask`'s.

use super::{Native, PythonEntry};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Interpreters of Python that are not CPython, by a part of their file's name.
const OTHERS: [&str; 4] = ["pypy", "graalpy", "jython", "ironpython"];

/// What an executable is, as far as Python goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// CPython.
    CPython,
    /// Python of another make.
    OtherImplementation,
    /// No interpreter of Python.
    Foreign,
}

/// Judges by the name it was invoked by, the name behind its symbolic links, and the libraries it needs: a virtual
/// environment's `python` is a link that may lead to either.
pub(super) fn kind(invoked: &Path, native: &Native) -> Kind {
    let real = invoked.canonicalize().unwrap_or_else(|_| invoked.to_path_buf());
    let names = [invoked, &real].map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let other = |name: &String| OTHERS.iter().any(|other| name.starts_with(other));
    if names.iter().any(other) || native.libraries.iter().any(|library| library.starts_with("libpypy")) {
        Kind::OtherImplementation
    } else if names.iter().any(|name| named_python(OsStr::new(name))) {
        Kind::CPython
    } else {
        Kind::Foreign
    }
}

/// `python`, `python3`, `python3.13t`, `python2.7-dbg`; not `python3-config`.
pub(super) fn named_python(name: &OsStr) -> bool {
    let Some(rest) = name.as_bytes().strip_prefix(b"python") else { return false };
    let rest = rest.strip_suffix(b"-dbg").unwrap_or(rest);
    // The letters are build flavours: debug, free-threaded, and the pymalloc and wide-unicode ones of old.
    let version = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(rest.len());
    rest[version..].iter().all(|byte| b"dtmu".contains(byte))
}

/// What CPython with these arguments (without `argv[0]`) runs: the grammar of its `Python/getopt.c`.
pub(super) fn entry(args: &[OsString]) -> PythonEntry {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let bytes = arg.as_bytes();
        match bytes {
            b"--" => break,
            b"-" => return PythonEntry::Stdin,
            b"--check-hash-based-pycs" => drop(args.next()),
            // --help and its kin print and run nothing.
            _ if bytes.starts_with(b"--") => return PythonEntry::Unknown,
            [b'-', flags @ ..] => {
                for (i, flag) in flags.iter().enumerate() {
                    let attached = &flags[i + 1..];
                    match flag {
                        b'c' => return PythonEntry::Code,
                        b'm' if attached.is_empty() => return module(args.next().map(|name| name.as_bytes())),
                        b'm' => return module(Some(attached)),
                        b'W' | b'X' if attached.is_empty() => drop(args.next()),
                        b'W' | b'X' => {}
                        b'h' | b'?' | b'V' => return PythonEntry::Unknown,
                        _ => continue,
                    }
                    break;
                }
            }
            _ => return PythonEntry::File(arg.into()),
        }
    }
    match args.next() {
        Some(file) if file == "-" => PythonEntry::Stdin,
        Some(file) => PythonEntry::File(file.into()),
        None => PythonEntry::Stdin,
    }
}

/// A module's name is text to Python; a name that is not cannot be imported, but can be shown.
fn module(name: Option<&[u8]>) -> PythonEntry {
    let text = |name: &[u8]| OsString::from_vec(name.to_vec()).to_string_lossy().into_owned();
    name.map_or(PythonEntry::Unknown, |name| PythonEntry::Module(text(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_what_python_itself_would_run() {
        let file = |name: &str| PythonEntry::File(name.into());
        let module = |name: &str| PythonEntry::Module(name.into());
        for (args, expect) in [
            ("", PythonEntry::Stdin),
            ("-", PythonEntry::Stdin),
            ("-i", PythonEntry::Stdin),
            ("app.py", file("app.py")),
            ("app.py -m x -c y", file("app.py")),
            ("-u -W error app.py", file("app.py")),
            ("-Werror -Xdev app.py", file("app.py")),
            ("-uX dev -BW ignore app.py", file("app.py")),
            ("--check-hash-based-pycs always app.py", file("app.py")),
            ("-u -- -odd.py", file("-odd.py")),
            ("-- -", PythonEntry::Stdin),
            ("-m http.server 8000", module("http.server")),
            ("-Im http.server", module("http.server")),
            ("-mhttp.server -c", module("http.server")),
            ("-m", PythonEntry::Unknown),
            ("-c pass app.py", PythonEntry::Code),
            ("-Ic pass", PythonEntry::Code),
            ("-cpass", PythonEntry::Code),
            ("-V", PythonEntry::Unknown),
            ("--version", PythonEntry::Unknown),
            ("-X", PythonEntry::Stdin),
        ] {
            let words: Vec<OsString> = args.split_whitespace().map(OsString::from).collect();
            assert_eq!(entry(&words), expect, "python {args}");
        }
    }

    #[test]
    fn python_is_known_by_its_name() {
        for name in ["python", "python2", "python3", "python3.12", "python3.13t", "python3.13td", "python3.12-dbg"] {
            assert!(named_python(OsStr::new(name)), "{name}");
        }
        for name in ["pytho", "python3-config", "pythonx", "python-build", "ipython", "python3.12t1", "pypy3", ""] {
            assert!(!named_python(OsStr::new(name)), "{name}");
        }
    }
}
