"""Which model is best for a variant, established without concadvise: every model at several worker counts, timed.

All settings run once; then those near the best, and the best of each model, run in further rounds, in an order shuffled
anew each round, so that a disturbance meets all of them alike. Medians are compared.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass

import machine
from programs import DATA, HERE, Change, Variant

# Simplest first; of models within so much of the best the simplest is the answer, as concadvise has it.
MODELS, TOLERANCE = ["sequential", "threads", "asyncio", "processes"], 0.05
THREADS, LOOPS, PROCESSES = (2, 8, 32), (8, 64), (2, 8, 16)
ROUNDS, CLOSE, LIMIT_S = 4, 1.3, 60
# What a flip must be worth.
GAIN = 1.10


def settings(variant: Variant) -> list:
    """(model, workers, chunk) to be tried."""
    found = [("sequential", 1, 1)] + [("threads", workers, 1) for workers in THREADS]
    if "async def task" in variant.text:
        found += [("asyncio", workers, 1) for workers in LOOPS]
    found += [("processes", workers, 1) for workers in PROCESSES]
    return found + [("processes", 2, 6), ("processes", 2, 5000)]


def once(variant: Variant, setting: tuple, environment: dict) -> float:
    """Seconds; infinite when it cannot run so."""
    words = [sys.executable, HERE / "executor.py", variant.file, *setting]
    process = subprocess.Popen([*map(str, words)], cwd=variant.folder, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        out = process.communicate(timeout=LIMIT_S)[0]
    except subprocess.TimeoutExpired:
        out = ""
    finally:
        if process.poll() is None:  # Not yet reaped, so the group's number is still ours.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return float(out) if process.returncode == 0 and out else float("inf")


@dataclass(frozen=True)
class Truth:
    """Times of one variant by setting."""

    times: dict
    # CPUs that others used meanwhile.
    elsewhere: float

    def time(self, setting: tuple) -> float:
        """Median; infinite when it failed or was not tried."""
        runs = self.times.get(setting, [float("inf")])
        return statistics.median(runs)

    def best_of(self, model: str) -> tuple:
        """The best setting of a model."""
        return min((setting for setting in self.times if setting[0] == model), key=self.time,
                   default=(model, 0, 0))

    def answer(self) -> tuple:
        """The simplest setting among those within the tolerance of the best."""
        best = min(map(self.time, self.times))
        near = [model for model in MODELS if self.time(self.best_of(model)) <= best * (1 + TOLERANCE)]
        return self.best_of(near[0])

    def loss(self, setting: tuple, model_alone: bool = True) -> float:
        """How many times the best it takes to keep that model at its best, or that very setting."""
        kept = self.best_of(setting[0]) if model_alone else setting
        return self.time(kept) / min(map(self.time, self.times))


def path(variant: Variant):
    """Where its times are kept."""
    return DATA / "truth" / f"{variant.name}.json"


def known(variant: Variant) -> Truth | None:
    """What was measured."""
    file = path(variant)
    told = json.loads(file.read_text()) if file.exists() else {}
    if told.get("program") != variant.fingerprint():
        return None
    times = {tuple(row["setting"]): [float(time) for time in row["times"]] for row in told["settings"]}
    return Truth(times, told["elsewhere_cpus"])


def measure(variant: Variant, environment: dict, rounds: int = ROUNDS) -> Truth:
    """Measures it, and keeps that."""
    environment = {**os.environ, **environment}
    times: dict = {setting: [] for setting in settings(variant)}
    truth, shuffle, watch = Truth(times, 0.0), random.Random(variant.name), machine.Elsewhere()
    for setting in shuffle.sample(list(times), len(times)):
        times[setting].append(once(variant, setting, environment))
    for _ in range(rounds - 1):
        best = min(map(truth.time, times))
        of_model = {truth.best_of(model) for model in MODELS}
        near = [each for each in times if truth.time(each) <= CLOSE * best or each in of_model and truth.time(each) < 20]
        for setting in shuffle.sample(near, len(near)):
            times[setting].append(once(variant, setting, environment))
    path(variant).parent.mkdir(parents=True, exist_ok=True)
    rows = [{"setting": setting, "times": [str(round(time, 4)) for time in runs]} for setting, runs in times.items()]
    told = {"program": variant.fingerprint(), "elsewhere_cpus": round(watch.cpus(), 2), "settings": rows}
    path(variant).write_text(json.dumps(told))
    return Truth(times, told["elsewhere_cpus"])


@dataclass(frozen=True)
class Flip:
    """What a change did to the best model, by times alone."""

    before: tuple
    after: tuple
    elsewhere: float
    # Keeping the old model at its best, in times of the new best; and keeping the old setting.
    model_loss: float
    setting_loss: float

    @property
    def is_true(self) -> bool:
        """Whether the model is another one, and keeping the old one at its very best costs 10 % or more."""
        return self.before[0] != self.after[0] and self.model_loss >= GAIN

    @property
    def resizes(self) -> bool:
        """Whether the model may be kept, and keeping its old setting costs 10 % or more all the same: a change of the
        answer that may fail as well as not."""
        return not self.is_true and self.setting_loss >= GAIN


def flip(change: Change, reverse: bool = False) -> Flip | None:
    """What the change did, or its undoing; None when that was not measured."""
    ends = [known(change.before), known(change.after)]
    if None in ends:
        return None
    before, after = reversed(ends) if reverse else ends
    old = before.answer()
    return Flip(old, after.answer(), max(before.elsewhere, after.elsewhere), after.loss(old), after.loss(old, model_alone=False))
