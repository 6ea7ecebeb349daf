//! Paths that a configuration means by patterns, read as a `.gitignore` in the configuration's folder would be.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::{Path, PathBuf};

/// Patterns, and the folder that they are told from.
#[derive(Debug, Clone)]
pub struct Globs {
    root: PathBuf,
    patterns: Gitignore,
}

impl Globs {
    /// No path at all.
    pub fn none() -> Self {
        Self { root: PathBuf::new(), patterns: Gitignore::empty() }
    }

    /// The paths that `patterns` mean in the folder `root`, which is a path from the root without links.
    ///
    /// # Errors
    /// The number of the pattern that is none, and a clause that says why.
    pub fn of<'a>(root: &Path, patterns: impl Iterator<Item = &'a str>) -> Result<Self, (usize, String)> {
        let mut builder = GitignoreBuilder::new(root);
        let clause = |why: ignore::Error| match why {
            ignore::Error::Glob { err, .. } => err,
            other => other.to_string(),
        };
        for (number, pattern) in patterns.enumerate() {
            builder.add_line(None, pattern).map_err(|why| (number, clause(why)))?;
        }
        let patterns = builder.build().map_err(|why| (0, clause(why)))?;
        Ok(Self { root: root.to_owned(), patterns })
    }

    /// Whether a path is meant, itself or by a folder around it. `path` is one from the root without links.
    pub fn cover(&self, path: &Path, is_folder: bool) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let Ok(below) = path.strip_prefix(&self.root) else { return false };
        // The root itself, which patterns in it cannot mean.
        if below.as_os_str().is_empty() {
            return false;
        }
        self.patterns.matched_path_or_any_parents(below, is_folder).is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_a_gitignore() {
        for (patterns, path, expected) in [
            (&["tests/"][..], "/p/tests/test_app.py", true),
            (&["tests/"], "/p/a/tests/test_app.py", true),
            (&["/tests"], "/p/a/tests/test_app.py", false),
            (&["*.py"], "/p/a/app.py", true),
            (&["a/*.py"], "/p/a/b/app.py", false),
            (&["a/**/*.py"], "/p/a/b/app.py", true),
            (&["*.py", "!app.py"], "/p/app.py", false),
            (&["test_*"], "/p/app.py", false),
            (&["*"], "/q/app.py", false),
            (&["*"], "/p", false),
            (&[], "/p/app.py", false),
        ] {
            let globs = Globs::of(Path::new("/p"), patterns.iter().copied()).expect("patterns");
            assert_eq!(globs.cover(Path::new(path), false), expected, "{patterns:?} {path}");
        }
        assert!(!Globs::none().cover(Path::new("/p/app.py"), false));
    }

    #[test]
    fn what_is_no_pattern_is_told_by_its_number() {
        let (number, why) = Globs::of(Path::new("/p"), ["a", "{b", "c"].into_iter()).expect_err("{b is none");
        assert!(number == 1 && why.contains("altern"), "{number}: {why}");
    }
}
