"""Runs of `concadvise`, recorded as reports in `target/bench-gate/runs`, each made once.

A run is made again when its program changed, or a commit changed what a report carries; not when only the judging did,
for judging is asked again of the recorded reports.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import machine
import rules
from programs import DATA, ROOT, Variant

# What a report's content comes from.
MEASURING = ["classify", "host", "observe", "profile", "recommendation", "sys", "target", "trial"]
LIMIT_S = 180


@dataclass(frozen=True)
class Run:
    """One run of one variant: in which form (task, plain), on which ground (calm, busy: while others worked on the
    machine, noisy: beside a neighbour of ours, one-cpu, quota, or a name of edited rules), and which of several."""

    variant: Variant
    form: str
    ground: str
    number: int

    @property
    def report(self) -> Path:
        """Where its report is, or is to be."""
        return DATA / "runs" / self.variant.name / f"{self.form}-{self.ground}-{self.number}.toml"

    @property
    def told(self) -> dict:
        """What is known of how it was made; nothing when it was not."""
        path = self.report.with_suffix(".json")
        return json.loads(path.read_text()) if path.exists() and self.report.exists() else {}

    def next_free(self, ground: str) -> "Run":
        """The first of that ground that was not made."""
        number = 0
        while (run := replace(self, ground=ground, number=number)).told:
            number += 1
        return run

    def becomes(self, other: "Run") -> None:
        """Its report is that of the other from now on."""
        for suffix in (".toml", ".json"):
            self.report.with_suffix(suffix).replace(other.report.with_suffix(suffix))

    def there(self, commit: str) -> bool:
        """Whether it need not be made."""
        told = self.told
        return told.get("program") == self.variant.fingerprint() and commit in ("", told.get("commit"))


def measuring_commit() -> str:
    """The last commit that changed what reports carry."""
    paths = ["rules", *(f"src/{stage}" for stage in MEASURING)]
    words = ["git", "log", "-1", "--format=%h", "--", *paths]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


class Recorder:
    """Makes the runs that are not there."""

    def __init__(self, binary: Path, server: machine.Server, quota, commit: str):
        # Builds go on beside a bench of an hour; what measures stays the one that it began with.
        self.binary = DATA / f"concadvise-{commit}"
        if not self.binary.exists():
            self.binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(binary, self.binary)
        self.environment, self.quota, self.commit = {**os.environ, **server.environment}, quota, commit

    def record(self, run: Run) -> bool:
        """Makes one; whether there is a report."""
        run.report.parent.mkdir(parents=True, exist_ok=True)
        draft = run.report.with_suffix(".draft")
        words = [self.binary, "--quiet", "--output", draft]
        if run.ground in rules.EDITS:
            words += ["--rules", rules.edited(run.ground)]
        prepare = {"one-cpu": machine.pin, "quota": machine.enter(self.quota) if self.quota else None}.get(run.ground)
        before, watch = time.perf_counter(), machine.Elsewhere()
        with ExitStack() as beside:
            if run.ground == "noisy":
                beside.enter_context(machine.neighbour())
            process = subprocess.Popen(
                [*map(str, words), *run.variant.words(run.form)], cwd=run.variant.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                start_new_session=True, preexec_fn=prepare,
            )
            try:
                said = process.communicate(timeout=LIMIT_S)[1]
            except subprocess.TimeoutExpired:
                said = f"it took longer than {LIMIT_S} s"
            finally:
                if process.poll() is None:  # Not yet reaped, so the group's number is still ours.
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
        if not draft.exists():
            print(f"{run.report.stem} of {run.variant.name}: no report: {said.strip()[-300:]}", file=sys.stderr)
            return False
        cost = time.perf_counter() - before
        told = {"program": run.variant.fingerprint(), "commit": self.commit, "cost_s": round(cost, 2),
                "elsewhere_cpus": round(watch.cpus(), 2)}
        run.report.with_suffix(".json").write_text(json.dumps(told))
        draft.replace(run.report)
        return True
