"""Threads, as many as the second argument says, that hash (GIL released), compute (GIL held) and sleep in turn."""

import hashlib
import sys
import time

from _telling import in_threads, tell

BLOCK = bytes(256 * 1024)
TURNS = 3_200


def work(turns: int) -> None:
    """One worker's share of the mix; about a second for all of them together."""
    for _ in range(turns):
        hashlib.sha256(BLOCK).digest()
        sum(i * i for i in range(2_000))
        time.sleep(0.001)


if __name__ == "__main__":
    threads = int(sys.argv[2])
    tell(lambda: in_threads(threads, lambda: work(TURNS // threads)))
