//! [`Command`]: the user's command, run again with our package in it, and what came of that run.

use super::injection::{Answers, Injection, Part, shut};
use super::output::{Comparable, quoted};
use super::sites;
use crate::observe::{Exit, Mechanism, Observation, Settings, Stdio};
use crate::trial::runner::Launch;
use crate::trial::{Measurement, Outcome};
use crate::units::{Bytes, human};
use std::ffi::OsString;
use std::time::Duration;

/// A run hangs when it takes this many times what the program takes as it is,
const HANGS: u32 = 20;
/// and no less than this: starting workers takes seconds on a loaded machine.
const HANGS_LEAST: Duration = Duration::from_secs(5);

/// A command that may be run again, by the user's word.
pub struct Command {
    argv: Vec<OsString>,
    /// The words of the process that is looked into; `None` for the first Python that there is.
    meant: Option<Vec<OsString>>,
    injection: Injection,
    launch: Launch,
    /// How the user's own run ended.
    exit: Exit,
    /// How long the program takes as it is.
    wall: Duration,
    /// Memory that a run may take; `None` when not known.
    memory: Option<Bytes>,
    printed: Option<Vec<u8>>,
    comparable: Option<Comparable>,
}

impl Command {
    /// The command of a run that took `wall` and ended with `exit`; `meant` is the process in it to look into.
    ///
    /// # Errors
    /// A sentence, when there is no folder for our package.
    pub fn new(
        argv: &[OsString],
        meant: Option<Vec<OsString>>,
        (exit, wall): (Exit, Duration),
        memory: Option<Bytes>,
        launch: Launch,
    ) -> Result<Self, String> {
        let injection = Injection::new()?;
        let argv = argv.to_vec();
        Ok(Self { argv, meant, injection, launch, exit, wall, memory, printed: None, comparable: None })
    }

    /// The folder that our package is in, with what it left there.
    pub const fn injection(&self) -> &Injection {
        &self.injection
    }

    /// Runs it as it is, with those collectors in it.
    ///
    /// # Errors
    /// A sentence: it could not be run, ended otherwise than the user's own run, or cannot be looked into.
    pub fn scout(&mut self, parts: &[Part]) -> Result<(Observation, Answers), String> {
        let (observation, answers) = self.rerun(parts, 1)?;
        if let Some(why) = self.ended_otherwise(&observation) {
            return Err(format!(
                "without a terminal and with nothing to read, {why}; the program can only be compared with itself where \
                 it does the same each time"
            ));
        }
        if !answers.begun {
            let words = self.meant.as_deref().unwrap_or(&self.argv);
            let why = shut(words).unwrap_or(
                "no Python in it took in our package: it is no CPython, was started by python -I, -E or -S, or clears \
                 its environment",
            );
            return Err(why.to_owned());
        }
        if let Some(trouble) = &answers.trouble {
            return Err(format!("our own package failed in the program: {trouble}"));
        }
        self.printed = observation.output.as_ref().map(|output| output.stdout.clone());
        Ok((observation, answers))
    }

    /// Runs it with one site built otherwise; with no knob as it is. Returns what all of it took as well. `slower`: how
    /// many times longer it may take because there are fewer workers.
    pub fn run(&mut self, knob: Option<Part>, slower: u32) -> (Outcome, Duration) {
        let unchanged = knob.is_none();
        let (observation, answers) = match self.rerun(&[knob.unwrap_or_else(sites::leave)], slower) {
            Ok(ran) => ran,
            Err(why) => return (Outcome::Failed(why), Duration::ZERO),
        };
        let took = observation.wall;
        if unchanged {
            self.learn(&observation);
        }
        let outcome = match self.refusal(&observation, &answers, unchanged) {
            Some(outcome) => outcome,
            None => Outcome::Ok(Measurement {
                tasks: 1,
                walls: vec![observation.wall],
                cpu: observation.totals.cpu(),
                peak_memory: observation.peak_memory.max(observation.totals.peak_rss),
                ..Measurement::default()
            }),
        };
        (outcome, took)
    }

    /// Whether what it prints is compared, and what is to be said about that.
    pub fn comparable(&self) -> Option<&Comparable> {
        self.comparable.as_ref()
    }

    fn refusal(&self, observation: &Observation, answers: &Answers, unchanged: bool) -> Option<Outcome> {
        if let Some(why) = self.ended_otherwise(observation) {
            return Some(if unchanged { Outcome::Failed(why) } else { Outcome::Unsafe(why) });
        }
        if let Some(trouble) = &answers.trouble {
            return Some(Outcome::Failed(format!("our own package failed in the program: {trouble}")));
        }
        if !unchanged && !sites::turned(answers) {
            return Some(Outcome::Failed("this time the program did not come to that place".to_owned()));
        }
        let printed = observation.output.as_ref().map(|output| output.stdout.as_slice()).unwrap_or_default();
        let difference = self.comparable.as_ref().and_then(|comparable| comparable.difference(printed));
        if let Some(difference) = difference.filter(|_| !unchanged) {
            return Some(Outcome::Unsafe(difference));
        }
        let used = observation.peak_memory;
        let over = self.memory.filter(|memory| used > *memory);
        over.map(|memory| Outcome::Failed(format!("it took {used} of memory, and {memory} may be used")))
    }

    /// Why a run is no second run of the same; `None` when it is.
    fn ended_otherwise(&self, observation: &Observation) -> Option<String> {
        if observation.timed_out {
            let (ran, before) = (human(observation.wall), human(self.wall));
            return Some(format!("it hangs: it had not ended after {ran}, and took {before} before"));
        }
        if observation.interrupted.is_some() || observation.exit == Some(self.exit) {
            return None;
        }
        let how = observation.exit.map_or_else(|| "was ended".to_owned(), |exit| exit.to_string());
        let errors = observation.output.as_ref().map(|output| output.stderr.as_slice()).unwrap_or_default();
        let last = errors.split(|byte| *byte == b'\n').rfind(|line| !line.trim_ascii().is_empty());
        let last = last.map_or_else(String::new, |line| format!(": {}", quoted(line.trim_ascii())));
        Some(format!("it {how}{last}"))
    }

    /// What the program prints as it is, each time.
    fn learn(&mut self, observation: &Observation) {
        let Some(output) = &observation.output else { return };
        if self.ended_otherwise(observation).is_some() {
            return;
        }
        let Some(before) = self.printed.as_ref() else {
            self.printed = Some(output.stdout.clone());
            return;
        };
        let now = Comparable::of(before, &output.stdout);
        self.comparable = Some(match self.comparable.take() {
            Some(known) => known.and(now),
            None => now,
        });
    }

    fn rerun(&mut self, parts: &[Part], slower: u32) -> Result<(Observation, Answers), String> {
        self.injection.plan(self.meant.as_deref(), parts)?;
        let timeout = (self.wall.saturating_mul(HANGS)).max(HANGS_LEAST).saturating_mul(slower);
        let settings = Settings {
            stdio: Stdio::Capture { input: Vec::new() },
            timeout: Some(timeout),
            without: Mechanism::ALL.into_iter().filter(|one| *one != Mechanism::Memory).collect(),
            environment: self.injection.environment(),
        };
        let observation =
            (self.launch)(&self.argv, &settings).map_err(|why| format!("the command cannot be run again: {why}"))?;
        let answers = self.injection.answers();
        Ok((observation, answers))
    }
}
