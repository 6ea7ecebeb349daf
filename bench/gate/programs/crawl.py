"""Pages fetched by coroutines."""

import asyncio
import os

ITEMS = range(50)


async def get(milliseconds):
    host, port = os.environ["BENCH_HTTP"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /wait/{milliseconds}/1000 HTTP/1.1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    page = await reader.readexactly(1000)
    writer.close()
    return head + page


async def task(item):
    return len(await get(12))


async def main():
    return [await task(item) for item in ITEMS]


if __name__ == "__main__":
    asyncio.run(main())
