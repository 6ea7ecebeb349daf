#!/usr/bin/env python3
"""The speed-ups that articles on Python's concurrency claim, beside what they are here.

    python3 bench/ratios/run.py [--rounds 5]

The claims are those of five articles (2025 and 2026), sequential being 1.0×; they name no worker counts, so ours is the
best of a few, and the count is printed. Each round runs everything in an order shuffled anew; a ratio is the median
over the rounds of sequential over this, within the round, with the pool's start in it. The executor, the servers and
the environment are the accuracy benchmark's.
"""

import argparse
import os
import random
import signal
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ACCURACY = HERE.parent / "accuracy"
sys.path.insert(0, str(ACCURACY))

import corpus  # noqa: E402
import measure  # noqa: E402
from services import Services  # noqa: E402
from settings import SEQUENTIAL, Setting  # noqa: E402

COLUMNS = ["threads", "processes", "asyncio"]
# Row, our workload, and the claimed (least, most) of each column.
CLAIMS = [
    ("CPU-bound", "cpu", {"threads": (1, 1), "processes": (7, 8), "asyncio": (1, 1)}),
    ("network, low latency", "network_low", {"threads": (3, 5), "processes": (2, 4), "asyncio": (5, 10)}),
    ("network, high latency", "network_high", {"threads": (8, 15), "processes": (6, 12), "asyncio": (15, 50)}),
    ("disk", "disk_synced", {"threads": (2, 3), "processes": (1, 2), "asyncio": (1, 2)}),
    ("disk", "disk_cached", {"threads": (2, 3), "processes": (1, 2), "asyncio": (1, 2)}),
]
# The cores of the machine that the claim for computing in processes speaks of.
CLAIMED_CORES = 8
WORKERS = [2, 4, 8, 16, 32, 64]
# Measured against claimed: closer than this to the claimed range is inside it.
TOLERANCE = 0.1


def candidates(column: str, about: dict) -> list:
    """The settings whose best stands for the column; without an async function, asyncio's threads."""
    counts = [count for count in WORKERS if count < about["items"]]
    if about["label"]["class"] == "cpu-bound" and not about["needs"]:
        counts = [count for count in counts if count <= 4]
    if column == "asyncio":
        model = "asyncio" if about["atask"] else "asyncio+threads"
        return [Setting(model, count) for count in counts]
    return [Setting(column, count, 1, "fork" if column == "processes" else None) for count in counts]


def rounds(workload: str, columns: dict, environment: dict, count: int) -> list:
    """Seconds of each setting, round by round."""
    settings = [SEQUENTIAL, *(each for settings in columns.values() for each in settings)]
    done = []
    for number in range(count):
        order = random.Random(number).sample(settings, len(settings))
        done.append({each.name: measure.once(workload, each, environment, 120).get("wall_s") for each in order})
    return done


def best(settings: list, done: list) -> tuple:
    """The highest median ratio and whose it is."""
    found = []
    for setting in settings:
        ratios = [each[SEQUENTIAL.name] / each[setting.name] for each in done
                  if each[setting.name] and each[SEQUENTIAL.name]]
        if ratios:
            found.append((statistics.median(ratios), setting))
    return max(found, key=lambda pair: pair[0]) if found else (float("nan"), None)


def verdict(ratio: float, claim: tuple) -> str:
    """Where the measured ratio is against the claimed range."""
    least, most = claim
    if ratio < least * (1 - TOLERANCE):
        return "below"
    return "above" if ratio > most * (1 + TOLERANCE) else "as claimed"


def span(claim: tuple) -> str:
    """A claimed range."""
    least, most = claim
    return f"{least:g}×" if least == most else f"{least:g}–{most:g}×"


def main() -> None:
    """Measures and prints."""
    # Asked to end, we end what we started: servers stop on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus.environment()
    corpus.path = lambda name: HERE / "workloads" / f"{name}.py"
    kit = {"PYTHONPATH": str(ACCURACY / "workloads")}
    cpus = len(os.sched_getaffinity(0))
    print(f"sequential = 1.0×; {cpus} CPUs ({corpus.host()['cpu']}), {corpus.host()['python']}, "
          f"load {os.getloadavg()[0]:.1f} at the start\n")
    print(f"{'row of the articles':22} {'our task':28} {'model':16} {'claimed':>9} {'measured':>9} {'workers':>7}")
    with Services(corpus.PYTHON, corpus.DATA) as services:
        environment = services.environment | kit
        for row, workload, claims in CLAIMS:
            measure.ask("setup", workload, environment)
            about = measure.ask("describe", workload, environment)
            columns = {column: candidates(column, about) for column in COLUMNS}
            done = rounds(workload, columns, environment, options.rounds)
            for column in COLUMNS:
                ratio, setting = best(columns[column], done)
                claim, note = claims[column], ""
                if workload == "cpu" and column == "processes":
                    claim = tuple(each * cpus / CLAIMED_CORES for each in claim)
                    note = f" (of {span(claims[column])} on {CLAIMED_CORES} cores)"
                model = setting.model if setting else column
                print(f"{row:22} {about['label']['about']:28} {model:16} {span(claim):>9} {ratio:8.2f}× "
                      f"{setting.workers if setting else '':>7}  {verdict(ratio, claim)}{note}", flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end; on a busy machine many workers get more of the cores, "
          "and look better than they are")


if __name__ == "__main__":
    main()
