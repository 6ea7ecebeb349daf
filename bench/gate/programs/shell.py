"""A program is run for each item."""

import subprocess

ITEMS = range(30)


def task(item):
    return subprocess.run(["sleep", "0.02"], check=True).returncode


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
