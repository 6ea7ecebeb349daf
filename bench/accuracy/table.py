"""Regret and what else the records say, as tables. Reads records only; measures nothing."""

import statistics
from collections import Counter

from advise import advised
from settings import SEQUENTIAL, Setting, naive
from sweep import cost_s

CLASSES = ["cpu-bound", "io-bound", "mixed", "inconclusive"]
# Differences below this are not called worse: as large as what remains of the noise after the rounds.
NOISE = 0.03
# Share of the machine used by others, above which no figure should be quoted.
LOADED = 0.2


class Judged:
    """One workload: times relative to the best setting known."""

    def __init__(self, record):
        self.record, self.about = record, record.known["about"]
        self.settings = {name: Setting(**told) for name, told in record.known["settings"].items()}
        self.by_sweep = {
            name: statistics.median(run["wall_s"] for run in runs)
            for name, runs in record.known["runs"].items() if runs and all("wall_s" in run for run in runs)
        }
        self.swept_best = min((name for name in self.by_sweep if name in self.settings), key=self.by_sweep.get)
        self._floor = min([1.0, *(self._against_best(name) for name in self._again())])
        self.best = min([self.swept_best, *self._again()], key=self._against_best)

    def _again(self) -> set:
        return {name for each in self.record.known["final"] for name in each}

    def _against_best(self, name: str) -> float:
        """Median over the rounds of its time over that of the sweep's best in the same round; else by the sweep."""
        pairs = [each[name] / each[self.swept_best] for each in self.record.known["final"]
                 if each.get(name) and each.get(self.swept_best)]
        if pairs:
            return statistics.median(pairs)
        return self.by_sweep.get(name, float("inf")) / self.by_sweep[self.swept_best]

    def regret(self, setting: Setting) -> float:
        """Time over the best, minus one; infinite when it failed."""
        return self._against_best(setting.name) / self._floor - 1

    def speedup(self, setting: Setting) -> float:
        """Against one after another, by the same rounds."""
        return self._against_best(SEQUENTIAL.name) / self._against_best(setting.name)

    def elsewhere(self) -> list:
        """What the rest of the machine used, run by run."""
        return [run["elsewhere"] for runs in self.record.known["runs"].values() for run in runs]


def percentile(values: list, share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 100) // 100) - 1))]


def percent(value: float) -> str:
    """Rounded to what can be known."""
    return "failed" if value == float("inf") else f"{100 * value:.1f} %" if value < 10 else f"{1 + value:.0f}×"


def each_workload(judged: list, mode: str) -> None:
    """A row per workload."""
    print(f"\n## {mode}\n")
    print(f"{'workload':20} {'label':10} {'judged':12} {'best of the sweep':32} {'time':>7}  {'advice':32} "
          f"{'regret':>8} {'said':>6} {'got':>6} {'trials/sweep':>12}")
    for each in judged:
        advice, known = each.record.known["advice"].get(mode), each.record.known
        if advice is None:
            continue
        if "error" in advice:
            print(f"{each.record.name:20} {each.about['label']['class']:10} no advice: {advice['error']}")
            continue
        setting = advised(advice, each.about)
        mark = "" if advice["setting"] else " (abstained)"
        mark += " *" if advice["setting"] and advice["setting"]["model"] != setting.model else ""
        said = f"{advice['speedup']:5.2f}×" if advice["speedup"] else ""
        print(f"{each.record.name:20} {each.about['label']['class']:10} {advice['class'] or '?':12} {each.best:32} "
              f"{each.by_sweep.get(each.best, each.by_sweep[each.swept_best]):6.2f}s  {setting.name + mark:32} "
              f"{percent(each.regret(setting)):>8} {said:>6} {each.speedup(setting):5.2f}× "
              f"{100 * advice['trial_s'] / cost_s(each.record):10.1f} %")


def choosers(judged: list, modes: list) -> dict:
    """Each mode's and each naive rule's regrets, by workload."""
    found = {f"concadvise, {mode}": {
        each.record.name: each.regret(advised(advice, each.about)) for each in judged
        if (advice := each.record.known["advice"].get(mode)) and "error" not in advice
    } for mode in modes}
    for rule in naive(judged[0].about):
        found[rule] = {each.record.name: each.regret(setting) for each in judged
                       if (setting := naive(each.about)[rule]) is not None}
    return {who: regrets for who, regrets in found.items() if regrets}


