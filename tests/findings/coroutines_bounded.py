"""Who bounds what runs at once."""
import asyncio


async def bounded(client, items):
    at_once = asyncio.Semaphore(10)

    async def one(item):
        async with at_once:
            return await client.get(item)

    return await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
