//! Why, what would change it, what is doubted: the sentences of a recommendation.

use super::limits::Limits;
use super::spread::{self, NOISE};
use super::{Case, TOLERANCE, of_native};
use crate::rules::projection::{Projection, best, best_of_each};
use crate::rules::{Step, vocabulary};
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::{Evidence, Outcome};
use crate::units::{counted, human};
use std::time::Duration;

/// How many flips are told: the nearest.
const FLIPS: usize = 3;

/// A simpler model this much slower is near enough to say what would make it the choice.
const NEAR: f64 = 0.25;

/// Below this share of agreeing repeats another run may well choose otherwise.
const SURE: f64 = 0.8;

/// What is spoken of.
pub(super) struct Words<'a> {
    pub case: &'a Case<'a>,
    pub limits: &'a Limits,
    pub tried: &'a [Projection],
    pub setting: Setting,
    pub chosen: Option<&'a Projection>,
    pub rivals: &'a [Projection],
}

impl Words<'_> {
    /// The rule's reason, then what the trials say, then what of it the program does already.
    pub fn reason(&self) -> String {
        let mut sentences = vec![self.case.decision.reason.clone()];
        sentences.extend(self.measured());
        sentences.extend(self.capped());
        sentences.extend(self.today());
        sentences.join(" ")
    }

    fn measured(&self) -> Option<String> {
        let Some(chosen) = self.chosen else {
            if self.setting == Setting::SEQUENTIAL {
                return None;
            }
            return Some(
                "No trial stands behind the number of workers; it is computed from the measured demand.".into(),
            );
        };
        let what = match chosen.evidence {
            Evidence::Twin => "synthetic tasks of its shape",
            Evidence::Task => "its own function",
            Evidence::Program => "the whole command",
        };
        let other = match chosen.setting.model {
            Model::Sequential => best(self.rivals)?,
            _ => self.tried.iter().find(|tried| tried.setting.model == Model::Sequential).or(best(self.rivals))?,
        };
        let (chosen, other) = (took(chosen), took(other));
        Some(format!("In trials of {what}, all of the work took {chosen} and {other}."))
    }

    fn capped(&self) -> Option<String> {
        let (fit, each) = self.limits.memory?;
        let binds = |tried: &Projection| {
            let model = tried.setting.model;
            self.case.decision.admit.contains(&model) && model.uses_processes() && tried.setting.workers > fit
        };
        let faster = |tried: &&Projection| self.chosen.is_some_and(|chosen| tried.seconds < chosen.seconds);
        let best = best(self.tried.iter().filter(|tried| binds(tried)).filter(faster))?;
        let workers = best.setting.workers;
        Some(format!("Memory holds {fit} processes of {each}, so the faster {workers} are not advised."))
    }

    fn today(&self) -> Option<String> {
        // A function that we called one item after another does not tell how its program runs it.
        if self.case.trials.iter().any(|trial| trial.evidence == Evidence::Task) {
            return None;
        }
        let today = self.case.profile.today;
        let (processes, threads) = (today.processes, today.threads);
        if processes == 0 || threads == 0 {
            return None;
        }
        let now = match (processes, threads) {
            (1, 1) => (Model::Sequential, 1),
            (1, threads) => (Model::Threads, threads),
            (processes, _) => (Model::Processes, processes),
        };
        if now == (self.setting.model, self.setting.workers) {
            return Some("It already runs this way.".to_owned());
        }
        match now {
            (Model::Sequential, _) => None,
            (model, workers) => Some(format!("Today it runs as {workers} {model}.")),
        }
    }

    /// The nearest points at which the answer would be another.
    pub fn flips(&self) -> Vec<String> {
        let path = &self.case.decision.path;
        let mut flips: Vec<(f64, String)> =
            path.iter().filter(|step| !self.behind(step)).filter_map(|step| self.flip(step)).collect();
        flips.extend(self.rivals.iter().filter_map(|rival| self.overtaken(rival)));
        flips.sort_by(|left, right| left.0.total_cmp(&right.0));
        flips.into_iter().take(FLIPS).map(|(_, sentence)| sentence).collect()
    }

    /// A border between classes behind a nearer one, which would be crossed first.
    fn behind(&self, step: &Step) -> bool {
        let (Some(at), Some(value)) = (step.flips_at, self.case.facts.number(&step.fact)) else { return false };
        let nearer = |other: &Step| {
            let other_at = other.flips_at.unwrap_or(at);
            let same_side = (other_at > value) == (at > value);
            other.rule == Step::CLASS && same_side && (other_at - value).abs() < (at - value).abs()
        };
        step.rule == Step::CLASS && self.case.decision.path.iter().any(nearer)
    }

    /// What a numeric step would change, and how far it is from doing so.
    fn flip(&self, step: &Step) -> Option<(f64, String)> {
        let (value, at) = (step.value.as_ref()?, step.flips_at?);
        let (fact, rule, threshold) = (&step.fact, &step.rule, &step.threshold);
        let number = self.case.facts.number(fact)?;
        if rule == Step::CLASS {
            let side = if number >= at { "below" } else { "from" };
            return Some(((number - at).abs(), format!("{fact} {value}: the class changes {side} {at:.2}")));
        }
        let is_share = vocabulary::fact(fact).is_some_and(|fact| fact.kind == vocabulary::Kind::Share);
        // Shares by their difference, the rest by their ratio, so that both are dimensionless.
        let distance = if is_share { (number - at).abs() } else { (number.max(1e-9) / at.max(1e-9)).ln().abs() };
        let sentence = if *rule == self.case.decision.rule {
            format!("{fact} {value}: were it not {threshold}, rule {rule} would not decide")
        } else {
            format!("{fact} {value}: were it {threshold}, rule {rule} would decide")
        };
        Some((distance, sentence))
    }

    /// What a model that was not chosen lacks to be it.
    fn overtaken(&self, rival: &Projection) -> Option<(f64, String)> {
        let chosen = self.chosen?;
        let model = rival.setting.model;
        let behind = rival.seconds / chosen.seconds - 1.0;
        if model < chosen.setting.model {
            let lacks = behind - TOLERANCE;
            let sentence =
                format!("{model} takes {} longer: within 5 % it would be advised as simpler", percent(behind));
            (lacks < NEAR).then_some((lacks.max(0.0), sentence))
        } else {
            let ahead = chosen.seconds / rival.seconds - 1.0;
            let sentence = format!("{model} is {} faster: past 5 % it would be advised", percent(ahead));
            (ahead > 0.0).then_some((TOLERANCE - ahead, sentence))
        }
    }

    /// What makes the answer less sure.
    pub fn doubts(&self, separation: f64) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.chosen.is_some_and(|chosen| chosen.evidence == Evidence::Twin) {
            doubts.extend(self.case.twin.into_iter().flat_map(|twin| twin.doubts.iter().cloned()));
        }
        doubts.extend(self.undecided());
        doubts.extend(self.noise(separation));
        if self.chosen.is_none() {
            let why = match self.tried.is_empty() {
                true => "no trial ran",
                false => "no trial that ran can stand for this work",
            };
            doubts.push(format!("{why}, so neither model nor workers were compared"));
        }
        doubts.extend(self.case.decision.admit.iter().filter_map(|model| self.missing(*model)));
        doubts
    }

    /// One sentence for all the rules that could not be decided.
    fn undecided(&self) -> Option<String> {
        let undecided = &self.case.decision.undecided;
        let mut facts: Vec<&str> = undecided.iter().map(|(_, fact)| fact.as_str()).collect();
        facts.sort_unstable();
        facts.dedup();
        let (rules, facts) = (counted(undecided.len(), "rule"), facts.join(", "));
        (!undecided.is_empty()).then(|| format!("provisional: {rules} could not be decided without knowing {facts}"))
    }

    fn noise(&self, separation: f64) -> Option<String> {
        let chosen = self.chosen.filter(|_| separation < SURE)?;
        let stands = |rival: &&Projection| spread::stands(chosen, rival);
        let rival = self.rivals.iter().min_by(|left, right| stands(left).total_cmp(&stands(right)))?;
        let apart = (rival.seconds / chosen.seconds - 1.0).abs();
        let vary = spread::spread(chosen).max(spread::spread(rival)).max(NOISE);
        let (chosen, rival) = (chosen.setting.model, rival.setting.model);
        Some(format!(
            "{chosen} and {rival} are {} apart while repeats vary by {}: another run may prefer {rival}",
            percent(apart),
            percent(vary)
        ))
    }

    /// An admitted model that should have run and did not.
    fn missing(&self, model: Model) -> Option<String> {
        let of_model = || self.case.trials.iter().filter(move |trial| trial.setting.model == model);
        if of_model().any(|trial| matches!(trial.outcome, Outcome::Ok(_))) {
            return None;
        }
        of_model().find_map(|trial| match &trial.outcome {
            Outcome::Failed(why) => Some(format!("{model} could not be compared: {why}")),
            _ => None,
        })
    }

    /// The rule's advice, and what the trials and the start method add to it.
    pub fn advice(&self) -> Vec<String> {
        let mut advice = self.case.decision.advice.clone();
        advice.extend(self.not_admitted());
        advice.extend(of_native::advice(&self.case.target.runtime, self.case.host, &self.setting));
        let threads = self.case.profile.today.threads;
        if self.setting.start_method == Some(StartMethod::Fork) {
            advice.push(
                "Fork is unsafe once the program has other threads: start the pool before them, or use forkserver."
                    .into(),
            );
        } else if self.setting.model.uses_processes() && threads > 1 && self.tried_fork() {
            advice
                .push(format!("Fork was left out: the program has {threads} threads, whose locks a fork would keep."));
        }
        advice
    }

    fn tried_fork(&self) -> bool {
        self.tried.iter().any(|tried| tried.setting.start_method == Some(StartMethod::Fork))
    }

    /// A model that ran clearly faster than the choice and that the rule does not admit.
    fn not_admitted(&self) -> Option<String> {
        let chosen = self.chosen?;
        // A rule that admits no concurrency knows of something that no trial shows.
        if self.case.decision.admit == [Model::Sequential] {
            return None;
        }
        let others = best_of_each(self.tried).into_iter().filter(|tried| {
            let model = tried.setting.model;
            model != Model::Sequential && !self.case.decision.admit.contains(&model)
        });
        let best = best(others).filter(|best| spread::slower(chosen, best) >= SURE)?;
        let (model, workers, rule) = (best.setting.model, best.setting.workers, &self.case.decision.rule);
        let times = chosen.seconds / best.seconds;
        Some(format!(
            "{model} at {workers} ran {times:.2} times as fast; rule {rule} does not admit it without more evidence."
        ))
    }
}

/// `5.1 s with processes at 2`.
fn took(tried: &Projection) -> String {
    let time = Duration::try_from_secs_f64(tried.seconds).map_or_else(|_| "for ever".to_owned(), human);
    match tried.setting.model {
        Model::Sequential => format!("{time} one after another"),
        model => format!("{time} with {model} at {}", tried.setting.workers),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
