"""Writes a small file and waits until it is on the disk."""

import os

from _kit import data

LABEL = {"class": "io-bound", "about": "write and fsync"}
ITEMS = range(300)


def setup():
    data("synced").mkdir(exist_ok=True)


def task(item):
    path = data("synced") / str(item)
    with open(path, "wb") as file:
        file.write(b"x" * 16_384)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return item


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
