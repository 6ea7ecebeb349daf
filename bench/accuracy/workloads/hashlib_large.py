"""SHA-256 over 32 MB per task: hashlib releases the GIL for large buffers."""

import hashlib

LABEL = {"class": "cpu-bound", "about": "SHA-256, large buffers"}
ITEMS = range(80)
BUFFER = memoryview(bytes(range(256)) * 125_000)


def task(item):
    return hashlib.sha256(BUFFER[item:]).hexdigest()


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
