"""Asks `concadvise gate` about recorded reports: one accepted as the baseline, one or more judged beside it."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from runs import Run

# What `gate --runs` is by default.
RUNS = 4


class Judge:
    """With its baselines in a folder that goes when it does."""

    def __init__(self, binary: Path):
        self._binary, self._folder = binary, tempfile.TemporaryDirectory(prefix="concadvise-bench-gate-")
        self._accepted: dict = {}
        # Where CI is set, nothing is accepted, and a target's output is fenced.
        self._environment = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS")}

    def _gate(self, *words) -> subprocess.CompletedProcess:
        return subprocess.run([self._binary, "gate", *map(str, words)], cwd=self._folder.name, env=self._environment,
                              capture_output=True, text=True, check=False)

    def baseline(self, run: Run) -> tuple:
        """The run, accepted, and whether that took `--force`, because its evidence is inconclusive."""
        if run not in self._accepted:
            path = Path(self._folder.name) / f"{len(self._accepted)}.toml"
            ran = self._gate("--update", "--baseline", path, f"app={run.report}")
            forced = ran.returncode != 0
            if forced:
                ran = self._gate("--update", "--force", "--baseline", path, f"app={run.report}")
            if ran.returncode != 0:
                raise SystemExit(f"{run.report} is not accepted: {ran.stderr}")
            self._accepted[run] = path, forced
        return self._accepted[run]

    def judge(self, before: Run, *now: Run, rules: Path | None = None) -> dict:
        """The judgement on those runs together, with `verdict`, `reasons`, `fails`, and whether `forced`."""
        baseline, forced = self.baseline(before)
        more = ["--rules", rules] if rules else []
        ran = self._gate("--baseline", baseline, "--format", "json", *more, *(f"app={run.report}" for run in now))
        if ran.returncode not in (0, 1, 4):
            raise SystemExit(f"gate {before.report} {[str(run.report) for run in now]}: {ran.stderr}")
        return json.loads(ran.stdout)["targets"][0] | {"forced": forced}

    def in_the_end(self, before: Run, now: Run, more: list, rules: Path | None = None) -> tuple:
        """What the gate says of one run, and what it says in the end: it says itself whether it wants another, which are
        `more`, and comes to its end after as many as it would make. Where there are no more, one run has to do."""
        once = last = self.judge(before, now, rules=rules)
        made = [now]
        for run in more[: RUNS - 1]:
            if not last["run_again"]:
                break
            made.append(run)
            last = self.judge(before, *made, rules=rules)
        return once, last
