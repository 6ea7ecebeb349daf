#!/usr/bin/env python3
"""The measured share of computing that holds the GIL, beside the truth that the program itself tells.

    cargo build --release && python3 bench/gil/run.py [--seconds 8] [--rounds 1] [--python PATH]… [--concadvise PATH]

Every CPython that pyenv has (or those given) runs every kind of work of `workload.py` below `concadvise --no-trials`.
The truth is the workload's own account (its `--help` is its docstring); the error is in points of a hundred. A sleeper
computes nothing, so that no share of its computing can be told; its row says so, and how often its lock was held.
NumPy comes from PyPI into a private environment under `target/gil-venv-*`; where it cannot be had, its rows say why.
The last line counts the rows within 3 points. The machine's load is printed, because noise is part of the result.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORKLOAD = Path(__file__).resolve().parent / "workload.py"
GOAL = 3.0
# What it is called, its kind, the share that the workload aims at holding the GIL, its threads.
CASES = [
    ("pure loop", "loop", 1.0, 1),
    ("sleeping", "sleep", 0.0, 1),
    ("sha256 of 1 MiB", "sha256", 0.0, 1),
    ("zlib of 512 KiB", "zlib", 0.0, 1),
    ("numpy product", "numpy", 0.0, 1),
    ("sha256, 25 % held", "sha256", 0.25, 1),
    ("sha256, 50 % held", "sha256", 0.50, 1),
    ("sha256, 75 % held", "sha256", 0.75, 1),
    ("zlib, 50 % held", "zlib", 0.50, 1),
    ("4 threads, loop", "loop", 1.0, 4),
    ("16 threads, loop", "loop", 1.0, 16),
    ("4 threads, 50 % held", "sha256", 0.50, 4),
    ("16 threads, 50 % held", "sha256", 0.50, 16),
]


def interpreters():
    """Every CPython 3.8 or newer of pyenv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [folder for folder in root.glob("3.*") if (folder / "bin/python3").exists()]
    number = lambda folder: tuple(int(part) for part in folder.name.rstrip("t").split("."))
    return [folder / "bin/python3" for folder in sorted(found, key=number) if number(folder) >= (3, 8)]


def with_numpy(python):
    """An interpreter like `python` that has NumPy, or why there is none."""
    venv = ROOT / "target" / f"gil-venv-{version(python)}"
    inner = venv / "bin/python"
    if not inner.exists():
        subprocess.run([python, "-m", "venv", venv], check=True)
    tried = subprocess.run([inner, "-c", "import numpy"], capture_output=True)
    if tried.returncode != 0:
        pip = [inner, "-m", "pip", "install", "-q", "--only-binary", ":all:", "numpy"]
        tried = subprocess.run(pip, capture_output=True, text=True)
        if tried.returncode != 0:
            return None, (tried.stderr.strip().splitlines() or ["pip failed"])[-1]
    return inner, None


def version(python):
    told = subprocess.run([python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], capture_output=True)
    return told.stdout.decode().strip()


def measure(concadvise, python, kind, share, threads, seconds):
    """The truth and the report's measure of one run, as parts of one."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "truth.json"
        words = [python, WORKLOAD, kind, seconds, out, share, threads]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [concadvise, "--no-trials", "--", *words]
        ran = subprocess.run([str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True)
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr)
        truth = json.loads(out.read_text())
        profile = tomllib.loads((Path(folder) / "concadvise.toml").read_text())["profile"]
    return min(truth["held"] / truth["cpu"], 1.0), profile


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=8.0)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--python", action="append", type=Path)
    arguments.add_argument("--only", default="", help="cases whose name has this in it")
    arguments.add_argument("--concadvise", type=Path, default=ROOT / "target/release/concadvise")
    given = arguments.parse_args()
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} CPUs, {given.seconds:g} s a run")
    print(f"{'CPython':9} {'work':22} {'truth':>7} {'measured':>9} {'error':>7}  {'inferred':8} {'GIL wait':>8}")
    errors = []
    for python in given.python or interpreters():
        name = version(python)
        for case, kind, share, threads in CASES * given.rounds:
            if given.only not in case:
                continue
            inner, why = with_numpy(python) if kind == "numpy" else (python, None)
            if inner is None:
                print(f"{name:9} {case:22} skipped: {why}")
                continue
            truth, profile = measure(given.concadvise, inner, kind, share, threads, given.seconds)
            measured = profile.get("gil_share")
            waits = f"{profile['blocked']['gil']:8.1%}"
            inferred = {True: "yes", False: "no"}.get(profile.get("gil_inferred"), "")
            if measured is None:
                busy = f"{profile['on_cpu_share']:.1%} on a core"
                print(f"{name:9} {case:22} {truth:7.1%} {'none told':>9} {'':7}  {inferred:8} {waits}  ({busy})")
                continue
            error = 100 * (measured - truth)
            errors.append(error)
            print(f"{name:9} {case:22} {truth:7.1%} {measured:9.1%} {error:+7.1f}  {inferred:8} {waits}", flush=True)
    within = sum(abs(error) <= GOAL for error in errors)
    rms = (sum(error**2 for error in errors) / max(len(errors), 1)) ** 0.5
    print(f"{within} of {len(errors)} rows within {GOAL:g} points; root mean square {rms:.1f}; load {os.getloadavg()[0]:.2f}")
    return 0 if errors and within == len(errors) else 1


if __name__ == "__main__":
    sys.exit(main())
