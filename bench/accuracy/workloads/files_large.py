"""Reads files of 64 MB from the page cache in large pieces and checks them: copying, without the GIL."""

import zlib

from _kit import data

LABEL = {"class": "cpu-bound", "about": "large files, cached"}
ITEMS = range(20)


def setup():
    for number in range(4):
        path = data(f"large{number}.bin")
        if not path.exists():
            path.write_bytes(bytes(range(256)) * 250_000)


def task(item):
    value = 0
    with open(data(f"large{item % 4}.bin"), "rb", buffering=0) as file:
        while piece := file.read(1 << 20):
            value = zlib.crc32(piece, value)
    return value


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
