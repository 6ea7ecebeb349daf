# What the labelled Python programs share: the alarm that ends them, and what one that does I/O asks.
import mmap, os, random, select, signal, socket, time

signal.setitimer(signal.ITIMER_REAL, 0.8)
begun = time.monotonic()


def not_blocked():
    with open("/proc/self/schedstat") as file:
        return sum(map(int, file.read().split()[:2])) / 1e9


at_start = not_blocked()


def more():
    return time.monotonic() - begun < 0.5


# The end of a program that does I/O: 77 unless it was blocked for long enough to be caught at it.
def caught():
    wall = time.monotonic() - begun
    os._exit(77 if wall - (not_blocked() - at_start) < wall / 10 else 0)


