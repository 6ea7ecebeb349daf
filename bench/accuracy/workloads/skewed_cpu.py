"""One task takes as long as twenty others and comes last: the worst order for large chunks."""

LABEL = {"class": "cpu-bound", "about": "skewed, pure Python"}
ITEMS = [1] * 60 + [20]


def task(item):
    value = item
    for step in range(item * 450_000):
        value = (value * 31 + step) & 0x3FFFFFFF
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
