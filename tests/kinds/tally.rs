//! What came of watching all the programs: how many were taken for what they are, and for what the others were.

use super::program::{Blocks, Program};
use super::stage::Outcome;
use concadvise::observe::kind::{BlockedKind, ByKind};
use std::fmt;

/// The outcomes of a set of programs.
pub struct Tally(Vec<(Program, Outcome)>);

impl Tally {
    pub fn of(watched: Vec<(Program, Outcome)>) -> Self {
        Self(watched)
    }

    /// Programs that could not be measured on this machine.
    pub fn not_measured(&self) -> usize {
        self.0.iter().filter(|(_, outcome)| matches!(outcome, Outcome::NotHere(_))).count()
    }

    /// Part of the measured programs that was taken for what it is.
    pub fn right(&self) -> f64 {
        let right = self.0.iter().filter(|(program, outcome)| is_right(program, outcome)).count();
        right as f64 / (self.0.len() - self.not_measured()).max(1) as f64
    }

    /// Part of the samples of the programs that stand still.
    pub fn samples_right(&self) -> f64 {
        let (mut right, mut all) = (0, 0);
        for (program, outcome) in &self.0 {
            if let (Blocks::Throughout, Outcome::Watched { ticks, .. }) = (program.blocks, outcome) {
                right += ticks[program.kind];
                all += ticks.iter().map(|(_, ticks)| ticks).sum::<u32>();
            }
        }
        f64::from(right) / f64::from(all.max(1))
    }
}

fn expected(program: &Program) -> Option<BlockedKind> {
    (program.blocks != Blocks::Never).then_some(program.kind)
}

fn is_right(program: &Program, outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Watched { kind, .. } if *kind == expected(program))
}

impl fmt::Display for Tally {
    /// The confusion matrix, a row for each truth; then each program that is not on its diagonal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = || BlockedKind::ALL.into_iter().map(Some).chain([None]);
        let title = |kind: Option<BlockedKind>| kind.map_or("none", BlockedKind::name);
        write!(f, "\n{:>12}", "is \\ found")?;
        columns().try_for_each(|kind| write!(f, "{:>11}", title(kind)))?;
        writeln!(f, "{:>11}", "not here")?;
        for truth in columns() {
            let of_kind = || self.0.iter().filter(move |(program, _)| expected(program) == truth);
            if of_kind().count() == 0 {
                continue;
            }
            write!(f, "{:>12}", title(truth))?;
            for column in columns() {
                let found = |outcome: &Outcome| matches!(outcome, Outcome::Watched { kind, .. } if *kind == column);
                write!(f, "{:>11}", of_kind().filter(|(_, outcome)| found(outcome)).count())?;
            }
            let not_here = of_kind().filter(|(_, outcome)| matches!(outcome, Outcome::NotHere(_))).count();
            writeln!(f, "{not_here:>11}")?;
        }
        let measured = self.0.len() - self.not_measured();
        writeln!(
            f,
            "{} programs, {measured} measured: {:.1} % right; {:.1} % of the samples of those that stand still",
            self.0.len(),
            100.0 * self.right(),
            100.0 * self.samples_right()
        )?;
        for (program, outcome) in self.0.iter().filter(|(program, outcome)| !is_right(program, outcome)) {
            let what = match outcome {
                Outcome::Watched { ticks, .. } => format!("found {}", listed(ticks)),
                Outcome::NotHere(why) => format!("not measurable here: {why}"),
                Outcome::Broken(why) => format!("broken: {why}"),
            };
            writeln!(f, "{} (is {}) {what}", program.name, title(expected(program)))?;
        }
        Ok(())
    }
}

fn listed(ticks: &ByKind<u32>) -> String {
    let seen = ticks.iter().filter(|(_, ticks)| **ticks > 0);
    seen.map(|(kind, ticks)| format!("{} {ticks}", kind.name())).collect::<Vec<_>>().join(", ")
}
