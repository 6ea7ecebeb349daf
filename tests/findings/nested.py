"""Workers of workers, and queues without a bound."""
import asyncio
import os
import queue
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV


def fit(data):
    return RandomForestClassifier(n_jobs=-1).fit(*data)  # -> CON403


def fit_alone(data):
    return RandomForestClassifier(n_jobs=1).fit(*data)


def fit_one(data):
    return RandomForestClassifier(n_jobs=-1).fit(*data)


def fit_delayed(data):
    return RandomForestClassifier(n_jobs=-1).fit(*data)  # -> CON403


def delay(folds):
    return Parallel(n_jobs=4)(delayed(fit_delayed)(fold) for fold in folds)


def multiply(matrix):
    return (matrix @ matrix).sum()


def solve(matrix):
    return np.linalg.solve(matrix, matrix)


def run(folds):
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(fit, folds))
        results += pool.map(fit_alone, folds)
        results.append(pool.submit(fit_one, folds).result())
        results += pool.map(solve, folds)  # -> CON403
        results += pool.map(multiply, folds)  # -> CON403
    with ProcessPoolExecutor(2) as two:  # -> CON401
        results += two.map(solve, folds)
    with Pool(os.cpu_count()) as every:  # -> CON402
        results += every.map(solve, folds)  # -> CON403
    return results


def search(grid):
    nested = GridSearchCV(RandomForestClassifier(n_jobs=-1), grid, n_jobs=-1)  # -> CON403
    forest = RandomForestClassifier(n_jobs=-1)
    other = GridSearchCV(forest, grid, n_jobs=os.cpu_count())  # -> CON403
    return nested, other, GridSearchCV(forest, grid), GridSearchCV(RandomForestClassifier(n_jobs=1), grid, n_jobs=-1), GridSearchCV(
        RandomForestClassifier(n_jobs=-1), grid
    )


class Feed:
    def __init__(self, size):
        self.waiting = queue.Queue()  # -> CON404
        self.bounded = queue.Queue(100)
        self.sized = queue.Queue(maxsize=size)
        self.ends = queue.Queue()

    def feed(self, lines):
        for line in lines:
            self.waiting.put(line)
            self.bounded.put(line)
            self.sized.put(line)
            self.ends.put(None)


async def produce(lines):
    lines_read = asyncio.Queue(maxsize=0)  # -> CON404
    once = asyncio.Queue()
    async for line in lines:
        await lines_read.put(line)
    await once.put(lines)
    return lines_read


def put_all(lines, into):
    for line in lines:
        into.put(line)


def start(lines):
    by_call = queue.Queue()  # -> CON404
    put_all(lines, by_call)
    by_thread = queue.Queue()  # -> CON404
    threading.Thread(target=put_all, args=(lines, by_thread)).start()
    return by_call, by_thread, queue.Queue()
