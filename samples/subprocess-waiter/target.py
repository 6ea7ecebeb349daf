"""Child processes run one after another, each waited for. The children sleep; the parent is blocked on them.

Right advice: threads (one for each child that is to run at once), or asyncio's subprocesses. No process pool: the
children are processes already.
"""

import subprocess


def main():
    print([subprocess.run(["sleep", "0.15"]).returncode for _ in range(12)])


if __name__ == "__main__":
    main()
