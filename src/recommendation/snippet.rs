//! Code to paste: one sketch for each model and runtime, kept in `sketches/`, with the recommended numbers put in.
//!
//! The Python sketches name the user's function `work` (`fetch` and `compute` where it has two parts) and the things to
//! do `items`; a test runs each with a real interpreter.

use super::of_native;
use crate::target::{CPython, Runtime};
use crate::trial::model::{Model, Setting};

/// A file of `sketches/`.
macro_rules! sketch {
    ($name:literal) => {
        include_str!(concat!("sketches/", $name))
    };
}

/// The sketch for that setting.
pub(super) fn snippet(runtime: &Runtime, setting: &Setting, policy: &str) -> String {
    match runtime {
        Runtime::CPython(python) => of_python(python, setting, policy),
        Runtime::Native(of) => {
            let sketch = of_native::sketch(&of.inside, setting.model);
            sketch.map_or_else(|| native(setting, setting.model), |sketch| filled(sketch, setting))
        }
        Runtime::Other => native(setting, setting.model),
        // An interpreter that is not known to have threads or an event loop can always be run several times.
        Runtime::Script { .. } => match setting.model {
            Model::Sequential => native(setting, Model::Sequential),
            _ => native(setting, Model::Processes),
        },
    }
}

fn of_python(python: &CPython, setting: &Setting, policy: &str) -> String {
    let sketch = match setting.model {
        Model::Sequential => sketch!("sequential.py"),
        Model::Threads => sketch!("threads.py"),
        Model::Processes => sketch!("processes.py"),
        Model::Interpreters => sketch!("interpreters.py"),
        Model::Asyncio => sketch!("asyncio.py"),
        Model::AsyncioThreads => sketch!("asyncio_threads.py"),
        Model::AsyncioProcesses => sketch!("asyncio_processes.py"),
        Model::Cluster => sketch!("cluster.py"),
    };
    let workers = setting.workers.to_string();
    // Where the policy is the number itself, it would say the same twice.
    let workers = if policy == workers { workers } else { format!("{workers}  # {policy}") };
    // A task group, unlike gather, lets no failure pass.
    let has_groups = python.version.is_none_or(|(major, minor, _)| (major, minor) >= (3, 11));
    let gather = if has_groups { sketch!("task_group.py") } else { sketch!("gather.py") };
    let (import, context) = match setting.start_method {
        Some(method) => {
            let context = format!(", mp_context=multiprocessing.get_context(\"{}\")", method.name());
            ("import multiprocessing\n", context)
        }
        None => ("", String::new()),
    };
    let chunk = setting.chunk_size.map_or_else(String::new, |size| format!(", chunksize={size}"));
    sketch
        .replace("{WORKERS}", &workers)
        .replace("{GATHER}", gather)
        .replace("{IMPORT}", import)
        .replace("{CONTEXT}", &context)
        .replace("{CHUNK}", &chunk)
}

fn native(setting: &Setting, model: Model) -> String {
    let sketch = match model {
        Model::Sequential => sketch!("native_sequential.txt"),
        Model::Threads => sketch!("native_threads.txt"),
        Model::Asyncio => sketch!("native_asyncio.txt"),
        Model::AsyncioThreads => sketch!("native_asyncio_threads.txt"),
        _ => sketch!("native_processes.txt"),
    };
    filled(sketch, setting)
}

fn filled(sketch: &str, setting: &Setting) -> String {
    let chunk = setting.chunk_size.unwrap_or(1).to_string();
    sketch.replace("{WORKERS}", &setting.workers.to_string()).replace("{CHUNK}", &chunk)
}
