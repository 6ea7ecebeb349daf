//! How many workers: the caps by rule, memory and tasks; the policy they make; and the count where no trial ran.

use super::{Case, choice};
use crate::classify::Class;
use crate::rules::WorkersRule;
use crate::rules::projection::Projection;
use crate::target::Runtime;
use crate::trial::Evidence;
use crate::trial::model::{Model, Setting, StartMethod};
use crate::units::Bytes;

/// Most threads (or processes that wait) without a trial: "up to about 100 at once" (survey, row 7).
const MOST_THREADS: f64 = 100.0;

/// Most waits of an event loop in flight without a trial: "100 to thousands" (survey, row 8), at its lower end.
const MOST_IN_FLIGHT: f64 = 1000.0;

/// What bounds the number of workers here.
pub(super) struct Limits {
    rule: WorkersRule,
    cpus: usize,
    /// Process workers that fit into memory, and what each takes; `None` when either is unknown.
    pub memory: Option<(usize, Bytes)>,
    /// Tasks in all, when they were seen.
    tasks: Option<usize>,
}

impl Limits {
    pub fn of(case: &Case) -> Self {
        let each = case.profile.memory_per_process;
        let memory = case.facts.number("workers_by_memory").map(|fit| (fit as usize, each));
        let tasks = case.twin.filter(|twin| twin.pieces_seen).map(|twin| usize::try_from(twin.tasks.max(1)));
        Self {
            rule: case.decision.workers,
            cpus: case.host.cpus.usable(),
            memory,
            tasks: tasks.map(|tasks| tasks.unwrap_or(usize::MAX)),
        }
    }

    /// Most workers of that model.
    pub fn most(&self, model: Model) -> usize {
        if model == Model::Cluster {
            // Its threads are not this machine's CPUs, and no trial goes past them.
            return usize::MAX;
        }
        let by_rule = match self.rule {
            WorkersRule::One => 1,
            WorkersRule::Cpus => self.cpus,
            WorkersRule::Waits => usize::MAX,
        };
        match self.memory {
            Some((fit, _)) if model.uses_processes() => by_rule.min(fit),
            _ => by_rule,
        }
    }

    pub fn allow(&self, tried: &Projection) -> bool {
        let Setting { model, workers, .. } = tried.setting;
        match (tried.evidence, self.memory) {
            // What the user's own function gains from more workers than CPUs was seen.
            (Evidence::Task, Some((fit, _))) if model.uses_processes() => workers <= fit.max(1),
            (Evidence::Task, _) => true,
            _ => workers <= self.most(model),
        }
    }

    /// Never more workers than tasks: a trial at more stands for one at as many.
    pub fn clamp(&self, setting: Setting) -> Setting {
        match (setting.model, self.tasks) {
            (Model::Sequential, _) => Setting::SEQUENTIAL,
            (_, None) => setting,
            (_, Some(tasks)) => Setting { workers: setting.workers.min(tasks), ..setting },
        }
    }

    /// The count as a policy that holds on other machines and for other inputs.
    pub fn policy(&self, setting: Setting) -> String {
        let workers = setting.workers;
        if workers <= 1 {
            return "1".to_owned();
        }
        let few_tasks = self.tasks.is_some_and(|tasks| tasks <= workers);
        match self.rule {
            WorkersRule::One => "1".to_owned(),
            WorkersRule::Cpus if workers > self.cpus => workers.to_string(),
            WorkersRule::Cpus if workers == self.cpus => "cpus".to_owned(),
            WorkersRule::Cpus if few_tasks => "min(cpus, tasks)".to_owned(),
            WorkersRule::Cpus => format!("min(cpus, {workers})"),
            WorkersRule::Waits if few_tasks => format!("min(tasks, {workers})"),
            WorkersRule::Waits => workers.to_string(),
        }
    }

    /// The setting where no trial says: the rule's first possible model, at as many workers as keep the bottleneck
    /// busy. Sequential when that is one.
    pub fn untried(&self, case: &Case) -> Setting {
        let model = choice::first_possible(case);
        let wanted = self.kept(case, model).unwrap_or_else(|| self.computed(case, model));
        let workers = wanted.min(self.most(model)).min(self.tasks.unwrap_or(usize::MAX));
        if model == Model::Sequential || workers <= 1 {
            return Setting::SEQUENTIAL;
        }
        let python = matches!(case.target.runtime, Runtime::CPython(_));
        let start_method = (python && model.uses_processes()).then_some(StartMethod::Forkserver);
        Setting { model, workers, chunk_size: None, start_method }
    }

    /// What the program has today, when the evidence does not tell what it needs.
    fn kept(&self, case: &Case, model: Model) -> Option<usize> {
        if case.facts.label("class") != Some(Class::Inconclusive.name()) {
            return None;
        }
        match model {
            Model::Threads => Some(case.profile.today.threads),
            Model::Processes => Some(case.profile.today.processes),
            _ => None,
        }
    }

    /// CPUs for computing; for waiting, what Goetz's formula wants, with the GIL as a limit where there is one.
    fn computed(&self, case: &Case, model: Model) -> usize {
        let cpus = self.cpus as f64;
        let wanted = match (self.rule, model) {
            (WorkersRule::One, _) => 1.0,
            (WorkersRule::Cpus, _) => cpus,
            (WorkersRule::Waits, Model::Processes | Model::Interpreters) => {
                case.facts.number("cpu_share").map_or(cpus, |share| (cpus / share).ceil()).min(MOST_THREADS)
            }
            // Its processes only compute; the loop does the waiting.
            (WorkersRule::Waits, Model::AsyncioProcesses) => cpus,
            (WorkersRule::Waits, model) => {
                let most = if model == Model::Asyncio { MOST_IN_FLIGHT } else { MOST_THREADS };
                // Without a demand, ThreadPoolExecutor's own default.
                case.facts.number("concurrency_wanted").unwrap_or((cpus + 4.0).min(32.0)).min(most)
            }
        };
        (wanted as usize).max(1)
    }
}
