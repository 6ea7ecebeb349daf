"""The executor models, each as a program would really use it.

| model | a task's waits | its disk waits | its computing |
|---|---|---|---|
| `sequential` | block | block | inline |
| `threads`, `processes`, `interpreters` | block the worker | block the worker | in the worker |
| `asyncio` | `asyncio.sleep`, `workers` tasks in flight | block the loop: there is no async file I/O | on the loop |
| `asyncio+threads` | block the thread | block the thread | in the thread |
| `asyncio+processes` | `asyncio.sleep`, `max(64, workers)` tasks in flight | block the process | in the process |
| `cluster` (by `cluster`) | block a worker's thread | block it | in it |

Every wait but disk is a sleep: it stands for something that happens elsewhere and costs this machine nothing. The
user's own function does all of it wherever the model calls it.

What is run is a *job* (`twin.TwinJob` or `task.TaskJob`), so that both run on the very same executors:

| it has | which is |
|---|---|
| `call(index)` | one task here and now |
| `coroutines` | whether `sequential` must run `on_loop` instead |
| `bundle(indices)` | a function and its arguments that do several tasks in a worker |
| `on_loop(index)` | one task of an event loop, to be awaited; the loop is `new_loop()` |
| `beside_pool(index, submit)` | one task of a loop that has a pool beside it |
| `arrival(ready, gate)` | a function and its arguments: what a worker does first |
| `arrive_here(workers)`, `leave_here()` | the same for workers that are this thread, and at the end |
| `ledger(tasks)` | what takes the answers |
| `empty()` | the same job with nothing to do |
| `name` | what it is called in a sentence |
| `modules()` | the user's modules, and whether another machine may have them too; for a cluster |
| `around()` | a setup and a teardown, run once in each worker of a cluster |

Each executor has `start()`, which returns only when all of its workers exist and have answered, `run(job, indices,
ledger)`, which may be called again and again, and `close()`.
"""

import asyncio
import concurrent.futures
import os
import re
import select
import shutil
import sys
import tempfile
from collections import deque
from functools import partial

# Tasks that wait on the loop while processes compute: enough to keep processes fed, and still a bound.
_LOOP_IN_FLIGHT = 64
# What CPython says of an extension module that keeps its state for the whole process; causes that are looked at.
_REFUSED = re.compile(r"module (\S+) does not support loading in subinterpreters")
_MOST_CAUSES = 16
# No worker has arrived for so long: time to see whether the pool is broken.
_LOOK_S = 0.05


class NotApplicable(Exception):
    """This model cannot run in this interpreter; says why."""


class WrongResult(Exception):
    """A task was lost, done twice, or answered otherwise than the rest."""


class Sequential:
    """One after another, in this thread; coroutines on one event loop."""

    def __init__(self, trial):
        self._job = trial["job"]
        self._loop = None

    def start(self):
        if self._job.coroutines:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        self._job.arrive_here(1)

    def run(self, job, indices, ledger):
        if self._loop is not None:
            self._loop.run_until_complete(self._all(job, indices, ledger))
            return
        for index in indices:
            ledger.take(job.call(index))

    def close(self):
        self._job.leave_here()
        if self._loop is not None:
            _close(self._loop)

    async def _all(self, job, indices, ledger):
        for index in indices:
            ledger.take(await job.on_loop(index))


class Pool:
    """Any of `concurrent.futures`' executors, with a bounded number of chunks handed over ahead."""

    def __init__(self, trial):
        self._chunk = trial["chunk_size"]
        # One running and one queued for each worker, and as many again on their way.
        self._ahead = 4 * trial["workers"]
        self._workers = Workers(trial)

    def start(self):
        self._workers.start()

    def run(self, job, indices, ledger):
        submit = self._workers.executor.submit
        pending = deque()
        for first in range(0, len(indices), self._chunk):
            if len(pending) >= self._ahead:
                _settle(pending, ledger)
            pending.append(submit(*job.bundle(indices[first : first + self._chunk])))
        while pending:
            _settle(pending, ledger)

    def close(self):
        self._workers.close()


class Loop:
    """One event loop; with an executor beside it for the hybrid models."""

    def __init__(self, trial):
        self._job = trial["job"]
        self._in_flight = trial["workers"]
        self._loop = None

    def start(self):
        self._loop = self._job.new_loop()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._attach()

    def run(self, job, indices, ledger):
        self._loop.run_until_complete(self._all(job, indices, ledger))

    def close(self):
        self._job.leave_here()
        _close(self._loop)

    def _attach(self):
        self._job.arrive_here(self._in_flight)

    async def _all(self, job, indices, ledger):
        bound = asyncio.Semaphore(self._in_flight)

        async def one(index):
            async with bound:
                ledger.take(await self._one(job, index))

        await asyncio.gather(*[one(index) for index in indices])

    async def _one(self, job, index):
        return await job.on_loop(index)


