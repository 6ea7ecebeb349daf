"""Runs a command that computes for some 50 ms: the work is in the children, and so is the speed-up."""

import asyncio
import subprocess
import sys

LABEL = {"class": "cpu-bound", "about": "subprocesses that compute"}
ITEMS = range(55)
COMMAND = [sys.executable, "-I", "-S", "-c", "print(sum(i * i for i in range(400_000)))"]


def task(item):
    return int(subprocess.run(COMMAND, check=True, capture_output=True).stdout)


async def atask(item):
    process = await asyncio.create_subprocess_exec(*COMMAND, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    return int(out)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
