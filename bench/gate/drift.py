"""(c) Nothing but the rules, or nothing but the machine, changed: nothing may fail."""

import plan
import rules
from judging import Judge
from pairs import GROUNDS, Tally
from runs import Run


def runs(variant, form: str, ground: str) -> list:
    """Those that were made."""
    return [run for run in (Run(variant, form, ground, number) for number in range(100)) if run.there("")]


def of_rules(samples: dict, judge: Judge) -> dict:
    """By edit: recorded runs judged under edited rules, and runs made under them, in both directions."""
    found = {}
    for edit in rules.EDITS:
        tally = Tally()
        for sample in samples.values():
            for form in sample.forms:
                usual = [run for ground in GROUNDS for run in runs(sample, form, ground)]
                for place, (before, now) in enumerate(zip(usual, usual[1:])):
                    tally.add(before, now, usual[place + 2:], judge, rules.edited(edit))
        for name in plan.UNDER_EDITS:
            usual = [run for ground in ("calm", "busy") for run in runs(samples[name], "plain", ground)]
            for edited in runs(samples[name], "plain", edit):
                for place, own in enumerate(usual[:3]):
                    tally.add(own, edited, [edited], judge, rules.edited(edit))
                    tally.add(edited, own, usual[place + 1:], judge)
        found[edit] = tally
    return found


def of_machine(samples: dict, judge: Judge) -> dict:
    """By (machine, direction): on less of a machine than the baseline's, and on more."""
    found: dict = {}
    for machine in plan.MACHINES:
        for sample in samples.values():
            for form in sample.forms:
                usual = [run for ground in ("calm", "busy") for run in runs(sample, form, ground)]
                less = runs(sample, form, machine)
                for place, run in enumerate(less):
                    again = [*less[place + 1:], *less[:place]] or [run]
                    for at, own in enumerate(usual[:4]):
                        found.setdefault((machine, "less than the baseline's"), Tally()).add(own, run, again, judge)
                        found.setdefault((machine, "more than the baseline's"), Tally()).add(run, own, usual[at + 1:], judge)
    return found
