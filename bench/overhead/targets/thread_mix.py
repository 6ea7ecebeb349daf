"""Sixteen threads that hash (GIL released), compute (GIL held) and sleep in turn, about two seconds."""

import hashlib
import time

from _telling import in_threads, tell

BLOCK = bytes(256 * 1024)


def work() -> None:
    """One worker's share of the mix."""
    for _ in range(150):
        hashlib.sha256(BLOCK).digest()
        sum(i * i for i in range(2_000))
        time.sleep(0.001)


if __name__ == "__main__":
    tell(lambda: in_threads(16, work))
