import asyncio
from concurrent.futures import ThreadPoolExecutor

WORKERS = {WORKERS}


async def main(pool):
    loop = asyncio.get_running_loop()

    async def one(item):
        return await loop.run_in_executor(pool, work, item)  # work may block

{GATHER}

with ThreadPoolExecutor(max_workers=WORKERS) as pool:
    asyncio.run(main(pool))
