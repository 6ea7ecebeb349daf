"""Under trio."""
import time

import trio


async def nap():
    time.sleep(1)  # -> CON101
    await trio.sleep(1)
