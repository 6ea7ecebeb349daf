//! What a recommendation says of the same work under another interpreter: an alternative, never the answer. Pure.

use super::Recommendation;
use crate::rules::projection::{Projection, best, projections};
use crate::trial::elsewhere::Elsewhere;
use crate::trial::model::{Model, Setting};
use crate::trial::twin::Twin;
use crate::trial::{Outcome, Trial};
use crate::units::human;
use std::time::Duration;

impl Recommendation {
    /// The same recommendation, with a sentence for what was tried under each other interpreter.
    #[must_use]
    pub fn of_elsewhere(mut self, elsewhere: &[Elsewhere], twin: Option<&Twin>, trials: &[Trial]) -> Self {
        let here = projections(twin, trials);
        // Where no trial stands behind the answer, the best that ran here.
        let answer = here.iter().find(|tried| tried.setting == self.setting).or(best(&here));
        self.advice.extend(elsewhere.iter().filter_map(|other| sentence(other, answer, twin)));
        self
    }
}

fn sentence(other: &Elsewhere, answer: Option<&Projection>, twin: Option<&Twin>) -> Option<String> {
    let Elsewhere { interpreter, version, trials } = other;
    // No GIL bounds its threads.
    let there = projections(twin.map(|twin| Twin { gil: false, ..twin.clone() }).as_ref(), trials);
    let threads = best(there.iter().filter(|tried| tried.setting.model == Model::Threads));
    let under = format!("Under free-threaded CPython {version} ({interpreter})");
    let Some(threads) = threads else {
        let why = trials.iter().find_map(|trial| match &trial.outcome {
            Outcome::NotApplicable(why) | Outcome::Unsafe(why) | Outcome::Failed(why) => Some(why),
            _ => None,
        })?;
        return Some(format!("{under} it could not be tried: {why}"));
    };
    let answer = answer?;
    let times = answer.seconds / threads.seconds.max(1e-9);
    Some(format!(
        "{under} {} threads took {} against {} {}: {times:.1}×. That is another interpreter, so an alternative only.",
        threads.setting.workers,
        time(threads.seconds),
        time(answer.seconds),
        with(&answer.setting)
    ))
}

fn with(setting: &Setting) -> String {
    match setting.model {
        Model::Sequential => "one after another here".to_owned(),
        model => format!("with {} {model} here", setting.workers),
    }
}

fn time(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| "for ever".to_owned(), human)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::{Evidence, Measurement};

    #[test]
    fn another_interpreter_is_an_alternative_or_the_reason_why_it_is_none() {
        let trial = |model, workers, ms, outcome: Option<Outcome>| {
            let walls = vec![Duration::from_millis(ms)];
            let ran = Outcome::Ok(Measurement { tasks: 1, walls, ..Measurement::default() });
            let setting = Setting { model, workers, ..Setting::SEQUENTIAL };
            Trial { setting, evidence: Evidence::Task, outcome: outcome.unwrap_or(ran) }
        };
        let here = projections(None, &[trial(Model::Processes, 2, 980, None)]);
        let elsewhere = |trials| Elsewhere { interpreter: "/opt/python3.14t".into(), version: "3.14t".into(), trials };
        let faster = elsewhere(vec![trial(Model::Sequential, 1, 900, None), trial(Model::Threads, 2, 490, None)]);
        let said = sentence(&faster, here.first(), None).expect("both ran");
        assert!(said.contains("2 threads took 490 ms against 980 ms with 2 processes here: 2.0×"), "{said}");
        let why = Some(Outcome::NotApplicable("No module named 'numpy'".into()));
        let said = sentence(&elsewhere(vec![trial(Model::Threads, 2, 0, why)]), here.first(), None);
        assert!(said.is_some_and(|said| said.contains("could not be tried: No module named 'numpy'")));
    }
}
