"""(b) Injected changes: what concadvise's gate said of each, beside what the change truly did to the best model."""

from dataclasses import dataclass

import truth
from judging import Judge
from programs import Change
from runs import Run


# Judgements on each change.
TRIES = 2


@dataclass
class Row:
    """One change, or its undoing, in one form."""

    change: Change
    reverse: bool
    form: str
    flip: truth.Flip | None
    # What the gate said in the end, try by try: judgements.
    said: list
    once: list
    # CPUs that others used during these runs, at most.
    elsewhere: float

    @property
    def caught(self) -> int:
        """Tries that fail."""
        return sum(judged["fails"] for judged in self.said)


def made(variant, form: str) -> list:
    """Its runs, calm ones first."""
    runs = [Run(variant, form, ground, number) for ground in ("calm", "busy") for number in range(100)]
    return [run for run in runs if run.there("")]


def rows(changes: list[Change], judge: Judge, reverse: bool) -> list:
    """Each change with as many tries as there are pairs of runs of what was changed; every try has its own baseline."""
    found = []
    for change in changes:
        for form in change.forms:
            befores, afters = made(change.before, form), made(change.after, form)
            if reverse:
                befores, afters = afters, befores
            tries = list(zip(befores[:TRIES], afters[0::2], afters[1::2]))
            both = [judge.twice(before, now, again) for before, now, again in tries]
            others = max((run.told["elsewhere_cpus"] for tried in tries for run in tried), default=0.0)
            once, said = [first for first, _ in both], [last for _, last in both]
            found.append(Row(change, reverse, form, truth.flip(change, reverse), said, once, others))
    return found
