//! The program's own Python files: where it begins, and what of the user's that imports, as far as source tells.
//!
//! Installed packages are not the user's and are left out. What the files mean is left to those who walk them.

use super::python::{Source, ast};
use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use std::collections::{BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};

/// Most files that are read: larger programs are known by the part nearest to where they begin.
const MOST: usize = 500;
/// Folders of installed packages.
const INSTALLED: [&str; 2] = ["site-packages", "dist-packages"];

/// A program's own files.
#[derive(Debug, Default)]
pub struct Program {
    /// The one that is run comes first.
    pub modules: Vec<Module>,
    /// Files that could not be read, with why.
    pub unread: Vec<(PathBuf, String)>,
}

/// One file of it.
#[derive(Debug)]
pub struct Module {
    /// The name that others import it by.
    pub name: String,
    /// Whether it is a package's `__init__.py`.
    pub package: bool,
    /// Its text.
    pub source: Source,
}

impl Program {
    /// The program of a script; a folder is run by the `__main__.py` in it.
    pub fn of_script(path: &Path) -> Self {
        let path = if path.is_dir() { path.join("__main__.py") } else { path.to_owned() };
        let path = path.canonicalize().unwrap_or(path);
        let root = path.parent().unwrap_or(Path::new("/")).to_owned();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::read(&root, (name, path, false))
    }

    /// The program of `python -m name`, run in that folder; empty when the module is none of the user's.
    pub fn of_module(name: &str, folder: &Path) -> Self {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let main = format!("{name}.__main__");
        let found = [main.as_str(), name].into_iter().find_map(|name| Some((name, find(&root, name)?)));
        found.map_or_else(Self::default, |(name, (path, package))| Self::read(&root, (name.to_owned(), path, package)))
    }

    fn read(root: &Path, first: (String, PathBuf, bool)) -> Self {
        let mut program = Self::default();
        let mut seen = BTreeSet::from([first.1.clone()]);
        let mut waiting = VecDeque::from([first]);
        while let Some((name, path, package)) = waiting.pop_front() {
            match Source::read(&path) {
                Ok(source) => program.modules.push(Module { name, package, source }),
                Err(why) => {
                    program.unread.push((path, why));
                    continue;
                }
            }
            let Some(module) = program.modules.last() else { continue };
            for name in module.imports() {
                if let Some((path, package)) = find(root, &name).filter(|_| seen.len() < MOST)
                    && seen.insert(path.clone())
                {
                    waiting.push_back((name, path, package));
                }
            }
        }
        program
    }

    /// The module of that name.
    pub fn module(&self, name: &str) -> Option<usize> {
        self.modules.iter().position(|module| module.name == name)
    }
}

impl Module {
    /// The full name of what `from {dots}{name}` means here; `None` when that leaves the outermost package.
    pub fn absolute(&self, level: u32, name: Option<&str>) -> Option<String> {
        let mut parts: Vec<&str> = self.name.split('.').collect();
        if level == 0 {
            return name.map(str::to_owned);
        }
        let up = level as usize - usize::from(self.package);
        if up > parts.len() {
            return None;
        }
        parts.truncate(parts.len() - up);
        parts.extend(name);
        Some(parts.join("."))
    }

    /// Every name that it may import, packages above them too.
    fn imports(&self) -> Vec<String> {
        let mut imports = Imports { module: self, names: Vec::new() };
        imports.visit_body(self.source.body());
        let mut all = Vec::new();
        for name in imports.names {
            let dots = name.match_indices('.').map(|(at, _)| name[..at].to_owned()).collect::<Vec<_>>();
            all.extend(dots);
            all.push(name);
        }
        all
    }
}

struct Imports<'a> {
    module: &'a Module,
    names: Vec<String>,
}

impl<'a> StatementVisitor<'a> for Imports<'_> {
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        match statement {
            ast::Stmt::Import(import) => self.names.extend(import.names.iter().map(|alias| alias.name.to_string())),
            ast::Stmt::ImportFrom(import) => {
                let from = self.module.absolute(import.level, import.module.as_ref().map(ast::Identifier::as_str));
                if let Some(from) = from.filter(|from| !from.is_empty()) {
                    self.names.extend(import.names.iter().map(|alias| format!("{from}.{}", alias.name)));
                    self.names.push(from);
                }
            }
            _ => walk_stmt(self, statement),
        }
    }
}

/// The file of a module below `root`, and whether it is a package's.
fn find(root: &Path, name: &str) -> Option<(PathBuf, bool)> {
    if name.split('.').any(|part| part.is_empty() || part.contains('/')) {
        return None;
    }
    let base: PathBuf = root.join(name.replace('.', "/"));
    let plain = base.with_extension("py");
    let package = base.join("__init__.py");
    let (path, is_package) = if package.is_file() { (package, true) } else { (plain, false) };
    let path = path.canonicalize().ok().filter(|path| path.is_file())?;
    let below = path.strip_prefix(root).unwrap_or(&path);
    let installed = |part: Component| INSTALLED.iter().any(|folder| part.as_os_str() == *folder);
    (!below.components().any(installed)).then_some((path, is_package))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn lay(files: &[(&str, &str)]) -> std::io::Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            fs::write(path, text)?;
        }
        Ok(folder)
    }

    fn names(program: &Program) -> Vec<&str> {
        program.modules.iter().map(|module| module.name.as_str()).collect()
    }

    #[test]
    fn a_script_is_read_with_what_it_imports_of_the_users() -> std::io::Result<()> {
        let folder = lay(&[
            ("app.py", "import os, pack.deep as d\ndef f():\n    from side import g\n"),
            ("side.py", "from pack import *"),
            ("unused.py", ""),
            ("pack/__init__.py", "from . import near"),
            ("pack/near.py", "from ..side import nothing\nfrom .deep import x"),
            ("pack/deep.py", "import site_only"),
            ("site-packages/site_only.py", ""),
        ])?;
        let program = Program::of_script(&folder.path().join("app.py"));
        assert_eq!(names(&program), ["app", "pack", "pack.deep", "side", "pack.near"]);
        assert_eq!(program.module("pack.deep"), Some(2));
        Ok(())
    }

    #[test]
    fn a_module_that_is_run_is_found_from_the_folder() -> std::io::Result<()> {
        let folder = lay(&[
            ("pack/__init__.py", ""),
            ("pack/__main__.py", "from .work import f"),
            ("pack/work.py", "broken ="),
            ("pack/sub.py", "from .work import f"),
        ])?;
        assert_eq!(names(&Program::of_module("pack", folder.path())), ["pack.__main__", "pack", "pack.work"]);
        assert_eq!(names(&Program::of_module("pack.sub", folder.path())), ["pack.sub", "pack", "pack.work"]);
        assert!(Program::of_module("http.server", folder.path()).modules.is_empty());
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_text_is_told_of() -> std::io::Result<()> {
        let folder = lay(&[("app.py", "import other")])?;
        fs::write(folder.path().join("other.py"), b"\xff\xfe")?;
        let program = Program::of_script(&folder.path().join("app.py"));
        assert_eq!((program.modules.len(), program.unread.len()), (1, 1));
        Ok(())
    }
}
