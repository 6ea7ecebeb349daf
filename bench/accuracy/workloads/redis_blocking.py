"""Waits of 30 ms in Redis, as for a queue that is empty."""

import redis
import redis.asyncio
from _kit import address, per_loop, per_thread

LABEL = {"class": "io-bound", "about": "Redis blocking pops, 30 ms"}
NEEDS = ["redis"]
ITEMS = range(64)


def where():
    host, port = address("redis").split(":")
    return {"host": host, "port": int(port)}


def connect():
    return redis.Redis(**where())


def task(item):
    return per_thread(connect).blpop([f"nothing {item}"], timeout=0.03)


async def client():
    async with redis.asyncio.Redis(**where(), max_connections=200) as opened:
        yield opened


async def atask(item):
    return await (await per_loop(client)).blpop([f"nothing {item}"], timeout=0.03)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
