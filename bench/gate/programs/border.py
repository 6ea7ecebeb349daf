"""Waits a fifth of its time: between computing and mixed."""

import time

ITEMS = range(30)


def task(item):
    time.sleep(0.004)
    value = item
    for step in range(230_000):
        value = (value * 31 + step) & 0xFFFF
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
