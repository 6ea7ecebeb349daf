"""Threads that hash large buffers: native code that releases the GIL, so that threads do use every core.

Right advice: threads, one for each usable CPU; processes would only add the copying of the buffers.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor

BUFFER = bytes(16 << 20)


def digest(i):
    return hashlib.blake2b(BUFFER, key=b"%d" % i).hexdigest()[:8]


def main():
    with ThreadPoolExecutor(4) as pool:
        print(*pool.map(digest, range(100)))


if __name__ == "__main__":
    main()
