"""Builds lists of a hundred thousand small objects: a result that takes as long to pickle as to compute."""

LABEL = {"class": "cpu-bound", "about": "results dearer to pickle than to compute"}
ITEMS = range(60)


def task(item):
    return [(index, f"name {index}", index * 0.5) for index in range(item, item + 100_000)]


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
