"""Runs the executor on one workload at one setting, in a process group of its own that is ended with it."""

import json
import os
import resource
import signal
import subprocess
import time

import corpus
from settings import Setting, cpus


class Failed(Exception):
    """A workload could not be run; says why."""


def run(words: list, environment: dict, limit_s: float, **more) -> tuple:
    """A command's status, standard output and error; the group that it leads is ended when it takes too long."""
    process = subprocess.Popen(
        [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", env={**os.environ, **environment}, start_new_session=True, **more,
    )
    try:
        out, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        out, said = "", f"it took longer than {limit_s:.0f} s"
    finally:
        if process.poll() is None:  # Not yet reaped, so the group's number is still ours.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
        process.stderr.close()
    return process.returncode, out, said


def ask(what: str, name: str, environment: dict, *more: str, limit_s: float = 300) -> dict:
    """The executor's answer."""
    words = [corpus.PYTHON, corpus.EXECUTOR, what, corpus.path(name), *more]
    status, out, said = run(words, environment, limit_s)
    if status != 0 or not out.strip():
        raise Failed(f"{name} could not {what} {' '.join(more)}: {' '.join(said.split())[-200:]}")
    return json.loads(out.splitlines()[-1])


def busy_s() -> float:
    """CPU seconds that the whole machine has spent computing."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def once(name: str, setting: Setting, environment: dict, limit_s: float) -> dict:
    """One run: its time or its error, what it cost us to find out, and what the rest of the machine used meanwhile."""
    before, busy, own = time.perf_counter(), busy_s(), resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        told = ask("measure", name, environment | setting.environment(), json.dumps(setting.told()), limit_s=limit_s)
        answer = {"wall_s": round(told["wall_s"], 5), "results": told["results"]}
    except Failed as error:
        answer = {"error": str(error)}
    cost = time.perf_counter() - before
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime
    elsewhere = max(0.0, busy_s() - busy - spent) / cost / cpus()
    return answer | {"cost_s": round(cost, 3), "elsewhere": round(elsewhere, 3)}
