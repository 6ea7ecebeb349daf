//! A target run by the main job, as anyone would type it, into a report of its own. The target runs in a process of
//! its own job, so that whatever becomes of it, the gate has its say.

use super::{Gatekeeper, Named};
use crate::gate::current::Current;
use crate::reading;
use crate::report::toml;
use crate::run::say;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, ExitStatus};

/// Runs `concadvise WORDS` here.
pub(super) fn run(keeper: &Gatekeeper, name: Option<String>, words: Vec<OsString>) -> Result<Named, String> {
    run_by(keeper, name, words, &mut Command::status)
}

/// Runs `concadvise WORDS` as `start` does it: where, and waited for how.
pub(super) fn run_by(
    keeper: &Gatekeeper,
    name: Option<String>,
    words: Vec<OsString>,
    start: &mut dyn FnMut(&mut Command) -> io::Result<ExitStatus>,
) -> Result<Named, String> {
    let folder = tempfile::tempdir().map_err(|why| format!("cannot make a folder for the report: {why}"))?;
    let report = folder.path().join("report.toml");
    let ourselves = std::env::current_exe().map_err(|why| format!("cannot find our own program: {why}"))?;
    let mut job = Command::new(ourselves);
    job.args(["--quiet", "--output"]).arg(&report);
    if let Some(budget) = keeper.options.budget {
        job.arg("--budget").arg(format!("{}ms", budget.as_millis().max(1)));
    }
    if let Some(rules) = &keeper.options.rules {
        let rules = std::path::absolute(rules).map_err(|why| format!("cannot tell where --rules is: {why}"))?;
        job.arg("--rules").arg(rules);
    }
    job.args(&words);
    let fence = Fence::around_a_target();
    let ended = start(&mut job).map_err(|why| format!("cannot run the target: {why}"));
    drop(fence);
    let ended = ended?;
    let text = reading::text(&report, toml::LONGEST).map_err(|_| nothing(ended, &name))?;
    let current = toml::read(&text).and_then(|document| Current::of(&document))?;
    Ok(Named { name, words: Some(words), current })
}

fn nothing(ended: ExitStatus, name: &Option<String>) -> String {
    let target = name.as_deref().map_or_else(String::new, |name| format!(" {name}"));
    format!("the target{target} could not be run ({ended}), so there is no report of it; see what is said above")
}

/// Keeps a target from giving orders to GitHub's runner, which obeys lines of a job's output that begin with `::`.
pub(super) struct Fence(Option<String>);

impl Fence {
    pub(super) fn around_a_target() -> Self {
        let token = std::env::var_os("GITHUB_ACTIONS").and_then(|_| unguessable());
        if let Some(token) = &token {
            let _ = say::out(&format!("::stop-commands::{token}\n"));
        }
        Self(token)
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        if let Some(token) = &self.0 {
            let _ = say::out(&format!("\n::{token}::\n"));
        }
    }
}

/// A word that the target cannot know.
fn unguessable() -> Option<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
