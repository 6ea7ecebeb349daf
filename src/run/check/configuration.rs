//! `[tool.concadvise.check]` of a `pyproject.toml`: which codes are looked for, where, and which files are left alone.
//!
//! Taken from the nearest `pyproject.toml` above all that is checked that has such a table. A file named
//! `concadvise.toml` is none of ours to read: it is the main job's report. The file is untrusted: its patterns and codes
//! are compared with, and nothing in it is run.

use super::codes;
use crate::reading;
use crate::reading::line_of;
use crate::report::escape::word;
use crate::rules::nearest::hint;
use crate::source::catalogue::Entry;
use crate::source::globs::Globs;
use crate::source::outline::Wanted;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest file that is read, in bytes; those of people are a thousandth of it.
const LONGEST: usize = 8 << 20;
/// Tables of `[tool.concadvise]`: ours, and those that the gate reads (`gate::wire`).
const TABLES: [&str; 3] = ["check", "gate", "target"];
const KEYS: [&str; 4] = ["select", "ignore", "per-file-ignores", "exclude"];

/// What a project asks for.
#[derive(Debug)]
pub(in crate::run) struct Configuration {
    /// Codes or their beginnings to look for; those that are on by themselves when there are none.
    pub select: Vec<String>,
    /// Codes not to look for.
    pub ignore: Vec<String>,
    /// Files, and the codes that are not told of them.
    pub per_file: Vec<(Globs, Vec<String>)>,
    /// Files that are not looked at, unless they are named.
    pub excluded: Globs,
}

impl Configuration {
    /// Of a project that asks for nothing.
    pub fn none() -> Self {
        Self { select: Vec::new(), ignore: Vec::new(), per_file: Vec::new(), excluded: Globs::none() }
    }

    /// The one in force for what is `named`; none where no file has any.
    ///
    /// # Errors
    /// A sentence with the file, the line, the key, and the nearest valid name.
    pub fn nearest(named: &[PathBuf]) -> Result<Self, String> {
        let Some(folder) = around(named) else { return Ok(Self::none()) };
        for path in folder.ancestors().map(|folder| folder.join("pyproject.toml")) {
            if !path.is_file() {
                continue;
            }
            let text = read(&path)?;
            // Whoever does not name us has nothing for us, also where we cannot read it.
            if text.contains("concadvise")
                && let Some(found) = parse(&path, &text)?
            {
                return Ok(found);
            }
        }
        Ok(Self::none())
    }

    /// The one of a file that was named.
    ///
    /// # Errors
    /// The same, and when the file has none.
    pub fn of(path: &Path) -> Result<Self, String> {
        let real = path.canonicalize().map_err(|why| cannot(path, &why.to_string()))?;
        let none = || format!("{} has no table [tool.concadvise.check]; add one, or leave --config out", shown(path));
        parse(&real, &read(&real)?)?.ok_or_else(none)
    }
}

impl Wanted for Configuration {
    fn looks_for(&self, entry: &Entry) -> bool {
        codes::chosen(&self.select, &self.ignore, entry)
    }

