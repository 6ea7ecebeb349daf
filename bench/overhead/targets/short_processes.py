"""Short processes one after another, six hundred of them."""

import subprocess

from _telling import tell


def work() -> None:
    """The processes."""
    for _ in range(600):
        subprocess.run(["/bin/true"], check=True)


if __name__ == "__main__":
    tell(work)
