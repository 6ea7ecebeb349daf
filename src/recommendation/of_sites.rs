//! What a recommendation says of a program that builds executors and was run again with each built otherwise: advice for
//! every place, and the answer from the one with the most to gain. Pure.

use super::choice::{best_safe, choose, rivals};
use super::spread::{self, speedup};
use super::{Interval, Recommendation, TOLERANCE, alternatives};
use crate::rules::projection::{Projection, best, projections};
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::rerun::Rerun;
use crate::trial::rerun::sites::Site;
use crate::trial::{Evidence, Outcome};
use crate::units::{Bytes, Share};
use std::fmt::Write;

/// What is advised for one place that builds executors.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteAdvice {
    /// The setting; as it is where nothing better was found, or nothing was tried.
    pub setting: Setting,
    /// How much faster the program is than with one task after another there; `None` when that was not run.
    pub speedup: Option<Interval>,
    /// How much faster the program is than it is now; `None` when nothing was tried.
    pub speedup_now: Option<Interval>,
    /// How sure: the separation from the program as it is, and from other models.
    pub confidence: Share,
    /// Why, in one or two sentences.
    pub reason: String,
}

impl Recommendation {
    /// The same recommendation, about the executors of a program that was run again; unchanged without any.
    #[must_use]
    pub fn of_sites(mut self, rerun: Option<&Rerun>, cpus: usize) -> Self {
        let Some(rerun) = rerun else { return self };
        let advised: Vec<(SiteAdvice, Option<Projection>)> = rerun.sites.iter().map(advise).collect();
        let gain = |advice: &SiteAdvice| advice.speedup_now.map_or(0.0, |speedup| speedup.value);
        let answer = rerun
            .sites
            .iter()
            .zip(&advised)
            .filter_map(|(site, (advice, chosen))| Some((site, advice, chosen.as_ref()?)))
            .max_by(|(_, one, _), (_, other, _)| gain(one).total_cmp(&gain(other)));
        if let Some((site, advice, chosen)) = answer {
            self.setting = advice.setting;
            self.policy = policy(&advice.setting, cpus);
            self.evidence = Some(Evidence::Program);
            self.speedup = advice.speedup;
            self.memory = (chosen.peak_memory > Bytes(0)).then_some(chosen.peak_memory);
            self.confidence = advice.confidence;
            self.reason = format!("{}: {}", site.place(), advice.reason);
            self.flips = Vec::new();
            self.doubts = doubts(site, &advice.setting);
            self.snippet = snippet(site, &advice.setting);
            self.alternatives = alternatives(&projections(None, &site.trials), advice.setting.model);
            self.at = Some(site.place());
        }
        self.sites = advised.into_iter().map(|(advice, _)| advice).collect();
        self
    }
}

/// The advice for one site, and the trial that it rests on.
fn advise(site: &Site) -> (SiteAdvice, Option<Projection>) {
    let found = site.found();
    let keep = |reason: &str| SiteAdvice {
        setting: found,
        speedup: None,
        speedup_now: None,
        confidence: Share::ZERO,
        reason: reason.to_owned(),
    };
    if let Some(why) = &site.untried {
        return (keep(why), None);
    }
    let tried = projections(None, &site.trials);
    let Some(now) = tried.iter().find(|tried| tried.setting == found) else {
        return (keep("the program as it is could not be run again"), None);
    };
    let mut candidates = best_safe(&site.trials, &tried);
    if !candidates.iter().any(|candidate| candidate.setting == found) {
        candidates.push(now.clone());
    }
    let (Some(chosen), Some(fastest)) = (choose(&candidates), best(&candidates)) else {
        return (keep("no other setting could be run"), None);
    };
    let sequential = tried.iter().find(|tried| tried.setting.model == Model::Sequential);
    let over_sequential = |chosen: &Projection| sequential.map(|sequential| speedup(sequential, chosen));
    // Changing code has a price: only for a gain that is one, over the program and not over other models.
    let gains = now.seconds > fastest.seconds * (1.0 + TOLERANCE) && spread::slower(now, fastest) >= 0.5;
    let refused = refused(site);
    if !gains || chosen.setting == found {
        let confidence = if gains { 1.0 } else { 1.0 - spread::slower(now, fastest) };
        let fewer = chosen.setting.model == found.model && chosen.setting.workers < found.workers;
        let but = match fewer {
            true => format!(" {} workers would do as much.", chosen.setting.workers),
            false => String::new(),
        };
        let advice = SiteAdvice {
            setting: found,
            speedup: over_sequential(now),
            speedup_now: Some(Interval { value: 1.0, low: 1.0, high: 1.0 }),
            confidence: Share::new(confidence).unwrap_or_default(),
            reason: format!("{} stays as it is: nothing that was tried is 5 % faster.{but}{refused}", named(site)),
        };
        return (advice, Some(now.clone()));
    }
    let over_now = ratio(now, chosen);
    let rivals: Vec<Projection> =
        rivals(&candidates, chosen).into_iter().filter(|rival| rival.setting != found).collect();
    let surely = 1.0 - share_not_faster(now, chosen);
    let confidence = surely.min(spread::separation(chosen, &rivals).max(0.5));
    let mut reason = format!(
        "{} becomes {}, and the whole program is {:.2}× faster than it is now",
        named(site),
        shown(&chosen.setting),
        over_now.value
    );
    match over_sequential(chosen) {
        Some(interval) if chosen.setting.model != Model::Sequential => {
            let _ = write!(reason, " ({:.2}× faster than with one task after another there).", interval.value);
        }
        Some(_) => reason.push('.'),
        None => reason.push_str("; with one task after another it was not run."),
    }
    reason.push_str(&refused);
    let advice = SiteAdvice {
        setting: chosen.setting,
        speedup: over_sequential(chosen),
        speedup_now: Some(over_now),
        confidence: Share::new(confidence).unwrap_or_default(),
        reason,
    };
    (advice, Some(chosen.clone()))
}

