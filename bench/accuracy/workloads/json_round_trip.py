"""Reads and writes 400 KB of JSON per task, standard library."""

import json

LABEL = {"class": "cpu-bound", "about": "JSON there and back"}
ITEMS = range(120)
TEXT = json.dumps([{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i)], "value": i * 0.5} for i in range(6000)])


def task(item):
    rows = json.loads(TEXT)
    rows[item]["value"] = -1
    return len(json.dumps(rows))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
