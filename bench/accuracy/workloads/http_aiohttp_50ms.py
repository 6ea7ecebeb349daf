"""Pages by aiohttp, and by urllib3 where there is no event loop; the server takes 50 ms for each."""

import aiohttp
import urllib3
from _kit import per_loop, per_thread, url

LABEL = {"class": "io-bound", "about": "urllib3 or aiohttp, 50 ms"}
NEEDS = ["http"]
ITEMS = range(44)


def task(item):
    return len(per_thread(urllib3.PoolManager).request("GET", url("/wait/50/2000")).data)


async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
        yield opened


async def atask(item):
    async with (await per_loop(session)).get(url("/wait/50/2000")) as answer:
        return len(await answer.read())


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
