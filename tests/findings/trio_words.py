"""Under trio."""
import time

import trio


async def nap():
    time.sleep(1)  # -> CON101
    await trio.sleep(1)


def helper():
    time.sleep(1)


async def through():
    helper()  # -> CON102
