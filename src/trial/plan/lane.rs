//! One model in the race: what it has run, what it projects, and which of its settings to try next. Pure.
//!
//! How lanes are weighed against one another, and what a run may cost, is `plan`'s.

use super::ladder::Ladder;
use super::run::Run;
use crate::trial::model::{Model, Setting, StartMethod};
use crate::trial::{Measurement, Outcome};
use std::cmp::Ordering;
use std::time::Duration;

/// A gain below this part is no gain (DESIGN §5: the simplest model and the fewest workers within 5 % win).
pub(in crate::trial) const GAIN: f64 = 0.05;
/// Handing tasks over may cost this part of their time.
const DISPATCH: f64 = 0.05;
/// Computing that is worth handing over to a process: "chunks of 0.2 s or more" (survey, row 3).
const HANDED_OVER: Duration = Duration::from_millis(200);
/// The part of the measured cost of handing over that a bound may count on.
const DISPATCH_SURELY: f64 = 0.9;
/// Chunks for each worker, at least, so that the last ones even out: what `multiprocessing.Pool.map` aims at too.
pub(in crate::trial) const CHUNKS_PER_WORKER: u64 = 4;

/// A setting worth a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub setting: Setting,
    /// Whether it could beat the best by more than it takes to be chosen; else it is there to round off the picture.
    pub wins: bool,
    /// The least time it could take for the whole work.
    pub optimistic: Duration,
}

/// One model and its runs.
#[derive(Debug)]
pub(super) struct Lane {
    pub model: Model,
    pub ladder: Ladder,
    pub runs: Vec<Run>,
    /// Start methods that have not been tried; `[None]` where there are none to choose from.
    pub untried: Vec<Option<StartMethod>>,
    start_method: Option<StartMethod>,
    chunk: Option<usize>,
    chunks_tried: bool,
    tasks: u64,
    retreated: bool,
}

impl Lane {
    pub fn new(model: Model, ladder: Ladder, tasks: u64, start_methods: Vec<Option<StartMethod>>) -> Self {
        let chunk = matches!(model, Model::Processes | Model::Cluster).then_some(1);
        let start_method = start_methods.first().copied().flatten();
        Self {
            model,
            ladder,
            runs: Vec::new(),
            untried: start_methods,
            start_method,
            chunk,
            chunks_tried: false,
            tasks,
            retreated: false,
        }
    }

    /// The setting of `workers`, at the start method and chunk size that have proved best so far.
    pub fn setting(&self, workers: usize) -> Setting {
        let chunk_size = self.chunk.map(|chunk| self.fair(chunk, workers));
        Setting { model: self.model, workers, chunk_size, start_method: self.start_method }
    }

    /// At most `chunk`, cut so that each worker gets a few chunks and all of them the same number.
    fn fair(&self, chunk: usize, workers: usize) -> usize {
        let each = self.tasks.div_ceil(workers as u64).max(1);
        let chunks = each.div_ceil(chunk as u64).max(CHUNKS_PER_WORKER);
        usize::try_from(each.div_ceil(chunks)).unwrap_or(usize::MAX)
    }

    /// The next setting of the first look: one worker count, every start method.
    pub fn survey(&self) -> Option<Setting> {
        let start_method = *self.untried.first()?;
        Some(Setting { start_method, ..self.setting(self.ladder.first) })
    }

    /// Goes on with the start method that another model's processes proved cheapest.
    pub fn use_start_method(&mut self, method: StartMethod) {
        if self.start_method != Some(method) {
            self.untried = vec![Some(method)];
            self.start_method = Some(method);
        }
    }

    /// Whether any number of workers could be chosen over the best time of all models.
    pub fn contends(&self, best: Duration) -> bool {
        self.ladder.counts.iter().any(|workers| self.optimistic(*workers) < best.mul_f64(1.0 + GAIN))
    }

    /// Takes in what came of a run.
    pub fn record(&mut self, setting: Setting, outcome: Outcome) {
        let larger = self.larger_chunks().filter(|(_, wanted)| *wanted == setting);
        let before = self.best().map(|(_, time)| time);
        match self.runs.iter_mut().find(|run| run.setting == setting) {
            Some(run) => run.absorb(outcome),
            None => self.runs.push(Run::new(setting, outcome)),
        }
        if let Some((chunk, _)) = larger {
            self.chunks_tried = true;
            // Handing over holds up more workers sooner, so larger chunks are kept unless they cost time already.
            let now = self.runs.iter().find(|run| run.setting == setting).and_then(|run| self.projected(run));
            if now.zip(before).is_some_and(|(now, before)| now <= before.mul_f64(1.0 + GAIN)) {
                self.chunk = Some(chunk);
            }
        }
        if let Some(at) = self.untried.iter().position(|method| *method == setting.start_method) {
            self.untried.remove(at);
            if self.untried.is_empty() {
                self.choose_start_method();
            }
        }
        if self.untried.is_empty() {
            self.avoid_failures();
        }
    }

