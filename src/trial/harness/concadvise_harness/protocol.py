"""One question on standard input, one answer on the last line of standard output, both JSON.

`src/trial/runner/wire.rs` holds the other side of every key here. Nothing else can reach standard output: what
libraries print goes to standard error.
"""

import json
import os
import pickle
import sys
import threading
import time

# How long the dispatch of empty tasks is measured: long enough to be told from noise, short enough not to be felt.
_DISPATCH_S = 0.03
_DISPATCH_TASKS_MOST = 1 << 16


def serve():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    question = json.load(sys.stdin)
    _close_input()
    once = threading.Lock()

    def tell(answer):
        # A watch may speak up while the answer is being given; the first one counts.
        if once.acquire(blocking=False):
            answers.write("\n" + json.dumps(answer) + "\n")
            answers.close()

    def give_up(message):
        tell({"error": "deadlock", "message": message})
        _leave()

    answer = _answer(question, give_up)
    tell(answer)
    if "error" in answer:
        # A pool that broke may wait for ever to be joined, by us or by an exit handler of the interpreter.
        _leave()


def _leave():
    from .executors import abandon

    abandon()
    os._exit(0)


def _close_input():
    """The user's function finds an empty standard input, as in a pool's processes."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _answer(question, give_up):
    from .executors import NotApplicable, WrongResult, refused_by_interpreters

    try:
        if question["do"] == "probe":
            return _probe()
        if question["do"] == "calibrate":
            from .calibrate import calibrate

            return calibrate()
        if question["do"] == "cluster-probe":
            from .cluster import describe

            return describe(question["address"])
        if question["do"] == "trial":
            return _trial(question, give_up)
        return _of_task(question)
    except NotApplicable as error:
        return {"error": "not-applicable", "message": str(error)}
    except WrongResult as error:
        return {"error": "wrong-result", "message": str(error)}
    except Exception as error:  # Whatever went wrong is the answer to what was asked.
        refused = refused_by_interpreters(error) if question.get("model") == "interpreters" else None
        if refused is not None:
            return {"error": "not-applicable", "message": refused}
        return {"error": type(error).__name__, "message": str(error)}


def _of_task(question):
    """Questions about the user's function, all but the trials."""
    from . import sequence
    from .task import Task

    if question["do"] == "task-probe":
        return sequence.probe(lambda: Task(question["task"]))
    task = Task(question["task"])
    if question["do"] == "task-observe":
        return sequence.observe(task, question)
    return sequence.verify(task)


def _probe():
    from .executors import MODELS, unavailable

    start_methods = []
    if unavailable("processes") is None:
        import multiprocessing

        start_methods = multiprocessing.get_all_start_methods()
    return {
        "implementation": sys.implementation.name,
        "version": list(sys.version_info[:3]),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "executable": _utf8(sys.executable),
        "models": [[model, unavailable(model)] for model in MODELS],
        "start_methods": start_methods,
    }


def _utf8(text):
    """The text, unless it is empty or holds bytes that JSON cannot."""
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):
        return None
    return text or None


def _executor(trial):
    if trial["model"] == "cluster":
        from .cluster import Cluster

        return Cluster(trial)
    from .executors import MODELS

    return MODELS[trial["model"]](trial)


def _trial(trial, give_up):
    from .executors import NotApplicable, unavailable

    reason = unavailable(trial["model"])
    if reason:
        raise NotApplicable(reason)
    if trial["task"] is not None:
        return _trial_of_task(trial, give_up)
    from .calibrate import sample_ratio
    from .twin import TwinJob

    job = trial["job"] = TwinJob(trial)
    ratio = sample_ratio(trial["rates"])
    executor = _executor(trial)
    before = time.perf_counter()
    executor.start()
    start_s = time.perf_counter() - before
    indices = range(trial["tasks"])
    walls = [_wall(executor, job, indices) for _ in range(trial["repeats"])]
    dispatch = _dispatch(executor, job.empty(), lambda tasks: range(tasks), trial["workers"] * trial["chunk_size"])
    executor.close()
    return {
        "start_s": start_s,
        "walls_s": walls,
        "dispatch_s": dispatch,
        "pickled_bytes": _pickled(trial, job),
        "sample_ratio": ratio,
    }


def _trial_of_task(trial, give_up):
    from .task import Task, TaskJob
    from .watch import NoWatch, Watch

    # One after another nothing waits for another, and a thread more would be one too many.
    watch = NoWatch() if trial["model"] == "sequential" else Watch(trial["task"]["stalled_s"], give_up)
    task = Task(trial["task"])
    job = trial["job"] = TaskJob(trial, task, watch)
    executor = _executor(trial)
    watch.starting()
    before = time.perf_counter()
    executor.start()
    start_s = time.perf_counter() - before
    indices = job.indices(trial["tasks"])
    walls = [_wall(executor, job, indices, watch) for _ in range(trial["repeats"])]
    watch.resting()
    empty = min(len(task.items), trial["workers"] * trial["chunk_size"])
    dispatch = _dispatch(executor, job.empty(), lambda tasks: [i % len(task.items) for i in range(tasks)], empty)
    executor.close()
    return {
        "start_s": start_s,
        "walls_s": walls,
        "dispatch_s": dispatch,
        "pickled_bytes": None,
        "sample_ratio": None,
    }


def _wall(executor, job, indices, watch=None):
    ledger = job.ledger(len(indices))
    if watch is not None:
        watch.running()
    before = time.perf_counter()
    executor.run(job, indices, ledger)
    wall = time.perf_counter() - before
    if watch is not None:
        watch.resting()
    ledger.close()
    return wall


def _dispatch(executor, job, some, tasks):
    """Seconds for one empty task: more of them each time, until they take long enough to be told from noise."""
    while True:
        indices = some(tasks)
        ledger = job.ledger(len(set(indices)))
        before = time.perf_counter()
        executor.run(job, indices, ledger)
        wall = time.perf_counter() - before
        if wall >= _DISPATCH_S or tasks >= _DISPATCH_TASKS_MOST:
            return wall / tasks
        # Straight to the size that should do, as doubling would cost as much again.
        tasks = min(_DISPATCH_TASKS_MOST, max(2 * tasks, int(1.2 * tasks * _DISPATCH_S / max(wall, 1e-9))))


def _pickled(trial, job):
    """Bytes that one task is on its way there and back, where anything is pickled at all."""
    if trial["model"] not in ("processes", "interpreters", "asyncio+processes", "cluster"):
        return None
    argument, result = job.pickled()
    return len(pickle.dumps(argument)) + len(pickle.dumps(result))
