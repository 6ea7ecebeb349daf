"""Fetches a page in 60 ms and reads its table by BeautifulSoup: a crawler."""

import aiohttp
import requests
from bs4 import BeautifulSoup
from _kit import per_loop, per_thread, url

LABEL = {"class": "mixed", "about": "fetch 60 ms, BeautifulSoup"}
NEEDS = ["http"]
ITEMS = range(24)
PAGE = "/html/60/150"


def links(text):
    return sorted(link["href"] for link in BeautifulSoup(text, "html.parser").find_all("a"))


def task(item):
    return links(per_thread(requests.Session).get(url(PAGE)).content)


async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
        yield opened


async def fetched():
    async with (await per_loop(session)).get(url(PAGE)) as answer:
        return await answer.read()


async def atask(item):
    return links(await fetched())


async def aoffload(item, run):
    return await run(links, await fetched())


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
