"""(a) Unchanged code: pairs of runs of one program, one accepted, the other judged. Whatever fails is a false alarm.

Disjoint pairs share no run, so they are as many experiments as there are pairs; crossed pairs are all ordered pairs of
distinct runs of a cell: more of them, and not independent. Where the second run seems changed, a third run, neither of
the two, is what the gate's own second run would have been.
"""

from collections import Counter
from dataclasses import dataclass, field

from judging import Judge
from programs import HELD_OUT
from runs import Run

# Of a baseline's ground and a run's.
GROUNDS = ["calm", "busy", "noisy"]
KINDS = [(before, now) for before in GROUNDS for now in GROUNDS]


@dataclass
class Tally:
    """Verdicts on pairs."""

    verdicts: Counter = field(default_factory=Counter)
    # Failed by a single run, and after a confirming one.
    once: int = 0
    twice: int = 0
    false_alarms: list = field(default_factory=list)

    def add(self, before: Run, now: Run, again: Run, judge: Judge) -> None:
        """Judges one more."""
        first, last = judge.twice(before, now, again)
        self.verdicts[last["verdict"]] += 1
        self.once += first["fails"]
        self.twice += last["fails"]
        if first["fails"]:
            what = "FAILS" if last["fails"] else "once only"
            self.false_alarms.append(f"{what}: {label(before)} → {label(now)}: {first['reasons'][0]}")

    @property
    def judged(self) -> int:
        """Pairs with a baseline: evidence that is inconclusive is not accepted as one."""
        return sum(self.verdicts.values()) - self.verdicts["refused"]

    def merge(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.verdicts + other.verdicts, self.once + other.once, self.twice + other.twice,
                     self.false_alarms + other.false_alarms)


def label(run: Run) -> str:
    """`fetch task quiet 3`."""
    return f"{run.variant.name} {run.form} {run.ground} {run.number}"


def cells(samples: dict) -> list:
    """(program, form, its runs by ground) as far as they were made."""
    found = []
    for sample in samples.values():
        for form in sample.forms:
            numbered = {ground: [Run(sample, form, ground, number) for number in range(100)] for ground in GROUNDS}
            found.append((sample, form, {ground: [run for run in runs if run.there("")] for ground, runs in numbered.items()}))
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


def third(before: Run, now: Run, runs: list) -> Run:
    """The run after `now` on its ground that is neither of the two; `now` itself where there is none."""
    place = runs.index(now)
    others = [run for run in [*runs[place + 1:], *runs[:place]] if run not in (before, now)]
    return others[0] if others else now


def tally(samples: dict, judge: Judge, pairing) -> dict:
    """By (form, grounds, held out)."""
    found: dict = {}
    for sample, form, runs in cells(samples):
        for before, now in pairing(runs):
            one = found.setdefault((form, (before.ground, now.ground), sample.name in HELD_OUT), Tally())
            one.add(before, now, third(before, now, runs[now.ground]), judge)
    return found
