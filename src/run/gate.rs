//! `concadvise gate`: reads the baseline and the runs of now (or makes them), and tells, accepts, or says what accepting
//! would change. What the verdict is, is the `gate` stage's; here is only what needs files, processes and a terminal.

mod accept;
mod attended;
mod changes;
mod git;
mod live;
mod paired;
mod sources;
mod worktrees;

use super::say;
use crate::cli::Gate;
use crate::exit::{CHANGED, Ending, INCONCLUSIVE, OK, TARGET_FAILED, USAGE};
use crate::gate::current::Current;
use crate::gate::judge::judge;
use crate::gate::policy::Policy;
use crate::gate::show::{Format, Outcome};
use crate::gate::verdict::Verdict;
use crate::gate::wire::{Config, TargetConfig};
use crate::gate::{Baseline, pairing};
use crate::report::escape;
use crate::report::file::write_atomically;
use crate::rules::Rules;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the baseline lies when nobody says otherwise.
const USUAL: &str = "concadvise.baseline.toml";

/// What all forms of the command work with.
struct Gatekeeper<'a> {
    options: &'a Gate,
    config: Config,
    rules: Rules,
    baseline: PathBuf,
}

/// A run with the name that it was given, where it was.
struct Named {
    name: Option<String>,
    /// The words that run it again; `None` where a report was handed over.
    words: Option<Vec<std::ffi::OsString>>,
    current: Current,
}

/// Why there is nothing to tell.
enum Stop {
    /// A status, and what is wrong.
    Said(u8, String),
    /// We were asked to end.
    Signal(i32),
}

impl From<String> for Stop {
    fn from(sentence: String) -> Self {
        Self::Said(USAGE, sentence)
    }
}

/// Does what was asked for.
pub fn gate(options: &Gate) -> Ending {
    let ending = Gatekeeper::of(options).map_err(Stop::from).and_then(|keeper| {
        if let Some(rev) = &options.paired {
            return paired::compare(&keeper, rev);
        }
        let ending = match () {
            () if options.update => accept::update(&keeper),
            () if options.diff => accept::diff(&keeper),
            () => keeper.compare(),
        };
        ending.map_err(Stop::from)
    });
    ending.unwrap_or_else(|stop| match stop {
        Stop::Said(status, sentence) => {
            say::block(&sentence);
            Ending::Status(status)
        }
        Stop::Signal(signal) => Ending::Signal(signal),
    })
}

impl<'a> Gatekeeper<'a> {
    fn of(options: &'a Gate) -> Result<Self, String> {
        if !options.reports.is_empty() && !options.argv.is_empty() {
            return Err("reports and a command to run were both given; give one of them".to_owned());
        }
        let config = sources::config(options.config.as_deref())?;
        let rules = super::rules(options.rules.as_deref())?;
        let configured = || config.baseline.as_ref().map(PathBuf::from);
        let baseline = options.baseline.clone().or_else(configured).unwrap_or_else(|| USUAL.into());
        Ok(Self { options, config, rules, baseline })
    }

    fn policy_of(&self, name: &str) -> Policy {
        self.options.policy.unwrap_or_else(|| self.config.policy_of(name))
    }

    /// The configured targets that are looked at, when they are what was asked for.
    fn configured(&self) -> Result<Vec<&TargetConfig>, String> {
        if self.config.targets.is_empty() {
            return Err("there is nothing to compare: name a report, put a command after --, or name targets in \
                 concadvise.config.toml, as in:\n[[target]]\nname = \"app\"\ncommand = [\"python3\", \"app.py\"]"
                .to_owned());
        }
        let looked_at = |target: &&TargetConfig| self.policy_of(&target.name) != Policy::Off;
        Ok(self.config.targets.iter().filter(looked_at).collect())
    }

    fn asks_for_configured(&self) -> bool {
        self.options.reports.is_empty() && self.options.argv.is_empty()
    }

    /// The runs of now: reports that were handed over, or of the command, or of every configured target.
    fn runs(&self) -> Result<Vec<Named>, String> {
        if !self.options.reports.is_empty() {
            return self
                .options
                .reports
                .iter()
                .map(|word| sources::report(word, self.options.name.as_deref()))
                .collect();
        }
        if !self.options.argv.is_empty() {
            let words = [vec!["--".into()], self.options.argv.clone()].concat();
            return Ok(vec![live::run(self, self.options.name.clone(), words)?]);
        }
        let run = |target: &TargetConfig| {
            let words = target.words.iter().map(Into::into).collect();
            live::run(self, Some(target.name.clone()), words)
        };
        self.configured()?.into_iter().map(run).collect()
    }

