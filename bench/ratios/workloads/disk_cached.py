"""Reads files that the page cache holds: what "disk" is for most programs."""

from _kit import data

LABEL = {"class": "cpu-bound", "about": "read 4 MB, cached"}
ITEMS = range(1200)


def setup():
    for number in range(8):
        path = data(f"cached{number}.bin")
        if not path.exists():
            path.write_bytes(bytes(range(256)) * 16_384)


def task(item):
    return len(data(f"cached{item % 8}.bin").read_bytes())


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
