"""Which runs are made, in which order: such that whatever was made when somebody stops it is a fair part of the whole.

What is to be measured well (changes, their baselines, the truth) waits for moments in which the machine is calm, as far
as there is something else to do; the rest is there to be disturbed.
"""

import rules
from programs import Change
from runs import Run

CALM_ROUNDS, ROUNDS, QUICK_ROUNDS = 4, 6, 2
# Runs of each change, and of what it was made to: the gate makes two to three.
OF_CHANGE = 3
# Runs of each sample on another machine.
ELSEWHERE = 1
MACHINES = ["one-cpu", "quota"]
# Whose answer the edited rules are about.
UNDER_EDITS = ["fetch", "crawl", "digest", "primes"]


def alike(samples: dict, number: int, ground: str) -> list:
    """One round of runs of unchanged samples."""
    return [Run(sample, form, ground, number) for sample in samples.values() for form in sample.forms]


def calm(samples: dict, changes: list[Change]) -> list:
    """Runs to make, and variants to establish the truth of, while nobody else computes."""
    befores = {change.before.name: change.before for change in changes}.values()
    variants = [*befores, *(change.after for change in changes)]
    # Change by change, so that whatever there is when it is stopped can be judged.
    found: list = []
    for variant in variants:
        found += [Run(variant, "task", "calm", number) for number in range(OF_CHANGE)] + [variant]
    seen = {change.after.name for change in changes if "plain" in change.forms} | {one.name for one in befores}
    for variant in variants:
        found += [Run(variant, "plain", "calm", number) for number in range(OF_CHANGE) if variant.name in seen]
    return found + [run for number in range(CALM_ROUNDS) for run in alike(samples, number, "calm")]


def whenever(samples: dict, quick: bool) -> list:
    """Runs to make at any time."""
    machines = [Run(sample, form, machine, number) for number in range(ELSEWHERE) for sample in samples.values()
                for form in sample.forms for machine in MACHINES]
    # The synthetic workload, whose models the rules admit; a function of one's own is tried with every model.
    edits = [Run(samples[name], "plain", edit, 0) for name in UNDER_EDITS for edit in rules.EDITS]
    rounds = [[*alike(samples, number, "busy"), *alike(samples, number, "noisy")]
              for number in range(QUICK_ROUNDS if quick else ROUNDS)]
    # Functions of one's own first: where the machine is that busy, synthetic workloads hardly get to run.
    later = sorted((run for one in rounds[2:] for run in one), key=lambda run: (run.form != "task", run.number))
    return [*rounds[0], *rounds[1], *machines, *edits, *later]
