"""Pages fetched, then taken apart in a Python loop: as long for the one as for the other."""

import os
from http.client import HTTPConnection

ITEMS = range(30)


def get(milliseconds):
    connection = HTTPConnection(os.environ["BENCH_HTTP"], timeout=20)
    connection.request("GET", f"/wait/{milliseconds}/2000")
    page = connection.getresponse().read()
    connection.close()
    return page


def parse(page):
    found = 0
    for step, byte in enumerate(page * 60):
        found = (found * 31 + step + byte) & 0xFFFF
    return found


def task(item):
    return parse(get(10))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
