"""Six threads that do everything under one lock: half computing, half waiting for the outside, never two at once.

Right advice: no executor helps while the lock is held over the whole task; take the wait out of it, or stay
sequential. The threads' own blocked time is lock wait and not I/O.
"""

import threading
import time

LOCK = threading.Lock()
TOTAL = [0]


def compute():
    total = 0
    for n in range(70_000):
        total += n * n % 7
    return total


def task(rounds):
    for _ in range(rounds):
        with LOCK:
            TOTAL[0] += compute()
            time.sleep(0.005)


def main():
    threads = [threading.Thread(target=task, args=(24,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(TOTAL[0])


if __name__ == "__main__":
    main()
