"""Pages by requests, a session per thread; the server takes 50 ms for each."""

import requests
from _kit import per_thread, url

LABEL = {"class": "io-bound", "about": "requests, 50 ms"}
NEEDS = ["http"]
ITEMS = range(44)


def task(item):
    return len(per_thread(requests.Session).get(url("/wait/50/2000"), params={"item": item}).content)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
