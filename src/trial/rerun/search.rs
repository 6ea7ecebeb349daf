//! [`Search`]: which setting of a site to run next, each run being the whole program. Pure: it is told what came of one.
//!
//! The program as it is comes first and again and again, so that a change of the machine is seen. Then every model once;
//! then more and fewer workers of those near the front; chunks and a safer start for the best; and repeats of the two
//! that lead until it is clear which of them does. How one is run is [`super::run_site`]'s.

use super::ran;
use super::sites::Site;
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::plan::{CHUNKS_PER_WORKER, GAIN, MOST_PROCESSES, MOST_THREADS, NEAR};
use crate::trial::{Evidence, Measurement, Outcome, Trial};
use crate::units::Bytes;
use std::time::Duration;

/// Runs that a setting in front must have, and has at most.
const REPEATS: usize = 3;
const MOST_REPEATS: usize = 6;
/// Where work waits, the best number of workers may be far from what it is; halves are tried on the way back.
const WIDE_STEP: usize = 4;
/// The least share of the budget that other settings keep while one after another is run.
const SEQUENTIAL_SHARE: f64 = 0.4;
/// Handing over a task to a process costs about this (domain.md §1), and may cost 5 % of its time.
const HANDING: Duration = Duration::from_micros(430);
const HANDING_SHARE: f64 = 0.05;
/// From here on multiprocessing starts by forkserver, and there are pools of interpreters.
const FORKSERVER_SINCE: (u8, u8) = (3, 14);
/// The program as it is runs again after so many other runs.
const UNCHANGED_EVERY: usize = 6;

/// What bounds the number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// CPUs for workers that compute.
    pub cpus: usize,
    /// Whether the profile shows waiting, so that more workers than CPUs may gain.
    pub waits: bool,
    /// Memory that all workers may take together, and what one process takes.
    pub memory: Option<(Bytes, Bytes)>,
}

/// The search at one site.
#[derive(Debug)]
pub struct Search {
    found: Setting,
    /// Most workers of each model; a model that is not here cannot be.
    most: Vec<(Model, usize)>,
    first: usize,
    /// What the number of workers grows by at a time: each step is a run of the whole program.
    step: usize,
    /// How processes start where the program has none.
    start_method: Option<StartMethod>,
    /// Larger chunks, where tasks are too short to be handed over one by one: tasks for each pool.
    chunks_of: Option<usize>,
    others: Vec<StartMethod>,
    /// Time with tasks under way, which one worker alone would multiply by those that get on at once.
    busy: Duration,
    at_once: usize,
    tasks: usize,
    trials: Vec<Trial>,
    refused: Vec<Trial>,
    since_unchanged: usize,
    closed: bool,
}

impl Search {
    /// A search at `site`; `unchanged` are runs of the program as it is.
    pub fn new(site: &Site, bounds: &Bounds, unchanged: &Measurement) -> Self {
        let found = site.found();
        let tasks = site.tasks_each();
        let start_method = Some(start_method(site));
        let mut search = Self {
            found,
            most: Vec::new(),
            first: if bounds.waits { found.workers.max(2) } else { bounds.cpus.max(2) },
            step: if bounds.waits { WIDE_STEP } else { 2 },
            start_method,
            chunks_of: None,
            others: Vec::new(),
            busy: site.busy,
            // Threads that compute take turns; where they do not, one run shows it.
            at_once: match found.model {
                _ if bounds.waits => found.workers,
                Model::Threads | Model::AsyncioThreads => 1,
                _ => found.workers.min(bounds.cpus),
            },
            tasks,
            trials: vec![row(found, Outcome::Ok(unchanged.clone()))],
            refused: Vec::new(),
            since_unchanged: 0,
            closed: false,
        };
        let each = site.busy.mul_f64(found.workers as f64 / site.tasks.max(1) as f64);
        if site.mapped && found.chunk_size.unwrap_or(1) == 1 && each.mul_f64(HANDING_SHARE) < HANDING {
            search.chunks_of = Some(tasks);
        }
        if site.guarded == Some(true) && found.start_method.is_none() {
            search.others.push(StartMethod::Forkserver);
        }
        for model in [Model::Sequential, Model::Threads, Model::AsyncioThreads, Model::Processes, Model::Interpreters] {
            match unfit(site, model) {
                Some(why) if why.is_empty() => {}
                Some(why) => {
                    let start_method = (model == Model::Processes).then_some(start_method).flatten();
                    let setting = Setting { model, workers: found.workers, chunk_size: None, start_method };
                    search.refused.push(row(setting, Outcome::NotApplicable(why)));
                }
                None => {
                    let most = most(model, tasks, found.workers, bounds);
                    search.most.push((model, most));
                }
            }
        }
        search
    }

