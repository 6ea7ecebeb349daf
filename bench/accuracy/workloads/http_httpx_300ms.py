"""Pages by httpx, synchronous and asynchronous; the server takes 300 ms for each."""

import httpx
from _kit import per_loop, per_thread, url

LABEL = {"class": "io-bound", "about": "httpx, 300 ms"}
NEEDS = ["http"]
ITEMS = range(12)


def task(item):
    return len(per_thread(httpx.Client).get(url("/wait/300/2000")).content)


async def client():
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60) as opened:
        yield opened


async def atask(item):
    answer = await (await per_loop(client)).get(url("/wait/300/2000"))
    return len(answer.content)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
