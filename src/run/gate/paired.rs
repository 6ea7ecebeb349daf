//! `gate --paired REV`: two commits beside one another on this machine, run in turn, so that whatever the machine does
//! it does to both. No baseline is read or needed.

use super::attended::Attended;
use super::git::{at_home, inside, tracks};
use super::worktrees::{Side, Worktrees};
use super::{Gatekeeper, Stop, live, sources};
use crate::exit::{Ending, TARGET_FAILED};
use crate::gate::current::Current;
use crate::gate::pairing;
use crate::gate::pairs::{judge_pairs, wants_another};
use crate::gate::policy::Policy;
use crate::gate::show::Outcome;
use crate::report::escape::{text, word};
use crate::run::say;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

/// What is run: its name where it has one, and the words behind `concadvise`.
type Task = (Option<String>, Vec<OsString>);

/// The runs of one target on both sides, in order.
#[derive(Default)]
struct Runs {
    base: Vec<Current>,
    head: Vec<Current>,
    /// Why it could not even be started at the base.
    none_there: Option<String>,
}

/// Compares `rev` with HEAD, tells, and leaves nothing behind.
pub(super) fn compare(keeper: &Gatekeeper, rev: &str) -> Result<Ending, Stop> {
    let tasks = tasks(keeper)?;
    let attended = Attended::begin();
    let (mut outcome, unrun) = {
        let worktrees = Worktrees::of(rev, &attended)?;
        let told = Pair { keeper, worktrees: &worktrees, attended: &attended }.outcome(tasks);
        attended.go_on().and(told)?
    };
    attended.go_on()?;
    keeper.tell(&mut outcome)?;
    Ok(keeper.ending(&outcome, unrun))
}

fn tasks(keeper: &Gatekeeper) -> Result<Vec<Task>, String> {
    if !keeper.options.argv.is_empty() {
        let words = [vec!["--".into()], keeper.options.argv.clone()].concat();
        return Ok(vec![(keeper.options.name.clone(), words)]);
    }
    let words = |words: &[String]| words.iter().map(Into::into).collect();
    Ok(keeper.configured()?.into_iter().map(|target| (Some(target.name.clone()), words(&target.words))).collect())
}

struct Pair<'a> {
    keeper: &'a Gatekeeper<'a>,
    worktrees: &'a Worktrees,
    attended: &'a Attended,
}

