"""What is handed over to be called."""
import asyncio
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process

pool = ThreadPoolExecutor()


def work(item=None):
    print(item)


def answer():
    return 42


def numbers():
    yield 1


def factory():
    def inner():
        print("inner")

    return inner


def passed_on(function):
    return function


@functools.cache
def cached():
    print("cached")


def stub():
    raise NotImplementedError


async def coroutine():
    await asyncio.sleep(1)


class Worker:
    def run(self):
        print(self)

    def start(self):
        threading.Thread(target=self.run()).start()  # -> CON210
        threading.Thread(target=self.run).start()


def called_for_a_process():
    Process(target=work(), args=(1,)).start()  # -> CON210


async def called(loop, items):
    threading.Thread(target=work()).start()  # -> CON210
    threading.Thread(target=work(1)).start()  # -> CON210
    threading.Thread(None, work(1)).start()  # -> CON210
    threading.Timer(1, work()).start()  # -> CON210
    one = pool.submit(work(items, *items))  # -> CON210
    two = pool.submit(answer())  # -> CON210
    three = pool.map(work(), items)  # -> CON210
    four = await loop.run_in_executor(None, work(1))  # -> CON210
    five = await asyncio.to_thread(time.sleep(1))  # -> CON101, CON210
    six = pool.submit(coroutine())  # -> CON210
    seven = pool.submit(numbers())  # -> CON210
    eight = pool.submit(print("x"))  # -> CON210
    return one, two, three, four, five, six, seven, eight


async def passed(loop, items, other):
    threading.Thread(target=work).start()
    threading.Thread(target=work, args=(answer(),)).start()
    return [
        pool.submit(work, answer()),
        pool.submit(factory()),
        pool.submit(functools.partial(work, 1)),
        pool.submit(passed_on(work)),
        pool.submit(cached()),
        pool.submit(stub()),
        pool.submit(other()),
        pool.submit(other.method()),
        pool.map(factory(), items),
        await loop.run_in_executor(None, factory()),
        await asyncio.to_thread(work, 1),
        asyncio.create_task(coroutine()),
    ]


def summed(items):
    total = 0
    for item in items:
        total += item
    return total


def summed_up(items):
    threading.Thread(target=summed(items)).start()  # -> CON210


def leaf(item):
    return item


def waits(item):
    return pool.submit(leaf, item).result()  # -> CON208


def helps(item):
    future = pool.submit(leaf, item)  # -> CON208
    return future.result()


def through_helper(item):
    return helps(item)


def goes_through(items):
    return list(pool.map(leaf, items))  # -> CON208


def does_not_wait(item):
    return pool.submit(leaf, item)


def its_own(item):
    with ThreadPoolExecutor() as own:
        return own.submit(leaf, item).result()


def outside(items):
    futures = [pool.submit(leaf, item) for item in items]
    return [future.result() for future in futures]


def nested(items):
    with ThreadPoolExecutor(4) as local:  # -> CON401

        def walk(item):
            parts = [local.submit(walk, part) for part in item]  # -> CON208
            return [part.result() for part in parts]

        print(local.submit(walk, items).result())
    return [
        pool.map(waits, items),
        pool.map(through_helper, items),
        pool.map(goes_through, items),
        pool.map(does_not_wait, items),
        pool.map(its_own, items),
        outside(items),
    ]


def given(threads, item):
    future = threads.submit(leaf, item)  # -> CON208
    return future.result()


def given_another(threads, item):
    return threads.submit(leaf, item).result()


def gives(items):
    with ThreadPoolExecutor() as one:
        futures = [one.submit(given, one, item) for item in items]
        return futures + [one.submit(given_another, pool, item) for item in items]


class Crawler:
    def __init__(self):
        self.pool = ThreadPoolExecutor()
        self.other = ThreadPoolExecutor()

    def crawl(self, page):
        return self.pool.submit(leaf, page).result()  # -> CON208

    def crawl_elsewhere(self, page):
        return self.other.submit(leaf, page).result()

    def run(self, pages):
        return [self.pool.map(self.crawl, pages), self.pool.map(self.crawl_elsewhere, pages)]
