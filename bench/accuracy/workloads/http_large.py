"""Bodies of 4 MB after 40 ms: as much copying as waiting."""

import aiohttp
import requests
from _kit import per_loop, per_thread, url

LABEL = {"class": "io-bound", "about": "4 MB bodies, 40 ms"}
NEEDS = ["http"]
ITEMS = range(45)


def task(item):
    return len(per_thread(requests.Session).get(url("/wait/40/4000000")).content)


async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
        yield opened


async def atask(item):
    async with (await per_loop(session)).get(url("/wait/40/4000000")) as answer:
        return len(await answer.read())


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
