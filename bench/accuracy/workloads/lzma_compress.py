"""Compresses 300 KB of text per task by LZMA, which releases the GIL."""

import lzma

from _kit import words

LABEL = {"class": "cpu-bound", "about": "LZMA"}
ITEMS = range(16)
TEXT = words(40_000).encode()


def task(item):
    return len(lzma.compress(TEXT[item:]))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
