//! Which builtins keep their meaning below `from x import *`.
//!
//! Such an import may bind any name. A name that it could bind means nothing here; a builtin, which it seldom binds,
//! keeps its meaning unless what it is imported from is known, or seen in the project's own file, to have one of that
//! name.

use super::Module;
use crate::source::python::{self, Source};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// Builtins that are called (Python documentation, Built-in Functions).
const BUILTINS: [&str; 62] = [
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
]; // rustfmt would give each a line of its own.

/// Libraries that give builtins' names to those who import all they have.
const LIBRARIES: [(&str, &[&str]); 12] = [
    ("aiofiles", &["open"]),
    ("bz2", &["open"]),
    ("codecs", &["open"]),
    ("gzip", &["open"]),
    ("io", &["open"]),
    ("lzma", &["open"]),
    ("numpy", &["abs", "all", "any", "max", "min", "pow", "round", "sum"]),
    ("os", &["open"]),
    ("pylab", &["abs", "all", "any", "max", "min", "pow", "round", "sum"]),
    ("shelve", &["open"]),
    ("tarfile", &["open"]),
    ("wave", &["open"]),
];

/// A file's star imports.
pub(super) struct Stars {
    /// The folder that the file's outermost package, or itself, is in.
    root: PathBuf,
    /// What is imported from; `None` where that leaves the outermost package.
    modules: Vec<Option<String>>,
    /// Builtins that one of them may bind; read when it is first asked.
    bound: OnceCell<Vec<&'static str>>,
}

impl Stars {
    /// Of a file that has none so far.
    pub fn of(source: &Source, module: &Module) -> Self {
        let up = module.name.split('.').count() + usize::from(module.is_package);
        let root = source.path.ancestors().nth(up).unwrap_or(Path::new("")).to_owned();
        Self { root, modules: Vec::new(), bound: OnceCell::new() }
    }

    /// Another one, from a module.
    pub fn add(&mut self, module: Option<String>) {
        self.modules.push(module);
    }

    /// Whether a name that nothing else in the file binds is the builtin of that name.
    pub fn leave(&self, name: &str) -> bool {
        self.modules.is_empty() || BUILTINS.contains(&name) && !self.bound.get_or_init(|| self.bound()).contains(&name)
    }

    fn bound(&self) -> Vec<&'static str> {
        let mut bound = Vec::new();
        for module in &self.modules {
            let Some(module) = module else { return BUILTINS.to_vec() };
            match self.own(module) {
                Some(text) => bound.extend(bound_in(&text)),
                None => {
                    let known = LIBRARIES.iter().filter(|(library, _)| library == module);
                    bound.extend(known.flat_map(|(_, names)| *names));
                }
            }
        }
        bound
    }

    /// The text of the project's own file of a module; `None` where there is none.
    fn own(&self, module: &str) -> Option<Vec<u8>> {
        let path = self.root.join(module.replace('.', "/"));
        let paths = [path.with_extension("py"), path.join("__init__.py")];
        paths.iter().find(|path| path.is_file()).and_then(|path| python::bytes(path).ok())
    }
}

/// The builtins that text may bind: those it has as a word that is neither called nor an attribute. Text that passes
/// on all of another module's names may bind any.
fn bound_in(text: &[u8]) -> Vec<&'static str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    if text.windows(8).any(|eight| eight == b"import *") {
        return BUILTINS.to_vec();
    }
    let mut bound = Vec::new();
    let mut at = 0;
    for word in text.split(|byte| !is_word(byte)) {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        at += word.len() + 1;
        let Some(name) = BUILTINS.iter().find(|name| name.as_bytes() == word) else { continue };
        let defined = before.ends_with(b"def ") || before.ends_with(b"class ");
        if defined || !before.ends_with(b".") && !after.starts_with(b"(") {
            bound.push(*name);
        }
    }
    bound
}
