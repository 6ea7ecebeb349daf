"""Runs a command that waits 40 ms, as for a remote tool."""

import asyncio
import subprocess

LABEL = {"class": "io-bound", "about": "subprocesses that wait 40 ms"}
ITEMS = range(50)


def task(item):
    return subprocess.run(["sleep", "0.04"], check=True).returncode


async def atask(item):
    process = await asyncio.create_subprocess_exec("sleep", "0.04")
    return await process.wait()


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
