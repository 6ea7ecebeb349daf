"""Tasks that nobody holds, event loops made again, coroutines that need not be any, and what only looks so."""
import asyncio
from asyncio import create_task

import trio

background = set()


class Server:
    def __init__(self):
        self.task = None
        self.loop = asyncio.get_event_loop()

    async def start(self, work):
        asyncio.create_task(work())  # -> CON106
        create_task(work())  # -> CON106
        asyncio.ensure_future(work())  # -> CON106
        self.loop.create_task(work())  # -> CON106
        asyncio.get_running_loop().create_task(work())  # -> CON106
        asyncio.ensure_future(self.task)
        asyncio.ensure_future(asyncio.shield(self.task))
        self.task = asyncio.create_task(work())
        task = asyncio.create_task(work())
        background.add(task)
        await asyncio.create_task(work())
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)

    def kick(self, work):
        task = asyncio.create_task(work())  # -> CON106
        other = asyncio.create_task(work())

        def stop():
            other.cancel()

        return stop


async def heartbeat(work, serve):
    beat = asyncio.create_task(work())  # -> CON106
    await serve()


async def fetch(item):
    await asyncio.sleep(item)


def fetch_now(item):
    return asyncio.run(fetch(item))


def loops(items):
    for item in items:
        asyncio.run(fetch(item))  # -> CON108
    for item in items:
        trio.run(fetch, item)  # -> CON108
    for item in items:
        loop = asyncio.new_event_loop()  # -> CON108
        loop.run_until_complete(fetch(item))
        loop.close()
    for item in items:
        fetch_now(item)  # -> CON108
    for _ in range(3):
        asyncio.run(fetch(1))
    while items:
        asyncio.run(fetch(items.pop()))
    for item in items:
        try:
            asyncio.run(fetch(item))
        except OSError:
            continue
    loop = asyncio.new_event_loop()
    for item in items:
        loop.run_until_complete(fetch(item))
    return [asyncio.run(fetch(item)) for item in items]  # -> CON108


def test_each(items):
    for item in items:
        asyncio.run(fetch(item))


async def _total(items):  # -> CON111
    total = 0
    for item in items:
        total += item
    return total


async def _hook(items):
    """Others may override it."""


async def _given(items):
    print(items)
    return len(items)


async def _pages(items):
    for item in items:
        yield item


async def _named(items):
    print(items)
    return len(items)


__all__ = ["_named"]


class Base:
    async def close(self):
        print("closed")
        self.closed = True

    async def open(self, items):
        await self.close()
        await self._open(items)
        await self._on_open(items)

    async def _open(self, items):  # -> CON111
        print("opened")
        self.closed = not items

    async def _on_open(self, items):
        print("opened")
        self.closed = not items


class Child(Server):
    async def stop(self):
        print("stopped")
        self.task = None


async def main(items, call):
    await _total(items)
    await _hook(items)
    await call(_given)
    await _given(items)
    await _named(items)
    await Child().stop()
    async for page in _pages(items):
        print(page)
