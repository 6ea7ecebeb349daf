"""Returns so much that handing it over costs about what a second process gains."""

ITEMS = range(30)


def task(item):
    value = item
    for step in range(130_000):
        value = (value * 31 + step) & 0xFFFF
    return bytes([value & 0xFF]) * 5_000_000


if __name__ == "__main__":
    results = [task(item)[0] for item in ITEMS]
