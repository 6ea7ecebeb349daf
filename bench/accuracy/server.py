"""The HTTP server that the fetching workloads talk to: one event loop on a free port of loopback.

It says its port on standard output and ends when its standard input does, so it cannot outlive who started it.

| path | answers |
|---|---|
| `/wait/MS/BYTES` | so many bytes after so many milliseconds |
| `/json/MS/ROWS` | a JSON array of so many objects |
| `/html/MS/ROWS` | a page with a table of so many rows |
| `/limited/MS` | one byte; serves six at a time and lets the others queue |
"""

import asyncio
import json
import sys
from collections import deque
from functools import lru_cache

AT_ONCE = 6


@lru_cache(maxsize=None)
def body(kind: str, size: int) -> bytes:
    """What is sent back; the same bytes each time."""
    if kind == "json":
        rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i)], "value": i * 0.5} for i in range(size)]
        return json.dumps(rows).encode()
    if kind == "html":
        rows = "".join(
            f"<tr class='r{i % 3}'><td>{i}</td><td><a href='/item/{i}'>item {i}</a></td><td>{i * 1.5:.2f}</td></tr>"
            for i in range(size)
        )
        return f"<html><body><h1>Stock</h1><table>{rows}</table></body></html>".encode()
    return b"x" * size


class Connection(asyncio.Protocol):
    """One client's connection, kept alive; requests are GETs without a body."""

    running = 0
    queue: deque = deque()

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            _, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            kind, milliseconds, *size = path.split("?")[0].strip("/").split("/")
            seconds = int(milliseconds) / 1000
            if kind != "limited":
                self.after(seconds, self.send, body(kind, int(size[0])))
            elif Connection.running < AT_ONCE:
                self.serve(seconds)
            else:
                Connection.queue.append((self, seconds))

    def serve(self, seconds):
        """One of the few requests that run at the same time."""
        Connection.running += 1
        self.after(seconds, self.served)

    def served(self):
        self.send(b"x")
        Connection.running -= 1
        if Connection.queue:
            waiting, seconds = Connection.queue.popleft()
            waiting.serve(seconds)

    def after(self, seconds, call, *arguments):
        asyncio.get_running_loop().call_later(seconds, call, *arguments)

    def send(self, what: bytes):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(what) + what)


async def main():
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
