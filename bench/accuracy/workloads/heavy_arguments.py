"""Arguments of 8 MB each, a checksum of them computed without the GIL."""

import zlib

LABEL = {"class": "cpu-bound", "about": "8 MB arguments, Adler-32 and CRC-32"}
ITEMS = [bytes([index]) * 8_000_000 for index in range(40)]


def task(item):
    value = 0
    for _ in range(10):
        value = zlib.crc32(item, zlib.adler32(item, value))
    return value


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
