#!/usr/bin/env python3
"""What being watched costs the watched: concadvise beside perf stat, py-spy and austin, in one run, as ratios.

    cargo build --release && python3 bench/overhead/run.py [--rounds 9] [--concadvise PATH]

Each round runs every (target, tool) pair once, in an order shuffled anew, so that drift of the machine hits all
alike. A target times itself from its first line to its last, so a tool's own start does not count as slow-down.
Printed per pair: the median over rounds of (time under the tool / bare time of the same round) with a 95 % bootstrap
interval, and the tool's own CPU-seconds: CPU of the whole command, minus what the target accounts for itself, minus
the same difference of the bare run. py-spy and austin come from PyPI into a private environment under
`target/bench-venv`; a tool that cannot be had or run is a row that says why.
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = Path(__file__).resolve().parent / "targets"
# austin-dist 4 needs a newer C library than Debian 12 has.
PACKAGES = ["py-spy", "austin-dist==3.7.0"]


def environment() -> Path:
    """The private environment with the peers in it, made on first use."""
    venv = ROOT / "target" / "bench-venv"
    if not (venv / "bin" / "py-spy").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "-q", *PACKAGES], check=False)
    return venv / "bin"


def tools(concadvise: Path, bin_dir: Path, scratch: Path) -> dict:
    """Each tool's command prefix, or the reason why it is not in the race."""
    ours = [str(concadvise), "--quiet", "--no-trials", "--output", str(scratch / "report.toml"), "--"]
    known = {
        "bare": [],
        "concadvise": ours if concadvise.exists() else f"{concadvise} is not built: cargo build --release",
        "perf stat": [shutil.which("perf") or "perf", "stat", "-o", str(scratch / "perf.txt"), "--"],
        "py-spy record": [str(bin_dir / "py-spy"), "record", "-o", str(scratch / "spy.svg"), "--"],
        "py-spy free": [str(bin_dir / "py-spy"), "record", "--nonblocking", "-o", str(scratch / "spy.svg"), "--"],
        "austin 10 ms": [str(bin_dir / "austin"), "-i", "10ms", "-o", str(scratch / "austin.txt")],
    }
    for name, prefix in known.items():
        if isinstance(prefix, list) and prefix and not shutil.which(prefix[0]):
            known[name] = f"{prefix[0]} is not installed"
    return known


def run_once(prefix: list, target: Path, scratch: Path) -> dict:
    """One run: the target's own times, and the CPU of everything that ran."""
    told = scratch / "told.json"
    told.unlink(missing_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*prefix, sys.executable, str(target), str(told)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not told.exists():
        said = done.stderr.decode(errors="replace").split()
        raise RuntimeError(f"exit status {done.returncode}: {' '.join(said)[-120:] or 'nothing was said'}")
    own = json.loads(told.read_text())
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return {"wall": own["wall_s"], "beside": spent - own["cpu_s"]}


def interval(values: list, draws: int = 2000) -> tuple:
    """95 % bootstrap interval of the median, seeded so that a printed table can be made again."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def main() -> None:
    """Runs the rounds and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--concadvise", type=Path, default=ROOT / "target" / "release" / "concadvise")
    options = parser.parse_args()
    if os.environ.get("CARGO_TARGET_DIR") and not options.concadvise.exists():
        options.concadvise = Path(os.environ["CARGO_TARGET_DIR"]) / "release" / "concadvise"

    targets = sorted(path for path in TARGETS.glob("*.py") if not path.stem.startswith("_"))
    results, broken = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        known = tools(options.concadvise, environment(), scratch)
        runnable = {name: prefix for name, prefix in known.items() if isinstance(prefix, list)}
        broken.update({("every target", name): why for name, why in known.items() if isinstance(why, str)})
        for number in range(options.rounds):
            pairs = [(target, tool) for target in targets for tool in runnable]
            random.Random(number).shuffle(pairs)
            for target, tool in pairs:
                if (target.stem, tool) in broken:
                    continue
                try:
                    results.setdefault((target.stem, tool), []).append(run_once(runnable[tool], target, scratch))
                except RuntimeError as error:
                    broken[target.stem, tool] = str(error)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)

    print(f"{'target':15} {'tool':14} {'slow-down':>9}  {'95 % interval':>15} {'own CPU s':>9} {'of a core':>9}")
    for target in targets:
        bare = results[(target.stem, "bare")]
        for tool in runnable:
            runs = results.get((target.stem, tool), [])
            if (target.stem, tool) in broken:
                continue
            ratios = [run["wall"] / base["wall"] for run, base in zip(runs, bare)]
            low, high = interval(ratios)
            beside = statistics.median(run["beside"] - base["beside"] for run, base in zip(runs, bare))
            wall = statistics.median(run["wall"] for run in runs)
            print(
                f"{target.stem:15} {tool:14} {statistics.median(ratios):8.3f}×  {low:6.3f} to {high:5.3f} "
                f"{beside:9.3f} {100 * beside / wall:7.1f} %"
            )
    for (target, tool), why in broken.items():
        print(f"{target:15} {tool:14} not measured: {why}")


if __name__ == "__main__":
    main()
