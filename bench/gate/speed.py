"""(d) How long it takes to judge a report that is there, our process's start included."""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

TIMES = 20


def offline_s(binary: Path, before: Path, now: Path) -> tuple:
    """Median and longest of so many times."""
    with tempfile.TemporaryDirectory(prefix="concadvise-bench-gate-") as folder:
        gate = [binary, "gate", "--baseline", Path(folder) / "baseline.toml"]
        subprocess.run([*gate, "--update", "--force", f"app={before}"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            subprocess.run([*gate, f"app={now}"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took.append(time.perf_counter() - began)
    return statistics.median(took), max(took)
