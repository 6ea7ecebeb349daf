"""A server that serves six requests at a time, 20 ms each, and lets the rest queue: more workers gain nothing."""

import aiohttp
import requests
from _kit import per_loop, per_thread, url

LABEL = {"class": "io-bound", "about": "a server that saturates at 6"}
NEEDS = ["http"]
ITEMS = range(100)


def task(item):
    return len(per_thread(requests.Session).get(url("/limited/20")).content)


async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
        yield opened


async def atask(item):
    async with (await per_loop(session)).get(url("/limited/20")) as answer:
        return len(await answer.read())


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
