#!/usr/bin/env python3
"""How good the advice is: concadvise against an exhaustive sweep, on real tasks with real libraries.

    cargo build --release && python3 bench/accuracy/run.py all

    run.py sweep  [--only NAME …]                      every setting of the grid, cached; goes on where it stopped
    run.py advise [--only NAME …] --mode twin,task     asks concadvise and re-measures its answer beside the best
    run.py table  [--only NAME …] --mode twin,task     the tables of what is known
    run.py all                                         the three, workload by workload
    run.py check  [--only NAME …]                      whether each workload runs and agrees under every model
    run.py serve -- COMMAND                            a command with the servers running and their addresses set

Workloads are `workloads/NAME.py`; what is measured is kept in `target/bench-accuracy`, and forgotten when a workload,
its libraries or the host change. PostgreSQL and Redis come from the system (`apt-get install postgresql
redis-server`), Python's libraries from PyPI into `target/bench-venv-accuracy`. Needs Python 3.11.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import check
import corpus
import measure
import table
from advise import MODES, advise, advised, available, finish
from services import Services
from settings import Setting
from sweep import Sweep, cost_s


def swept(record: corpus.Record, environment: dict, quick: bool) -> Sweep:
    """The workload's sweep, complete."""
    sweep, began = Sweep(record, environment, quick), time.monotonic()
    if sweep.complete():
        sweep.settings = {name: Setting(**told) for name, told in record.known["settings"].items()}
    else:
        sweep.sweep()
        best = sweep.best()
        print(f"{record.name}: {len(sweep.settings)} settings, best {best.name} {sweep.time(best):.2f} s, "
              f"sweep {cost_s(record):.0f} s, now {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}",
              file=sys.stderr, flush=True)
    return sweep


def asked(sweep: Sweep, binary: Path, modes: list) -> None:
    """Advice in each mode, and the rounds."""
    answers = [advise(binary, mode, sweep) for mode in modes]
    settings = [advised(answer, sweep.record.known["about"]) for answer in answers]
    for mode, answer, setting in zip(modes, answers, settings):
        said = answer.get("error") or f"{setting.name}, {answer['class']}"
        print(f"{sweep.record.name}: {mode}: {said}", file=sys.stderr, flush=True)
    finish(sweep, [setting for setting in settings if setting])


def work(options, records: list) -> None:
    """Sweeps and asks, workload by workload."""
    for mode in list(options.mode if options.what in ("advise", "all") else []):
        if not available(options.concadvise, mode):
            print(f"mode {mode} is not available: {options.concadvise} does not know --{mode}", file=sys.stderr)
            options.mode.remove(mode)
    with Services(corpus.PYTHON, corpus.DATA) as services:
        for name, why in services.missing.items():
            print(f"no {name}: {why}", file=sys.stderr)
        for record in records:
            try:
                about = record.known["about"] or Sweep(record, services.environment).look()
                lacking = [need for need in about["needs"] if need in services.missing]
                if lacking:
                    print(f"{record.name}: left out, needs {', '.join(lacking)}", file=sys.stderr)
                    continue
                if options.what == "check":
                    print(f"{record.name}: {'; '.join(check.check(record.name, services.environment)) or 'agrees'}")
                    continue
                if options.what == "advise" and not record.known["swept"]:
                    print(f"{record.name}: left out, not swept yet", file=sys.stderr)
                    continue
                sweep = swept(record, services.environment, options.quick)
                if options.what != "sweep":
                    asked(sweep, options.concadvise, options.mode)
            except measure.Failed as error:
                print(f"{record.name}: {error}", file=sys.stderr)


def main() -> None:
    """Does one of the commands."""
    # Asked to end, we end what we started: servers stop on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    words, command = sys.argv[1:], []
    if "--" in words:
        words, command = words[:words.index("--")], words[words.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["sweep", "advise", "table", "all", "check", "serve"])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these workloads")
    parser.add_argument("--mode", default=",".join(MODES), help="of twin, task, rerun; separated by commas")
    parser.add_argument("--concadvise", type=Path, default=corpus.TARGET / "release" / "concadvise")
    parser.add_argument("--quick", action="store_true", help="every second rung and no repeats: a look, no judgement")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    options = parser.parse_args(words)
    options.mode = options.mode.split(",")
    for word in set(options.only) - set(corpus.names()):
        parser.error(f"no workload {word}: known are {', '.join(corpus.names())}")
    for word in set(options.mode) - set(MODES):
        parser.error(f"no mode {word}: known are {', '.join(MODES)}")
    if options.what in ("advise", "all") and not options.concadvise.exists():
        parser.error(f"{options.concadvise} is not built: cargo build --release")
    corpus.environment()
    if options.what == "serve":
        with Services(corpus.PYTHON, corpus.DATA) as services:
            path = {"PATH": f"{corpus.PYTHON.parent}:{os.environ.get('PATH', '')}"}
            variables = {**os.environ, **services.environment, **path}
            sys.exit(subprocess.run(command, env=variables, check=False).returncode)
    names = options.only or corpus.names()
    if options.what != "table":
        work(options, [corpus.Record(name, options.fresh) for name in names])
    if options.what in ("table", "advise", "all"):
        table.everything([corpus.Record(name) for name in names], options.mode)


if __name__ == "__main__":
    main()
