"""Sorts and sums half a million numbers per task: one core, without the GIL."""

import numpy

LABEL = {"class": "cpu-bound", "about": "NumPy sorts"}
ITEMS = range(100)
NUMBERS = numpy.random.default_rng(1).random(500_000)


def task(item):
    order = numpy.sort(numpy.sin(NUMBERS * (item + 1)))
    return round(float(order[::1000].sum()), 6)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
