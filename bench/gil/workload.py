"""One known mixture of computing that holds the GIL and computing that does not, which says its own true share.

    workload.py KIND SECONDS OUT [SHARE] [THREADS]

The truth is taken from inside: each thread counts its own CPU time (time.thread_time) around every piece of work that
releases the GIL; all the rest of its CPU time held it. Written to OUT as JSON when the work ends, so that it is not
itself part of what is watched for long.
"""

import hashlib
import json
import sys
import threading
import time
import zlib

# A turn takes some ten milliseconds, in calls of about one: what CPython does around them is then less than 1 % of it.
# Asking for the time is a system call, at whose end a busy kernel likes to take the core away, so it is done seldom.
CALLS = 8
BUFFER = bytes(1 << 20)
TEXT = bytes(range(256)) * 1024
clock = time.thread_time


def hold():
    for _ in range(400_000):
        pass


def sha256():
    hashlib.sha256(BUFFER).digest()


def deflate():
    zlib.compress(TEXT, 6)


def numpy_product():
    import numpy

    matrix = numpy.ones((256, 256))
    return lambda: matrix @ matrix


def nothing():
    time.sleep(0.02)


class Worker:
    """Keeps its own account: CPU time in all, and the part of it with the GIL released."""

    def __init__(self, release, share, until):
        self.release, self.share, self.until = release, share, until
        self.cpu = self.released = 0.0

    def run(self):
        began = clock()
        while time.monotonic() < self.until:
            self.step()
        self.cpu = clock() - began

    def step(self):
        """Whichever of the two is behind its share does the next piece."""
        now = clock()
        held = self.elapsed(now) - self.released
        if self.release is None or (self.share and held <= self.share * self.elapsed(now)):
            hold()
        else:
            for _ in range(CALLS):
                self.release()
            self.released += clock() - now

    def elapsed(self, now):
        if not hasattr(self, "began"):
            self.began = now
        return now - self.began


def main():
    kind, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    share = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    threads = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    kinds = {"loop": None, "sleep": nothing, "sha256": sha256, "zlib": deflate}
    release = numpy_product() if kind == "numpy" else kinds[kind]
    until = time.monotonic() + seconds
    workers = [Worker(release, share, until) for _ in range(threads)]
    if threads == 1:
        workers[0].run()
    else:
        pool = [threading.Thread(target=worker.run) for worker in workers]
        [thread.start() for thread in pool]
        [thread.join() for thread in pool]
    cpu, released = sum(w.cpu for w in workers), sum(w.released for w in workers)
    with open(out, "w") as file:
        json.dump({"cpu": cpu, "held": cpu - released, "process_cpu": time.process_time()}, file)


main()
