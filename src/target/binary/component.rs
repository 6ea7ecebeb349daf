//! What a native program may be built on that decides how its workers come to be, and how each is told its number.
//!
//! What gives one away in a file is listed in `signs`; what follows from finding it is for those who advise.

use std::fmt;

/// A language runtime, an executor, a library or a call of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is what its name says; `name` is the spelling for people")]
pub enum Component {
    Go,
    Rust,
    CPython,
    Node,
    Jvm,
    DotNet,
    Ghc,
    Ruby,
    BoehmGc,
    Tokio,
    Rayon,
    AsyncStd,
    Smol,
    OpenMp,
    Tbb,
    Mpi,
    Libuv,
    Libevent,
    Libev,
    BoostAsio,
    GlibPool,
    QtPool,
    OpenBlas,
    Mkl,
    Blis,
    AnyBlas,
    RustThreads,
    CppThreads,
    PosixThreads,
    Epoll,
    IoUring,
}

/// What sort of thing a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the code of a language, with workers of its own.
    Language,
    /// Hands tasks to workers, or is an event loop.
    Executor,
    /// Computes on threads of its own inside one call.
    Library,
    /// A call by which a program makes workers, or waits, by its own hand.
    Call,
}

impl Role {
    /// One word, for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Executor => "executor",
            Self::Library => "library",
            Self::Call => "call",
        }
    }
}

/// How a component is told how many workers to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knob {
    /// The environment variable that needs no change to the program; `None` where there is none.
    pub variable: Option<&'static str>,
    /// Where the program itself says it; `None` where only the variable does.
    pub code: Option<&'static str>,
}

impl Component {
    /// All, in the order of [`Role`].
    pub const ALL: [Self; 31] = [
        Self::Go,
        Self::Rust,
        Self::CPython,
        Self::Node,
        Self::Jvm,
        Self::DotNet,
        Self::Ghc,
        Self::Ruby,
        Self::BoehmGc,
        Self::Tokio,
        Self::Rayon,
        Self::AsyncStd,
        Self::Smol,
        Self::OpenMp,
        Self::Tbb,
        Self::Mpi,
        Self::Libuv,
        Self::Libevent,
        Self::Libev,
        Self::BoostAsio,
        Self::GlibPool,
        Self::QtPool,
        Self::OpenBlas,
        Self::Mkl,
        Self::Blis,
        Self::AnyBlas,
        Self::RustThreads,
        Self::CppThreads,
        Self::PosixThreads,
        Self::Epoll,
        Self::IoUring,
    ];

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Go => "Go",
            Self::Rust => "Rust",
            Self::CPython => "CPython",
            Self::Node => "Node.js",
            Self::Jvm => "JVM",
            Self::DotNet => ".NET",
            Self::Ghc => "GHC",
            Self::Ruby => "Ruby",
            Self::BoehmGc => "Boehm GC",
            Self::Tokio => "tokio",
            Self::Rayon => "rayon",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
            Self::OpenMp => "OpenMP",
            Self::Tbb => "TBB",
            Self::Mpi => "MPI",
            Self::Libuv => "libuv",
            Self::Libevent => "libevent",
            Self::Libev => "libev",
            Self::BoostAsio => "Boost.Asio",
            Self::GlibPool => "GLib thread pool",
            Self::QtPool => "Qt thread pool",
            Self::OpenBlas => "OpenBLAS",
            Self::Mkl => "MKL",
            Self::Blis => "BLIS",
            Self::AnyBlas => "BLAS",
            Self::RustThreads => "std::thread (Rust)",
            Self::CppThreads => "std::thread (C++)",
            Self::PosixThreads => "pthread_create",
            Self::Epoll => "epoll",
            Self::IoUring => "io_uring",
        }
    }

    /// What sort of thing it is.
    pub const fn role(self) -> Role {
        match self {
            Self::Go
            | Self::Rust
            | Self::CPython
            | Self::Node
            | Self::Jvm
            | Self::DotNet
            | Self::Ghc
            | Self::Ruby
            | Self::BoehmGc => Role::Language,
            Self::Tokio
            | Self::Rayon
            | Self::AsyncStd
            | Self::Smol
            | Self::OpenMp
            | Self::Tbb
            | Self::Mpi
            | Self::Libuv
            | Self::Libevent
            | Self::Libev
            | Self::BoostAsio
            | Self::GlibPool
            | Self::QtPool => Role::Executor,
            Self::OpenBlas | Self::Mkl | Self::Blis | Self::AnyBlas => Role::Library,
            Self::RustThreads | Self::CppThreads | Self::PosixThreads | Self::Epoll | Self::IoUring => Role::Call,
        }
    }

    /// How it is told its number of workers, as its own documentation has it; `None` where its number is written into
    /// the program, or it has no workers.
    pub const fn knob(self) -> Option<Knob> {
        let (variable, code) = match self {
            Self::Go => (Some("GOMAXPROCS"), Some("runtime.GOMAXPROCS")),
            Self::Node | Self::Libuv => (Some("UV_THREADPOOL_SIZE"), None),
            Self::Jvm => (Some("JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount"), None),
            Self::DotNet => (Some("DOTNET_PROCESSOR_COUNT"), Some("ThreadPool.SetMaxThreads")),
            Self::Ghc => (Some("GHCRTS=-N"), Some("setNumCapabilities")),
            Self::BoehmGc => (Some("GC_MARKERS"), None),
            Self::Tokio => (Some("TOKIO_WORKER_THREADS"), Some("tokio::runtime::Builder::worker_threads")),
            Self::Rayon => (Some("RAYON_NUM_THREADS"), Some("rayon::ThreadPoolBuilder::num_threads")),
            Self::AsyncStd => (Some("ASYNC_STD_THREAD_COUNT"), None),
            Self::Smol => (Some("SMOL_THREADS"), None),
            Self::OpenMp => (Some("OMP_NUM_THREADS"), Some("omp_set_num_threads")),
            Self::Tbb => (None, Some("tbb::global_control::max_allowed_parallelism")),
            Self::GlibPool => (None, Some("g_thread_pool_set_max_threads")),
            Self::QtPool => (None, Some("QThreadPool::setMaxThreadCount")),
            Self::OpenBlas => (Some("OPENBLAS_NUM_THREADS"), Some("openblas_set_num_threads")),
            Self::Mkl => (Some("MKL_NUM_THREADS"), Some("mkl_set_num_threads")),
            Self::Blis => (Some("BLIS_NUM_THREADS"), Some("bli_thread_set_num_threads")),
            _ => return None,
        };
        Some(Knob { variable, code })
    }
}

impl Knob {
    /// The variable with a number, as a shell takes it: `OMP_NUM_THREADS=8`, `GHCRTS=-N8`.
    pub fn set_to(self, workers: usize) -> Option<String> {
        let variable = self.variable?;
        // A variable that holds an option: a short one takes its number as it is, a long one after a sign.
        let joint = if variable.ends_with("-N") { "" } else { "=" };
        Some(format!("{variable}{joint}{workers}"))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_listed_once_and_by_role() {
        assert!(Component::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].role() <= pair[1].role()));
    }

    #[test]
    fn a_knob_is_set_as_a_shell_takes_it() {
        for (component, expect) in [
            (Component::OpenMp, Some("OMP_NUM_THREADS=8")),
            (Component::Ghc, Some("GHCRTS=-N8")),
            (Component::Jvm, Some("JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=8")),
            (Component::Tbb, None),
            (Component::Epoll, None),
        ] {
            let set = component.knob().and_then(|knob| knob.set_to(8));
            assert_eq!(set.as_deref(), expect, "{component}");
        }
    }
}
