"""Small Redis commands, one round trip each, by redis-py, synchronous and asynchronous."""

import redis
import redis.asyncio
from _kit import address, per_loop, per_thread

LABEL = {"class": "mixed", "about": "Redis round trips"}
NEEDS = ["redis"]
ITEMS = range(6000)


def where():
    host, port = address("redis").split(":")
    return {"host": host, "port": int(port)}


def connect():
    return redis.Redis(**where())


def task(item):
    client = per_thread(connect)
    client.set(f"key {item}", item)
    return int(client.get(f"key {item}"))


async def client():
    async with redis.asyncio.Redis(**where(), max_connections=200) as opened:
        yield opened


async def atask(item):
    opened = await per_loop(client)
    await opened.set(f"key {item}", item)
    return int(await opened.get(f"key {item}"))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
