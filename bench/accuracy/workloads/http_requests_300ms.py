"""Pages by requests, a session per thread; the server takes 300 ms for each."""

import requests
from _kit import per_thread, url

LABEL = {"class": "io-bound", "about": "requests, 300 ms"}
NEEDS = ["http"]
ITEMS = range(12)


def task(item):
    return len(per_thread(requests.Session).get(url("/wait/300/2000"), params={"item": item}).content)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