    fn is_told_in(&self, entry: &Entry, path: &Path) -> bool {
        if self.per_file.is_empty() {
            return true;
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let silent = |codes: &[String]| codes.iter().any(|word| codes::names(word, entry));
        !self.per_file.iter().any(|(files, codes)| silent(codes) && files.cover(&path, false))
    }

    fn excludes(&self, path: &Path) -> bool {
        self.excluded.cover(path, false)
    }
}

/// The innermost folder that all that is named is in.
fn around(named: &[PathBuf]) -> Option<PathBuf> {
    let folder = |path: &PathBuf| {
        let path = path.canonicalize().or_else(|_| std::path::absolute(path)).ok()?;
        if path.is_dir() { Some(path) } else { path.parent().map(Path::to_owned) }
    };
    let mut folders = named.iter().filter_map(folder);
    let first = folders.next()?;
    folders.try_fold(first, |all, one| all.ancestors().find(|above| one.starts_with(above)).map(Path::to_owned))
}

fn shown(path: &Path) -> String {
    word(path.as_os_str())
}

fn cannot(path: &Path, why: &str) -> String {
    format!("cannot read {}: {why}; `check` takes another with --config, and none with --isolated", shown(path))
}

fn read(path: &Path) -> Result<String, String> {
    reading::text(path, LONGEST).map_err(|why| cannot(path, &why.to_string()))
}

/// What a file's text asks for; `None` where it has no table of ours.
fn parse(path: &Path, text: &str) -> Result<Option<Configuration>, String> {
    let reader = Reader { path, text };
    let whole = DeTable::parse(text).map_err(|why| {
        let what = why.message().lines().collect::<Vec<_>>().join(", ");
        reader.refuse(why.span(), &format!("not TOML: {what}"))
    })?;
    let Some(tool) = reader.table(whole.get_ref(), "tool")? else { return Ok(None) };
    let Some(ours) = reader.table(tool, "concadvise")? else { return Ok(None) };
    reader.known(ours, &TABLES, "[tool.concadvise]")?;
    let Some(check) = reader.table(ours, "check")? else { return Ok(None) };
    reader.known(check, &KEYS, "[tool.concadvise.check]")?;
    let root = path.parent().unwrap_or(Path::new("/"));
    let mut found = Configuration::none();
    for (key, value) in check.iter() {
        match key.get_ref().as_ref() {
            "select" => found.select = reader.codes(value, "select")?,
            "ignore" => found.ignore = reader.codes(value, "ignore")?,
            "exclude" => found.excluded = reader.globs(root, &reader.strings(value, "exclude")?, "exclude")?,
            _ => found.per_file = reader.per_file(root, value)?,
        }
    }
    Ok(Some(found))
}

type Value<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn refuse(&self, span: Option<Range<usize>>, what: &str) -> String {
        let line = line_of(self.text.as_bytes(), span.map_or(0, |span| span.start));
        format!("{}:{line}: {what}", shown(self.path))
    }

