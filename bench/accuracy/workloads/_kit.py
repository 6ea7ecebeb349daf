"""What several workloads need: where services and data are, and clients kept per thread or per event loop.

A client is never shared between processes: one that was made before a fork is not used after it.
"""

import asyncio
import os
import random
import tempfile
import threading
import weakref
from pathlib import Path

_thread = threading.local()
_loops = weakref.WeakKeyDictionary()


def address(service):
    """Where a service is, as `run.py` told; `http`, `postgres` or `redis`."""
    told = os.environ.get(f"BENCH_{service.upper()}")
    if told is None:
        raise SystemExit(f"no {service} server; one runs during bench/accuracy/run.py serve -- COMMAND")
    return told


def url(path):
    """A page of the HTTP server."""
    return f"http://{address('http')}{path}"


def data(name):
    """The path of a file or folder of prepared data; its parent exists."""
    folder = Path(os.environ.get("BENCH_DATA") or Path(tempfile.gettempdir()) / "concadvise-accuracy")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def prepared(name, fill):
    """The path of a file that `fill(path)` writes when it is not there yet."""
    path = data(name)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        fill(draft)
        draft.replace(path)
    return path


def per_thread(make):
    """What `make()` gave in this thread of this process, made on first use."""
    kept = _thread.__dict__
    key = make, os.getpid()
    if key not in kept:
        kept[key] = make()
    return kept[key]


async def per_loop(opening):
    """What `opening`, an asynchronous generator function, yields: once per event loop, closed at the loop's end."""
    loop = asyncio.get_running_loop()
    kept = _loops.setdefault(loop, {})
    if opening not in kept:
        # The loop closes the generators that it has begun; somebody else must keep them alive until then.
        generator = opening()
        kept[opening] = generator, loop.create_task(generator.__anext__())
    return await asyncio.shield(kept[opening][1])


class Idle:
    """Connections of one event loop: taken one by one, given back, opened when none is idle."""

    def __init__(self, connect):
        self._connect, self._idle = connect, []

    async def take(self):
        return self._idle.pop() if self._idle else await self._connect()

    def give(self, connection):
        self._idle.append(connection)

    async def close(self):
        for connection in self._idle:
            await connection.close()


def words(count, seed=0):
    """Text that compresses and parses as text does; the same for the same seed."""
    rng = random.Random(seed)
    known = ["".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 10))) for _ in range(2000)]
    return " ".join(rng.choices(known, k=count))