    /// What failed with some number of workers is not tried with more. When nothing ran at all, the number may have
    /// been the reason, and fewer get one look.
    fn avoid_failures(&mut self) {
        if self.is_unsafe(self.start_method) {
            // Other results, or a hang, with some number of workers is no answer with any.
            self.ladder.counts.clear();
            return;
        }
        let failed = self.runs.iter().filter(|run| run.measurement().is_none());
        let failed = failed.filter(|run| run.setting.start_method == self.start_method);
        if let Some(least) = failed.map(|run| run.setting.workers).min() {
            self.ladder.counts.retain(|count| *count < least);
        }
        if self.best().is_none()
            && !std::mem::replace(&mut self.retreated, true)
            && let Some(fewer) = self.ladder.counts.get(self.ladder.counts.len() / 2)
        {
            self.ladder.first = *fewer;
            self.untried = vec![self.start_method];
        }
    }

    /// The cheapest to start of those that ran; its workers then do the same work at the same speed.
    fn choose_start_method(&mut self) {
        let safe = self.runs.iter().filter(|run| !self.is_unsafe(run.setting.start_method));
        let started = safe.filter_map(|run| Some((run.measurement()?.start, run.setting.start_method)));
        if let Some((_, method)) = started.min_by_key(|(start, _)| *start) {
            self.start_method = method;
        }
    }

    /// The start method that proved cheapest, once all were tried.
    pub fn chosen_start_method(&self) -> Option<StartMethod> {
        self.start_method.filter(|_| self.untried.is_empty() && self.best().is_some())
    }

    /// What a run projects for the whole work.
    pub fn projected(&self, run: &Run) -> Option<Duration> {
        run.measurement().map(|measurement| measurement.projected(self.tasks))
    }

    /// Whether workers that start this way gave other results than one alone, or hung.
    fn is_unsafe(&self, method: Option<StartMethod>) -> bool {
        self.runs.iter().any(|run| run.setting.start_method == method && matches!(run.outcome, Outcome::Unsafe(_)))
    }

    /// The run that projects the least time.
    pub fn best(&self) -> Option<(&Run, Duration)> {
        let safe = self.runs.iter().filter(|run| !self.is_unsafe(run.setting.start_method));
        safe.filter_map(|run| Some((run, self.projected(run)?))).min_by_key(|(_, time)| *time)
    }

    /// The workers and the measurement of the run that tells most of `setting`: the nearest worker count.
    pub fn nearest(&self, setting: &Setting) -> Option<(usize, &Measurement)> {
        let apart = |run: &Run| {
            let (a, b) = (run.setting.workers as f64, setting.workers as f64);
            ((a / b).ln().abs(), run.setting != self.setting(run.setting.workers))
        };
        let ran = self.runs.iter().filter_map(|run| Some((run, run.measurement()?)));
        let nearest = ran.min_by(|(a, _), (b, _)| apart(a).partial_cmp(&apart(b)).unwrap_or(Ordering::Equal));
        nearest.map(|(run, measurement)| (run.setting.workers, measurement))
    }

    /// The least time this model could take for the whole work with `workers`, going by the bounds and by what its
    /// pools were seen to cost to start: no less than fewer workers did, and no less a worker than more of them did.
    pub fn optimistic(&self, workers: usize) -> Duration {
        let start = self.starts().map(|(n, start)| start.mul_f64((workers as f64 / n as f64).min(1.0))).max();
        start.unwrap_or_default() + self.least_per_task(workers).mul_f64(self.tasks as f64)
    }

    /// Of these worker counts the one that should be fastest, when each worker costs the same to start.
    fn likely(&self, counts: impl Iterator<Item = usize>) -> Option<usize> {
        let each = self.starts().map(|(n, start)| start.div_f64(n as f64)).min().unwrap_or_default();
        counts.min_by_key(|n| each.mul_f64(*n as f64) + self.least_per_task(*n).mul_f64(self.tasks as f64))
    }

