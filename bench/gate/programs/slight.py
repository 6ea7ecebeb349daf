"""A few per cent of waiting, and results that no process can send: threads gain next to nothing."""

import time

ITEMS = range(30)


def task(item):
    time.sleep(0.001)
    value = item
    for step in range(200_000):
        value = (value * 31 + step) & 0xFFFF
    return lambda: value


if __name__ == "__main__":
    results = [task(item)() for item in ITEMS]
