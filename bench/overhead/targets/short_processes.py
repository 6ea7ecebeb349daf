"""Two hundred short processes one after another."""

import subprocess

from _telling import tell


def work() -> None:
    """The processes."""
    for _ in range(200):
        subprocess.run(["/bin/true"], check=True)


if __name__ == "__main__":
    tell(work)
