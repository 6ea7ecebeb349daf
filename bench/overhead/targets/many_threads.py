"""A pool of threads, as many as the second argument says, that mostly wait, about a second and a half."""

import sys
import time

from _telling import in_threads, tell


def work() -> None:
    """Waits in pieces with a little computing between; a thousand threads together compute for half the time."""
    for _ in range(12):
        time.sleep(0.120)
        sum(range(500))


if __name__ == "__main__":
    tell(lambda: in_threads(int(sys.argv[2]), work))
