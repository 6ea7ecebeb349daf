//! Runs the user's own function by the harness: what it is, one observed sequential run, and the trials.
//!
//! Nothing of this happens unless the user named a function. What the answers mean for a trial is `task`'s and
//! `runner`'s.

use super::Python;
use crate::observe::Observation;
use crate::trial::Outcome;
use crate::trial::model::{Model, StartMethod};
use crate::trial::runner::harness::{Harness, Unanswered};
use crate::trial::runner::wire::{Question, TaskMark, TaskObserved, TaskProbed, TaskVerified, TaskWords, Trial};
use crate::trial::runner::{Launch, Spec};
use crate::trial::task::marks::{Mark, between};
use crate::trial::task::{Asked, Observed, Task};
use crate::trial::twin::TaskDemand;
use crate::units::{Bytes, human};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for importing the user's module and making its items.
const PATIENCE: Duration = Duration::from_secs(60);
/// One call of the user's function may take as long as all of the trials may, and this at least.
const LEAST_CALL: Duration = Duration::from_secs(5);
/// Without limits it is better from here on, and the limits are not advised.
const NO_WORSE: f64 = 0.95;
/// What limits the threads that native libraries start in each process.
const LIMITS: [&str; 5] =
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/// One function of the user's, the interpreter that runs it, and what is known of it.
pub struct TaskRunner {
    python: Python,
    named: PathBuf,
    words: TaskWords,
    task: Task,
    import: Duration,
    cpus: usize,
    once: bool,
    unlimited: bool,
    notes: Vec<String>,
}

impl TaskRunner {
    /// Imports the function and makes its items, in a process of its own; calls nothing but what makes the items.
    ///
    /// # Errors
    /// A sentence: the interpreter does not run, or what was named cannot be used.
    pub fn new(executable: &Path, asked: &Asked, cpus: usize, launch: Launch) -> Result<Self, String> {
        let python = Python::as_users(executable, launch)?;
        let state = python.folder.path().join("state");
        fs::create_dir(&state).map_err(|why| format!("cannot run the task: no folder for its answers: {why}"))?;
        let words = TaskWords {
            folder: state.to_string_lossy().into_owned(),
            function: asked.function.clone(),
            items: asked.items.clone(),
            async_function: asked.async_function.clone(),
            setup: asked.setup.clone(),
            teardown: asked.teardown.clone(),
            environment: BTreeMap::new(),
            compare: !asked.ignore_results,
            stalled_s: 0.0,
        };
        let task = Task {
            function: asked.function.clone(),
            items_named: asked.items.clone(),
            async_function: asked.async_function.clone(),
            compared: !asked.ignore_results,
            ..Task::default()
        };
        let mut runner = Self {
            python,
            named: executable.to_owned(),
            words,
            task,
            import: Duration::ZERO,
            cpus,
            once: false,
            unlimited: false,
            notes: Vec::new(),
        };
        runner.probe()?;
        Ok(runner)
    }

    /// What is known of the function by now.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Caveats so far, each a sentence.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The interpreter's own file, (major, minor, micro), and whether there is a GIL.
    pub fn interpreter(&self) -> (PathBuf, (u8, u8, u8), bool) {
        let own = self.python.facts.executable.as_ref().map_or_else(|| self.named.clone(), PathBuf::from);
        (own, self.python.version(), self.python.gil())
    }

    /// Importing the module and making the items, as the first interpreter took for it.
    pub fn import(&self) -> Duration {
        self.import
    }

    fn probe(&mut self) -> Result<(), String> {
        let question = Question::TaskProbe { task: self.words.clone() };
        let (probed, _) =
            self.put::<TaskProbed>(&question, PATIENCE, false).map_err(|why| self.stuck(why, PATIENCE))?;
        self.task.module = probed.module;
        self.task.attribute = probed.attribute;
        self.task.coroutine = probed.coroutine;
        self.task.items = probed.items.max(1);
        self.task.unsent = probed.unsent;
        self.task.inner_threads = probed.inner_threads;
        self.import = seconds(probed.import_s);
        let function = &self.task.function;
        self.notes.extend(probed.notes.iter().map(|note| format!("{function}: {note}")));
        Ok(())
    }

