"""Waits as long as it computes, in Python: between mixed and I/O."""

import time

ITEMS = range(30)


def task(item):
    time.sleep(0.014)
    value = item
    for step in range(120_000):
        value = (value * 31 + step) & 0xFFFF
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
