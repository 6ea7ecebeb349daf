"""Waits 15 ms and computes 10 ms in pure Python."""

import asyncio
import time

LABEL = {"class": "mixed", "about": "wait 15 ms, compute 10 ms"}
ITEMS = range(90)


def computed(item):
    value = item
    for step in range(150_000):
        value = (value * 31 + step) & 0x3FFFFFFF
    return value


def task(item):
    time.sleep(0.015)
    return computed(item)


async def atask(item):
    await asyncio.sleep(0.015)
    return computed(item)


async def aoffload(item, run):
    await asyncio.sleep(0.015)
    return await run(computed, item)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
