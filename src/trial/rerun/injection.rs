//! Our package in a program that is run again: a private folder on its `PYTHONPATH`, a plan for it, and its answers.
//!
//! The package's own docstring (`harness/concadvise_rerun/__init__.py`) says what it does there. What a part of the
//! plan means, and the answers to it, is the collector's that put it in.

use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

macro_rules! package {
    ($($path:literal),* $(,)?) => { [$(($path, include_str!(concat!("../harness/", $path)))),*] };
}

/// The package, by path below the folder.
const FILES: [(&str, &str); 10] = package![
    "sitecustomize.py",
    "concadvise_rerun/__init__.py",
    "concadvise_rerun/answers.py",
    "concadvise_rerun/executors.py",
    "concadvise_rerun/frames.py",
    "concadvise_rerun/imports.py",
    "concadvise_rerun/joblib_parallel.py",
    "concadvise_rerun/loops.py",
    "concadvise_rerun/pools.py",
    "concadvise_rerun/sites.py",
];
/// As `concadvise_rerun` knows them.
const VARIABLE: &str = "CONCADVISE_RERUN";
const PATH_BEFORE: &str = "CONCADVISE_PYTHONPATH";
/// Bytes of answers that are read; what a collector tells is bounded far below.
const MOST_ANSWERS: u64 = 64 << 20;

/// The package in a folder of its own, which is removed when this is dropped.
#[derive(Debug)]
pub struct Injection {
    folder: TempDir,
}

/// What one collector is to do: its module's name in the package, and what that takes.
pub type Part = (&'static str, Value);

/// What the package told in one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// Whether a process of the run was looked into at all.
    pub begun: bool,
    /// Every answer in the order it was given: its kind and its value. Told by the target, and so untrusted.
    pub told: Vec<(String, Value)>,
    /// What went wrong in the package itself.
    pub trouble: Option<String>,
}

impl Injection {
    /// Writes the package to a folder that only this user can read or write.
    ///
    /// # Errors
    /// A sentence, when it cannot be written.
    pub fn new() -> Result<Self, String> {
        let unpack = || -> io::Result<TempDir> {
            let private = fs::Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new().prefix("concadvise-").permissions(private).tempdir()?;
            fs::create_dir(folder.path().join("concadvise_rerun"))?;
            for (path, text) in FILES {
                fs::write(folder.path().join(path), text)?;
            }
            Ok(folder)
        };
        unpack().map(|folder| Self { folder }).map_err(|error| {
            let temp = std::env::temp_dir();
            format!("cannot look into the program: could not write to {}: {error}; set TMPDIR", temp.display())
        })
    }

    /// The folder: `install(part, folder)` of a collector gets it, and may leave files of its own there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the folder ready for one run, whatever a run before left there. `argv` are the words of the process that
    /// is meant, where they are known; each of `parts` goes to the collector of that name.
    ///
    /// # Errors
    /// A sentence, when the plan cannot be written.
    pub fn plan(&self, argv: Option<&[OsString]>, parts: &[Part]) -> Result<(), String> {
        // A word that is no text is not told from others; the first Python is then the one.
        let words: Option<Vec<&str>> = argv.and_then(|argv| argv.iter().map(|word| word.to_str()).collect());
        let parts: Map<String, Value> = parts.iter().map(|(name, part)| ((*name).to_owned(), part.clone())).collect();
        let plan = json!({"argv": words, "parts": parts}).to_string();
        let path = |name: &str| self.folder.path().join(name);
        let gone = |name: &str| match fs::remove_file(path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        ["claimed", "answers.jsonl", "trouble"]
            .into_iter()
            .try_for_each(gone)
            .and_then(|()| fs::write(path("plan.json"), plan))
            .map_err(|error| format!("cannot tell the program's Python what to look for: {error}"))
    }

    /// The variables that bring the package into a run (`observe::Settings::environment`).
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let before = std::env::var_os("PYTHONPATH");
        let own = self.folder.path().as_os_str().to_owned();
        let path = match before.as_ref().filter(|before| !before.is_empty()) {
            Some(before) => {
                let mut path = own;
                path.push(":");
                path.push(before);
                path
            }
            None => own,
        };
        let mut variables = vec![(VARIABLE.into(), "1".into()), ("PYTHONPATH".into(), path)];
        variables.extend(before.map(|before| (PATH_BEFORE.into(), before)));
        variables
    }

