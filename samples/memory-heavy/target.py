"""Processes that each touch some 150 MB and compute over it in pure Python: memory bounds the workers before CPUs do.

Right advice: processes, as many as fit: min(usable CPUs, available memory / 150 MB).
"""

from concurrent.futures import ProcessPoolExecutor

MEGABYTES = 150


def work(seed):
    memory = bytearray(MEGABYTES << 20)
    for page in range(0, len(memory), 4096):
        memory[page] = (page + seed) & 0xFF
    total = 0
    for i in range(0, len(memory), 64):
        total = (total * 31 + memory[i]) & 0xFFFF
    return total


def main():
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(work, range(8))))


if __name__ == "__main__":
    main()
