"""Large blocks hashed by native code that lets go of the GIL."""

import hashlib

BLOCK = bytes(range(256)) * 24_000
ITEMS = range(48)


def task(item):
    return hashlib.sha256(BLOCK).hexdigest()


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
