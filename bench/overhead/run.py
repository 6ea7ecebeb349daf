#!/usr/bin/env python3
"""What being watched costs the watched: concadvise beside its peers, and with each mechanism off, as ratios.

    cargo build --release && python3 bench/overhead/run.py [--rounds 9] [--tools NAME,...] [--targets NAME,...]

A target times itself from its first line to its last, so a tool's own start does not count as slow-down. Each run
under a tool stands between two bare runs, and its ratio is to their mean: a machine that drifts within seconds moves
all three. Targets and tools come in an order shuffled anew each round. Printed per pair: the median of the ratios with
a 95 % bootstrap interval; and the tool's own CPU: that of the whole command, minus what the target accounts for itself,
minus the same difference of the bare runs. The row `bare` is a bare run treated as if it were a tool: what of all this
is noise. At the end: what each tool adds to the time of a command that does nothing.

py-spy, austin and scalene come from PyPI into a private environment under `target/bench-venv`, perf and strace from
the system; a tool that cannot be had or run is a row that says why.
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
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "targets"
# austin-dist 4 needs a newer C library than Debian 12 has.
PACKAGES = ["py-spy", "austin-dist==3.7.0", "scalene"]
MECHANISMS = ["switches", "kinds", "gil", "stacks", "memory", "counters"]
TARGETS = {
    "CPU loop": ["cpu_loop.py"],
    "8-thread mix": ["thread_mix.py", "8"],
    "16-thread mix": ["thread_mix.py", "16"],
    "600 processes": ["short_processes.py"],
    "200 threads": ["many_threads.py", "200"],
    "1000 threads": ["many_threads.py", "1000"],
    "100k switches/s": ["ping_pong.py"],
}
DOES_NOTHING = ["/bin/true"]


def environment() -> Path:
    """The private environment with the peers in it, made on first use."""
    venv = ROOT / "target" / "bench-venv"
    if not (venv / "bin" / "scalene").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        for package in PACKAGES:
            subprocess.run([str(venv / "bin" / "pip"), "install", "-q", package], check=False)
    return venv / "bin"


def tools(concadvise: Path, bin_dir: Path, scratch: Path) -> dict:
    """Each tool's command prefix, or the reason why it is not in the race."""
    page = str(scratch / "report.toml")

    def ours(*without: str):
        if not concadvise.exists():
            return f"{concadvise} is not built: cargo build --release"
        options = ["--without", ",".join(without)] if without else []
        return [str(concadvise), "--quiet", "--no-trials", "--output", page, *options, "--"]

    perf = shutil.which("perf") or "perf"
    known = {"bare": [], "concadvise": ours()}
    known |= {f"  without {mechanism}": ours(mechanism) for mechanism in MECHANISMS}
    known |= {
        "  without all": ours(*MECHANISMS),
        "perf stat": [perf, "stat", "-o", str(scratch / "stat.txt"), "--"],
        "perf record": [perf, "record", "-q", "-o", str(scratch / "perf.data"), "--"],
        "py-spy free": [str(bin_dir / "py-spy"), "record", "--nonblocking", "-o", str(scratch / "spy.svg"), "--"],
        "py-spy record": [str(bin_dir / "py-spy"), "record", "-o", str(scratch / "spy.svg"), "--"],
        "austin 10 ms": [str(bin_dir / "austin"), "-i", "10ms", "-o", str(scratch / "austin.txt")],
        "scalene": [str(bin_dir / "scalene"), "run", "--cpu-only", "-o", str(scratch / "scalene.json")],
        "strace -c -f": ["strace", "-c", "-f", "-o", str(scratch / "strace.txt")],
    }
    for name, prefix in known.items():
        if isinstance(prefix, list) and prefix and not shutil.which(prefix[0]):
            known[name] = f"{prefix[0]} is not installed"
    return known


def command(tool: str, prefix: list, words: list, told: Path) -> list:
    """The words to run: scalene is given the script alone, because it is the interpreter."""
    script = [str(FOLDER / words[0]), str(told), *words[1:]]
    return [*prefix, *script] if tool == "scalene" else [*prefix, sys.executable, *script]


def run_once(tool: str, prefix: list, words: list, scratch: Path) -> dict:
    """One run: the target's own times, the CPU of everything that ran, and what concadvise says of itself."""
    told, report = scratch / "told.json", scratch / "report.toml"
    told.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command(tool, prefix, words, told),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not told.exists():
        said = done.stderr.decode(errors="replace").split()
        raise RuntimeError(f"exit status {done.returncode}: {' '.join(said)[-120:] or 'nothing was said'}")
    own = json.loads(told.read_text())
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    sampling = tomllib.loads(report.read_text())["sampling"] if report.exists() else {}
    return {
        "wall": own["wall_s"],
        "beside": spent - own["cpu_s"],
        "watching": sampling.get("own_cpu_s"),
        "memory": sampling.get("own_memory_bytes"),
    }