    fn most_runs(&self) -> usize {
        self.options.runs as usize
    }

    /// The same, or another run of it where that one is no evidence to rest on.
    fn as_evidence(&self, mut run: Named) -> Result<Named, String> {
        for _ in 1..self.most_runs() {
            let Some(words) = run.words.clone().filter(|_| run.current.may_be_told_again()) else { break };
            let shown = run.name.as_deref().map_or_else(|| pairing::name_for(&run.current), str::to_owned);
            say::complain(&format!("{} could not be told for certain; it is run again", escape::text(&shown)));
            run = live::run(self, run.name.clone(), words)?;
        }
        Ok(run)
    }

    fn compare(&self) -> Result<Ending, String> {
        if self.asks_for_configured() {
            self.configured()?;
        }
        let baseline = sources::baseline(&self.baseline)?;
        let mut outcome = Outcome { place: sources::place(&self.baseline), ..Outcome::default() };
        let mut runs: BTreeMap<String, Vec<Named>> = BTreeMap::new();
        for run in self.runs()? {
            match pairing::target_of(&baseline, run.name.as_deref(), &run.current) {
                Ok(name) => runs.entry(name).or_default().push(run),
                Err(why) if self.asks_for_configured() => outcome.notes.push(why),
                Err(why) => return Err(why),
            }
        }
        for (name, runs) in runs {
            self.judge(&baseline, &name, runs, &mut outcome)?;
        }
        if self.asks_for_configured() {
            let known = |name: &str| self.config.targets.iter().any(|target| target.name == name);
            let gone = baseline.targets().iter().filter(|target| !known(&target.name));
            outcome.notes.extend(gone.map(|target| {
                format!("{} is in the baseline and not configured; concadvise gate --update drops it", target.name)
            }));
        }
        self.tell(&mut outcome)?;
        Ok(self.ending(&outcome, false))
    }

    /// The status that says it; `open` is whether there is more that could not be told than the verdicts show.
    fn ending(&self, outcome: &Outcome, open: bool) -> Ending {
        let failed = outcome.judgements.iter().any(|judged| judged.failed.is_some());
        let asked = self.options.fail_on_inconclusive || self.config.fail_on_inconclusive;
        Ending::Status(match () {
            () if outcome.fails() => CHANGED,
            () if failed => TARGET_FAILED,
            () if asked && (open || outcome.open()) => INCONCLUSIVE,
            () => OK,
        })
    }

    /// What we can run is run again while that may tell more: a changed answer fails only when it is confirmed.
    fn judge(&self, baseline: &Baseline, name: &str, runs: Vec<Named>, outcome: &mut Outcome) -> Result<(), String> {
        let (policy, Some(target)) = (self.policy_of(name), baseline.target(name)) else { return Ok(()) };
        if policy == Policy::Off {
            outcome.notes.push(format!("{name} is not looked at: its policy is off"));
            return Ok(());
        }
        let words = runs.first().and_then(|run| run.words.clone());
        let mut currents: Vec<Current> = runs.into_iter().map(|run| run.current.named(name)).collect();
        let judged = |currents: &[Current]| judge(target, currents, &self.rules, policy, &self.config.thresholds);
        let Some(mut judgement) = judged(&currents) else { return Ok(()) };
        while let Some(words) = words.as_ref().filter(|_| judgement.run_again && currents.len() < self.most_runs()) {
            let why = match judgement.verdict {
                Verdict::Changed => "seems to have changed",
                _ => "could not be told for certain",
            };
            say::complain(&format!("{name} {why}; it is run again"));
            currents.push(live::run(self, Some(name.to_owned()), words.clone())?.current.named(name));
            judgement = judged(&currents).unwrap_or(judgement);
        }
        outcome.judgements.push(judgement);
        Ok(())
    }

    fn tell(&self, outcome: &mut Outcome) -> Result<(), String> {
        outcome.changed = changes::lines(self, outcome);
        let outcome = &*outcome;
        let page = self.options.format.render(outcome, say::colours());
        say::out(&page)?;
        let write = |(format, path): &(Format, PathBuf)| write_atomically(path, &format.render(outcome, false));
        self.options.output.iter().try_for_each(write)
    }
}
