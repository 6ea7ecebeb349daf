"""Pools, threads and processes, and what only looks wrong."""
import concurrent.futures as cf
import contextvars
import functools
import multiprocessing as mp
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool


def built_again(batches, work):
    for batch in batches:
        with cf.ThreadPoolExecutor() as pool:  # -> CON201
            print(list(pool.map(work, batch)))
    while batches:
        pool = mp.Pool()  # -> CON201
        pool.map(work, batches.pop())
    for workers in (1, 2, 4):
        with ThreadPoolExecutor(workers) as pool:
            print(list(pool.map(work, batches)))
    pools = [ThreadPoolExecutor(1) for _ in batches]
    for batch in batches:
        pools.append(ThreadPoolExecutor(1))
    while True:
        try:
            with ProcessPoolExecutor() as pool:
                print(list(pool.map(work, batches)))
        except cf.process.BrokenProcessPool:
            continue
    for item in ThreadPoolExecutor().map(work, batches):
        print(item)
    return pools


def batch_of(items, work):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, items))


def by_call(batches, work):
    for batch in batches:
        print(batch_of(batch, work))  # -> CON201
    print(batch_of(batches, work))


def careful(item):
    try:
        print(item)
    except Exception:
        print("failed")


class Request:
    def careful_too(self, item):
        try:
            print(item)
        except Exception as why:
            self.why = why

    def careless(self, item):
        print(item)


def dropped(items, work):
    pool = ThreadPoolExecutor()  # -> CON207
    other = mp.Pool()  # -> CON207
    for item in items:
        pool.submit(work, item)  # -> CON202
        pool.submit(careful, item)
        other.apply_async(work, (item,))  # -> CON202
        other.apply_async(work, (item,), error_callback=print)
    context = contextvars.copy_context()
    pool.submit(context.run, careful, items)
    pool.submit(context.run, work, items)  # -> CON202
    pool.submit(items[0].careful_too, items)
    pool.submit(items[0].careless, items)  # -> CON202
    pool.submit(items[0].of_another_file, items)
    pool.map(work, items)  # -> CON202
    other.map(work, items)
    kept = pool.submit(work, items)
    items.submit(work)
    items.map(work)
    return kept


def square(item):
    return item * item


named = lambda item: item  # noqa: E731


def unpicklable(items, loop):
    def local(item):
        return item

    with ProcessPoolExecutor() as pool:
        a = pool.submit(lambda: 1)  # -> CON203
        b = pool.map(local, items)  # -> CON203
        c = pool.map(functools.partial(local, 1), items)  # -> CON203
        d = pool.map(functools.partial(square), items)
        e = pool.submit(named, 1)  # -> CON203
        f = pool.submit(square, 1)
        g = loop.run_in_executor(pool, lambda: 1)  # -> CON203
        h = loop.run_in_executor(None, lambda: 1)
    with ThreadPoolExecutor() as threads:
        i = threads.map(local, items)
    with ThreadPool() as threads:
        j = threads.map(lambda item: item, items)
    with mp.get_context("spawn").Pool() as processes:
        k = processes.map(lambda item: item, items)  # -> CON203
    return a, b, c, d, e, f, g, h, i, j, k


def one_at_a_time(items, work):
    results = []
    other = ProcessPoolExecutor()  # -> CON207
    with ThreadPoolExecutor() as pool:
        for item in items:
            results.append(pool.submit(work, item).result())  # -> CON205
        for item in items:
            future = pool.submit(work, item)
            results.append(1)
            future.result()
        for item in items:
            future = pool.submit(work, item)
            result = future.result()  # -> CON205
            results.append(result)
        for item in items:
            results.append(pool.submit(work, item).result(timeout=1))
        futures = [pool.submit(work, item) for item in items]
        results += [future.result() for future in futures]
        results += [pool.submit(work, item).result() for item in items]  # -> CON205
        for item in items:
            assert pool.submit(work, item).result() == other.submit(work, item).result()
        while items:
            results.append(pool.submit(work, items.pop()).result())
    return pool.submit(work, items).result()


def joined(items, work):
    for item in items:
        thread = threading.Thread(target=work, args=(item,))
        thread.start()
        thread.join()  # -> CON206
    for item in items:
        process = mp.Process(target=work, args=(item,))
        process.start()
        process.join()  # -> CON206
    for item in items:
        thread = threading.Thread(target=work, args=(item,))
        thread.start()
        print(item)
        thread.join()
    for item in items:
        thread = threading.Thread(target=work, args=(item,))
        thread.start()
        thread.join(1)
    for item in items:
        item.start()
        item.join()