def interval(values: list, draws: int = 2000) -> tuple:
    """95 % bootstrap interval of the median, seeded so that a printed table can be made again."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def race(rounds: int, targets: dict, runnable: dict, scratch: Path, broken: dict) -> dict:
    """All runs, each with the bare one before it and the one after it."""
    results = {}
    for number in range(rounds):
        rng = random.Random(number)
        for target in rng.sample(list(targets), len(targets)):
            words = targets[target]
            bare = run_once("bare", [], words, scratch)
            for tool in rng.sample(list(runnable), len(runnable)):
                if (target, tool) in broken:
                    continue
                try:
                    run = run_once(tool, runnable[tool], words, scratch)
                except RuntimeError as error:
                    broken[target, tool] = str(error)
                    continue
                before, bare = bare, run_once("bare", [], words, scratch)
                results.setdefault((target, tool), []).append((run, before, bare))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return results


def starting(rounds: int, runnable: dict, scratch: Path) -> None:
    """Prints what each tool adds to a command that does nothing: from the tool's start to its end."""
    def timed(words: list) -> float:
        began = time.perf_counter()
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False, cwd=scratch)
        return time.perf_counter() - began

    print(f"\n{'added to a command that does nothing':36} {'median':>8}")
    for tool, prefix in runnable.items():
        if tool not in ("scalene", "bare"):
            added = [timed([*prefix, *DOES_NOTHING]) - timed(DOES_NOTHING) for _ in range(3 * rounds)]
            print(f"{tool:36} {1000 * statistics.median(added):5.1f} ms")


def table(targets: dict, runnable: dict, results: dict) -> None:
    """Prints the rows."""
    print(f"{'target':16} {'tool':18} {'slow-down':>9}  {'95 % interval':>15} {'own CPU':>9} {'watching':>9} {'memory':>8}")
    for target in targets:
        for tool in runnable:
            runs = results.get((target, tool), [])
            if not runs:
                continue
            ratios = [2 * run["wall"] / (before["wall"] + after["wall"]) for run, before, after in runs]
            low, high = interval(ratios)
            wall = statistics.median(run["wall"] for run, _, _ in runs)
            beside = statistics.median(
                run["beside"] - (before["beside"] + after["beside"]) / 2 for run, before, after in runs
            )
            told = [run["watching"] for run, _, _ in runs if run["watching"] is not None]
            watching = f"{100 * statistics.median(told) / wall:7.2f} %" if told else ""
            kept = [run["memory"] for run, _, _ in runs if run["memory"] is not None]
            memory = f"{max(kept) / 1e6:5.1f} MB" if kept else ""
            print(
                f"{target:16} {tool:18} {statistics.median(ratios):8.3f}×  {low:6.3f} to {high:5.3f} "
                f"{100 * beside / wall:7.2f} % {watching:>9} {memory:>8}"
            )


def main() -> None:
    """Runs the rounds and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tools", help="only these, separated by commas; `concadvise`, `perf stat`, `without gil`")
    parser.add_argument("--targets", help="only these, separated by commas")
    parser.add_argument("--concadvise", type=Path, default=ROOT / "target" / "release" / "concadvise")
    options = parser.parse_args()
    if os.environ.get("CARGO_TARGET_DIR") and not options.concadvise.exists():
        options.concadvise = Path(os.environ["CARGO_TARGET_DIR"]) / "release" / "concadvise"

    def chosen(of: dict, names: str) -> dict:
        wanted = [name.strip() for name in names.split(",")] if names else [name.strip() for name in of]
        unknown = set(wanted) - {name.strip() for name in of}
        if unknown:
            parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(name.strip() for name in of)}")
        return {name: value for name, value in of.items() if name.strip() in wanted}

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        known = chosen(tools(options.concadvise, environment(), scratch), options.tools)
        targets = chosen(TARGETS, options.targets)
        runnable = {name: prefix for name, prefix in known.items() if isinstance(prefix, list)}
        broken = {("every target", name): why for name, why in known.items() if isinstance(why, str)}
        results = race(options.rounds, targets, runnable, scratch, broken)
        table(targets, runnable, results)
        for (target, tool), why in broken.items():
            print(f"{target:16} {tool:18} not measured: {why}")
        starting(options.rounds, runnable, scratch)


if __name__ == "__main__":
    main()
