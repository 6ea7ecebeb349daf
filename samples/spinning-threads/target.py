"""Four threads that count: the pitfall "threads for CPU-bound work". Together they get one core, and wait for the GIL.

Right advice: processes (or threads on a free-threaded build). Their blocked time is GIL wait and not I/O.
"""

import threading


def spin(results, i):
    total = 0
    for n in range(6_000_000):
        total += n & i
    results[i] = total


def main():
    results = [0] * 4
    threads = [threading.Thread(target=spin, args=(results, i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(results)


if __name__ == "__main__":
    main()
