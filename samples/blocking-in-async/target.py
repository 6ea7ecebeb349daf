"""An asyncio program that sleeps in its coroutines: the loop stands still meanwhile, so nothing overlaps.

Right advice: threads behind the loop (asyncio.to_thread), or an asynchronous call. The finding CON101 is confirmed by the
run, with what it cost; the one in `refuse`, which is never reached, is not.
"""

import asyncio
import time


async def download(item):
    time.sleep(0.15)
    await asyncio.sleep(0.02)
    return item


async def refuse():
    time.sleep(1)


async def main():
    print(sum(await asyncio.gather(*(download(item) for item in range(16)))))


if __name__ == "__main__":
    asyncio.run(main())
