"""(a) Unchanged code: pairs of runs of one program, one accepted, the other judged. Whatever fails is a false alarm.

Disjoint pairs share no run, so they are as many experiments as there are pairs; crossed pairs are all ordered pairs of
distinct runs of a cell: more of them, and not independent. Where the gate would run again, other runs on that ground are
what it would have made. A run that `gate --update` refuses, because its evidence is inconclusive, is nobody's baseline:
it is counted, and not judged.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from judging import Judge
from programs import HELD_OUT, Change
from runs import Run

# Of a baseline's ground and a run's.
GROUNDS = ["calm", "busy", "noisy"]
KINDS = [(before, now) for before in GROUNDS for now in GROUNDS]


@dataclass
class Tally:
    """Verdicts on pairs."""

    verdicts: Counter = field(default_factory=Counter)
    # Failed by a single run, and in the end.
    once: int = 0
    end: int = 0
    # Whose baseline would have been refused.
    refused: int = 0
    # Runs that it took.
    runs: int = 0
    false_alarms: list = field(default_factory=list)

    def add(self, before: Run, now: Run, more: list, judge: Judge, rules: Path | None = None) -> None:
        """Judges one more."""
        if judge.baseline(before)[1]:
            self.refused += 1
            return
        first, last = judge.in_the_end(before, now, [run for run in more if run != before], rules)
        self.verdicts[last["verdict"]] += 1
        self.runs += last["runs"]
        self.once += first["fails"]
        self.end += last["fails"]
        if first["fails"] or last["fails"]:
            what, why = ("FAILS", last) if last["fails"] else ("once only", first)
            self.false_alarms.append(f"{what}: {label(before)} → {label(now)}: {why['reasons'][0]}")

    @property
    def judged(self) -> int:
        """How many."""
        return sum(self.verdicts.values())

    def merge(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.verdicts + other.verdicts, self.once + other.once, self.end + other.end,
                     self.refused + other.refused, self.runs + other.runs, self.false_alarms + other.false_alarms)


def label(run: Run) -> str:
    """`fetch task quiet 3`."""
    return f"{run.variant.name} {run.form} {run.ground} {run.number}"


def cells(samples: dict, changes: list[Change]) -> list:
    """(variant, whether it was held out, form, its runs by ground) as far as they were made. What was changed is code like
    any other, and its runs are of unchanged code."""
    variants = [(sample, sample.name in HELD_OUT) for sample in samples.values()]
    variants += [(change.after, change.held_out) for change in changes]
    found = []
    for variant, held in variants:
        for form in variant.forms:
            numbered = {ground: [Run(variant, form, ground, number) for number in range(100)] for ground in GROUNDS}
            made = {ground: [run for run in runs if run.there("")] for ground, runs in numbered.items()}
            found.append((variant, held, form, made))
    return found


def disjoint(runs: dict) -> list:
    """Pairs that share no run, of all kinds of grounds in turn."""
    left, pairs = {ground: list(some) for ground, some in runs.items()}, []
    while sum(map(len, left.values())) > 1:
        for one, other in KINDS:
            if len(left[one]) >= (2 if one == other else 1) and left[other]:
                pairs.append((left[one].pop(0), left[other].pop(0)))
    return pairs


def crossed(runs: dict) -> list:
    """All ordered pairs of distinct runs."""
    everyone = [run for some in runs.values() for run in some]
    return [(one, other) for one in everyone for other in everyone if one != other]


def others(now: Run, runs: list) -> list:
    """The runs after `now` on its ground, and then those before it."""
    place = runs.index(now)
    return [*runs[place + 1:], *runs[:place]]


def tally(samples: dict, changes: list[Change], judge: Judge, pairing) -> dict:
    """By (form, grounds, held out)."""
    found: dict = {}
    for _, held, form, runs in cells(samples, changes):
        for before, now in pairing(runs):
            one = found.setdefault((form, (before.ground, now.ground), held), Tally())
            one.add(before, now, others(now, runs[now.ground]), judge)
    return found
