import asyncio

import shop
from shop.store import Disk, disk
from shop import waits
from shop.waits import twice, wait_for_quota


class Views:
    def __init__(self):
        self.disk = Disk()

    async def show(self, key):
        wait_for_quota(key)  # -> CON102
        shop.load_all([key])  # -> CON102
        self.disk.read(key)  # -> CON102
        self.disk.name(key)
        self.render(key)  # -> CON102
        disk.lazily([key])
        disk.cached(key)
        twice()
        await asyncio.to_thread(wait_for_quota, key)
        await self.other(key)
        wait_for_quota(key)  # noqa: CON102
        return key

    def render(self, key):
        return disk.load(key)

    async def other(self, key):
        return key

    async def seldom(self, options):
        server = waits.Server()
        waits.load_once()
        waits.load_into_a_local_name()  # -> CON102
        waits.percent()
        waits.unless_told()  # -> CON102
        server.start()
        server.ready()  # -> CON102
        server.version(options)
        return server
