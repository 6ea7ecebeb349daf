"""Compresses half a megabyte of text per task: zlib releases the GIL."""

import zlib

from _kit import words

LABEL = {"class": "cpu-bound", "about": "zlib"}
ITEMS = range(110)
TEXT = words(90_000).encode()


def task(item):
    return len(zlib.compress(TEXT[item:], 6))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
