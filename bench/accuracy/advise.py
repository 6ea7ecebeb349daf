"""What concadvise advises for a workload in one mode; the rounds in which advice, best and rules run side by side."""

import hashlib
import random
import tempfile
import time
import tomllib
from functools import lru_cache
from pathlib import Path

import corpus
import measure
from settings import SEQUENTIAL, Setting, naive
from sweep import Sweep

MODES = ["twin", "task", "rerun"]
LIMIT_S = 600
ROUNDS = 3
# Naive rules worse than this by the sweep are not worth re-measuring: noise does not change what is said of them.
CLOSE = 1.5
MEASURABLE = ["sequential", "threads", "processes", "asyncio", "asyncio+threads", "asyncio+processes"]


@lru_cache(maxsize=None)
def helps(binary: Path) -> str:
    """What the binary says that it knows."""
    return "".join(measure.run([binary, *words], {}, 60)[1] for words in (["--help"], ["advise", "--help"]))


def available(binary: Path, mode: str) -> bool:
    """Whether the binary knows the mode."""
    return mode == "twin" or f"--{mode}" in helps(binary)


def words(binary: Path, mode: str, name: str, about: dict, report: Path) -> list:
    """The command."""
    command, script = [binary, "--quiet", "--output", report], corpus.path(name)
    if mode == "twin":
        return [*command, "--", corpus.PYTHON, script]
    if mode == "rerun":
        return [*command, "--rerun", "--", corpus.PYTHON, script]
    command += ["--task", f"{script}:task", "--items", "ITEMS"]
    command += ["--async-task", f"{script}:atask"] if about["atask"] else []
    command += ["--setup", f"{script}:setup"] if about["setup"] else []
    return command + (["--python", corpus.PYTHON] if "--python" in helps(binary) else [])


def identity(binary: Path) -> str:
    """By which a report of an older build is told from one of this build."""
    return hashlib.sha256(binary.read_bytes()).hexdigest()[:16]


def advise(binary: Path, mode: str, sweep: Sweep) -> dict:
    """One report, read; cached with the binary that wrote it."""
    record, kept = sweep.record, sweep.record.known["advice"]
    if kept.get(mode, {}).get("binary") == identity(binary):
        return kept[mode]
    about = sweep.look()
    with tempfile.TemporaryDirectory() as folder:
        report, began = Path(folder) / "report.toml", time.perf_counter()
        # Where the mode has no way to name an interpreter, the environment's is the first on the path.
        path = {"PATH": f"{corpus.PYTHON.parent}:/usr/local/bin:/usr/bin:/bin"}
        status, _, said = measure.run(
            words(binary, mode, record.name, about, report), sweep.environment | path, LIMIT_S, cwd=folder
        )
        took = time.perf_counter() - began
        told = tomllib.loads(report.read_text()) if report.exists() else {}
    advice = {"binary": identity(binary), "took_s": round(took, 2)}
    if told:
        advice |= understood(told, mode, took)
    else:
        advice |= {"error": f"status {status}, no report: {' '.join(said.split())[-200:]}"}
    kept[mode] = advice
    record.save()
    return advice


def understood(told: dict, mode: str, took: float) -> dict:
    """The report's answer in our words; a site's answer where the whole program has none."""
    answer = told.get("recommendation", {})
    if "model" not in answer and told.get("site"):
        answer = told["site"][0]
    others = [entry for entry in told.get("alternative", []) if entry["model"] in MEASURABLE]
    substituted = "model" in answer and answer["model"] not in MEASURABLE and bool(others)
    chosen = others[0] if substituted else answer
    profile, judged = told.get("profile", {}), told.get("classification", {})
    return {
        "setting": {key: chosen[key] for key in ("model", "workers", "chunk_size", "start_method") if key in chosen},
        "environment": dict(pair.split("=", 1) for pair in told.get("task", {}).get("environment", [])),
        "others": [{key: each[key] for key in ("model", "workers") if key in each} for each in others],
        "substituted": substituted,
        "speedup": answer.get("speedup"), "low": answer.get("speedup_low"), "high": answer.get("speedup_high"),
        "confidence": answer.get("confidence"), "rule": answer.get("rule"), "class": judged.get("class"),
        "bottleneck": judged.get("bottleneck"), "doubts": answer.get("doubts", []),
        # The twin watches a run that the user wanted anyway; the other modes run the work because of us alone.
        "trial_s": round(took - (profile.get("wall_s", 0) if mode == "twin" else 0), 2),
    }


def advised(advice: dict, about: dict) -> Setting | None:
    """The setting to look up. No advice means that the program stays as it is; a model that this workload has no
    function for gives way to the next that it has."""
    if "error" in advice:
        return None
    said = advice["setting"]
    choices = [said] if said else []
    choices += advice["others"] if said and said["model"] == "asyncio" and not about["atask"] else []
    for choice in choices:
        if choice["model"] in MEASURABLE and not (choice["model"] == "asyncio" and not about["atask"]):
            return setting(choice, advice["environment"])
    return SEQUENTIAL


def setting(choice: dict, environment) -> Setting:
    """A report's words as a setting of ours."""
    model, pool = choice["model"], choice["model"] in ("processes", "asyncio+processes")
    if model == "sequential":
        return SEQUENTIAL
    variables = environment if isinstance(environment, dict) else {}
    inner = next((int(value) for key, value in variables.items() if key.endswith("_NUM_THREADS")), None)
    method = choice.get("start_method", "fork") if pool else None
    return Setting(model, choice.get("workers", 1), choice.get("chunk_size", 1) or 1, method, inner)


def finish(sweep: Sweep, chosen: list) -> None:
    """Measures the best, the advised, and what of the naive rules is near, in alternating rounds.

    The best of a grid is a minimum over noisy runs and looks better than it is; so it runs again, beside the others.
    Rounds that lack a setting are followed by rounds that have it.
    """
    record, about = sweep.record, sweep.record.known["about"]
    best = sweep.best()
    for each in chosen:
        sweep.at_least(each, 1)
    near = [each for each in naive(about).values() if each and sweep.time(each) <= CLOSE * sweep.time(best)]
    wanted = {each.name: each for each in [SEQUENTIAL, best, *chosen, *near]}
    rounds = record.known["final"]
    while missing := [name for name in wanted if sum(name in each for each in rounds) < ROUNDS]:
        names = {best.name, *missing}
        order = random.Random(len(rounds)).sample(sorted(names), len(names))
        took = {name: measure.once(record.name, wanted[name], sweep.environment, sweep.limit()) for name in order}
        rounds.append({name: run.get("wall_s") for name, run in took.items()})
        record.save()
