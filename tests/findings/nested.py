"""Workers of workers, and queues without a bound."""
import asyncio
import os
import queue
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV


def fit(data):
    return RandomForestClassifier(n_jobs=-1).fit(*data)  # -> CON403


def fit_alone(data):
    return RandomForestClassifier(n_jobs=1).fit(*data)


def fit_one(data):
    return RandomForestClassifier(n_jobs=-1).fit(*data)


def solve(matrix):
    return np.linalg.solve(matrix, matrix)


def run(folds):
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(fit, folds))
        results += pool.map(fit_alone, folds)
        results.append(pool.submit(fit_one, folds).result())
        results += pool.map(solve, folds)  # -> CON403
    with ProcessPoolExecutor(2) as two:  # -> CON401
        results += two.map(solve, folds)
    with Pool(os.cpu_count()) as every:  # -> CON402
        results += every.map(solve, folds)  # -> CON403
    return results


def search(grid):
    nested = GridSearchCV(RandomForestClassifier(n_jobs=-1), grid, n_jobs=-1)  # -> CON403
    return nested, GridSearchCV(RandomForestClassifier(n_jobs=1), grid, n_jobs=-1), GridSearchCV(
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
