//! What a recommendation for the user's own function says beside the rest: code that names it, what sending costs, the
//! threads of its native libraries. Pure.

use super::Recommendation;
use crate::trial::model::Model;
use crate::trial::task::Task;
use crate::trial::twin::Twin;
use crate::units::human;

/// Pickling that takes more of a task than this is told of: what dispatch may cost in all.
const DEAR: f64 = 0.05;

impl Recommendation {
    /// The same recommendation, about a function that was named; unchanged without one.
    #[must_use]
    pub fn of_task(mut self, task: Option<&Task>, twin: Option<&Twin>, cpus: usize) -> Self {
        let Some(task) = task else { return self };
        if let Some(origin) = &task.origin {
            self.reason = format!("{} {}", origin.sentence, self.reason);
        }
        self.snippet = snippet(&self.snippet, self.setting.model, task);
        self.advice.extend(sending(self.setting.model, task, twin));
        if task.oversubscribes(&self.setting, cpus) && !task.environment.is_empty() {
            self.advice.push(format!(
                "Start it with {}: {} workers would else run {} threads each in native code. The trials ran so.",
                task.environment.join(" "),
                self.setting.workers,
                task.inner_threads.unwrap_or(1)
            ));
        }
        self
    }
}

/// Where the sketch for an event loop and processes has a function of two parts.
const TWO_STEPS: (&str, &str) = (
    "        data = await loop.run_in_executor(None, fetch, item)  # the waiting, in a thread\n",
    ", compute, data)  # the computing, in a process",
);

/// The sketch with the user's names, where the sketches have `work` and `items`.
fn snippet(sketch: &str, model: Model, task: &Task) -> String {
    if task.attribute.is_empty() {
        return sketch.to_owned();
    }
    // A loop runs the async form; everything else the function that was named.
    let on_loop = model == Model::Asyncio;
    let own = task.async_function.as_deref().filter(|_| on_loop).unwrap_or(&task.attribute);
    let (module, name) = match own.rsplit_once(':') {
        Some((place, name)) => (module_of(place), name),
        None => (task.module.clone(), own),
    };
    let first = name.split('.').next().unwrap_or(name);
    let calls = [("work(item)", format!("{name}(item)")), (", work, item", format!(", {name}, item"))];
    let calls = calls.into_iter().chain([("map(work,", format!("map({name},"))]);
    // The function does its waiting and its computing in one, so all of it goes to the process.
    let mut code = sketch.replace(TWO_STEPS.0, "").replace(TWO_STEPS.1, ", work, item)");
    for (generic, own) in calls {
        code = code.replace(generic, &own);
    }
    if task.coroutine && !on_loop {
        let code = code.replace(&format!("{name}(item)"), "run(item)").replace(&format!("map({name},"), "map(run,");
        let run = format!("def run(item):\n    return asyncio.run({name}(item))");
        return format!("import asyncio\n\nfrom {module} import {first}\n\n\n{run}\n\n\n{code}");
    }
    // After the imports that the sketch begins with, and apart from them, as they are the library's.
    let is_import = |line: &str| line.starts_with("import ") || line.starts_with("from ");
    let imports: usize = code.split_inclusive('\n').take_while(|line| is_import(line)).map(str::len).sum();
    let (imports, rest) = code.split_at(imports);
    match imports.is_empty() {
        true => format!("from {module} import {first}\n\n{rest}"),
        false => format!("{imports}\nfrom {module} import {first}\n{rest}"),
    }
}

fn module_of(place: &str) -> String {
    let file = place.rsplit('/').next().unwrap_or(place);
    file.strip_suffix(".py").unwrap_or(place).to_owned()
}

/// What an item and its result cost to send, for models that send them.
fn sending(model: Model, task: &Task, twin: Option<&Twin>) -> Option<String> {
    if !(model.uses_processes() || model == Model::Interpreters) {
        return None;
    }
    let (argument, result, pickle) = (task.argument?, task.result?, task.pickle?);
    let part = pickle.as_secs_f64() / twin?.task.total().as_secs_f64().max(1e-9);
    (part > DEAR).then(|| {
        format!(
            "An item ({argument}) and its result ({result}) take {} to pickle there and back, {:.0} % of a task: send \
             less, or put large data into multiprocessing.shared_memory.",
            human(pickle),
            part * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(attribute: &str) -> Task {
        Task { module: "app".into(), attribute: attribute.into(), ..Task::default() }
    }

    #[test]
    fn code_for_a_coroutine_function_runs_it_where_there_is_no_loop() {
        let coroutine = Task { coroutine: true, ..task("afetch") };
        let of = |model, sketch| snippet(sketch, model, &coroutine);
        let threads = of(Model::Threads, "list(pool.map(work, items))\n");
        assert!(threads.contains("asyncio.run(afetch(item))") && threads.contains("pool.map(run, items)"), "{threads}");
        assert!(of(Model::Asyncio, "await work(item)\n").ends_with("\nawait afetch(item)\n"));
    }

    #[test]
    fn a_function_of_one_part_goes_to_the_process_whole() {
        let sketch = include_str!("sketches/asyncio_processes.py");
        let code = snippet(sketch, Model::AsyncioProcesses, &task("crunch"));
        assert!(code.contains("return await loop.run_in_executor(pool, crunch, item)"), "{code}");
        assert!(!code.contains("fetch") && !code.contains("compute"), "{code}");
    }

    #[test]
    fn code_to_paste_names_the_function() {
        let sketch = "results = list(pool.map(work, items))\nawait work(item)  # work may block\n";
        let check = |task: Task, model, expect: &str| assert_eq!(snippet(sketch, model, &task), expect);
        let renamed =
            "from app import fetch\n\nresults = list(pool.map(fetch, items))\nawait fetch(item)  # work may block\n";
        check(task("fetch"), Model::Threads, renamed);
        check(Task { async_function: Some("afetch".into()), ..task("fetch") }, Model::Threads, renamed);
        check(
            Task { async_function: Some("a/other.py:Client.get".into()), ..task("fetch") },
            Model::Asyncio,
            "from other import Client\n\nresults = list(pool.map(Client.get, items))\nawait Client.get(item)  # work may \
             block\n",
        );
        assert_eq!(snippet(sketch, Model::Threads, &Task::default()), sketch, "it was never found");
    }
}
