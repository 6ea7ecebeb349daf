"""One thread of pure-Python computing, about a second."""

from _telling import tell


def work() -> None:
    """The loop."""
    total = 0
    for i in range(12_000_000):
        total += i * i % 7


if __name__ == "__main__":
    tell(work)
