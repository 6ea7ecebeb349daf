#!/usr/bin/env python3
"""One measurement, in a fresh interpreter: a workload's tasks at one setting. Knows nothing of concadvise.

    executor.py measure WORKLOAD '{"model": "threads", "workers": 8}'    one JSON line: wall_s, results
    executor.py describe WORKLOAD                                        one JSON line: label, count of items, …
    executor.py setup WORKLOAD | teardown WORKLOAD

What is timed begins before the pool is made and ends when it is gone and every result is here. Each model is written
the plain way, with `concurrent.futures` and `asyncio`, so that it can judge what concadvise's own harness measures:

| model | is |
|---|---|
| `sequential` | a loop |
| `threads` | `ThreadPoolExecutor.map` |
| `processes` | `ProcessPoolExecutor.map` with a start method and a chunk size |
| `asyncio` | `atask` in `asyncio.run`, `workers` at once by a semaphore |
| `asyncio+threads` | `task` by `run_in_executor`, a thread pool |
| `asyncio+processes` | `aoffload` where there is one: waits on the loop, computing in the pool; else as above |
| `joblib` | `joblib.Parallel(n_jobs=workers)`, loky |
"""

import asyncio
import concurrent.futures
import hashlib
import importlib
import json
import marshal
import multiprocessing
import os
import sys
import time
from functools import partial
from pathlib import Path

# Coroutines that wait on the loop while a process pool computes.
IN_FLIGHT = 64


def chunked(task, items):
    """Several tasks that are handed over together."""
    return [task(item) for item in items]


def pieces(items, size):
    """The items, `size` at a time."""
    return [items[first:first + size] for first in range(0, len(items), size)]


def process_pool(setting):
    """A pool of processes by the setting's start method."""
    context = multiprocessing.get_context(setting.get("start_method", "fork"))
    return concurrent.futures.ProcessPoolExecutor(setting["workers"], mp_context=context)


def sequential(module, items, setting):
    """A loop."""
    return [module.task(item) for item in items]


def pool(make, module, items, setting):
    """Either pool of `concurrent.futures`."""
    size = setting.get("chunk_size", 1)
    with make(setting) as executor:
        if size == 1 or isinstance(executor, concurrent.futures.ProcessPoolExecutor):
            return list(executor.map(module.task, items, chunksize=size))
        return [each for some in executor.map(partial(chunked, module.task), pieces(items, size)) for each in some]


def thread_pool(setting):
    """A pool of threads."""
    return concurrent.futures.ThreadPoolExecutor(setting["workers"])


def bounded(function, items, at_once):
    """Every item through an asynchronous function, so many at once, by a new event loop."""
    async def everything():
        bound = asyncio.Semaphore(at_once)

        async def one(item):
            async with bound:
                return await function(item)

        return await asyncio.gather(*[one(item) for item in items])

    return asyncio.run(everything())


def on_loop(module, items, setting):
    """`atask`s on an event loop."""
    return bounded(module.atask, items, setting["workers"])


def loop_and_pool(make, module, items, setting):
    """An event loop beside a pool."""
    size = setting.get("chunk_size", 1)
    with make(setting) as executor:
        def run(function, *arguments):
            return asyncio.get_running_loop().run_in_executor(executor, function, *arguments)

        aoffload = getattr(module, "aoffload", None)
        if aoffload and isinstance(executor, concurrent.futures.ProcessPoolExecutor):
            return bounded(lambda item: aoffload(item, run), items, max(IN_FLIGHT, setting["workers"]))
        if size == 1:
            return bounded(lambda item: run(module.task, item), items, len(items))
        parts = pieces(items, size)
        return [each for some in bounded(lambda part: run(chunked, module.task, part), parts, len(parts))
                for each in some]


def by_joblib(module, items, setting):
    """joblib with its defaults."""
    from joblib import Parallel, delayed

    return Parallel(n_jobs=setting["workers"])(delayed(module.task)(item) for item in items)


MODELS = {
    "sequential": sequential,
    "threads": partial(pool, thread_pool),
    "processes": partial(pool, process_pool),
    "asyncio": on_loop,
    "asyncio+threads": partial(loop_and_pool, thread_pool),
    "asyncio+processes": partial(loop_and_pool, process_pool),
    "joblib": by_joblib,
}


def cpu():
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def plain(result):
    """Bytes that depend on nothing but the value; version 2 of marshal knows no shared references."""
    try:
        return marshal.dumps(result, 2)
    except ValueError:
        return repr(result).encode()


def measure(module, setting):
    """Seconds of the whole, and a digest by which settings' results are compared."""
    items = list(module.ITEMS)[:setting.get("items")]
    began, before = time.perf_counter(), cpu()
    results = MODELS[setting["model"]](module, items, setting)
    wall, spent = time.perf_counter() - began, cpu() - before
    digest = hashlib.sha256()
    for result in results:
        digest.update(plain(result))
    return {"wall_s": wall, "cpu_s": spent, "results": digest.hexdigest()[:16], "count": len(results)}


def describe(module):
    """What the sweep must know before it begins."""
    return {
        "label": module.LABEL,
        "needs": list(getattr(module, "NEEDS", [])),
        "items": len(list(module.ITEMS)),
        "atask": hasattr(module, "atask"),
        "setup": hasattr(module, "setup"),
        "inner_threads": getattr(module, "INNER_THREADS", False),
    }


def main():
    """Does what it was asked for, and answers by one line, the last of standard output."""
    what, workload, *rest = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    path = Path(workload).resolve()
    sys.path.insert(0, str(path.parent))
    module = importlib.import_module(path.stem)
    answer = {}
    if what == "describe":
        answer = describe(module)
    elif what == "measure":
        answer = measure(module, json.loads(rest[0]))
    elif hasattr(module, what):
        getattr(module, what)()
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
