"""The executor models, each as a program would really use it.

| model | a task's waits | its disk waits | its computing |
|---|---|---|---|
| `sequential` | block | block | inline |
| `threads`, `processes`, `interpreters` | block the worker | block the worker | in the worker |
| `asyncio` | `asyncio.sleep`, `workers` tasks in flight | block the loop: there is no async file I/O | on the loop |
| `asyncio+threads` | block the thread | block the thread | in the thread |
| `asyncio+processes` | `asyncio.sleep`, `max(64, workers)` tasks in flight | block the process | in the process |

Every wait but disk is a sleep: it stands for something that happens elsewhere and costs this machine nothing.

Each executor has `start()`, which returns only when all of its workers exist and have answered, `run(work, tasks,
ledger)`, which may be called again and again, and `close()`.
"""

import asyncio
import concurrent.futures
import os
import select
import selectors
import shutil
import sys
import tempfile
from collections import deque
from functools import partial

from . import demand

# Tasks that wait on the loop while processes compute: enough to keep processes fed, and still a bound.
_LOOP_IN_FLIGHT = 64
# No worker has arrived for so long: time to see whether the pool is broken.
_LOOK_S = 0.05


class NotApplicable(Exception):
    """This model cannot run in this interpreter; says why."""


class WrongResult(Exception):
    """A task was lost, done twice, or answered otherwise than the rest."""


class Ledger:
    """Checks each answer as it comes and keeps none of them: results may be large."""

    def __init__(self, work, tasks):
        self._seen = bytearray(tasks)
        self._result = work.result
        self._checksum = None

    def take(self, answer):
        index, checksum, result = answer
        if self._checksum is None:
            self._checksum = checksum
        if checksum != self._checksum or len(result) != self._result:
            raise WrongResult(f"task {index} gave another result than the rest")
        if self._seen[index]:
            raise WrongResult(f"task {index} was done twice")
        self._seen[index] = 1

    def close(self):
        missing = self._seen.count(0)
        if missing:
            raise WrongResult(f"{missing} of {len(self._seen)} tasks gave no result")


class Sequential:
    """One after another, in this thread."""

    def __init__(self, trial):
        self._payload = _payloads(trial, 1)[0]
        self._memory = trial["work"].memory

    def start(self):
        demand.hold(self._memory)

    def run(self, work, tasks, ledger):
        for index in range(tasks):
            ledger.take(demand.task(work, index, self._payload))

    def close(self):
        pass


class Pool:
    """Any of `concurrent.futures`' executors, with a bounded number of chunks handed over ahead."""

    def __init__(self, trial):
        self._chunk = trial["chunk_size"]
        self._payloads = _payloads(trial, self._chunk)
        # One running and one queued for each worker, and as many again on their way.
        self._ahead = 4 * trial["workers"]
        self._workers = Workers(trial)

    def start(self):
        self._workers.start()

    def run(self, work, tasks, ledger):
        submit = self._workers.executor.submit
        pending = deque()
        for first in range(0, tasks, self._chunk):
            if len(pending) >= self._ahead:
                _settle(pending, ledger)
            indices = range(first, min(first + self._chunk, tasks))
            items = [(index, self._payloads[index - first]) for index in indices]
            pending.append(submit(demand.chunk, work, items))
        while pending:
            _settle(pending, ledger)

    def close(self):
        self._workers.close()


class Loop:
    """One event loop; with an executor beside it for the hybrid models."""

    def __init__(self, trial):
        self._payload = _payloads(trial, 1)[0]
        self._memory = trial["work"].memory
        self._in_flight = trial["workers"]
        self._loop = None

    def start(self):
        # select() takes microseconds. epoll's timeout is rounded up to a whole millisecond, which would be charged to
        # every short wait, and which the readiness of a socket, that these waits stand for, does not pay.
        self._loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._attach()

    def run(self, work, tasks, ledger):
        self._loop.run_until_complete(self._all(work, tasks, ledger))

    def close(self):
        asyncio.set_event_loop(None)
        self._loop.close()

    def _attach(self):
        for _ in range(self._in_flight):
            demand.hold(self._memory)

    async def _all(self, work, tasks, ledger):
        bound = asyncio.Semaphore(self._in_flight)

        async def one(index):
            async with bound:
                ledger.take(await self._one(work, index))

        await asyncio.gather(*[one(index) for index in range(tasks)])

    async def _one(self, work, index):
        await _wait(work, index)
        return demand.compute(work, index, self._payload)


class LoopAndPool(Loop):
    """An event loop that hands blocking calls to threads, or computing to processes."""

    def __init__(self, trial):
        super().__init__(trial)
        self._waits_on_loop = trial["model"] == "asyncio+processes"
        workers = trial["workers"]
        # Threads are kept fed by as many tasks again as they run.
        self._in_flight = max(_LOOP_IN_FLIGHT, workers) if self._waits_on_loop else 2 * workers
        self._workers = Workers(trial)

    def close(self):
        self._workers.close()
        super().close()

    def _attach(self):
        self._workers.start()

    async def _one(self, work, index):
        function = demand.task
        if self._waits_on_loop:
            await _wait(work, index)
            function = demand.compute
        return await self._loop.run_in_executor(self._workers.executor, function, work, index, self._payload)


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
        self._memory = trial["work"].memory
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
            first = [submit(demand.arrive, self._memory, self._ready, self._gate) for _ in range(self._count)]
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
        for pipe in self._pipes:
            os.close(pipe)
        shutil.rmtree(self._folder)


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
        return concurrent.futures.InterpreterPoolExecutor
    import multiprocessing

    method = trial["start_method"]
    if method is not None and method not in multiprocessing.get_all_start_methods():
        raise NotApplicable(f"start method {method} does not exist in this interpreter")
    context = multiprocessing.get_context(method)
    return partial(concurrent.futures.ProcessPoolExecutor, mp_context=context)


async def _wait(work, index):
    if work.wait.due(index):
        await asyncio.sleep(work.wait.seconds)


def _settle(pending, ledger):
    for answer in pending.popleft().result():
        ledger.take(answer)


def _payloads(trial, count):
    """`count` arguments that are different objects: pickle writes an object it has met before only once."""
    return [b"\x01" * trial["demand"]["argument_bytes"] for _ in range(count)]
