import asyncio
{IMPORT}from concurrent.futures import ProcessPoolExecutor

WORKERS = {WORKERS}


async def main(pool):
    loop = asyncio.get_running_loop()

    async def one(item):
        data = await loop.run_in_executor(None, fetch, item)  # the waiting, in a thread
        return await loop.run_in_executor(pool, compute, data)  # the computing, in a process

{GATHER}

# Without this line, a worker that imports the program would start the program again.
if __name__ == "__main__":
    with ProcessPoolExecutor(max_workers=WORKERS{CONTEXT}) as pool:
        asyncio.run(main(pool))
