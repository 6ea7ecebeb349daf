"""One thread of pure-Python computing, about two seconds."""

from _telling import tell


def work() -> None:
    """The loop."""
    total = 0
    for i in range(20_000_000):
        total += i * i % 7


if __name__ == "__main__":
    tell(work)
