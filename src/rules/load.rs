//! [`Rules::embedded`] and [`Rules::load`]: from rule files to the rule set. The only part of `rules` that reads files.
//!
//! # A project's own rules
//!
//! A folder given with `--rules` holds `.toml` files of two sorts:
//!
//! - one with the name of an embedded file (`cpu_bound.toml`) takes that file's place altogether;
//! - one with any other name *changes* the rules of the class that it names, file after file in order of name: a rule
//!   whose id exists takes that rule's place where it stands, and a rule with a new id says with `before = "rule-id"`
//!   which rule it is tried before.

use super::error::{Error, quoted};
use super::nearest::hint;
use super::parse::{Placed, RuleFile, parse};
use super::{Rule, Rules, Tree};
use crate::classify::Class;
use crate::reading::{self, Unread};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest rule file that is read; the embedded ones have about 10 kB.
const LARGEST: usize = 1 << 20;

/// In the order of [`Class::ALL`].
const EMBEDDED: [(&str, &str); 4] = [
    ("cpu_bound.toml", include_str!("../../rules/cpu_bound.toml")),
    ("io_bound.toml", include_str!("../../rules/io_bound.toml")),
    ("mixed.toml", include_str!("../../rules/mixed.toml")),
    ("inconclusive.toml", include_str!("../../rules/inconclusive.toml")),
];

impl Rules {
    /// The rules in the binary.
    ///
    /// # Panics
    /// When an embedded rule file is wrong, which a test keeps from happening.
    pub fn embedded() -> Self {
        Self::of(Vec::new()).expect("the embedded rule files are tested to be right")
    }

    /// The rules in the binary with those of a folder over them (see this file's head).
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, or a file says what it must not.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        Self::of(rule_files(dir)?)
    }

    /// The embedded files with others over them, given by path and text in the order in which they apply.
    pub(super) fn of(files: Vec<(PathBuf, String)>) -> Result<Self, Error> {
        let named = |path: &Path, name: &str| path.file_name().is_some_and(|file| file == name);
        let mut complete = Vec::new();
        for (name, text) in EMBEDDED {
            complete.push(match files.iter().find(|(path, _)| named(path, name)) {
                Some((path, text)) => parse(path, text)?,
                None => parse(&Path::new("rules").join(name), text)?,
            });
        }
        let own = complete.iter().filter(|file| files.iter().any(|(path, _)| *path == file.path));
        own.into_iter().try_for_each(|file| unique(file, &complete))?;
        let trees = complete.into_iter().zip(Class::ALL).map(|(file, class)| tree(file, class));
        let mut rules = Self { trees: trees.collect::<Result<_, _>>()? };
        for (path, text) in &files {
            if !EMBEDDED.iter().any(|(name, _)| named(path, name)) {
                rules.change(&parse(path, text)?)?;
            }
        }
        Ok(rules)
    }

    /// Puts the rules of a further file in their places.
    fn change(&mut self, file: &RuleFile) -> Result<(), Error> {
        for placed in &file.rules {
            let has = |(class, known): &(Class, &Rule)| *class != file.class && known.id == placed.rule.id;
            if let Some((class, _)) = self.iter().find(has) {
                return Err(taken(file, placed, class));
            }
            let Placed { rule, before, line } = placed.clone();
            let refuse = |problem: String| Err(Error::refused(&file.path, line, problem));
            let id = quoted(&rule.id);
            let tree = &mut self.trees[file.class as usize];
            let last = tree.otherwise.id == rule.id;
            if rule.when.is_empty() != last {
                return refuse(if last {
                    format!("rule {id} is the last of its class and must have no `when`, so that one rule always holds")
                } else {
                    format!(
                        "rule {id} has no `when`, so no rule after it could be reached; only the last may have none"
                    )
                });
            }
            let place_of = |id: &str| tree.iter().position(|known| known.id == id);
            match (place_of(&rule.id), before) {
                (Some(_), None) if last => tree.otherwise = rule,
                (Some(place), None) => tree.rules[place] = rule,
                (Some(_), Some(_)) => {
                    return refuse(format!("rule {id} takes the place of the rule of that id; remove its `before`"));
                }
                (None, None) => {
                    return refuse(format!(
                        "rule {id} is new, so it must say with `before = \"rule-id\"` which rule it is tried before"
                    ));
                }
                (None, Some(before)) => {
                    let Some(place) = place_of(&before) else {
                        let ids: Vec<&str> = tree.iter().map(|known| known.id.as_str()).collect();
                        return refuse(format!("unknown rule {} in `before`{}", quoted(&before), hint(&before, &ids)));
                    };
                    tree.rules.insert(place, rule);
                }
            }
        }
        Ok(())
    }
}

