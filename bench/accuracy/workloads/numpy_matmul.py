"""Products of 700 by 700 matrices: BLAS has threads of its own."""

import numpy

LABEL = {"class": "cpu-bound", "about": "NumPy products, BLAS threads"}
ITEMS = range(70)
INNER_THREADS = True
LEFT = numpy.random.default_rng(1).random((900, 900))


def task(item):
    return round(float((LEFT @ (LEFT + item)).trace()), -3)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
