"""Pages from a server that takes 200 ms: requests where calls block, aiohttp on the event loop."""

import aiohttp
import requests
from _kit import per_loop, per_thread, url

LABEL = {"class": "io-bound", "about": "HTTP on loopback, 200 ms"}
NEEDS = ["http"]
ITEMS = range(60)
PAGE = "/wait/200/2000"


def task(item):
    return len(per_thread(requests.Session).get(url(PAGE)).content)


async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
        yield opened


async def atask(item):
    async with (await per_loop(session)).get(url(PAGE)) as answer:
        return len(await answer.read())


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