/// Refuses a file with an id that another class has.
fn unique(file: &RuleFile, files: &[RuleFile]) -> Result<(), Error> {
    for placed in &file.rules {
        let has = |other: &&RuleFile| other.rules.iter().any(|known| known.rule.id == placed.rule.id);
        if let Some(other) = files.iter().filter(|other| other.path != file.path).find(has) {
            return Err(taken(file, placed, other.class));
        }
    }
    Ok(())
}

fn taken(file: &RuleFile, placed: &Placed, by: Class) -> Error {
    let problem = format!("duplicate id {}: a rule for {} work has it already", quoted(&placed.rule.id), by.name());
    Error::refused(&file.path, placed.line, problem)
}

/// The tree that a complete file makes.
fn tree(file: RuleFile, class: Class) -> Result<Tree, Error> {
    if file.class != class {
        let problem = format!("this file's name stands for class `{}`, not `{}`", class.name(), file.class.name());
        return Err(Error::refused(&file.path, file.class_line, problem));
    }
    if let Some(placed) = file.rules.iter().find(|placed| placed.before.is_some()) {
        let problem = "`before` is for files that change a class; in a file that replaces one, the order is the order";
        return Err(Error::refused(&file.path, placed.line, problem));
    }
    let mut rules: Vec<(Rule, usize)> = file.rules.into_iter().map(|placed| (placed.rule, placed.line)).collect();
    let Some((otherwise, line)) = rules.pop() else {
        let problem = "no [[rule]]; the last rule must have no `when`, so that one rule always holds";
        return Err(Error::refused(&file.path, 1, problem));
    };
    if !otherwise.when.is_empty() {
        let id = quoted(&otherwise.id);
        let problem = format!("the last rule, {id}, must have no `when`, so that one rule always holds");
        return Err(Error::refused(&file.path, line, problem));
    }
    if let Some((rule, line)) = rules.iter().find(|(rule, _)| rule.when.is_empty()) {
        let id = quoted(&rule.id);
        let problem =
            format!("rule {id} has no `when`, so no rule after it could be reached; only the last may have none");
        return Err(Error::refused(&file.path, *line, problem));
    }
    Ok(Tree { class, rules: rules.into_iter().map(|(rule, _)| rule).collect(), otherwise })
}

/// The `.toml` files of a folder, in order of name, with their text.
fn rule_files(dir: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |why: std::io::Error| Error::Unreadable { path, why: why.to_string() }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = entry.map_err(unreadable(dir))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Error::Empty { path: dir.to_owned() });
    }
    paths.sort();
    paths.into_iter().map(|path| Ok((path.clone(), read(&path, unreadable(&path))?))).collect()
}

/// A rule file's text.
fn read(path: &Path, unreadable: impl FnOnce(std::io::Error) -> Error) -> Result<String, Error> {
    let refused = |line, problem: &str| Error::refused(path, line, problem);
    reading::text(path, LARGEST).map_err(|why| match why {
        Unread::Large(_) => refused(1, "a rule file must not be larger than 1 MiB; split it into several"),
        Unread::NotText(line) => refused(line, "a rule file must be UTF-8 text"),
        Unread::Refused(why) => unreadable(why),
        Unread::Folder | Unread::Special => unreadable(std::io::Error::other(why.to_string())),
    })
}
