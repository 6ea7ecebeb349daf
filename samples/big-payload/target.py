"""Large arguments to a process pool: pickling and copying cost much more than the task itself.

Right advice: no processes, or data that need not be copied (shared memory, a file each worker maps); this little work
on this much data is fastest where the data are.
"""

from concurrent.futures import ProcessPoolExecutor

MEGABYTES = 24
TASKS = 24


def checksum(numbers):
    return sum(numbers[::65536]) % 251


def main():
    payloads = (bytes([i]) * (MEGABYTES << 20) for i in range(TASKS))
    with ProcessPoolExecutor(2) as pool:
        print([pool.submit(checksum, payload).result() for payload in payloads])


if __name__ == "__main__":
    main()