class LoopAndPool(Loop):
    """An event loop that hands blocking calls to threads, or computing to processes."""

    def __init__(self, trial):
        super().__init__(trial)
        workers = trial["workers"]
        # Threads are kept fed by as many tasks again as they run.
        processes = trial["model"] == "asyncio+processes"
        self._in_flight = max(_LOOP_IN_FLIGHT, workers) if processes else 2 * workers
        self._workers = Workers(trial)

    def close(self):
        self._workers.close()
        _close(self._loop)

    def _attach(self):
        self._workers.start()

    async def _one(self, job, index):
        return await job.beside_pool(index, partial(self._loop.run_in_executor, self._workers.executor))


MODELS = {
    "sequential": Sequential,
    "threads": Pool,
    "processes": Pool,
    "interpreters": Pool,
    "asyncio": Loop,
    "asyncio+threads": LoopAndPool,
    "asyncio+processes": LoopAndPool,
}


def unavailable(model):
    """Why this interpreter cannot run the model; `None` when it can."""
    if model == "interpreters" and not hasattr(concurrent.futures, "InterpreterPoolExecutor"):
        this = ".".join(map(str, sys.version_info[:3]))
        return f"concurrent.futures.InterpreterPoolExecutor needs CPython 3.14 or newer, and this is {this}"
    if model in ("processes", "asyncio+processes"):
        try:
            import multiprocessing.synchronize  # noqa: F401
            from concurrent.futures import ProcessPoolExecutor  # noqa: F401
        except ImportError as error:
            return f"process pools do not work in this interpreter: {error}"
    return None


class Workers:
    """A `concurrent.futures` executor whose workers all exist. Made ready first, so that only starting is timed."""

    def __init__(self, trial):
        self._count = trial["workers"]
        self._job = trial["job"]
        self._make = _executor_class(trial)
        # In the harness's own folder, which the Rust side removes even when this process is killed. Not a
        # TemporaryDirectory: a forked child would inherit its clean-up.
        self._folder = tempfile.mkdtemp(dir=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self._ready = os.path.join(self._folder, "ready")
        self._gate = os.path.join(self._folder, "gate")
        self._pipes = []
        for path in (self._ready, self._gate):
            os.mkfifo(path)
            # Open for both ways, so that opening never waits for the other side.
            self._pipes.append(os.open(path, os.O_RDWR))
        self.executor = None

    def start(self):
        """Returns when all workers exist at once and each holds its memory.

        Pools make workers on demand, so each gets a first task that ends only when all have begun.
        """
        self.executor = self._make(self._count)
        try:
            submit = self.executor.submit
            first = [submit(*self._job.arrival(self._ready, self._gate)) for _ in range(self._count)]
            self._await_all(first)
        finally:  # Also when one could not be made: the others must not wait for ever.
            os.write(self._pipes[1], b"." * self._count)
        for future in first:
            future.result()

    def _await_all(self, first):
        ready = self._pipes[0]
        here = 0
        while here < self._count:
            if select.select([ready], [], [], _LOOK_S)[0]:
                here += len(os.read(ready, self._count))
                continue
            for future in first:
                if future.done():
                    future.result()  # None can have ended well before the gate opens, so this raises its trouble.

    def close(self):
        if self.executor is not None:
            self.executor.shutdown()
        self._job.leave_here()
        for pipe in self._pipes:
            os.close(pipe)
        shutil.rmtree(self._folder)


def refused_by_interpreters(error):
    """The sentence for an extension module that no interpreter but the first may load, wherever in the causes of an
    error it is named; `None` for any other error. The error itself only says that something is not shareable.
    """
    seen = 0
    while error is not None and seen < _MOST_CAUSES:
        found = _REFUSED.search(str(error))
        if found:
            return f"the extension module {found[1]}, which the function needs, does not load in sub-interpreters"
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


def abandon():
    """Ends the children of a pool that is in no state to be asked to end them itself."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        for child in multiprocessing.active_children():
            child.kill()


def _executor_class(trial):
    """What makes the model's executor when it is called with a number of workers."""
    if trial["model"] in ("threads", "asyncio+threads"):
        return concurrent.futures.ThreadPoolExecutor
    if trial["model"] == "interpreters":
        return partial(concurrent.futures.InterpreterPoolExecutor, **trial["job"].of_interpreter())
    import multiprocessing

    method = trial["start_method"]
    if method is not None and method not in multiprocessing.get_all_start_methods():
        raise NotApplicable(f"start method {method} does not exist in this interpreter")
    context = multiprocessing.get_context(method)
    return partial(concurrent.futures.ProcessPoolExecutor, mp_context=context)


def _close(loop):
    asyncio.set_event_loop(None)
    loop.close()


def _settle(pending, ledger):
    for answer in pending.popleft().result():
        ledger.take(answer)