    /// What was told since the last plan.
    pub fn answers(&self) -> Answers {
        let read = |name: &str| {
            let mut bytes = Vec::new();
            let file = fs::File::open(self.folder.path().join(name)).ok()?;
            file.take(MOST_ANSWERS).read_to_end(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let lines = read("answers.jsonl").unwrap_or_default();
        let told: Vec<(String, Value)> = lines.lines().filter_map(answer).collect();
        let trouble = read("trouble").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Answers { begun: told.iter().any(|(kind, _)| kind == "begun"), told, trouble }
    }
}

impl Answers {
    /// Every value of that kind, in the order told.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.told.iter().filter(move |(told, _)| told == kind).map(|(_, value)| value)
    }
}

/// One line; a last one that was cut short by a signal is none.
fn answer(line: &str) -> Option<(String, Value)> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    let kind = line.get("kind")?.as_str()?.to_owned();
    Some((kind, line.get_mut("value").map(Value::take).unwrap_or_default()))
}

/// Why a Python that was started so never takes our package in; `None` when its words give no reason.
pub fn shut(argv: &[OsString]) -> Option<&'static str> {
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        let letters = word.as_bytes().strip_prefix(b"-").filter(|letters| !letters.is_empty())?;
        if letters.starts_with(b"-") {
            return None;
        }
        for (at, letter) in letters.iter().enumerate() {
            match letter {
                b'I' => return Some("python -I ignores PYTHONPATH, by which --rerun looks into a program"),
                b'E' => return Some("python -E ignores PYTHONPATH, by which --rerun looks into a program"),
                b'S' => return Some("python -S loads no site packages, by which --rerun looks into a program"),
                b'c' | b'm' => return None,
                // The rest of the word, or else the next one, is the option's own.
                b'W' | b'X' => {
                    if at + 1 == letters.len() {
                        words.next();
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_forgets_the_run_before_and_answers_are_lines() -> Result<(), String> {
        let injection = Injection::new()?;
        let write =
            |name: &str, text: &str| fs::write(injection.folder().join(name), text).map_err(|why| why.to_string());
        write(
            "answers.jsonl",
            "{\"kind\":\"begun\",\"value\":{}}\n{\"kind\":\"site\",\"value\":7}\nno line of ours\n{\"ki",
        )?;
        write("claimed", "")?;
        let answers = injection.answers();
        assert!(answers.begun && answers.trouble.is_none());
        assert_eq!(answers.of("site").collect::<Vec<_>>(), [&json!(7)]);
        injection.plan(Some(&["python3".into(), "a b.py".into()]), &[("sites", json!({}))])?;
        assert_eq!(injection.answers(), Answers::default());
        let plan = fs::read_to_string(injection.folder().join("plan.json")).map_err(|why| why.to_string())?;
        assert_eq!(plan, r#"{"argv":["python3","a b.py"],"parts":{"sites":{}}}"#);
        Ok(())
    }

    #[test]
    fn a_python_that_would_not_have_us_is_known_by_its_words() {
        for (line, letter) in [
            ("python3 app.py", None),
            ("python3 app.py -I", None),
            ("python3 -I app.py", Some("-I")),
            ("python3 -uE app.py", Some("-E")),
            ("python3 -S -m app", Some("-S")),
            ("python3 -c -I", None),
            ("python3 -m mod -S", None),
            ("python3 -X dev -E app.py", Some("-E")),
            ("python3 -W -E app.py", None),
        ] {
            let argv: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let why = shut(&argv);
            match letter {
                Some(letter) => assert!(why.is_some_and(|why| why.contains(letter)), "{line}: {why:?}"),
                None => assert_eq!(why, None, "{line}"),
            }
        }
    }
}
