"""One question on standard input, one answer on the last line of standard output, both JSON.

`src/trial/runner/wire.rs` holds the other side of every key here. Nothing else can reach standard output: what
libraries print goes to standard error.
"""

import json
import os
import pickle
import sys
import time

# How long the dispatch of empty tasks is measured: long enough to be told from noise, short enough not to be felt.
_DISPATCH_S = 0.03
_DISPATCH_TASKS_MOST = 1 << 16


def serve():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answer = _answer(json.load(sys.stdin))
    answers.write("\n" + json.dumps(answer) + "\n")
    answers.close()
    if "error" in answer:
        from .executors import abandon

        # A pool that broke may wait for ever to be joined, by us or by an exit handler of the interpreter.
        abandon()
        os._exit(0)


def _answer(question):
    from .executors import NotApplicable, WrongResult

    try:
        if question["do"] == "probe":
            return _probe()
        if question["do"] == "calibrate":
            from .calibrate import calibrate

            return calibrate()
        return _trial(question)
    except NotApplicable as error:
        return {"error": "not-applicable", "message": str(error)}
    except WrongResult as error:
        return {"error": "wrong-result", "message": str(error)}
    except Exception as error:  # Whatever went wrong is the answer to what was asked.
        return {"error": type(error).__name__, "message": str(error)}


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


def _trial(trial):
    from .calibrate import sample_ratio
    from .demand import Work
    from .executors import MODELS, NotApplicable, unavailable

    reason = unavailable(trial["model"])
    if reason:
        raise NotApplicable(reason)
    work = trial["work"] = Work.of(trial["demand"], trial["rates"])
    ratio = sample_ratio(trial["rates"])
    executor = MODELS[trial["model"]](trial)
    before = time.perf_counter()
    executor.start()
    start_s = time.perf_counter() - before
    walls = [_wall(executor, work, trial["tasks"]) for _ in range(trial["repeats"])]
    dispatch = _dispatch(executor, work.empty(), trial["workers"] * trial["chunk_size"])
    executor.close()
    return {
        "start_s": start_s,
        "walls_s": walls,
        "dispatch_s": dispatch,
        "pickled_bytes": _pickled(trial, work),
        "sample_ratio": ratio,
    }


def _wall(executor, work, tasks):
    from .executors import Ledger

    ledger = Ledger(work, tasks)
    before = time.perf_counter()
    executor.run(work, tasks, ledger)
    wall = time.perf_counter() - before
    ledger.close()
    return wall


def _dispatch(executor, empty, tasks):
    """Seconds for one empty task: more of them each time, until they take long enough to be told from noise."""
    while True:
        wall = _wall(executor, empty, tasks)
        if wall >= _DISPATCH_S or tasks >= _DISPATCH_TASKS_MOST:
            return wall / tasks
        # Straight to the size that should do, as doubling would cost as much again.
        tasks = min(_DISPATCH_TASKS_MOST, max(2 * tasks, int(1.2 * tasks * _DISPATCH_S / max(wall, 1e-9))))


def _pickled(trial, work):
    """Bytes that one task is on its way there and back, where anything is pickled at all."""
    if trial["model"] not in ("processes", "interpreters", "asyncio+processes"):
        return None
    argument = pickle.dumps((work, 0, b"\x01" * trial["demand"]["argument_bytes"]))
    return len(argument) + len(pickle.dumps((0, 0, bytes(work.result))))