    /// Worker counts, and what starting and warming them cost.
    fn starts(&self) -> impl Iterator<Item = (usize, Duration)> {
        let runs = self.runs.iter().filter(|run| run.setting.start_method == self.start_method);
        runs.filter_map(|run| Some((run.setting.workers, run.measurement()?.before())))
    }

    /// The least time that `workers` need for one task on average, going by the bounds and what handing over was seen
    /// to cost.
    pub fn least_per_task(&self, workers: usize) -> Duration {
        let dispatches = self.runs.iter().filter_map(|run| run.measurement()?.dispatch);
        let may_be_cheaper = self.chunk == Some(1) && !self.chunks_tried;
        let dispatch = dispatches.min().filter(|_| !may_be_cheaper).unwrap_or_default();
        self.ladder.least_per_task(workers, dispatch.mul_f64(DISPATCH_SURELY))
    }

    /// The runs at today's start method and chunk size, by worker count.
    fn curve(&self) -> Vec<(usize, Duration)> {
        let on_curve = self.runs.iter().filter(|run| run.setting == self.setting(run.setting.workers));
        let mut curve: Vec<_> = on_curve.filter_map(|run| Some((run.setting.workers, self.projected(run)?))).collect();
        curve.sort_unstable();
        curve
    }

    /// The next setting worth a run, given the best time of any model: around this model's best while it is `near`
    /// the front, further up while that could still win. `leads`: also one past its best, to show it does not pay.
    pub fn candidate(&self, best: Duration, near: bool, leads: bool) -> Option<Candidate> {
        let wins = |workers| self.optimistic(workers) < best.mul_f64(1.0 - GAIN);
        let candidate = |setting: Setting| Candidate {
            setting,
            wins: wins(setting.workers),
            optimistic: self.optimistic(setting.workers),
        };
        if let Some((_, setting)) = self.larger_chunks()
            && (near || wins(setting.workers))
        {
            return Some(candidate(setting));
        }
        let curve = self.curve();
        let (fastest, least) = *curve.iter().min_by_key(|(_, time)| *time)?;
        let untried = |workers: &usize| curve.iter().all(|(tried, _)| tried != workers);
        let enough = curve.iter().find(|(_, time)| *time <= least.mul_f64(1.0 + GAIN)).map_or(fastest, |(n, _)| *n);

        let above = self.ladder.above(fastest).filter(untried).filter(|n| leads || wins(*n));
        let below = || self.ladder.below(enough).filter(untried).filter(|n| near || wins(*n));
        let beyond = || {
            let (top, _) = *curve.last()?;
            let higher = self.ladder.counts.iter().copied().filter(|n| *n > top && wins(*n));
            self.likely(higher).filter(|_| grows(&curve))
        };
        beyond().or(above).or_else(below).map(|workers| candidate(self.setting(workers)))
    }

    /// The smallest chunks that make handing over cheap when it was seen to be dear, or that are worth handing over at
    /// all, and the setting to try them in.
    fn larger_chunks(&self) -> Option<(usize, Setting)> {
        if self.chunk != Some(1) || self.chunks_tried {
            return None;
        }
        let dispatch = self.best()?.0.measurement()?.dispatch?;
        let workers = self.likely(self.ladder.counts.iter().copied())?;
        // Tasks are handed over one after another while all workers compute, so handing over one has the time in
        // which all of them together complete one.
        let task = self.ladder.least_per_task(workers, Duration::ZERO).as_secs_f64();
        let cheap = dispatch.as_secs_f64() / (DISPATCH * task.max(1e-9));
        // What an empty task costs is not all: each hand-over also wakes the one process that hands over, on a core that
        // the workers compute on.
        let worth = HANDED_OVER.as_secs_f64() / self.ladder.least_per_task(1, Duration::ZERO).as_secs_f64().max(1e-9);
        let chunk = cheap.max(worth).ceil().clamp(1.0, 1e6) as usize;
        let setting = Setting { chunk_size: Some(self.fair(chunk, workers)), ..self.setting(workers) };
        (setting.chunk_size > Some(1)).then_some((chunk, setting))
    }
}

/// Whether more workers still help: not when the last two steps gained next to nothing, nor when the last one lost.
fn grows(curve: &[(usize, Duration)]) -> bool {
    let gains: Vec<f64> =
        curve.windows(2).map(|pair| pair[0].1.as_secs_f64() / pair[1].1.as_secs_f64().max(1e-12) - 1.0).collect();
    match gains.as_slice() {
        [.., last] if *last < -GAIN => false,
        [.., before, last] => *before >= GAIN || *last >= GAIN,
        _ => true,
    }
}
