"""Holds the GIL for two fifths of its computing: about where threads stop being as good as processes."""

import hashlib

BLOCK = bytes(range(256)) * 14_000
ITEMS = range(50)


def task(item):
    value = item
    for step in range(75_000):
        value = (value * 31 + step) & 0xFFFF
    return hashlib.sha256(BLOCK).hexdigest(), value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
