"""What is sent along with tasks, and how many go at once."""
import itertools
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd


def work(table, item=None):
    print(table, item)


def large(paths, items, threads: ThreadPoolExecutor):
    table = pd.read_csv("table.csv")
    array = np.zeros((1000, 1000))
    small = np.zeros(10)
    ones = [1] * 1_000_000
    text = open("text").read()
    score = partial(work, table)  # -> CON501
    with ProcessPoolExecutor() as pool:
        futures = [pool.submit(work, table, item) for item in items]  # -> CON501
        futures += [pool.submit(work, item, array) for item in items]  # -> CON501
        futures += [pool.submit(work, small, item) for item in items]
        futures += [pool.submit(work, text, item) for item in items]  # -> CON501
        futures += [threads.submit(work, table, item) for item in items]
        for path in paths:
            each = pd.read_csv(path)
            futures.append(pool.submit(work, each))
        futures.append(pool.submit(work, table))
        results = list(pool.map(partial(work, ones), items))  # -> CON501
        results += pool.map(partial(work, item=array), items)  # -> CON501
        results += pool.map(partial(work, small), items)
        results += pool.map(work, itertools.repeat(table), items)  # -> CON501
        results += pool.map(score, items)
    with multiprocessing.Pool() as other:
        results += other.starmap(work, [(table, item) for item in items])  # -> CON501
        results += other.starmap(work, zip([table] * 10, items))  # -> CON501
        for item in items:
            futures.append(other.apply_async(work, (table, item)))  # -> CON501
    return futures, results


def square(number):
    return number * number


def distance(point):
    """Of a point."""
    x, y = point
    if x < 0:
        x = -x
    return math.sqrt(x**2 + y**2)


def loops(number):
    total = 0
    for part in range(number):
        total += part
    return total


def calls(number):
    return work(number)


def powers(number):
    return 3**number


def tiny(numbers):
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(square, numbers))  # -> CON502
        results += pool.map(distance, numbers)  # -> CON502
        results += pool.map(square, range(10**9), timeout=1)  # -> CON502
        results += pool.map(square, range(1000))  # -> CON502
        results += pool.map(square, range(10))
        results += pool.map(square, [1, 2, 3])
        results += pool.map(square, numbers, chunksize=1)
        results += pool.map(loops, numbers)
        results += pool.map(calls, numbers)
        results += pool.map(powers, numbers)
    with multiprocessing.Pool() as other:
        results += other.imap_unordered(square, numbers)  # -> CON502
        results += other.imap(square, numbers, 100)
        results += other.map(square, numbers)
    with ThreadPoolExecutor() as threads:
        results += threads.map(square, numbers)
    return results
