"""One synthetic task: what it computes, waits for, takes and returns; and the memory that a worker holds meanwhile.

Computing is a count of iterations and never "until the clock says so": tasks that compete for a core or for the GIL
must each do all of their work, or the competition would not show. How many iterations a second holds is found once,
by `calibrate`, so that every trial does the same work.

A task waits first and computes then, as one that fetches and parses does. Arguments and results are `bytes`: what it
costs to move them is counted, what it costs to build objects out of them is not (a result of many small objects is
dearer to unpickle than this).
"""

import time
from math import ceil
from typing import NamedTuple

from .gate import meet

try:  # In C, and without the GIL for the whole of one call, however long.
    from _hashlib import pbkdf2_hmac

    RELEASED_BY = "pbkdf2_hmac"
except ImportError:  # A build without OpenSSL. `hashlib`'s own pbkdf2_hmac would hold the GIL there.
    from zlib import crc32

    RELEASED_BY = "crc32"

    # Over 5 KiB, so that crc32 releases the GIL.
    _BLOCK = bytes(64 * 1024)

# Memory below this is what any task uses, and lost in the noise of a process.
SMALL_MEMORY = 64 * 1024

# Memory that this process's workers hold.
_held = []


class Wait(NamedTuple):
    """Each `every`th task sleeps `seconds`, so that even waits below a timer's precision add up to what was asked."""

    seconds: float
    every: int

    @classmethod
    def of(cls, asked, overhead):
        """`asked` seconds by sleeps that each last `overhead` longer than they are told to."""
        if asked <= 0:
            return cls(0.0, 0)
        every = max(1, ceil(2 * overhead / asked))
        return cls(asked * every - overhead, every)

    def due(self, index):
        return self.every > 0 and index % self.every == 0


class Work(NamedTuple):
    """One task's demand, in counts."""

    held: int
    released: int
    released_by: str
    wait: Wait
    disk: Wait
    memory: int
    result: int

    @classmethod
    def of(cls, demand, rates):
        """From seconds, by the `rates` that were found at calibration."""
        overhead = rates["sleep_overhead_s"]
        memory = demand["memory_bytes"]
        return cls(
            held=round(demand["cpu_held_s"] * rates["held_per_s"]),
            released=round(demand["cpu_released_s"] * rates["released_per_s"]),
            released_by=RELEASED_BY,
            wait=Wait.of(demand["wait_s"], overhead),
            disk=Wait.of(demand["disk_s"], overhead),
            memory=memory if memory >= SMALL_MEMORY else 0,
            result=demand["result_bytes"],
        )

    def empty(self):
        """The same payload and nothing to do: what is left is the cost of handing it over."""
        nothing = Wait(0.0, 0)
        return self._replace(held=0, released=0, wait=nothing, disk=nothing)


def burn_held(iterations):
    """Pure Python: holds the GIL as any loop does."""
    value = 1
    for step in range(iterations):
        value = (value * 31 + step) & 0x3FFFFFFF
    return value


def burn_released(iterations):
    """Native code that lets go of the GIL."""
    if iterations <= 0:
        return 0
    if RELEASED_BY == "pbkdf2_hmac":
        return int.from_bytes(pbkdf2_hmac("sha256", b"twin", b"salt", iterations)[:4], "big")
    value = 0
    for _ in range(iterations):
        value = crc32(_BLOCK, value)
    return value


def compute(work, index, payload):
    """All but the waits an event loop can overlap: answers (index, checksum, result)."""
    del payload  # It came; that was its cost.
    if work.released_by != RELEASED_BY:  # An interpreter within this one may not be given every module.
        raise ImportError(f"work is counted in rounds of {work.released_by}, and this worker only has {RELEASED_BY}")
    if work.disk.due(index):
        time.sleep(work.disk.seconds)
    return index, burn_released(work.released) ^ burn_held(work.held), bytes(work.result)


def task(work, index, payload):
    """The whole of one task, blocking."""
    if work.wait.due(index):
        time.sleep(work.wait.seconds)
    return compute(work, index, payload)


def chunk(work, items):
    """Several tasks that were handed over together."""
    return [task(work, index, payload) for index, payload in items]


def hold(memory):
    """Takes one worker's memory, for as long as the process lives.

    Once for each task that can be in flight and not again for each task: a program whose workers use 500 MB does not
    touch 500 MB anew in every task of 10 ms.
    """
    if memory:
        _held.append(bytearray(memory))  # Filled with zeroes by hand, so its pages are really there.


def arrive(memory, ready, gate):
    """What a worker does first: take its memory, and wait until all the others have."""
    hold(memory)
    meet(ready, gate)
