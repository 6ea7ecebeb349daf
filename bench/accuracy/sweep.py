"""The exhaustive sweep of one workload, cached run by run, so that it goes on where it was interrupted.

First every lane (a model, with and without chunks) climbs the ladder of worker counts, all lanes rung by rung in turn,
until it is clearly past its knee. Then chunk sizes and start methods are varied around the best number of processes.
What is within twice the best is run a second time, what is within 1.3 times the best a third, in an order shuffled
anew each time; the rest is too far off for noise to matter. What the naive rules choose is part of the grid.
"""

import random
import statistics
import sys

import measure
from corpus import Record
from settings import SEQUENTIAL, Setting, around, lanes, naive

# A setting may take so many times as long as one after another before it is given up.
PATIENCE = 3
PATIENCE_LEAST_S = 20
FIRST_S = 600
# Rungs without two per cent of gain, or clearly worse, after which a lane is past its knee.
FLAT, GAIN, WORSE = 3, 0.02, 1.3
# (runs, for what is within so many times the best)
REPEATS = [(2, 2.0), (3, 1.3)]


class Sweep:
    """One workload's measurements."""

    def __init__(self, record: Record, environment: dict, quick: bool = False):
        self.record, self.environment, self.quick = record, environment, quick
        self.runs = record.known["runs"]
        self.settings: dict[str, Setting] = {}

    def look(self) -> dict:
        """Prepares the workload's data and reads its label."""
        measure.ask("setup", self.record.name, self.environment)
        self.record.known["about"] = measure.ask("describe", self.record.name, self.environment)
        return self.record.known["about"]

    def time(self, setting: Setting) -> float:
        """Median so far; infinite when it failed or was never run."""
        walls = [run.get("wall_s", float("inf")) for run in self.runs.get(setting.name, [])]
        return statistics.median(walls) if walls else float("inf")

    def at_least(self, setting: Setting, times: int) -> float:
        """Runs it until there are so many runs; once only when it fails. The median."""
        self.settings[setting.name] = setting
        runs = self.runs.setdefault(setting.name, [])
        while len(runs) < times and not any("error" in run for run in runs):
            runs.append(measure.once(self.record.name, setting, self.environment, self.limit()))
            self.record.save()
        return self.time(setting)

    def limit(self) -> float:
        """Seconds after which a run is given up."""
        one_by_one = self.runs.get(SEQUENTIAL.name, [])
        # With its imports and the comparison of results, which are not timed and may take longer than the work.
        return max(PATIENCE_LEAST_S, PATIENCE * one_by_one[0]["cost_s"]) if one_by_one else FIRST_S

    def climb(self, about: dict) -> None:
        """All lanes, rung by rung."""
        open_lanes = {name: iter(settings) for name, settings in lanes(about, self.quick).items()}
        climbed = {name: [] for name in open_lanes}
        while open_lanes:
            for name in list(open_lanes):
                setting = next(open_lanes[name], None)
                if setting is not None:
                    climbed[name].append(self.at_least(setting, 1))
                if setting is None or past_its_knee(climbed[name]):
                    del open_lanes[name]

    def sweep(self) -> None:
        """Everything that is not known yet."""
        about = self.look()
        self.at_least(SEQUENTIAL, 1)
        if self.time(SEQUENTIAL) == float("inf"):
            raise measure.Failed(self.runs[SEQUENTIAL.name][0]["error"])
        self.climb(about)
        for setting in naive(about).values():
            if setting:
                self.at_least(setting, 1)
        processes = [setting for setting in self.settings.values() if setting.model == "processes"]
        for setting in around(min(processes, key=self.time), about["items"], self.quick):
            self.at_least(setting, 1)
        self.at_least(SEQUENTIAL, 1 if self.quick else 3)
        for times, within in [] if self.quick else REPEATS:
            close = [each for each in self.settings.values() if self.time(each) <= within * self.time(self.best())]
            for setting in random.Random(times).sample(close, len(close)):
                self.at_least(setting, times)
        self.record.known["swept"] = "quick" if self.quick else "full"
        self.record.known["settings"] = {name: vars(each) for name, each in self.settings.items()}
        self.record.save()
        self.doubt()

    def complete(self) -> bool:
        """Whether an earlier sweep did all that this one would."""
        return self.record.known["swept"] in (["quick", "full"] if self.quick else ["full"])

    def best(self) -> Setting:
        """The fastest by medians."""
        return min(self.settings.values(), key=self.time)

    def doubt(self) -> None:
        """Says where settings gave other results than one after another."""
        told = {run["results"] for run in self.runs[SEQUENTIAL.name] if "results" in run}
        for name, runs in self.runs.items():
            if {run["results"] for run in runs if "results" in run} - told:
                print(f"{self.record.name}: {name} gave other results than sequential", file=sys.stderr)


def past_its_knee(walls: list) -> bool:
    """Whether the last rungs gained nothing, or lost much."""
    best, since = float("inf"), 0
    for wall in walls:
        if wall < best * (1 - GAIN):
            since = 0
        else:
            since += 1
        best = min(best, wall)
    worse = [wall > WORSE * best for wall in walls[-2:]]
    return since >= FLAT or (len(walls) > 2 and all(worse))


def cost_s(record: Record) -> float:
    """What the sweep took, without interruptions."""
    return sum(run["cost_s"] for runs in record.known["runs"].values() for run in runs)
