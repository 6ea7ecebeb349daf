"""Groups a table by two keys and describes it: pandas holds the GIL for part of it."""

import numpy
import pandas

LABEL = {"class": "cpu-bound", "about": "pandas groupby"}
ITEMS = range(70)
_random = numpy.random.default_rng(1)
TABLE = pandas.DataFrame({
    "shop": _random.integers(0, 50, 200_000),
    "day": _random.integers(0, 365, 200_000),
    "price": _random.random(200_000),
})


def task(item):
    chosen = TABLE[TABLE["day"] != item]
    sums = chosen.groupby(["shop", "day"])["price"].agg(["mean", "max", "count"])
    return round(float(sums["mean"].sum()), 6)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
