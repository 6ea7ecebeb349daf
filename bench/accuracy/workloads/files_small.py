"""Reads and parses small files: open, read, close, over and over, from the page cache."""

import json

from _kit import data

LABEL = {"class": "cpu-bound", "about": "small files, cached"}
ITEMS = range(800)
PER_TASK = 50


def setup():
    folder = data("small")
    if not folder.exists():
        folder.mkdir()
        for number in range(2000):
            (folder / f"{number}.json").write_text(json.dumps({"id": number, "tags": list(range(30))}))


def task(item):
    folder = data("small")
    total = 0
    for number in range(PER_TASK):
        with open(folder / f"{(item * PER_TASK + number) % 2000}.json") as file:
            total += json.load(file)["id"]
    return total


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