def regrets(judged: list, modes: list) -> None:
    """Side by side, and where a mode is worse than a rule."""
    rows = choosers(judged, modes)
    print(f"\n{'regret: time over the best, minus one':52} {'tasks':>5} {'median':>8} {'p90':>8} {'p95':>8} "
          f"{'worst':>8}  worst on")
    for who, by_name in rows.items():
        values = list(by_name.values())
        worst = max(by_name, key=by_name.get)
        print(f"{who:52} {len(values):5} {percent(statistics.median(values)):>8} {percent(percentile(values, 0.9)):>8} "
              f"{percent(percentile(values, 0.95)):>8} {percent(by_name[worst]):>8}  {worst}")
    for mode in modes:
        ours = rows.get(f"concadvise, {mode}", {})
        beaten = {name: [rule for rule, by_name in rows.items() if not rule.startswith("concadvise")
                         and by_name.get(name, float("inf")) < ours[name] - NOISE] for name in ours}
        beaten = {name: rules for name, rules in beaten.items() if rules}
        print(f"\n{mode}: worse than a naive rule by more than {100 * NOISE:.0f} points: "
              f"{len(beaten)} of {len(ours)}")
        for name in sorted(beaten, key=ours.get, reverse=True):
            print(f"  {name:20} {percent(ours[name]):>8}  {'; '.join(beaten[name])}")


def predictions(judged: list, modes: list) -> None:
    """Speed-up said against got, and what the trials cost."""
    for mode in modes:
        pairs = [(advice, each.speedup(advised(advice, each.about)), advice["trial_s"] / cost_s(each.record))
                 for each in judged if (advice := each.record.known["advice"].get(mode)) and "error" not in advice]
        said = [(advice, got) for advice, got, _ in pairs
                if advice["speedup"] and advice["setting"]["model"] != "sequential"]
        if said:
            errors = [abs(advice["speedup"] / got - 1) for advice, got in said]
            held = [advice["low"] <= got <= advice["high"] for advice, got in said if advice["low"] and advice["high"]]
            print(f"\n{mode}: speed-up said against got, {len(said)} tasks: error median "
                  f"{percent(statistics.median(errors))}, p95 {percent(percentile(errors, 0.95))}; "
                  f"its 90 % interval held {sum(held)} of {len(held)}")
        if pairs:
            costs = [cost for _, _, cost in pairs]
            print(f"{mode}: trials over sweep: median {percent(statistics.median(costs))}, most {percent(max(costs))}; "
                  f"{sum(advice['trial_s'] for advice, _, _ in pairs):.0f} s of trials against "
                  f"{sum(cost_s(each.record) for each in judged):.0f} s of sweeps")


def classes(judged: list, modes: list) -> None:
    """The confusion matrix."""
    for mode in modes:
        seen = Counter((each.about["label"]["class"], advice.get("class") or "inconclusive") for each in judged
                       if (advice := each.record.known["advice"].get(mode)))
        if not seen:
            continue
        total, right = sum(seen.values()), sum(count for (label, found), count in seen.items() if label == found)
        abstained = sum(count for (_, found), count in seen.items() if found == "inconclusive")
        print(f"\n{mode}: class right on {right} of {total}, abstained on {abstained}")
        print(f"  {'labelled, judged →':18}" + "".join(f"{found:>14}" for found in CLASSES))
        for label in CLASSES[:3]:
            print(f"  {label:18}" + "".join(f"{seen[label, found] or '·':>14}" for found in CLASSES))


def everything(records: list, modes: list) -> None:
    """All tables, of the workloads that were swept."""
    judged = [Judged(record) for record in records if record.known["swept"]]
    unswept = [record.name for record in records if not record.known["swept"]]
    if not judged:
        print("nothing was swept yet: bench/accuracy/run.py sweep")
        return
    modes = [mode for mode in modes if any(mode in each.record.known["advice"] for each in judged)]
    for mode in modes:
        each_workload(judged, mode)
    regrets(judged, modes)
    predictions(judged, modes)
    classes(judged, modes)
    load = statistics.median(share for each in judged for share in each.elsewhere())
    host = judged[0].record.known["host"]
    print(f"\n{host['cpus']} CPUs ({host['cpu']}), {host['python']}; everything else, our servers included, used "
          f"{100 * load:.0f} % of the machine in the median run{': LOADED MACHINE' if load > LOADED else ''}. "
          "Regret is the median of at least three rounds in which the best of the sweep and the others ran in turn. "
          "* advised a model that the workload has no function for: the next alternative counts. N× is N times the "
          "best time")
    quick = [each.record.name for each in judged if each.record.known["swept"] == "quick"]
    if quick:
        print(f"swept quickly, with every second rung and no repeats: {len(quick)} of {len(judged)}")
    if unswept:
        print(f"not swept: {', '.join(unswept)}")
