//! [`Site`]: a place where the program builds executors, as it told when it was looked into; and the plan's words for
//! building them otherwise. What they mean inside the program is `concadvise_rerun/sites.py`'s.

use super::injection::{Answers, Part};
use crate::trial::Trial;
use crate::trial::model::{Model, Setting, StartMethod};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The collector's name in the package.
const PART: &str = "sites";
/// Its word for an event loop's own pool of threads.
const DEFAULT_EXECUTOR: &str = "default executor";
/// The longest text that is taken from a target.
const LONGEST: usize = 512;

/// One place in the program's code that builds executors, and all that it built.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// The collector's own name of it.
    pub key: String,
    /// The file, relative to the working directory where it lies below; untrusted.
    pub path: String,
    /// The line.
    pub line: u32,
    /// Whether it is in an installed package, and so not the user's to change.
    pub library: bool,
    /// What it builds: `ThreadPoolExecutor`, `ProcessPoolExecutor`, `InterpreterPoolExecutor`, `ThreadPool`, `Pool`,
    /// `joblib.Parallel`, `default executor`.
    pub executor: String,
    /// What that is.
    pub model: Model,
    /// The workers that it has.
    pub workers: usize,
    /// The number that the program named; `None` when it left that to the library.
    pub asked: Option<u64>,
    /// How many were built.
    pub built: u64,
    /// Tasks that were handed over, to all of them.
    pub tasks: u64,
    /// Whether any came by a map, which can hand over chunks.
    pub mapped: bool,
    /// Tasks handed over at a time, where the program said.
    pub chunk_size: Option<usize>,
    /// How its processes start.
    pub start_method: Option<StartMethod>,
    /// Time in which at least one task was under way.
    pub busy: Duration,
    /// Why calls or results cannot be sent to another process; `None` when nothing speaks against it.
    pub unsent: Option<String>,
    /// Whether the main module asks for its name, as one must that workers import; `None` when it has no file.
    pub guarded: Option<bool>,
    /// Other threads of the process when it was built.
    pub threads: u64,
    /// The interpreter, (major, minor).
    pub version: (u8, u8),
    /// Why its settings were not tried; `None` when they were.
    pub untried: Option<String>,
    /// What was tried, the program as it is first; speed-ups are of the whole program.
    pub trials: Vec<Trial>,
}

impl Site {
    /// As it is.
    pub fn found(&self) -> Setting {
        Setting {
            model: self.model,
            workers: self.workers,
            chunk_size: self.chunk_size.filter(|_| self.model == Model::Processes),
            start_method: self.start_method,
        }
    }

    /// Tasks for each executor that was built there.
    pub fn tasks_each(&self) -> usize {
        usize::try_from(self.tasks.div_ceil(self.built.max(1))).unwrap_or(usize::MAX).max(1)
    }

    /// Whether it is an event loop's own pool, of which only the size can be chosen.
    pub fn is_default(&self) -> bool {
        self.executor == DEFAULT_EXECUTOR
    }

    /// `app.py:42`
    pub fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// Watches every site.
pub fn watch() -> Part {
    (PART, json!({"watch": true}))
}

/// Leaves every site as it is, and watches none.
pub fn leave() -> Part {
    (PART, json!({}))
}

/// Builds one site otherwise.
pub fn knob(site: &Site, setting: &Setting) -> Part {
    // A loop takes nothing but threads; one of them does one thing after another.
    let (model, workers) = match setting.model {
        Model::Sequential if site.is_default() => (Model::Threads, 1),
        Model::AsyncioThreads => (Model::Threads, setting.workers),
        model => (model, setting.workers),
    };
    let turn = json!({
        "site": site.key,
        "model": model.name(),
        "workers": workers,
        "chunk_size": setting.chunk_size,
        "start_method": setting.start_method.map(StartMethod::name),
    });
    (PART, json!({"turn": turn}))
}

/// Whether a site was built otherwise as it was told.
pub fn turned(answers: &Answers) -> bool {
    answers.of("turned").next().is_some()
}

/// The sites that were told of, the busiest first.
pub fn sites(answers: &Answers) -> Vec<Site> {
    let version = answers.of("begun").next().and_then(|begun| {
        let part = |at: usize| u8::try_from(begun.get("version")?.get(at)?.as_u64()?).ok();
        Some((part(0)?, part(1)?))
    });
    let mut last = BTreeMap::new();
    for told in answers.of("site") {
        if let Some(site) = site(told, version.unwrap_or_default()) {
            last.insert(site.key.clone(), site);
        }
    }
    let mut sites: Vec<Site> = last.into_values().collect();
    sites.sort_by_key(|site| std::cmp::Reverse(site.busy));
    sites
}

/// What the target told is read like any file: what is not there or makes no sense is no site.
fn site(told: &Value, version: (u8, u8)) -> Option<Site> {
    let text = |key: &str| -> Option<String> { Some(told.get(key)?.as_str()?.chars().take(LONGEST).collect()) };
    let count = |key: &str| told.get(key)?.as_u64().map(|count| count.min(u64::from(u32::MAX)));
    let flag = |key: &str| told.get(key)?.as_bool();
    let workers = usize::try_from(count("workers")?.max(1)).ok()?;
    let executor = text("executor")?;
    let model = match Model::from_name(&text("model")?)? {
        Model::Threads if executor == DEFAULT_EXECUTOR => Model::AsyncioThreads,
        model => model,
    };
    let busy = told.get("busy_s")?.as_f64().and_then(|busy| Duration::try_from_secs_f64(busy).ok())?;
    Some(Site {
        key: text("site")?,
        path: text("path")?,
        line: u32::try_from(count("line")?).ok()?,
        library: flag("library")?,
        executor,
        model,
        workers,
        asked: count("asked"),
        built: count("built")?.max(1),
        tasks: count("tasks")?,
        mapped: flag("mapped").unwrap_or(false),
        chunk_size: count("chunk_size").and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0),
        start_method: text("start_method").and_then(|method| StartMethod::from_name(&method)),
        busy,
        unsent: text("unsent"),
        guarded: flag("guarded"),
        threads: count("threads").unwrap_or(0),
        version,
        untried: None,
        trials: Vec::new(),
    })
}
