"""What a run is put beside or into: a neighbour that computes, one CPU, a quota; and how busy the rest of the machine is.

Everything here is undone on the way out; processes are ended by the object that started them.
"""

import contextlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

HOG = "while True: pass"
ONE_CPU, LAST_CPU = {0}, {(os.cpu_count() or 1) - 1}
# One CPU-second per second.
PERIOD_US, QUOTA_US = 100_000, 100_000


@contextlib.contextmanager
def neighbour():
    """A program that computes without end on the last CPU."""
    hog = subprocess.Popen([sys.executable, "-c", HOG], preexec_fn=lambda: os.sched_setaffinity(0, LAST_CPU))
    try:
        yield
    finally:
        hog.kill()
        hog.wait()


@contextlib.contextmanager
def quota():
    """A folder of cgroups in which one CPU may be used; None where none can be made."""
    name = f"concadvise-bench-gate-{os.getpid()}"
    first, second = Path("/sys/fs/cgroup/cpu") / name, Path("/sys/fs/cgroup") / name
    folder = None
    with contextlib.suppress(OSError):
        if first.parent.joinpath("cpu.cfs_quota_us").exists():
            first.mkdir()
            folder = first
            first.joinpath("cpu.cfs_period_us").write_text(str(PERIOD_US))
            first.joinpath("cpu.cfs_quota_us").write_text(str(QUOTA_US))
        else:
            second.mkdir()
            folder = second
            second.joinpath("cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
    try:
        limited = folder and (folder / "cpu.max").exists() or folder == first
        yield folder if limited else None
    finally:
        if folder:
            with contextlib.suppress(OSError):
                folder.rmdir()


def enter(folder: Path):
    """For `preexec_fn`: moves the new process into the cgroup."""
    return lambda: folder.joinpath("cgroup.procs").write_text(str(os.getpid()))


def pin():
    """For `preexec_fn`: leaves the new process one CPU, as `taskset -c 0` does."""
    os.sched_setaffinity(0, ONE_CPU)


def busy_s() -> float:
    """CPU seconds that the whole machine has spent computing."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


class Elsewhere:
    """Watches how much of the machine others use: neither we nor what we started and waited for."""

    def __init__(self):
        self._began, self._busy, self._own = time.perf_counter(), busy_s(), own_s()

    def cpus(self) -> float:
        """On average since then."""
        others = busy_s() - self._busy - (own_s() - self._own)
        return max(0.0, others) / (time.perf_counter() - self._began)


def own_s() -> float:
    """CPU seconds of ours and of all that we started and waited for."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def elsewhere(over_s: float = 0.7) -> float:
    """CPUs that others use just now."""
    before = busy_s()
    time.sleep(over_s)
    return (busy_s() - before) / over_s


class Server:
    """The HTTP server of bench/accuracy, on a free port of loopback; it ends when its standard input does."""

    def __init__(self, root: Path):
        words = [sys.executable, root / "bench" / "accuracy" / "server.py"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = {"BENCH_HTTP": f"127.0.0.1:{int(self._process.stdout.readline())}"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(timeout=10)
