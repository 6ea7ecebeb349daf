//! What runs already, by its executable and the words it was started with.
//!
//! Reading those from `/proc` is `observe`'s.

use super::{Runtime, Target, detect};
use std::ffi::OsString;
use std::path::PathBuf;

impl Target {
    /// A process that was found running. The kernel shows which file it executes, except to other users: then its words
    /// are looked up as a command's would be.
    pub fn running(executable: Option<PathBuf>, argv: Vec<OsString>) -> Self {
        let path = std::env::var_os("PATH");
        let Some(executable) = executable else { return Self::detect(argv, path.as_deref()) };
        let mut target = Self { argv, program: Some(executable.clone()), runtime: Runtime::Other };
        let words = target.argv.clone();
        // As it was invoked: by the link in a virtual environment, not by the file behind it.
        target.refine(&executable, &words);
        if !matches!(target.runtime, Runtime::CPython(_)) {
            target.runtime = detect::runtime(&executable, &words, path.as_deref());
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{CPython, PythonEntry};

    #[test]
    fn a_running_python_is_known_by_the_link_it_was_started_through() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let real = folder.path().join("python3.11");
        std::fs::copy("/bin/true", &real)?;
        let link = folder.path().join("python");
        std::os::unix::fs::symlink(&real, &link)?;
        let argv = vec![link.clone().into_os_string(), "-m".into(), "http.server".into()];
        let target = Target::running(Some(real), argv);
        let expect = CPython::new(link, PythonEntry::Module("http.server".to_owned()));
        assert_eq!(target.runtime, Runtime::CPython(expect));
        Ok(())
    }

    #[test]
    fn a_shell_is_an_interpreter_and_a_program_whose_words_are_a_title_is_native() {
        let shell = std::fs::canonicalize("/bin/sh").expect("a shell");
        let target = Target::running(Some(shell), vec!["sh".into(), "build.sh".into()]);
        assert!(matches!(target.runtime, Runtime::Native(_) | Runtime::Script { .. }), "{target:?}");
        let target = Target::running(Some("/bin/sleep".into()), vec!["worker: idle".into()]);
        assert!(matches!(target.runtime, Runtime::Native(_)), "{target:?}");
    }
}
