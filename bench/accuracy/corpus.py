"""The workloads, the private environment that they run in, and what is known of each: one JSON record per workload."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
VENV = TARGET / "bench-venv-accuracy"
KEPT = TARGET / "bench-accuracy"
DATA = KEPT / "data"
PYTHON = VENV / "bin" / "python"
EXECUTOR = HERE / "executor.py"
# Part of what a record is valid for; raised when a change of the executor changes what is measured.
EXECUTOR_VERSION = 2


def environment() -> None:
    """Makes the environment, or brings it to what requirements.txt says."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = VENV / "requirements.txt"
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    DATA.mkdir(parents=True, exist_ok=True)


def names() -> list:
    """All workloads."""
    return sorted(path.stem for path in (HERE / "workloads").glob("[a-z]*.py"))


def path(name: str) -> Path:
    """A workload's file."""
    return HERE / "workloads" / f"{name}.py"


def host() -> dict:
    """What times are comparable within."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {
        "cpu": model, "cpus": len(os.sched_getaffinity(0)), "node": platform.node(), "kernel": platform.release(),
        "python": subprocess.check_output([str(PYTHON), "-V"], text=True).strip(),
    }


class Record:
    """What was measured of one workload, kept between runs, and dropped when the workload or the host is another."""

    def __init__(self, name: str, fresh: bool = False):
        self.name = name
        self._path = KEPT / "records" / f"{name}.json"
        valid = {"source": self._source(), "host": host(), "executor": EXECUTOR_VERSION}
        self.known = json.loads(self._path.read_text()) if self._path.exists() and not fresh else {}
        if {key: self.known.get(key) for key in valid} != valid:
            self.known = valid | {"about": None, "runs": {}, "final": [], "advice": {}, "swept": None}

    def _source(self) -> str:
        digest = hashlib.sha256()
        for source in (path(self.name), HERE / "workloads" / "_kit.py", HERE / "server.py", HERE / "requirements.txt"):
            digest.update(source.read_bytes())
        return digest.hexdigest()[:16]

    def save(self) -> None:
        """Whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(self.known, indent=1))
        draft.replace(self._path)
