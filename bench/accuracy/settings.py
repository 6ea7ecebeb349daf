"""One setting of the grid, its name, the grid itself, and what naive rules would choose."""

import os
from dataclasses import dataclass, replace

LADDER = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]
# The hybrids follow the pool that they are made of; every second rung tells where.
COARSE = [2, 4, 8, 16, 32, 64, 128]
CHUNKS = [1, 4, 16, 64]
START_METHODS = ["fork", "forkserver", "spawn"]


@dataclass(frozen=True)
class Setting:
    """What the executor is told. `inner` is the number of BLAS threads in each worker; None leaves the default."""

    model: str
    workers: int = 1
    chunk_size: int = 1
    start_method: str | None = None
    inner: int | None = None

    @property
    def name(self) -> str:
        """Short, unique, and the key in records."""
        words = [self.model]
        if self.model != "sequential":
            words.append(str(self.workers))
        if self.chunk_size != 1:
            words.append(f"by {self.chunk_size}")
        if self.start_method:
            words.append(self.start_method)
        if self.inner:
            words.append(f"blas {self.inner}")
        return " ".join(words)

    def told(self) -> dict:
        """For the executor's command line."""
        told = {"model": self.model, "workers": self.workers, "chunk_size": self.chunk_size}
        return told | ({"start_method": self.start_method} if self.start_method else {})

    def environment(self) -> dict:
        """The variables that limit inner threads."""
        if not self.inner:
            return {}
        names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
        return dict.fromkeys(names, str(self.inner))


SEQUENTIAL = Setting("sequential")


def cpus() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def automatic_chunk(items: int, workers: int) -> int:
    """Four chunks for each worker, as multiprocessing.Pool.map reckons."""
    return max(1, -(-items // (4 * workers)))


def rungs(items: int, ladder: list = LADDER) -> list:
    """The worker counts of the ladder that there are items for, and one worker for each item when that is not many."""
    fitting = [workers for workers in ladder if workers < items]
    return [*fitting, items] if items <= ladder[-1] else fitting


def lanes(about: dict, quick: bool = False) -> dict:
    """The grid's first part: for each lane its settings, by growing number of workers."""
    ladder = COARSE if quick else LADDER
    items = about["items"]
    inners = [None, 1] if about["inner_threads"] else [None]
    found = {}
    for inner in inners:
        found[f"threads {inner}"] = [Setting("threads", workers, inner=inner) for workers in rungs(items, ladder)]
        found[f"processes {inner}"] = [
            Setting("processes", workers, 1, "fork", inner) for workers in rungs(items, ladder)
        ]
        found[f"processes in chunks {inner}"] = [
            Setting("processes", workers, automatic_chunk(items, workers), "fork", inner)
            for workers in rungs(items, ladder) if automatic_chunk(items, workers) > 1
        ]
    if about["atask"]:
        found["asyncio"] = [Setting("asyncio", workers) for workers in rungs(items, ladder)]
    found["asyncio+threads"] = [Setting("asyncio+threads", workers) for workers in rungs(items, COARSE)]
    found["asyncio+processes"] = [
        Setting("asyncio+processes", workers, 1, "fork") for workers in rungs(items, COARSE)
    ]
    return found


def around(best: Setting, items: int, quick: bool = False) -> list:
    """The grid's second part: chunk sizes and start methods at the best number of processes and its neighbours."""
    ladder = rungs(items)
    place = ladder.index(best.workers) if best.workers in ladder else 0
    counts = ladder[place:place + 1] if quick else ladder[max(0, place - 1):place + 2]
    sizes = [size for size in CHUNKS if size * 2 <= items]
    found = [replace(best, workers=workers, chunk_size=size) for workers in counts for size in sizes]
    found += [
        replace(best, workers=workers, start_method=method, chunk_size=size)
        for workers in counts for method in START_METHODS[1:]
        for size in {best.chunk_size, automatic_chunk(items, workers)}
    ]
    if items > 1000:  # Where handing over is what counts, larger chunks and chunks in threads may win.
        found += [Setting("processes", workers, size, "fork") for workers in counts for size in (256, 1024)]
        found += [Setting("threads", workers, automatic_chunk(items, workers)) for workers in (2, 4)]
    return found


def naive(about: dict) -> dict:
    """What rules of thumb and libraries' defaults would choose; None where the rule has nothing to say."""
    count, items = cpus(), about["items"]
    computes = about["label"]["class"] == "cpu-bound"
    per_core = Setting("processes", count, 1, "fork")
    default_threads = Setting("threads", min(32, count + 4))
    return {
        "cores if it computes, else min(32, cpus+4) threads": per_core if computes else default_threads,
        "asyncio at 100 where there is an async function": Setting("asyncio", 100) if about["atask"] else None,
        "threads at cpus+4": Setting("threads", count + 4),
        "a process per core, automatic chunks": replace(per_core, chunk_size=automatic_chunk(items, count)),
        "joblib's default": Setting("joblib", -1),
        "ThreadPoolExecutor()": default_threads,
        "ProcessPoolExecutor()": per_core,
        "always sequential": SEQUENTIAL,
    }
