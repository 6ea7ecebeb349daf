"""The last item takes as long as a third of all the others."""

ITEMS = [1] * 36 + [12]


def task(item):
    value = item
    for step in range(item * 120_000):
        value = (value * 31 + step) & 0xFFFF
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