    /// The program as it is.
    pub const fn found(&self) -> Setting {
        self.found
    }

    /// The next setting to run when `left` of the budget is left; `None` when no other is worth a run. The last is the
    /// program as it is.
    pub fn next(&mut self, left: Duration) -> Option<Setting> {
        if self.closed || left.is_zero() {
            return None;
        }
        let reserve = self.cost(&self.found);
        let fits = |setting: &Setting| self.cost(setting) + reserve <= left;
        let due = self.since_unchanged >= UNCHANGED_EVERY || self.repeats(&self.found) < 2;
        let planned = due.then_some(self.found).into_iter().chain(self.planned(left));
        if let Some(setting) = { planned }.find(fits) {
            return Some(setting);
        }
        self.closed = true;
        (reserve <= left && self.since_unchanged > 0).then_some(self.found)
    }

    /// Takes in what came of a run.
    pub fn record(&mut self, setting: Setting, outcome: Outcome) {
        self.since_unchanged = if setting == self.found { 0 } else { self.since_unchanged + 1 };
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.setting == setting) else {
            self.trials.push(row(setting, outcome));
            return;
        };
        match (&mut trial.outcome, outcome) {
            (Outcome::Ok(old), Outcome::Ok(new)) => old.absorb(new),
            // The program as it is has run, whatever happened to it once.
            (Outcome::Ok(_), _) if setting == self.found => {}
            (mine, new) => *mine = new,
        }
    }

    /// A row for every setting that was run, and for every model that was not, the program as it is first.
    pub fn finish(self) -> Vec<Trial> {
        let unrun = |(model, workers): &(Model, usize)| {
            let none = self.trials.iter().all(|trial| trial.setting.model != *model);
            let setting = self.setting(*model, self.first.min(*workers));
            none.then(|| row(setting, Outcome::Pruned("the time for trials had no room for it".to_owned())))
        };
        let unrun: Vec<Trial> = self.most.iter().filter_map(unrun).collect();
        self.trials.into_iter().chain(unrun).chain(self.refused).collect()
    }

    /// Everything that is worth a run, the most promising first.
    fn planned(&self, left: Duration) -> Vec<Setting> {
        let mut planned = self.survey(left);
        planned.extend(self.climb());
        planned.extend(self.refine());
        planned.extend(self.settle());
        planned
    }

    /// Each model once.
    fn survey(&self, left: Duration) -> Vec<Setting> {
        let unseen = self.most.iter().filter(|(model, _)| self.trials.iter().all(|row| row.setting.model != *model));
        let settings = unseen.map(|(model, most)| self.setting(*model, self.first.min(*most)));
        // One after another may take as many times longer as there are workers now.
        let dear = |setting: &Setting| {
            setting.model == Model::Sequential && self.cost(setting) > left.mul_f64(1.0 - SEQUENTIAL_SHARE)
        };
        settings.filter(|setting| !dear(setting)).collect()
    }

    /// More workers, then fewer, of the models near the front.
    fn climb(&self) -> Vec<Setting> {
        let Some((_, best)) = self.best() else { return Vec::new() };
        let mut settings = Vec::new();
        for (model, most) in &self.most {
            if *model == Model::Sequential {
                continue;
            }
            let Some((own, time)) = self.best_of(*model) else { continue };
            if time > best.mul_f64(NEAR) {
                continue;
            }
            let up = own.workers.saturating_mul(self.step).min(*most);
            let down = own.workers / 2;
            let counts = [up, down].into_iter().filter(|count| *count >= 1 && *count != own.workers);
            settings.extend(counts.map(|workers| Setting { workers, ..own }).filter(|setting| !self.has(setting)));
        }
        settings
    }

    /// Larger chunks for processes, which may lose only because tasks are handed over one by one; and a safer start for
    /// them, where they are best.
    fn refine(&self) -> Vec<Setting> {
        let Some((own, time)) = self.best_of(Model::Processes) else { return Vec::new() };
        let chunk = self.chunks_of.map(|tasks| tasks.div_ceil(own.workers * CHUNKS_PER_WORKER as usize).max(1));
        let chunked = chunk.filter(|size| *size > 1 && own.chunk_size.is_none_or(|own| own == 1));
        let chunked = chunked.map(|size| Setting { chunk_size: Some(size), ..own });
        let leads = self.best().is_some_and(|(_, best)| time <= best);
        let started = self.others.iter().filter(|_| leads).map(|how| Setting { start_method: Some(*how), ..own });
        let settings = chunked.into_iter().chain(started);
        settings.filter(|setting| !self.has(setting)).collect()
    }

    /// Repeats of the two that lead, and of the program as it is, until they are apart.
    fn settle(&self) -> Option<Setting> {
        let mut ran: Vec<(Setting, Duration)> = self.ran().collect();
        ran.sort_by_key(|(_, time)| *time);
        let (first, best) = *ran.first()?;
        let contends = |(setting, time): &(Setting, Duration)| {
            let few = self.repeats(setting) < REPEATS;
            let near = *time <= best.mul_f64(1.0 + 2.0 * GAIN);
            let leads = *setting == first;
            few && (leads || near || *setting == self.found) || !leads && near && self.overlap(setting, &first)
        };
        let leading = ran.iter().enumerate().filter(|(at, (setting, _))| *at < 2 || *setting == self.found);
        let mut open: Vec<Setting> =
            leading.map(|(_, row)| row).filter(|row| contends(row)).map(|(setting, _)| *setting).collect();
        if !open.is_empty() {
            open.push(first);
        }
        open.retain(|setting| self.repeats(setting) < MOST_REPEATS);
        open.into_iter().min_by_key(|setting| self.repeats(setting))
    }

    /// Whether the runs of two settings are not apart.
    fn overlap(&self, one: &Setting, other: &Setting) -> bool {
        let walls = |setting| self.measured(setting).map(|measured| measured.walls.clone()).unwrap_or_default();
        let (one, other) = (walls(one), walls(other));
        one.iter().min() <= other.iter().max() && other.iter().min() <= one.iter().max()
    }

    fn setting(&self, model: Model, workers: usize) -> Setting {
        if model == Model::Sequential {
            return Setting::SEQUENTIAL;
        }
        let own = model == Model::Processes;
        let start_method = if own { self.start_method } else { None };
        let chunk_size = self.found.chunk_size.filter(|_| own);
        Setting { model, workers: workers.max(1), chunk_size, start_method }
    }

    fn has(&self, setting: &Setting) -> bool {
        // Below a failure with more workers there may be success; above one there is none.
        let failed = |trial: &Trial| {
            let same = (trial.setting.model, trial.setting.start_method) == (setting.model, setting.start_method);
            same && !ran(&trial.outcome) && trial.setting.workers <= setting.workers
        };
        self.trials.iter().any(|trial| trial.setting == *setting || failed(trial))
    }

    fn measured(&self, setting: &Setting) -> Option<&Measurement> {
        self.trials.iter().find(|trial| trial.setting == *setting).and_then(|trial| match &trial.outcome {
            Outcome::Ok(measured) => Some(measured),
            _ => None,
        })
    }

    fn repeats(&self, setting: &Setting) -> usize {
        self.measured(setting).map_or(0, |measured| measured.walls.len())
    }

    /// Settings that ran and whose model was never unsafe, with their times.
    fn ran(&self) -> impl Iterator<Item = (Setting, Duration)> {
        let wrong = |model| {
            self.trials.iter().any(|row| row.setting.model == model && matches!(row.outcome, Outcome::Unsafe(_)))
        };
        self.trials.iter().filter(move |row| row.setting == self.found || !wrong(row.setting.model)).filter_map(|row| {
            match &row.outcome {
                Outcome::Ok(measured) if !measured.walls.is_empty() => Some((row.setting, measured.per_task())),
                _ => None,
            }
        })
    }

    fn best(&self) -> Option<(Setting, Duration)> {
        self.ran().min_by_key(|(_, time)| *time)
    }

    fn best_of(&self, model: Model) -> Option<(Setting, Duration)> {
        self.ran().filter(|(setting, _)| setting.model == model).min_by_key(|(_, time)| *time)
    }

    /// What a run is expected to take: what it took, else what the program takes as it is; one after another, at most
    /// as many times longer as there are workers to miss.
    fn cost(&self, setting: &Setting) -> Duration {
        if let Some(measured) = self.measured(setting) {
            return measured.per_task();
        }
        let unchanged = self.measured(&self.found).map(Measurement::per_task).unwrap_or_default();
        if setting.model != Model::Sequential {
            return unchanged;
        }
        let missing = self.at_once.min(self.tasks).saturating_sub(1);
        unchanged + self.busy.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX))
    }
}

