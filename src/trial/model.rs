//! Executor models, and one setting of one model: what a trial tries and a recommendation names.

use std::fmt;

/// How work is run concurrently. In a native program `asyncio` stands for a current-thread event loop (tokio) and
/// `asyncio+threads` for a multi-threaded one; the words stay the same so that reports and gates compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// One after another.
    Sequential,
    /// A pool of OS threads.
    Threads,
    /// One event loop.
    Asyncio,
    /// A pool of processes.
    Processes,
    /// A pool of sub-interpreters, each with its own GIL.
    Interpreters,
    /// An event loop that hands blocking calls to threads.
    AsyncioThreads,
    /// An event loop that hands computing to processes.
    AsyncioProcesses,
    /// Workers on other machines.
    Cluster,
}

impl Model {
    /// Every model, simplest first: the order in which a tie is broken (DESIGN §5).
    pub const ALL: [Self; 8] = [
        Self::Sequential,
        Self::Threads,
        Self::Asyncio,
        Self::Processes,
        Self::Interpreters,
        Self::AsyncioThreads,
        Self::AsyncioProcesses,
        Self::Cluster,
    ];

    /// The word in reports and rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Threads => "threads",
            Self::Asyncio => "asyncio",
            Self::Processes => "processes",
            Self::Interpreters => "interpreters",
            Self::AsyncioThreads => "asyncio+threads",
            Self::AsyncioProcesses => "asyncio+processes",
            Self::Cluster => "cluster",
        }
    }

    /// The model of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// Whether all its workers do is run tasks: no event loop hands them over.
    pub const fn is_pool(self) -> bool {
        matches!(self, Self::Threads | Self::Processes | Self::Interpreters)
    }

    /// Whether its workers are processes, so that memory multiplies and a start method applies.
    pub const fn uses_processes(self) -> bool {
        matches!(self, Self::Processes | Self::AsyncioProcesses)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a process worker comes into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StartMethod {
    /// A copy of the parent. Cheapest; unsafe once the parent has threads.
    Fork,
    /// A copy of a clean server process.
    Forkserver,
    /// A new interpreter.
    Spawn,
}

impl StartMethod {
    /// Every start method, cheapest first.
    pub const ALL: [Self; 3] = [Self::Fork, Self::Forkserver, Self::Spawn];

    /// The word in reports, and `multiprocessing`'s own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Forkserver => "forkserver",
            Self::Spawn => "spawn",
        }
    }

    /// The start method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// One model at one worker count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    /// The model.
    pub model: Model,
    /// Workers; for an event loop, tasks in flight at once. 1 for sequential.
    pub workers: usize,
    /// Tasks handed over at a time, where the model hands tasks over in chunks.
    pub chunk_size: Option<usize>,
    /// How processes start, where there are any.
    pub start_method: Option<StartMethod>,
}

impl Default for Setting {
    /// What every program does that was told nothing else.
    fn default() -> Self {
        Self::SEQUENTIAL
    }
}

impl Setting {
    /// The setting every other is compared with.
    pub const SEQUENTIAL: Self = Self { model: Model::Sequential, workers: 1, chunk_size: None, start_method: None };
}
