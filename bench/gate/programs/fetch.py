"""Pages fetched by a blocking client, one connection each."""

import os
from http.client import HTTPConnection

ITEMS = range(40)


def get(milliseconds):
    connection = HTTPConnection(os.environ["BENCH_HTTP"], timeout=20)
    connection.request("GET", f"/wait/{milliseconds}/1000")
    page = connection.getresponse().read()
    connection.close()
    return page


def task(item):
    return len(get(15))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