fn row(setting: Setting, outcome: Outcome) -> Trial {
    Trial { setting, evidence: Evidence::Program, outcome }
}

/// How a pool's processes start where the program has none: as its Python would start them, but not by fork past other
/// threads when there is another way.
fn start_method(site: &Site) -> StartMethod {
    match site.start_method {
        Some(method) => method,
        None if site.version >= FORKSERVER_SINCE => StartMethod::Forkserver,
        None if site.threads > 0 && site.guarded == Some(true) => StartMethod::Forkserver,
        None => StartMethod::Fork,
    }
}

/// Why that model cannot be at that site; nothing to say where it makes no sense there; `None` when it can.
fn unfit(site: &Site, model: Model) -> Option<String> {
    if site.model == model {
        return None;
    }
    if site.is_default() || model == Model::AsyncioThreads {
        return match model {
            Model::Sequential => None,
            Model::Processes if site.is_default() => {
                Some("an event loop's default executor takes only threads".to_owned())
            }
            _ => Some(String::new()),
        };
    }
    let starts = start_method(site);
    match model {
        Model::Interpreters if !site.executor.ends_with("Executor") => Some(String::new()),
        Model::Interpreters if site.version < FORKSERVER_SINCE => {
            let (major, minor) = site.version;
            Some(format!("CPython {major}.{minor} has no InterpreterPoolExecutor; 3.14 has"))
        }
        Model::Processes | Model::Interpreters if site.unsent.is_some() => site.unsent.clone(),
        Model::Processes if starts != StartMethod::Fork && site.guarded == Some(false) => Some(format!(
            "workers that start by {} import the main module, which has no if __name__ == \"__main__\"",
            starts.name()
        )),
        _ => None,
    }
}

fn most(model: Model, tasks: usize, found: usize, bounds: &Bounds) -> usize {
    let processes = MOST_PROCESSES.1.max(bounds.cpus * MOST_PROCESSES.0);
    let sensible = match model {
        Model::Sequential => 1,
        Model::Threads | Model::AsyncioThreads => MOST_THREADS,
        _ if bounds.waits => processes,
        // Computing gains nothing from more workers than cores; twice as many shows that.
        _ => bounds.cpus.saturating_mul(2).min(processes),
    };
    let fits = match bounds.memory {
        Some((all, each)) if model.uses_processes() && each > Bytes(0) => {
            usize::try_from(all.0 / each.0).unwrap_or(usize::MAX)
        }
        _ => usize::MAX,
    };
    sensible.max(found.min(MOST_THREADS)).min(tasks.max(2)).min(fits).max(1)
}

#[cfg(test)]
mod tests;
