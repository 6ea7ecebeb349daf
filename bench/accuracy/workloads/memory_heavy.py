"""Each task fills and folds 160 MB: memory bandwidth and page faults more than arithmetic."""

import numpy

LABEL = {"class": "cpu-bound", "about": "160 MB a task"}
ITEMS = range(16)


def task(item):
    block = numpy.full(20_000_000, item + 1.0)
    block *= 1.0001
    return round(float(block[::1000].sum()), 3)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
