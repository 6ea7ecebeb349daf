"""One known mixture of computing that holds the GIL and computing that does not, which says its own true share.

    workload.py KIND SECONDS OUT [SHARE] [THREADS]

The truth is taken from inside. One thread counts its CPU time (time.thread_time) around every piece of work that
releases the GIL; all the rest of its CPU time held it. Of several threads a part of the rest goes into being woken to
look whether the GIL is free, a tenth and more of it on a busy machine, so there the held time is the number of pieces
that hold it times what one costs a thread alone, measured before and after. Written to OUT as JSON at the end.
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
# Setting a compressor up holds the GIL, so it must have much to do: some ten milliseconds.
TEXT = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(1 << 14))
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
    """Keeps its own account: CPU time with the GIL released, and how many pieces held it."""

    def __init__(self, release, share, until):
        self.calls = 1 if release is deflate else CALLS
        self.release, self.share, self.until = release, share, until
        self.released = 0.0
        self.pieces = 0

    def run(self):
        while time.monotonic() < self.until:
            self.step()

    def step(self):
        """Whichever of the two is behind its share does the next piece."""
        now = clock()
        held = self.elapsed(now) - self.released
        if self.release is None or (self.share and held <= self.share * self.elapsed(now)):
            hold()
            self.pieces += 1
        else:
            for _ in range(self.calls):
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
    before, alone = cost_alone() if threads > 1 else (0.0, 0.0)
    workers = [Worker(release, share, time.monotonic() + seconds) for _ in range(threads)]
    if threads == 1:
        workers[0].run()
        held = time.process_time() - workers[0].released
    else:
        pool = [threading.Thread(target=worker.run) for worker in workers]
        [thread.start() for thread in pool]
        [thread.join() for thread in pool]
        after = time.process_time()
        alone = (alone + cost_alone()[1]) / 2
        held = before + sum(worker.pieces for worker in workers) * alone + time.process_time() - after
    with open(out, "w") as file:
        json.dump({"held": held, "cpu": time.process_time()}, file)


def cost_alone():
    """The CPU time until now, and of one piece that holds the GIL when nobody else wants it."""
    began = clock()
    for _ in range(20):
        hold()
    return time.process_time(), (clock() - began) / 20


main()