    fn table<'t>(&self, table: &'t DeTable<'a>, key: &str) -> Result<Option<&'t DeTable<'a>>, String> {
        match table.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref() {
                DeValue::Table(inner) => Ok(Some(inner)),
                _ => Err(self.refuse(Some(value.span()), &format!("`{key}` must be a table"))),
            },
        }
    }

    fn known(&self, table: &DeTable<'a>, keys: &[&str], of: &str) -> Result<(), String> {
        let Some((key, _)) = table.iter().find(|(key, _)| !keys.contains(&key.get_ref().as_ref())) else {
            return Ok(());
        };
        let name = key.get_ref();
        let what = format!("unknown key `{}` in {of}{}", word(name.as_ref().as_ref()), hint(name, keys));
        Err(self.refuse(Some(key.span()), &what))
    }

    /// The strings of a list, each with its place.
    fn strings<'t>(&self, value: &'t Value<'a>, key: &str) -> Result<Vec<(&'t str, Range<usize>)>, String> {
        let must = |span| self.refuse(Some(span), &format!("`{key}` must be a list of strings"));
        let DeValue::Array(items) = value.get_ref() else { return Err(must(value.span())) };
        let string = |item: &'t Value<'a>| match item.get_ref() {
            DeValue::String(text) => Ok((text.as_ref(), item.span())),
            _ => Err(must(item.span())),
        };
        items.iter().map(string).collect()
    }

    fn codes(&self, value: &Value<'a>, key: &str) -> Result<Vec<String>, String> {
        let strings = self.strings(value, key)?;
        let code = |(text, span): (&str, Range<usize>)| {
            let refuse = |why: String| self.refuse(Some(span.clone()), &format!("{why} (in `{key}`)"));
            codes::known(text).map(|()| text.to_owned()).map_err(refuse)
        };
        strings.into_iter().map(code).collect()
    }

    fn globs(&self, root: &Path, patterns: &[(&str, Range<usize>)], key: &str) -> Result<Globs, String> {
        Globs::of(root, patterns.iter().map(|(pattern, _)| *pattern)).map_err(|(number, why)| {
            let (pattern, span) = patterns.get(number).cloned().unwrap_or(("", 0..0));
            self.refuse(Some(span), &format!("`{}` in `{key}` is no pattern: {why}", word(pattern.as_ref())))
        })
    }

    fn per_file(&self, root: &Path, value: &Value<'a>) -> Result<Vec<(Globs, Vec<String>)>, String> {
        let key = "per-file-ignores";
        let DeValue::Table(files) = value.get_ref() else {
            let what = format!("`{key}` must be a table of patterns, each with a list of codes");
            return Err(self.refuse(Some(value.span()), &what));
        };
        let one = |(pattern, codes): (&Spanned<_>, &Value<'a>)| {
            let text: &std::borrow::Cow<'_, str> = pattern.get_ref();
            let globs = self.globs(root, &[(text.as_ref(), pattern.span())], key)?;
            Ok((globs, self.codes(codes, &format!("{key}.{}", word(text.as_ref().as_ref())))?))
        };
        files.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<Configuration>, String> {
        parse(Path::new("/p/pyproject.toml"), text)
    }

    #[test]
    fn every_key_is_read() {
        let text = "[tool.concadvise.check]\nselect = ['CON1', 'CON204']\nignore = ['CON102']\nexclude = ['old/']\n\
                    [tool.concadvise.check.per-file-ignores]\n'tests/*.py' = ['CON4']\n";
        let found = parsed(text).expect("it is right").expect("it is there");
        assert_eq!((found.select, found.ignore), (vec!["CON1".into(), "CON204".into()], vec!["CON102".into()]));
        assert!(found.excluded.cover(Path::new("/p/old/app.py"), false));
        let [(globs, codes)] = found.per_file.as_slice() else { panic!("one row") };
        assert!(globs.cover(Path::new("/p/tests/app.py"), false) && codes == &["CON4"]);
        for text in ["", "[tool.ruff]\n", "[tool.concadvise]\n", "[project]\nname = 'concadvise'\n"] {
            assert!(parsed(text).is_ok_and(|found| found.is_none()), "{text}");
        }
    }

    #[test]
    fn what_the_gate_reads_stands_beside_it() {
        let gate =
            "[[tool.concadvise.target]]\nname = 'app'\ncommand = ['app']\n[tool.concadvise.gate]\npolicy = 'warn'\n";
        assert!(parsed(gate).is_ok_and(|found| found.is_none()));
        let both = format!("{gate}[tool.concadvise.check]\nselect = ['CON1']\n");
        assert_eq!(parsed(&both).expect("it is right").expect("it is there").select, ["CON1"]);
        let config = crate::gate::wire::of_pyproject("pyproject.toml", &both).expect("it is right");
        assert_eq!(config.expect("it is there").targets.len(), 1);
    }

    #[test]
    fn a_refusal_names_file_line_key_and_the_nearest_name() {
        let table = "[tool.concadvise.check]\n";
        for (text, parts) in [
            ("[tool.concadvise.chekc]\n".to_owned(), &[":1:", "`chekc`", "`check`"][..]),
            (format!("{table}selct = []\n"), &[":2:", "`selct`", "[tool.concadvise.check]", "`select`"]),
            (format!("{table}\nselect = 'CON1'\n"), &[":3:", "`select`", "list of strings"]),
            (format!("{table}ignore = [\n  'CON101',\n  'E501',\n]\n"), &[":4:", "E501", "`ignore`"]),
            (format!("{table}exclude = ['a', '{{b']\n"), &[":2:", "`{b`", "`exclude`"]),
            (format!("{table}per-file-ignores = ['a']\n"), &[":2:", "per-file-ignores", "table"]),
            (format!("{table}per-file-ignores = {{ 'a' = ['X1'] }}\n"), &[":2:", "per-file-ignores.a", "X1"]),
            (format!("{table}select = [\n"), &[":2:", "not TOML"]),
            ("tool = 1\n".to_owned(), &[":1:", "`tool` must be a table"]),
        ] {
            let why = parsed(&text).expect_err(&text);
            let all = parts.iter().all(|part| why.contains(part));
            assert!(why.starts_with("/p/pyproject.toml:") && all, "{why} for {text}");
        }
    }
}