/// The program as it is over a setting; unlike [`speedup`] also where that is sequential.
fn ratio(now: &Projection, chosen: &Projection) -> Interval {
    let setting = Setting { model: Model::Threads, ..chosen.setting };
    speedup(now, &Projection { setting, ..chosen.clone() })
}

/// Share of the pairs of runs in which the program as it is was no slower.
fn share_not_faster(now: &Projection, chosen: &Projection) -> f64 {
    let pairs = now.repeats.iter().flat_map(|now| chosen.repeats.iter().map(move |chosen| now <= chosen));
    let (all, not) = pairs.fold((0_u32, 0_u32), |(all, not), slower| (all + 1, not + u32::from(slower)));
    if all == 0 { 1.0 } else { f64::from(not) / f64::from(all) }
}

/// What could not be advised because it did something else.
fn refused(site: &Site) -> String {
    let mut said = String::new();
    for model in Model::ALL {
        let of_model = site.trials.iter().filter(|trial| trial.setting.model == model);
        let wrong = of_model.filter_map(|trial| match &trial.outcome {
            Outcome::Unsafe(why) => Some(why),
            _ => None,
        });
        if let Some(why) = wrong.take(1).next() {
            let _ = write!(said, " With {model} the program does not do the same: {why}.");
        }
    }
    said
}

/// `ThreadPoolExecutor(4)`
fn named(site: &Site) -> String {
    match site.executor.as_str() {
        "default executor" => format!("the loop's default executor of {} threads", site.workers),
        executor => format!("{executor}({})", site.asked.map_or_else(String::new, |asked| asked.to_string())),
    }
}

fn shown(setting: &Setting) -> String {
    let Setting { model, workers, chunk_size, start_method } = setting;
    let mut shown = match model {
        Model::Sequential => return "one task after another".to_owned(),
        Model::AsyncioThreads => format!("one of {workers} threads"),
        _ => format!("{workers} {model}"),
    };
    if let Some(method) = start_method {
        let _ = write!(shown, " started by {}", method.name());
    }
    if let Some(size) = chunk_size.filter(|size| *size > 1) {
        let _ = write!(shown, " with {size} tasks at a time");
    }
    shown
}

fn policy(setting: &Setting, cpus: usize) -> String {
    match setting.model {
        Model::Processes | Model::Interpreters if setting.workers == cpus && cpus > 1 => "cpus".to_owned(),
        _ => setting.workers.to_string(),
    }
}

fn doubts(site: &Site, setting: &Setting) -> Vec<String> {
    let mut doubts = Vec::new();
    let place = site.place();
    if *setting != site.found() && setting.start_method == Some(StartMethod::Fork) && site.threads > 0 {
        doubts.push(format!(
            "{place} builds it while the program has other threads: processes that are forked then may wait for ever for \
             a lock that one of them held."
        ));
    }
    if setting.model == Model::Threads && site.model == Model::Processes {
        doubts.push(
            "Tasks that processes kept apart share everything in threads: what they change in modules, the working folder, \
             the environment."
                .to_owned(),
        );
    }
    if setting.model == Model::Processes && site.model == Model::Threads {
        doubts.push(
            "What tasks change in the program's memory is lost when they run in processes; only what it prints and its \
             exit status were compared."
                .to_owned(),
        );
    }
    doubts
}

/// What to write at that place.
fn snippet(site: &Site, setting: &Setting) -> String {
    if *setting == site.found() {
        return String::new();
    }
    let workers = setting.workers;
    let method = setting.start_method.filter(|method| site.start_method != Some(*method));
    let line = match (site.executor.as_str(), setting.model) {
        (_, Model::Sequential) => "results = [function(item) for item in items]  # no pool".to_owned(),
        ("default executor", _) => format!("loop.set_default_executor(ThreadPoolExecutor(max_workers={workers}))"),
        ("joblib.Parallel", Model::Threads) => format!("Parallel(n_jobs={workers}, backend=\"threading\")"),
        ("joblib.Parallel", _) => format!("Parallel(n_jobs={workers}, backend=\"loky\")"),
        ("Pool" | "ThreadPool", Model::Threads) => format!("multiprocessing.pool.ThreadPool({workers})"),
        ("Pool" | "ThreadPool", _) => match method {
            Some(method) => format!("multiprocessing.get_context(\"{}\").Pool({workers})", method.name()),
            None => format!("multiprocessing.Pool({workers})"),
        },
        (_, Model::Threads) => format!("ThreadPoolExecutor(max_workers={workers})"),
        (_, Model::Interpreters) => format!("InterpreterPoolExecutor(max_workers={workers})"),
        _ => {
            let context = method.map_or_else(String::new, |method| {
                format!(", mp_context=multiprocessing.get_context(\"{}\")", method.name())
            });
            format!("ProcessPoolExecutor(max_workers={workers}{context})")
        }
    };
    let chunks = setting.chunk_size.filter(|size| *size > 1);
    let chunks = chunks.map_or_else(String::new, |size| format!("pool.map(function, items, chunksize={size})\n"));
    format!("# {}, instead of {}\n{line}\n{chunks}", site.place(), named(site))
}

#[cfg(test)]
mod tests;
