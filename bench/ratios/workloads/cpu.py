"""Pure Python that never waits."""

LABEL = {"class": "cpu-bound", "about": "pure Python, 40 ms a task"}
ITEMS = range(48)


def task(item):
    value = item
    for step in range(500_000):
        value = (value * 31 + step) & 0x3FFFFFFF
    return value


async def atask(item):
    return task(item)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
