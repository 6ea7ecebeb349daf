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
    """Its calm runs; where there are fewer than two, busy ones too."""
    calm, busy = ([run for run in (Run(variant, form, ground, number) for number in range(100)) if run.there("")]
                  for ground in ("calm", "busy"))
    return calm if len(calm) > 1 else [*calm, *busy]


def rows(changes: list[Change], judge: Judge, reverse: bool) -> list:
    """Each change with as many tries as there are runs that may be a baseline: those that `gate --update` refuses are
    none, unless there is no other. Every try begins with another run of what was changed."""
    found = []
    for change in changes:
        for form in change.forms:
            befores, afters = made(change.before, form), made(change.after, form)
            if reverse:
                befores, afters = afters, befores
            befores = [run for run in befores if not judge.baseline(run)[1]] or befores
            starts = [place for place in range(0, len(afters), 2)][:TRIES]
            tries = [(before, afters[place:] + afters[:place]) for before, place in zip(befores, starts)]
            both = [judge.in_the_end(before, runs[0], runs[1:]) for before, runs in tries]
            others = max((run.told["elsewhere_cpus"] for before, runs in tries for run in [before, *runs]), default=0.0)
            once, said = [first for first, _ in both], [last for _, last in both]
            found.append(Row(change, reverse, form, truth.flip(change, reverse), said, once, others))
    return found
