"""A third of each task's wait is under a lock that all workers share, as for one device: three at once is all."""

import fcntl
import time

from _kit import data, per_thread

LABEL = {"class": "io-bound", "about": "a third of the wait under one lock"}
ITEMS = range(70)


def opened():
    return open(data("device.lock"), "w")


def task(item):
    time.sleep(0.02)
    lock = per_thread(opened)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        time.sleep(0.01)
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)
    return item


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
