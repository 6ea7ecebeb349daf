#!/usr/bin/env python3
"""`concadvise check` beside `ruff check --select ASYNC --no-cache`, on the same tree.

    python3 bench/check/run.py --ruff target/ruffenv/bin/ruff [--tree FOLDER] [--rounds 15]

The tree is this Python's own standard library when none is named. The two alternate, which of them begins changes from
round to round, and the ratio is the median over the rounds of ours over theirs within the round: never a time alone,
and never across machines. `--all` also times us with every word of every finding in each file, so that each file is
parsed and walked: what a project costs in which all files are concurrent.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

# What makes any file one that may have a finding.
WORDS = b"\n# async def concurrent.futures multiprocessing threading cpu_count\n"


def took(command):
    """Seconds that a command takes. It may find something, so its status is not looked at."""
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def compare(name, ours, theirs, rounds):
    """Prints the median ratio, and the range of the middle half."""
    ratios = []
    for number in range(rounds + 1):
        commands = [ours, theirs] if number % 2 else [theirs, ours]
        times = {id(command): took(command) for command in commands}
        if number:  # The first round fills the page cache.
            ratios.append(times[id(ours)] / times[id(theirs)])
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{name}: {middle:.2f} of ruff's time (middle half {low:.2f} to {high:.2f}, {rounds} rounds)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concadvise", default="target/release/concadvise")
    parser.add_argument("--ruff", default="ruff")
    parser.add_argument("--tree", type=Path, default=Path(sysconfig.get_paths()["stdlib"]))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()

    def pair(tree):
        ours = [options.concadvise, "check", "--format", "json", str(tree)]
        theirs = [options.ruff, "check", "--isolated", "--no-cache", "--select", "ASYNC", str(tree)]
        return ours, theirs

    compare("as it is", *pair(options.tree), options.rounds)
    if options.all:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "tree"
            shutil.copytree(options.tree, copy, ignore=shutil.ignore_patterns("site-packages", "__pycache__"))
            for path in copy.rglob("*.py"):
                path.write_bytes(path.read_bytes() + WORDS)
            compare("every file parsed and walked", *pair(copy), options.rounds)


if __name__ == "__main__":
    sys.exit(main())
