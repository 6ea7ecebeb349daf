"""Two processes that hand a byte to and fro with a little computing between: about a hundred thousand switches a second."""

import os

from _telling import tell

TURNS = 50_000


def play(incoming: int, outgoing: int) -> None:
    """Computes a little, waits for the byte, and hands it back."""
    for _ in range(TURNS):
        sum(range(400))
        os.read(incoming, 1)
        os.write(outgoing, b".")


def work() -> None:
    """The game, until both have had all their turns; on one core, because where the kernel puts them is chance."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    to_child, to_parent = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        play(to_child[0], to_parent[1])
        os._exit(0)
    os.write(to_child[1], b".")
    play(to_parent[0], to_child[1])
    os.waitpid(child, 0)


if __name__ == "__main__":
    tell(work)