    /// Runs items one after another for about `sample`, under our observer; then a few of them again elsewhere.
    /// `patience` is what one call may take.
    ///
    /// # Errors
    /// A sentence, when it did not end, or every item raised.
    pub fn observe(&mut self, sample: Duration, patience: Duration) -> Result<(Observation, Observed), String> {
        let call = patience.max(LEAST_CALL);
        let timeout = self.import * 5 + Duration::from_secs(2) + sample + call;
        let question = Question::TaskObserve { task: self.words.clone(), sample_s: sample.as_secs_f64() };
        let (told, observation) =
            self.put::<TaskObserved>(&question, timeout, true).map_err(|why| self.stuck(why, call))?;
        let observation = between(&observation, &mark(&told.begun), &mark(&told.ended), told.exiting);
        let done = told.done.max(1) as f64;
        let part = |all: f64| seconds(all / done);
        let (begun, ended) = (&told.begun, &told.ended);
        let observed = Observed {
            mean: seconds(told.mean_s),
            runnable: part((ended.runnable_ns.saturating_sub(begun.runnable_ns)) as f64 / 1e9),
            cpu: part(ended.user_s + ended.system_s - begun.user_s - begun.system_s),
            own_cpu: part(ended.own_s - begun.own_s),
            slowest: seconds(told.slowest_s),
            remembered: told.remembered,
        };
        (self.task.mean, self.task.slowest) = (observed.mean, observed.slowest);
        self.raised(&told)?;
        if told.remembered {
            self.once = true;
            self.notes.push(format!(
                "{} answers an item again from memory, so each trial runs its items once, in new processes",
                self.task.function
            ));
        }
        self.verify();
        Ok((observation, observed))
    }

    fn raised(&mut self, told: &TaskObserved) -> Result<(), String> {
        let Some((item, line)) = &told.first_raised else { return Ok(()) };
        let (raised, ran) = told.raised;
        let function = &self.task.function;
        if raised == ran {
            let every = if ran == 1 { "the only item run".to_owned() } else { format!("every one of {ran} items") };
            return Err(format!(
                "{function} raised for {every} (item {item}: {line}), so what it does could not be measured"
            ));
        }
        self.notes.push(format!(
            "{function} raised for {raised} of {ran} items even one after another (item {item}: {line}); that is taken \
             for its answer, and models must raise the same"
        ));
        Ok(())
    }

    /// Whether results can be compared at all, and what sending them costs.
    fn verify(&mut self) {
        let timeout = PATIENCE + self.task.slowest * 12;
        let question = Question::TaskVerify { task: self.words.clone() };
        let function = self.task.function.clone();
        let told = match self.put::<TaskVerified>(&question, timeout, false) {
            Ok((told, _)) => told,
            Err(why) => {
                let why = why.reason();
                self.notes.push(format!("{function} could not be run again in another process: {why}"));
                return;
            }
        };
        self.task.argument = told.argument_bytes.map(Bytes);
        self.task.result = told.result_bytes.map(Bytes);
        self.task.pickle = told.pickle_s.map(seconds);
        self.task.unsent = self.task.unsent.take().or(told.unsent);
        if !self.task.compared {
            return;
        }
        let known = "--results-ignore says that this is known";
        let doubt = match (told.other, told.changed) {
            (Some((item, now, then)), _) => {
                self.task.compared = false;
                format!(
                    "another process gave another result for item {item} ({now}, before {then}), even one after \
                         another, so the models' results were not compared; {known}"
                )
            }
            (None, Some(item)) => format!(
                "{function} gave another result when item {item} was run again in the same process, so it depends on \
                 what ran before it; a model that runs items in another order or process cannot give the same"
            ),
            (None, None) if told.untold => {
                self.task.compared = false;
                format!("the results of {function} have no content that could be compared, so they were not")
            }
            (None, None) => return,
        };
        self.words.compare = self.task.compared;
        self.notes.push(doubt);
    }

    pub(in crate::trial) fn available(&self, model: Model) -> Result<(), String> {
        self.python.available(model)?;
        self.task.unfit(model).map_or(Ok(()), Err)
    }

    pub(in crate::trial) fn start_methods(&self) -> Vec<StartMethod> {
        self.python.start_methods()
    }

