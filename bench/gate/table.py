"""The tables, from what was recorded; measures nothing but the time of judging. Says which goals are missed."""

import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import drift
import flips
import pairs
import plan
import speed
from judging import Judge
from pairs import Tally
from programs import HELD_OUT, ROOT, Change
from runs import Run

# Issue 6: false failures among pairs of unchanged runs, true flips that are caught, seconds to judge a report.
FALSE_MOST, CAUGHT_LEAST, FAST_S = 1 / 200, 0.95, 0.1
VERDICTS = ["unchanged", "improved", "warn", "incomparable", "inconclusive", "changed"]


def rows(head: list, body: list) -> str:
    """A table in markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def part(some: int, of: int) -> str:
    """`3 of 200 (1.5 %)`."""
    return f"{some} of {of} ({100 * some / of:.1f} %)" if of else "none"


def of_pairs(tallies: dict, what: str) -> tuple:
    """The table of (a), all of it in one tally, and what failed."""
    body = []
    for form, kind, held in sorted(tallies):
        tally = tallies[form, kind, held]
        shares = [tally.verdicts[verdict] for verdict in VERDICTS]
        ground = f"{kind[0]} → {kind[1]}{', held out' if held else ''}"
        body.append([form, ground, tally.refused, tally.judged, *shares, tally.runs, tally.once, tally.end])
    whole = Tally()
    for tally in tallies.values():
        whole = whole.merge(tally)
    body.append(["**all**", "", whole.refused, whole.judged, *(whole.verdicts[name] for name in VERDICTS),
                 whole.runs, whole.once, whole.end])
    head = ["form", what, "baseline refused", "judged", *VERDICTS, "runs it took", "failed by one run", "**failed in the end**"]
    return rows(head, body), whole


def of_flips(found: list) -> tuple:
    """The table of (b) and the tries: (true flips judged, caught, by one run), (controls judged, failed), and
    (other settings of the same model judged, failed)."""
    body, true, others, resized = [], Counter(), Counter(), Counter()
    for row in found:
        if row.flip is None or not row.said:
            body.append([row.change.name, row.form, row.change.about, "not measured", *[""] * 6])
            continue
        kind = "**yes**" if row.flip.is_true else "settings only" if row.flip.resizes else "no"
        counter = {"**yes**": true, "settings only": resized, "no": others}[kind]
        for mark in ["all", "held out"] if row.change.held_out else ["all"]:
            counter[mark] += len(row.said)
            counter[mark, "failed"] += row.caught
            counter[mark, "once"] += sum(judged["fails"] for judged in row.once)
            counter[mark, "changes"] += 1
        show = lambda setting: setting[0] if setting[0] == "sequential" else f"{setting[0]} {setting[1]}"  # noqa: E731
        verdicts = ", ".join(judged["verdict"] for judged in row.said)
        about = ("undone: " if row.reverse else "") + row.change.about + (" *(held out)*" if row.change.held_out else "")
        truth = f"{show(row.flip.before)} → {show(row.flip.after)}"
        said = {f"{judged['before']['model']} {judged['before']['workers']} → {judged['after']['model']} "
                f"{judged['after']['workers']}" for judged in row.said if "before" in judged}
        body.append([row.change.name, row.form, about, truth, gain(row.flip.model_loss), gain(row.flip.setting_loss),
                     kind, verdicts, "; ".join(sorted(said)),
                     f"{row.flip.elsewhere:.1f}, {row.elsewhere:.1f}"])
    head = ["change", "form", "what it does", "best, measured", "keeping the model costs", "keeping the setting costs",
            "true flip", "verdicts", "the answers judged",
            "CPUs used by others: truth, runs"]
    return rows(head, body), true, others, resized


def gain(times: float) -> str:
    """`+85 %`."""
    return "cannot be kept" if times == float("inf") else f"{100 * (times - 1):+.0f} %"


def of_drift(tallies: dict) -> tuple:
    """The table of (c)."""
    body, whole = [], Tally()
    for name, tally in tallies.items():
        whole = whole.merge(tally)
        body.append([" ".join(name) if isinstance(name, tuple) else name, tally.refused, tally.judged,
                     *(tally.verdicts[verdict] for verdict in VERDICTS), tally.once, tally.end])
    head = ["what changed", "baseline refused", "judged", *VERDICTS, "failed by one run", "**failed in the end**"]
    return rows(head, body), whole


def of_ground(samples: dict, changes: list) -> str:
    """How disturbed the runs were."""
    variants = [*samples.values(), *(change.after for change in changes)]
    body = []
    for ground in [*pairs.GROUNDS, *plan.MACHINES]:
        told = [run.told for variant in variants for form in variant.forms for run in
                (Run(variant, form, ground, number) for number in range(100)) if run.there("")]
        if told:
            others = sorted(one["elsewhere_cpus"] for one in told)
            cost = statistics.median(one["cost_s"] for one in told)
            body.append([ground, len(told), f"{statistics.median(others):.2f}", f"{others[len(others) * 9 // 10]:.2f}",
                         f"{cost:.1f} s", ", ".join(sorted({one["commit"] for one in told}))])
    return rows(["ground", "runs", "CPUs used by others, median", "90th percentile", "a run takes", "measured at"], body)


def everything(binary: Path, samples: dict, changes: list[Change], write: Path | None) -> int:
    """Judges all, prints all; 1 when a goal is missed."""
    judge, missed, out = Judge(binary), [], []
    head = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True)
    out.append(f"# How often `concadvise gate` is wrong\n\nJudged at commit {head.stdout.strip()}, "
               f"{os.cpu_count()} CPUs. Grounds of the runs (calm: others used less than 0.6 CPUs; busy: they used more; "
               f"noisy: a neighbour of ours computed too):\n\n{of_ground(samples, changes)}")
    goal(out, missed, samples, changes, judge)
    for title, reverse in [("(b) Injected changes", False), ("(b) The same changes undone", True)]:
        page, true, others, resized = of_flips(flips.rows(changes, judge, reverse))
        caught, held = true["all", "failed"], true["held out", "failed"]
        out.append(f"## {title}\n\n{page}\n\nTrue flips: {true['all', 'changes']} changes in a form, caught "
                   f"{part(caught, true['all'])} tries, by one run {part(true['all', 'once'], true['all'])}; held out "
                   f"{part(held, true['held out'])}. Controls: failed {part(others['all', 'failed'], others['all'])}. Where only other "
                   f"settings of the model are better by 10 %: failed {part(resized['all', 'failed'], resized['all'])}, "
                   f"which is as right as not.")
        if true["all"] and caught / true["all"] < CAUGHT_LEAST:
            missed.append(f"{title}: {part(caught, true['all'])} caught, goal {CAUGHT_LEAST:.0%}")
    for title, found in [("(c) Nothing but the rules changed", drift.of_rules(samples, judge)),
                         ("(c) Nothing but the machine changed", drift.of_machine(samples, judge))]:
        page, whole = of_drift(found)
        out.append(f"## {title}\n\n{page}{alarms(whole)}")
        if whole.end:
            missed.append(f"{title}: {whole.end} failures, goal 0")
    first, second = [run for ground in pairs.GROUNDS for run in drift.runs(samples["fetch"], "task", ground)][:2]
    median, longest = speed.offline_s(binary, first.report, second.report)
    out.append(f"## (d) Offline\n\nJudging a recorded report takes {1000 * median:.1f} ms (median of {speed.TIMES}, longest "
               f"{1000 * longest:.1f} ms), the process's start included.")
    if median >= FAST_S:
        missed.append(f"(d) {1000 * median:.0f} ms, goal {1000 * FAST_S:.0f} ms")
    out.append("## Goals missed\n\n" + ("\n".join(f"- {line}" for line in missed) or "none"))
    page = "\n\n".join(out) + "\n"
    print(page)
    if write:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(page)
    return 1 if missed else 0


def goal(out: list, missed: list, samples: dict, changes: list, judge: Judge) -> None:
    """(a), both ways of pairing."""
    for what, pairing in [("disjoint", pairs.disjoint), ("crossed", pairs.crossed)]:
        page, whole = of_pairs(pairs.tally(samples, changes, judge, pairing), f"ground of a {what} pair")
        open_ = whole.verdicts["inconclusive"] + whole.verdicts["incomparable"]
        out.append(f"## (a) Unchanged code, {what} pairs\n\n{page}\n\nFailed in the end: "
                   f"{part(whole.end, whole.judged)}, by one run {part(whole.once, whole.judged)}; inconclusive or "
                   f"incomparable: {part(open_, whole.judged)}. Held out: {', '.join(sorted(HELD_OUT))}, "
                   f"and the changes that are marked so.{alarms(whole)}")
        if whole.judged and whole.end / whole.judged > FALSE_MOST:
            missed.append(f"(a) {what}: {part(whole.end, whole.judged)} failed, goal {FALSE_MOST:.1%}")


def alarms(whole: Tally, most: int = 40) -> str:
    """What failed, in full."""
    lines = [f"- {line}" for line in whole.false_alarms[:most]]
    more = len(whole.false_alarms) - most
    return "\n\n" + "\n".join(lines + ([f"- and {more} more"] if more > 0 else [])) if lines else ""


if __name__ == "__main__":
    sys.exit("run.py table")
