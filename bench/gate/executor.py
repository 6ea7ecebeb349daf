"""Runs a program's `task` on all of its `ITEMS` under one model, and prints how long that took, the pool's start with it.

    executor.py FILE MODEL WORKERS CHUNK

Plain concurrent.futures and asyncio, as anyone would write them; nothing of concadvise.
"""

import asyncio
import importlib.util
import inspect
import multiprocessing
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def load(path: str):
    """The program as a module, so that its tasks can be sent to processes."""
    spec = importlib.util.spec_from_file_location("app", path)
    sys.modules["app"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


app = load(sys.argv[1])
own = threading.local()


def call(item):
    """The task; a coroutine on a loop that the worker keeps."""
    if not inspect.iscoroutinefunction(app.task):
        return app.task(item)
    if not hasattr(own, "loop"):
        own.loop = asyncio.new_event_loop()
    return own.loop.run_until_complete(app.task(item))


async def gather(workers: int):
    """All tasks on one loop, so many at a time."""
    gate = asyncio.Semaphore(workers)

    async def one(item):
        async with gate:
            return await app.task(item)

    return await asyncio.gather(*(one(item) for item in app.ITEMS))


def run(model: str, workers: int, chunk: int):
    """All results."""
    if model == "sequential":
        return [call(item) for item in app.ITEMS]
    if model == "asyncio":
        return asyncio.run(gather(workers))
    if model == "threads":
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(call, app.ITEMS))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(call, app.ITEMS, chunksize=chunk))


if __name__ == "__main__":
    began = time.perf_counter()
    run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(time.perf_counter() - began)