    pub(in crate::trial) fn harness(&mut self) -> &mut Harness {
        &mut self.python.harness
    }

    /// Runs one setting. All trouble becomes an outcome.
    pub(in crate::trial) fn run(&mut self, spec: &Spec) -> Outcome {
        // All of the items on workers that never ran one is the user's own run: no repeat on warm ones is closer to it.
        let repeats = if self.once || spec.tasks >= self.task.items { 1 } else { spec.repeats };
        // All tasks may be the slowest one; a hang is told sooner, by the harness itself.
        let timeout = spec.timeout + self.import * 2 + self.task.stalled(&spec.setting);
        let spec = Spec { repeats, timeout, ..spec.clone() };
        let mut words = self.words.clone();
        words.stalled_s = self.task.stalled(&spec.setting).as_secs_f64();
        if self.task.oversubscribes(&spec.setting, self.cpus) && !self.unlimited {
            words.environment = LIMITS.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect();
            self.task.environment = LIMITS.iter().map(|name| format!("{name}=1")).collect();
        }
        let trial = Trial { task: Some(words), ..Trial::new(&spec, Value::Null) };
        match self.harness().run_trial(&spec, trial) {
            // A pool says so when one of its processes ended by itself: it crashed, was killed, or exited.
            Outcome::Failed(why) if why.starts_with("Broken") => {
                Outcome::Unsafe(format!("a worker process ended in the middle of a task ({why})"))
            }
            outcome => outcome,
        }
    }

    /// Runs a setting that ran with its inner threads limited once more without the limit, and says which is better.
    pub fn compare_limits(&mut self, best: &crate::trial::Trial, demand: &TaskDemand, timeout: Duration) {
        let Outcome::Ok(limited) = &best.outcome else { return };
        if self.task.environment.is_empty() || !self.task.oversubscribes(&best.setting, self.cpus) {
            return;
        }
        self.unlimited = true;
        let (setting, task, tasks) = (best.setting, demand.clone(), limited.tasks);
        let outcome = self.run(&Spec { setting, task, tasks, repeats: 1, timeout });
        self.unlimited = false;
        let Outcome::Ok(unlimited) = outcome else { return };
        let ratio = unlimited.per_task().div_duration_f64(limited.per_task().max(Duration::from_nanos(1)));
        let (model, workers) = (setting.model, setting.workers);
        let inner = self.task.inner_threads.unwrap_or(1);
        self.notes.push(format!(
            "native libraries start {inner} threads in each process; {model} at {workers} took {ratio:.2} times as long \
             with them as with one each"
        ));
        if ratio < NO_WORSE {
            self.task.environment.clear();
        }
    }

    fn put<T: serde::de::DeserializeOwned>(
        &mut self,
        question: &Question,
        timeout: Duration,
        watched: bool,
    ) -> Result<(T, Observation), Unanswered> {
        self.python.harness.put(question, timeout, watched)
    }

    /// Where it was when it had to be stopped.
    fn stuck(&self, why: Unanswered, patience: Duration) -> String {
        let phase = fs::read_to_string(Path::new(&self.words.folder).join("phase")).unwrap_or_default();
        let function = &self.task.function;
        match why {
            Unanswered::Failed(reason) if reason.starts_with("did not finish") => match phase.as_str() {
                "importing" => format!("importing {function} did not end within {}", human(patience)),
                "items" => format!("making the items {} did not end in time", self.task.items_named),
                _ => format!(
                    "one call of {function} did not end within {}; give it smaller items or a larger --budget",
                    human(patience)
                ),
            },
            Unanswered::Failed(reason) => {
                let doing = if phase == "running" { "run" } else { "be imported" };
                format!("{function} could not {doing}: {reason}")
            }
            trouble => trouble.reason(),
        }
    }
}

fn mark(told: &TaskMark) -> Mark {
    Mark {
        at_s: told.at_s,
        on_cpu_ns: told.on_cpu_ns,
        runnable_ns: told.runnable_ns,
        user_s: told.user_s,
        system_s: told.system_s,
        own_s: told.own_s,
        switches: told.switches,
    }
}

fn seconds(time: f64) -> Duration {
    Duration::try_from_secs_f64(time).unwrap_or_default()
}
