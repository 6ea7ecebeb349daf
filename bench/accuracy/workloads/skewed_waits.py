"""Waits whose lengths differ by a factor of thirty."""

import asyncio
import time

LABEL = {"class": "io-bound", "about": "skewed waits, 5 to 150 ms"}
ITEMS = [5 + (index * 37 % 11) ** 2 * 1.45 for index in range(50)]


def task(item):
    time.sleep(item / 1000)
    return round(item, 3)


async def atask(item):
    await asyncio.sleep(item / 1000)
    return round(item, 3)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
