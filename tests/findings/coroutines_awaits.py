"""How coroutines wait for one another, and what only looks wrong."""
import asyncio
import threading

import anyio
import trio

SHOPS = ("north", "south")


class Prices:
    def __init__(self, client, connection):
        self.client = client
        self.connection = connection
        self.lock = threading.Lock()
        self.turn = asyncio.Lock()

    async def in_turn(self, items):
        found = []
        for item in items:
            found.append(await self.client.get(item))  # -> CON103
        for item in items:
            page = await fetch_page(self.client, item)  # -> CON103
            found.append(page)
        token = None
        for item in items:
            token = await self.client.get(item, after=token)
        for item in items:
            if await self.client.get(item):
                break
        for item in items:
            await self.client.send(item)
        for item in items:
            await self.connection.fetch(item)
        for item in items:
            await self.client.get("the same")
        async for item in items:
            await self.client.get(item)
        async with self.turn:
            for item in items:
                await self.client.get(item)
            await self.locked(items)
        found += [await self.client.fetch(item) for item in items]  # -> CON103
        return found, [await task for task in items]

    async def locked(self, items):
        with self.lock:  # -> CON107
            await self.client.get(items)
        with self.lock:  # -> CON107
            async for item in items:
                print(item)
        async with self.turn:
            await self.client.get(items)
        with self.lock:
            found = list(items)

            async def later():
                await self.client.get(items)

        await later()
        with open_lock() as lock:
            await lock.wait()
        return found


async def together(client, items, names):
    await asyncio.gather(client.get(1), client.get(2))  # -> CON104
    await asyncio.gather(client.get(1), client.get(2), return_exceptions=True)
    await asyncio.gather(client.get(1))
    await asyncio.gather(*items)  # -> CON104
    both = asyncio.gather(client.get(1), client.get(2))
    both.cancel()
    await asyncio.gather(*[client.get(item) for item in items], return_exceptions=True)  # -> CON105
    calls = [client.get(item) for item in items]
    await asyncio.wait(calls)  # -> CON105
    for answer in asyncio.as_completed({client.get(item) for item in items}):  # -> CON105
        await answer
    await asyncio.gather(*(client.get(shop) for shop in SHOPS), return_exceptions=True)
    await asyncio.gather(*(client.get(shop) for shop in ("a", "b")), return_exceptions=True)
    await asyncio.gather(*(client.get(shop) for shop in range(8)), return_exceptions=True)
    await asyncio.gather(*(client.get(names[n]) for n in range(len(names))), return_exceptions=True)  # -> CON105
    await asyncio.wait([task for task in items])
    await asyncio.gather(*(item.close() for item in items), return_exceptions=True)
    await asyncio.wait([asyncio.create_task(item.close()) for item in items])
    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(client.get(item))  # -> CON105
        for item in items:
            group.create_task(client.get(item))
            await asyncio.sleep(1)
        for shop in SHOPS:
            group.create_task(client.get(shop))


async def in_nurseries(client, items):
    async with trio.open_nursery() as nursery:
        for item in items:
            nursery.start_soon(client.get, item)  # -> CON105
        nursery.start_soon(client.get, items)
        for item in items:
            nursery.start_soon(item.serve, client)
    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(client.get, item)  # -> CON105
