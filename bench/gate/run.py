#!/usr/bin/env python3
"""How often `concadvise gate` is wrong: on unchanged code, and on changes that truly flip the best model.

    cargo build --release && python3 bench/gate/run.py all

    run.py collect [--only NAME …]   makes the runs that are not there, and times every model for the truth about changes
    run.py table                     judges what is there, and prints the tables
    run.py all                       both

Runs are recorded as reports in `target/bench-gate`, so it goes on where it was stopped, and judging them again costs a
minute. They are made again when their program changed, or a commit changed what reports carry (`--keep`: not then).
`--quick` makes a few of each. Status 1 when a goal of the table is missed.
"""

import argparse
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path

import machine
import plan
import table
import truth
from programs import DATA, ROOT, Variant, changes, samples
from runs import Recorder, measuring_commit

# CPUs that the rest of the machine may use while something is measured that should not be disturbed.
CALM = 0.5
# And on average over the run, else it was disturbed.
DISTURBED = 0.6
# And how often it is tried.
TRIES = 2


def collect(options, programs: dict, injected: list) -> None:
    """Makes what is missing."""
    commit = measuring_commit()
    kept = "" if options.keep else commit

    def is_missing(one) -> bool:
        if options.only and name_of(one) not in options.only:
            return False
        return truth.known(one) is None if isinstance(one, Variant) else not one.there(kept)

    calm = deque(filter(is_missing, plan.calm(programs, injected)))
    whenever = deque(filter(is_missing, plan.whenever(programs, options.quick)))
    again: dict = {}
    with machine.Server(ROOT) as server, machine.quota() as quota:
        if quota is None:
            print("no cgroup can be made here: NOTHING IS RUN UNDER A QUOTA", file=sys.stderr)
        recorder = Recorder(options.concadvise, server, quota, commit)
        while calm or whenever:
            if options.patient and not whenever and machine.elsewhere() > CALM:
                continue
            is_calm = bool(calm) and (not whenever or machine.elsewhere() <= CALM)
            one, began = (calm if is_calm else whenever).popleft(), time.monotonic()
            if isinstance(one, Variant):
                known = truth.known(one)
                if known is None or known.elsewhere > DISTURBED:
                    found = truth.measure(one, server.environment, 2 if options.quick else truth.ROUNDS)
                    say(calm, whenever, began, f"{one.name}: best is {found.answer()}, others {found.elsewhere:.1f} CPUs")
                    again[one] = again.get(one, 0) + 1
                    calm.extend([one] * (found.elsewhere > DISTURBED and again[one] < TRIES))
            elif not one.there(kept) and (one.ground != "quota" or quota):
                made = recorder.record(one)
                say(calm, whenever, began, f"{one.variant.name} {one.form} {one.ground} {one.number}")
                if made and one.ground == "calm" and one.told["elsewhere_cpus"] > DISTURBED:
                    # Somebody computed meanwhile: what was made is a run of the other sort.
                    one.becomes(one.next_free("busy"))
                    again[one] = again.get(one, 0) + 1
                    calm.extend([one] * (again[one] < TRIES))


def name_of(one) -> str:
    """Of the variant that is run or measured."""
    return one.name if isinstance(one, Variant) else one.variant.name


def say(calm: deque, whenever: deque, began: float, what: str) -> None:
    """A line of progress."""
    took, load = time.monotonic() - began, os.getloadavg()[0]
    print(f"{len(calm)} + {len(whenever)} left: {what}, {took:.1f} s, load {load:.1f}", file=sys.stderr, flush=True)


def main() -> None:
    """Does one of the commands."""
    # Asked to end, we end what we started: server, neighbour and cgroup go on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["collect", "table", "all"])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these programs and changes")
    parser.add_argument("--concadvise", type=Path, default=ROOT / "target" / "release" / "concadvise")
    parser.add_argument("--quick", action="store_true", help="few runs of each: a look, no judgement")
    parser.add_argument("--keep", action="store_true", help="keep runs of other commits")
    parser.add_argument("--patient", action="store_true", help="wait for calm moments also when nothing else is left")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables there too")
    options = parser.parse_args()
    if not options.concadvise.exists():
        parser.error(f"{options.concadvise} is not built: cargo build --release")
    DATA.mkdir(parents=True, exist_ok=True)
    programs, injected = samples(), changes()
    if options.what != "table":
        collect(options, programs, injected)
    if options.what != "collect":
        sys.exit(table.everything(options.concadvise, programs, injected, options.write))


if __name__ == "__main__":
    main()
