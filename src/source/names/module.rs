//! The name by which other files import a file.

use std::path::Path;

/// A module: its dotted name, and whether its file is a package's `__init__.py`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As absolute imports say it.
    pub name: String,
    /// Whether it is a package, so that its relative imports begin with itself.
    pub is_package: bool,
}

impl Module {
    /// The module of the file at `path`: its name below those folders above it that are packages.
    pub fn of(path: &Path) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let is_package = stem == "__init__";
        let mut parts = if is_package { Vec::new() } else { vec![stem] };
        let mut folder = path.parent();
        while let Some(package) = folder.filter(|folder| folder.join("__init__.py").is_file()) {
            // `.` and `..` have no name of their own.
            let real = if package.file_name().is_some() { None } else { package.canonicalize().ok() };
            let Some(name) = real.as_deref().unwrap_or(package).file_name() else { break };
            parts.push(name.to_string_lossy().into_owned());
            folder = package.parent();
        }
        parts.reverse();
        Self { name: parts.join("."), is_package }
    }

    /// What a relative import with this many dots begins with; `None` when it leaves the outermost package.
    pub(super) fn above(&self, dots: u32) -> Option<&str> {
        let up = if self.is_package { dots.checked_sub(1)? } else { dots };
        let mut name = self.name.as_str();
        for _ in 0..up {
            name = name.rsplit_once('.').map_or("", |(above, _)| above);
        }
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_module_is_named_from_its_outermost_package() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let package = folder.path().join("src/shop/web");
        fs::create_dir_all(&package)?;
        for init in ["src/shop/__init__.py", "src/shop/web/__init__.py"] {
            fs::write(folder.path().join(init), "")?;
        }
        for (path, name, is_package) in [
            ("src/shop/web/views.py", "shop.web.views", false),
            ("src/shop/web/__init__.py", "shop.web", true),
            ("src/setup.py", "setup", false),
        ] {
            assert_eq!(Module::of(&folder.path().join(path)), Module { name: name.to_owned(), is_package });
        }
        Ok(())
    }

    #[test]
    fn dots_go_up_from_the_package() {
        let views = Module { name: "shop.web.views".to_owned(), is_package: false };
        let web = Module { name: "shop.web".to_owned(), is_package: true };
        assert_eq!((views.above(1), views.above(2), views.above(3)), (Some("shop.web"), Some("shop"), None));
        assert_eq!((web.above(1), web.above(2), web.above(3)), (Some("shop.web"), Some("shop"), None));
    }
}