impl Pair<'_> {
    /// What there is to tell, and whether there was a target that the base does not have.
    fn outcome(&self, tasks: Vec<Task>) -> Result<(Outcome, bool), Stop> {
        let Self { keeper, worktrees, attended } = *self;
        self.refuse_shared(&tasks)?;
        let place = sources::place_of_config(keeper.options.config.as_deref());
        let mut outcome = Outcome { place, ..Outcome::default() };
        let caveats = worktrees.caveats(attended);
        caveats.iter().for_each(|caveat| say::complain(caveat));
        let [base, head] = Side::BOTH.map(|side| self.named(side));
        let ran = format!("the base is {base}, the head {head}; both ran here, in turn");
        outcome.notes.push(ran);
        outcome.notes.extend(caveats);
        for side in Side::BOTH {
            self.build(side)?;
        }
        let mut unrun = false;
        for (name, words) in tasks {
            let shown = name.clone().unwrap_or_else(|| "the target".to_owned());
            let mut runs = self.runs(&name, &words, &shown)?;
            let name = name.or_else(|| runs.head.first().map(pairing::name_for)).unwrap_or_default();
            if let Some(why) = runs.none_there.take() {
                let note = format!("{name} is not compared, {base} has no run of it: {why}");
                outcome.notes.push(note);
                unrun = true;
                continue;
            }
            let policy = keeper.policy_of(&name);
            let [base, head] = [runs.base, runs.head]
                .map(|runs| runs.into_iter().map(|run| run.named(&name)).collect::<Vec<Current>>());
            let judged = match policy {
                Policy::Off => None,
                policy => judge_pairs(&base, &head, &keeper.rules, policy, &keeper.config.thresholds),
            };
            outcome.judgements.extend(judged);
        }
        outcome.judgements.sort_by(|one, other| one.target.cmp(&other.target));
        Ok((outcome, unrun))
    }

    /// `origin/main (1a2b3c4d5e)`.
    fn named(&self, side: Side) -> String {
        let (rev, commit) = self.worktrees.commit(side);
        format!("{} ({})", text(rev), commit.get(..10).unwrap_or(commit))
    }

    /// An absolute path to what git has would have both sides run the same code.
    fn refuse_shared(&self, tasks: &[Task]) -> Result<(), Stop> {
        let top = &self.worktrees.top;
        let shared = |words: &OsStr| {
            let parts = words.as_bytes().split(|byte| b"=:".contains(byte));
            parts.filter_map(|part| inside(top, part)).find(|path| tracks(top, path, self.attended))
        };
        for word_of in tasks.iter().flat_map(|(_, words)| words) {
            if let Some(path) = shared(word_of) {
                return Err(format!(
                    "{} is a file of your own folder, so both sides would run the same code; write it as it is seen \
                     from here, as in {}",
                    word(word_of),
                    word(path.strip_prefix(top).unwrap_or(&path).as_os_str())
                )
                .into());
            }
        }
        if std::env::var_os("PYTHONPATH").is_some_and(|paths| shared(&paths).is_some()) {
            say::complain("PYTHONPATH leads into your own folder, so both sides import the same code from there");
        }
        Ok(())
    }

    /// Runs `--build` at a side. What it prints goes to standard error: verdicts are on standard output.
    fn build(&self, side: Side) -> Result<(), Stop> {
        let Some(command) = &self.keeper.options.build else { return Ok(()) };
        let named = self.named(side);
        say::complain(&format!("building {named}"));
        let mut shell = Command::new("sh");
        at_home(&mut shell, &self.worktrees.place(side)).arg("-c").arg(command).stdin(Stdio::null());
        if let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() {
            shell.stdout(stderr);
        }
        let fence = live::Fence::around_a_target();
        let ended = self.attended.status(&mut shell);
        drop(fence);
        self.attended.go_on()?;
        let failed = |how: String| {
            let command = word(command);
            Err(Stop::Said(TARGET_FAILED, format!("cannot compare: --build `{command}` {how} at {named}")))
        };
        match ended {
            Ok(ended) if ended.success() => Ok(()),
            Ok(ended) => failed(format!("failed ({ended})")),
            Err(why) => failed(format!("could not be run ({why})")),
        }
    }

    /// Base, head, head, base, …: what drifts while they run, as a clock rate or a neighbour does, meets both alike. Up to
    /// twice as many where some were no evidence, as beside a neighbour that takes the cores.
    fn runs(&self, name: &Option<String>, words: &[OsString], shown: &str) -> Result<Runs, Stop> {
        let mut runs = Runs::default();
        let pairs = self.keeper.options.pairs;
        let wanted = pairs as usize;
        for pair in 0..pairs * 2 {
            if pair >= pairs && ![&runs.base, &runs.head].into_iter().any(|side| wants_another(side, wanted)) {
                break;
            }
            let order = if pair % 2 == 0 { [Side::Base, Side::Head] } else { [Side::Head, Side::Base] };
            for side in order {
                say::complain(&format!("{shown}: {} {} of {}", side.name(), pair + 1, pairs.max(pair + 1)));
                let place = self.worktrees.place(side);
                // What is read from a pipe, the first run would have alone.
                let start = &mut |job: &mut Command| self.attended.status(at_home(job, &place).stdin(Stdio::null()));
                let run = live::run_by(self.keeper, name.clone(), words.to_vec(), start);
                self.attended.go_on()?;
                match (side, run) {
                    (Side::Base, Ok(run)) => runs.base.push(run.current),
                    (Side::Head, Ok(run)) if runs.none_there.is_some() => {
                        runs.head.push(run.current);
                        return Ok(runs);
                    }
                    (Side::Head, Ok(run)) => runs.head.push(run.current),
                    // A program that this change adds is no reason to fail it; the head shows whether it is that.
                    (Side::Base, Err(why)) if pair == 0 => runs.none_there = Some(why),
                    (_, Err(why)) => return Err(format!("{}: {why}", self.named(side)).into()),
                }
            }
        }
        Ok(runs)
    }
}
