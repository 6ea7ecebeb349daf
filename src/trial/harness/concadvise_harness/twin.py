"""The job of a twin: synthetic tasks with the demands that were measured, for `executors` to run.

What one of them does is `demand`'s.
"""

import asyncio
import selectors

from . import demand
from .executors import WrongResult


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


class TwinJob:
    """Tasks of one demand."""

    coroutines = False
    name = "a synthetic task"

    def __init__(self, trial):
        self._work = demand.Work.of(trial["demand"], trial["rates"])
        self._waits_on_loop = trial["model"] == "asyncio+processes"
        # Arguments that are different objects: pickle writes an object it has met before only once.
        self._payloads = [b"\x01" * trial["demand"]["argument_bytes"] for _ in range(trial["chunk_size"])]

    def empty(self):
        twin = object.__new__(TwinJob)
        twin.__dict__.update(self.__dict__, _work=self._work.empty())
        return twin

    def ledger(self, tasks):
        return Ledger(self._work, tasks)

    def call(self, index):
        return demand.task(self._work, index, self._payloads[0])

    def bundle(self, indices):
        return demand.chunk, self._work, list(zip(indices, self._payloads))

    async def on_loop(self, index):
        await self._wait(index)
        return demand.compute(self._work, index, self._payloads[0])

    async def beside_pool(self, index, submit):
        if not self._waits_on_loop:
            return await submit(demand.task, self._work, index, self._payloads[0])
        await self._wait(index)
        return await submit(demand.compute, self._work, index, self._payloads[0])

    async def _wait(self, index):
        if self._work.wait.due(index):
            await asyncio.sleep(self._work.wait.seconds)

    def arrival(self, ready, gate):
        return demand.arrive, self._work.memory, ready, gate

    def arrive_here(self, workers):
        for _ in range(workers):
            demand.hold(self._work.memory)

    def leave_here(self):
        pass

    def modules(self):
        return [], False

    def around(self):
        return None, None

    def new_loop(self):
        # select() takes microseconds. epoll's timeout is rounded up to a whole millisecond, which would be charged to
        # every short wait, and which the readiness of a socket, that these waits stand for, does not pay.
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    def of_interpreter(self):
        return {}

    def pickled(self):
        """One task on its way there, and back."""
        return (self._work, 0, self._payloads[0]), (0, 0, bytes(self._work.result))
