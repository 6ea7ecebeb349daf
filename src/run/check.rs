//! `concadvise check`: what the source shows without being run.
//!
//! `configuration` is what the project asks for, `codes` what that and the command line together do, `mend` fixes.

mod codes;
pub(super) mod configuration;
mod mend;

use super::say;
use crate::cli::{Check, CheckFormat};
use crate::exit::{Ending, FOUND, OK, USAGE};
use crate::report::file::write_atomically;
use crate::report::{escape, findings};
use crate::source::catalogue::Catalogue;
use crate::source::detect::Dispatch;
use crate::source::finding::{Finding, Level};
use crate::source::outline::Wanted;
use crate::source::project::{self, Checked};
use configuration::Configuration;
use std::path::{Path, PathBuf};

/// Checks, and prints what was found.
pub fn check(options: &Check) -> Ending {
    let status = Look::of(options).and_then(|look| if options.diff { look.diff() } else { look.tell() });
    Ending::Status(status.unwrap_or_else(|why| {
        say::complain(&why);
        USAGE
    }))
}

/// The page of a finding's code; `None` when it is none.
pub(super) fn explain(code: &str) -> Option<String> {
    Catalogue::get().entry(&code.to_ascii_uppercase()).map(findings::explain)
}

/// What is looked for, where, and what is done about it.
struct Look<'a> {
    options: &'a Check,
    named: Vec<PathBuf>,
    configuration: Configuration,
    dispatch: Dispatch,
    unsafe_fixes: bool,
    /// The folder that paths are told from to other programs: where we were started.
    base: PathBuf,
}

impl<'a> Look<'a> {
    fn of(options: &'a Check) -> Result<Self, String> {
        options.select.iter().chain(&options.ignore).try_for_each(|word| codes::known(word))?;
        let named = if options.paths.is_empty() { vec![PathBuf::from(".")] } else { options.paths.clone() };
        let configuration = match &options.config {
            Some(path) => Configuration::of(path)?,
            None if options.isolated => Configuration::none(),
            None => Configuration::nearest(&named)?,
        };
        let dispatch = Dispatch::of(|entry| codes::asked(options, &configuration, entry));
        let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Ok(Self { options, named, configuration, dispatch, unsafe_fixes: options.unsafe_fixes, base })
    }

    /// Checks without any change.
    fn checked(&self) -> Checked {
        let mut checked = project::check_without(&self.named, &self.dispatch, &self.configuration.excluded);
        checked.findings.retain(|finding| self.is_told(finding));
        checked
    }

    /// Whether the project wants to hear of a finding in its file.
    fn is_told(&self, finding: &Finding) -> bool {
        self.configuration.is_told_in(finding.entry, &finding.path)
    }

    /// Fixes what is to be fixed, and shows the rest.
    fn tell(&self) -> Result<u8, String> {
        let mut checked = self.checked();
        if self.options.fix || self.unsafe_fixes {
            // What is fixed is looked at again, as the next check would.
            if mend::in_files(self, &checked)? > 0 {
                checked = self.checked();
            }
        }
        complain_of(&checked);
        for (format, path) in &self.options.output {
            write_atomically(path, &self.page(*format, &checked, false))?;
        }
        say::out(&self.page(self.options.format, &checked, say::colours()))?;
        let found = checked.findings.iter().any(|finding| finding.level >= Level::Warning);
        Ok(status(&checked, found))
    }

    /// Shows what fixing would change.
    fn diff(&self) -> Result<u8, String> {
        let checked = self.checked();
        complain_of(&checked);
        let diff = mend::as_diff(self, &checked);
        say::out(&diff)?;
        Ok(status(&checked, !diff.is_empty()))
    }

    fn page(&self, format: CheckFormat, checked: &Checked, colours: bool) -> String {
        let base: &Path = &self.base;
        match format {
            CheckFormat::Text => findings::text::render(checked, colours),
            CheckFormat::Json => findings::json::render(checked, base),
            CheckFormat::Sarif => findings::sarif::render(checked, base),
            CheckFormat::Github => findings::github::render(checked, base),
            CheckFormat::Gitlab => findings::gitlab::render(checked, base),
            CheckFormat::Junit => findings::junit::render(checked, base),
        }
    }
}

fn complain_of(checked: &Checked) {
    for note in &checked.notes {
        say::complain(&format!("{}: {}", escape::word(note.path.as_os_str()), note.clause));
    }
}

fn status(checked: &Checked, found: bool) -> u8 {
    match (checked.notes.iter().any(|note| note.refused), found) {
        (true, _) => USAGE,
        (false, true) => FOUND,
        (false, false) => OK,
    }
}
