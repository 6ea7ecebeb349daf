"""Chains of SHA-256 over 32 bytes: too small for hashlib to release the GIL."""

import hashlib

LABEL = {"class": "cpu-bound", "about": "SHA-256, small buffers"}
ITEMS = range(80)


def task(item):
    value = str(item).encode()
    for _ in range(40_000):
        value = hashlib.sha256(value).digest()
    return value.hex()


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
