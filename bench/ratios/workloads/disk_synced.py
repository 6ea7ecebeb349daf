"""Writes a file, waits until it is on the disk, reads it back."""

import os

from _kit import data

LABEL = {"class": "io-bound", "about": "write 256 KB, fsync, read"}
ITEMS = range(300)


def setup():
    data("ratios").mkdir(exist_ok=True)


def task(item):
    path = data("ratios") / str(item)
    with open(path, "wb") as file:
        file.write(b"x" * 262_144)
        file.flush()
        os.fsync(file.fileno())
    size = len(path.read_bytes())
    path.unlink()
    return size


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
