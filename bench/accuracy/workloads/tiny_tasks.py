"""Sixty thousand tasks of some 30 µs: handing one over costs more than doing it."""

LABEL = {"class": "cpu-bound", "about": "pure Python, 30 µs"}
ITEMS = range(60_000)


def task(item):
    value = item
    for step in range(300):
        value = (value * 31 + step) & 0x3FFFFFFF
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
