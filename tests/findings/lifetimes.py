"""Pools that nobody ends, and resources that end before those who use them."""
import asyncio
import atexit
import socket
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from multiprocessing import Pool

import aiohttp

shared = ThreadPoolExecutor()


def left_alone(items, work):
    pool = Pool()  # -> CON207
    results = pool.map(work, items)
    executor = ThreadPoolExecutor()  # -> CON207
    for future in as_completed([executor.submit(work, item) for item in items]):
        results.append(future.result())
    return results


async def lent(work):
    pool: ThreadPoolExecutor = ThreadPoolExecutor()  # -> CON207
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def ended(items, work, keep):
    one = ThreadPoolExecutor()
    print(list(one.map(work, items)))
    one.shutdown()
    two = Pool()
    try:
        print(two.map(work, items))
    finally:
        two.close()
        two.join()
    three = ThreadPoolExecutor()
    with three:
        print(list(three.map(work, items)))
    four = ThreadPoolExecutor()
    atexit.register(four.shutdown)
    print(list(four.map(work, items)))
    five = ThreadPoolExecutor()
    keep(five)
    print(list(five.map(work, items)))
    six = ProcessPoolExecutor()
    print(list(six.map(work, items)))
    return six


def ended_within(work):
    pool = ThreadPoolExecutor()

    def stop():
        pool.shutdown()

    pool.submit(work).add_done_callback(print)
    return stop


def sent_on(work):
    pool = ThreadPoolExecutor()
    return pool.submit(work)


def for_good(items, work):
    pool = ThreadPoolExecutor()
    while True:
        print(pool.submit(work, items.get()).exception())


class Holder:
    def __init__(self, work):
        self.pool = ThreadPoolExecutor()
        print(self.pool.submit(work))
        other = ThreadPoolExecutor()
        self.other = other
        print(other.submit(work))

    def replace(self):
        global shared
        shared = ThreadPoolExecutor()
        print(shared.submit(print))


def closed_too_early(path, work, keep):
    pool = ThreadPoolExecutor()
    keep(pool)
    with open(path) as file:
        first = pool.submit(work, file)  # -> CON209
    with open(path) as file:
        threading.Thread(target=work, args=(file,)).start()  # -> CON209
    with open(path) as file:
        thread = threading.Thread(target=lambda: work(file))  # -> CON209
        thread.start()
    thread.join()
    with socket.socket() as connection:
        return first, pool.submit(connection.sendall, b"x")  # noqa: B018


def closed_while_returning(path, work):
    with open(path) as file:
        return shared.submit(work, file)  # -> CON209


async def closed_session(use):
    async with aiohttp.ClientSession() as session:
        return asyncio.create_task(use(session))  # -> CON209


async def groups(use, one, other):
    async with asyncio.TaskGroup() as group:
        async with aiohttp.ClientSession() as session:
            group.create_task(use(session))  # -> CON209
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        group.create_task(use(session))
    async with aiohttp.ClientSession() as session:
        async with asyncio.TaskGroup() as group:
            group.create_task(use(session))
    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(use(session))
        await task
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(use(session)) for _ in (one, other)]
        print(await asyncio.gather(*tasks, return_exceptions=True))
    async with aiohttp.ClientSession() as session:
        return await asyncio.create_task(use(session))


def waited_for(path, work, count):
    with open(path) as file:
        thread = threading.Thread(target=work, args=(file,))
        thread.start()
        thread.join()
    with open(path) as file, ThreadPoolExecutor() as pool:
        future = pool.submit(work, file)
    with open(path) as file:
        with ThreadPoolExecutor() as pool:
            future = pool.submit(work, file)
    with open(path) as file:
        future = shared.submit(work, file)
        print(future.result())
    with open(path) as file:
        wait([shared.submit(work, file) for _ in range(count)])
    with open(path) as file:
        future = shared.submit(work, file.read())
    with socket.socket() as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=work, args=(connection, server)).start()
    return future
