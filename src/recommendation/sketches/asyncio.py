import asyncio

IN_FLIGHT = {WORKERS}


async def main():
    bound = asyncio.Semaphore(IN_FLIGHT)

    async def one(item):
        async with bound:
            return await work(item)  # with an asynchronous library

{GATHER}

asyncio.run(main())
