//! A scene for one run of `concadvise`: a folder of its own, what lies in it, what is typed, and what came of it.
//!
//! A test then is three lines of intent. Every check says all that was printed when it fails.

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};
use tempfile::TempDir;

/// Longer than anything a test waits for takes on a loaded machine; only a hang is as slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is prepared before a run.
pub struct Scene {
    folder: TempDir,
    below: PathBuf,
    options: Vec<OsString>,
    environment: Vec<(String, String)>,
    input: Vec<u8>,
    stdout: Option<Stdio>,
}

/// A run under way.
pub struct Running {
    child: Child,
    stdout: Option<BufReader<std::process::ChildStdout>>,
    folder: TempDir,
}

/// What came of a run.
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub folder: TempDir,
}

/// A scene in which nothing is tried, because most tests are about the run.
pub fn scene() -> Scene {
    trying_scene().option("--no-trials")
}

/// A scene in which models are tried.
pub fn trying_scene() -> Scene {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Scene {
        folder,
        below: PathBuf::new(),
        options: Vec::new(),
        environment: Vec::new(),
        input: Vec::new(),
        stdout: None,
    }
}

impl Scene {
    pub fn option(mut self, word: impl Into<OsString>) -> Self {
        self.options.push(word.into());
        self
    }

    /// A variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the scene's folder.
    pub fn file(self, name: &str, mode: u32, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its permissions");
        self
    }

    /// A named pipe in the scene's folder.
    pub fn pipe(self, name: &str) -> Self {
        mkfifo(&self.folder.path().join(name), Mode::S_IRWXU).expect("a pipe");
        self
    }

    pub fn input(mut self, bytes: &[u8]) -> Self {
        self.input = bytes.to_vec();
        self
    }

    /// Sends standard output elsewhere than to the test.
    pub fn stdout(mut self, to: Stdio) -> Self {
        self.stdout = Some(to);
        self
    }

    /// `concadvise OPTIONS -- ARGV`, to its end.
    pub fn watch<W: AsRef<OsStr>>(self, argv: impl IntoIterator<Item = W>) -> Ran {
        self.start(argv).end()
    }

    /// `concadvise OPTIONS -- sh -c SCRIPT`, to its end.
    pub fn watch_shell(self, script: &str) -> Ran {
        self.watch(["sh", "-c", script])
    }

    /// `concadvise OPTIONS -- ARGV`, not waited for.
    pub fn start<W: AsRef<OsStr>>(self, argv: impl IntoIterator<Item = W>) -> Running {
        let dashes = OsString::from("--");
        let argv = argv.into_iter().map(|word| word.as_ref().to_owned());
        let words: Vec<_> = self.options.iter().cloned().chain([dashes]).chain(argv).collect();
        self.launch(words)
    }

    /// `concadvise attach PID OPTIONS`, not waited for.
    pub fn attach(self, pid: u32) -> Running {
        let words = ["attach".into(), pid.to_string().into()].into_iter().chain(self.options.iter().cloned()).collect();
        self.launch(words)
    }

    /// `concadvise WORDS`, to its end.
    pub fn type_in(self, line: &str) -> Ran {
        self.begin(line).end()
    }

    /// `concadvise WORDS`, not waited for.
    pub fn begin(self, line: &str) -> Running {
        let words = line.split_whitespace().map(OsString::from).collect();
        self.launch(words)
    }

    /// Where its files lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Types in a folder of the scene's instead.
    pub fn below(mut self, name: &str) -> Self {
        self.below = PathBuf::from(name);
        self
    }

    fn launch(mut self, words: Vec<OsString>) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_concadvise"))
            .args(words)
            .current_dir(self.folder.path().join(&self.below))
            // These tests are run in CI too, where a scene is still a person at a keyboard.
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_BASE_REF")
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(self.stdout.take().unwrap_or_else(Stdio::piped))
            .stderr(fs::File::create(self.folder.path().join(".stderr")).expect("a file for standard error"))
            .spawn()
            .expect("concadvise starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A target that does not read its input closes it, which is no trouble.
        let _ = stdin.write_all(&self.input);
        drop(stdin);
        let stdout = child.stdout.take().map(BufReader::new);
        Running { child, stdout, folder: self.folder }
    }
}

impl Running {
    /// Waits until the target has printed a line.
    pub fn prints(mut self, line: &str) -> Self {
        let mut printed = String::new();
        let stdout = self.stdout.as_mut().expect("a pipe");
        while printed.trim_end() != line {
            printed.clear();
            let length = stdout.read_line(&mut printed).expect("text");
            assert!(length > 0, "it ended without printing {line}");
        }
        self
    }

    /// Waits until a file is there.
    pub fn writes(self, name: &str) -> Self {
        let begun = Instant::now();
        while !self.folder.path().join(name).exists() {
            assert!(begun.elapsed() < PATIENCE, "{name} was not written");
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The id of concadvise.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to concadvise alone, as `kill` does.
    pub fn send(self, signal: Signal) -> Self {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it is there");
        self
    }

    pub fn end(mut self) -> Ran {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.stdout.take() {
            pipe.read_to_end(&mut stdout).expect("its output");
        }
        let status = self.child.wait().expect("its end");
        let stderr = fs::read(self.folder.path().join(".stderr")).expect("its messages");
        Ran { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned(), folder: self.folder }
    }
}

impl Ran {
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status.code(), Some(status), "{}", self.told());
        self
    }

    pub fn dies_of(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal as i32), "{}", self.told());
        self
    }

    /// Standard error has these words.
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "{words:?} is not said: {}", self.told());
        self
    }

    pub fn says_nothing(self) -> Self {
        assert_eq!(self.stderr, "", "{}", self.told());
        self
    }

    pub fn prints(self, text: &str) -> Self {
        assert_eq!(String::from_utf8_lossy(&self.stdout), text, "{}", self.told());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The report that was written.
    pub fn report(&self) -> toml::Table {
        let path = self.path("concadvise.toml");
        let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("no report: {why}; {}", self.told()));
        text.parse().unwrap_or_else(|why| panic!("{why}: {text}"))
    }

    /// The report's value at a path like `target.exit_code`, as TOML writes it; empty when it is not there.
    pub fn key(&self, path: &str) -> String {
        let mut table = &self.report();
        let (folders, key) = path.rsplit_once('.').unwrap_or(("", path));
        for folder in folders.split('.').filter(|folder| !folder.is_empty()) {
            match table.get(folder).and_then(toml::Value::as_table) {
                Some(inner) => table = inner,
                None => return String::new(),
            }
        }
        table.get(key).map_or_else(String::new, ToString::to_string)
    }

    pub fn reports(self, path: &str, value: &str) -> Self {
        assert_eq!(self.key(path), value, "{path}: {}", self.told());
        self
    }

    /// The report has a notice of that code.
    pub fn notices(self, code: &str) -> Self {
        let report = self.report();
        let rows = report.get("notice").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let has = rows.iter().any(|row| row.get("code").and_then(toml::Value::as_str) == Some(code));
        assert!(has, "no notice {code} in {rows:?}: {}", self.told());
        self
    }

    fn told(&self) -> String {
        format!("{}\nstdout: {}\nstderr: {}", self.status, String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}
