"""A pool of 200 threads that mostly wait, about two seconds."""

import time

from _telling import in_threads, tell


def work() -> None:
    """Waits in small pieces with a little computing between."""
    for _ in range(100):
        time.sleep(0.018)
        sum(range(500))


if __name__ == "__main__":
    tell(lambda: in_threads(200, work))
