"""How many workers."""
import multiprocessing as mp
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

WORKERS = 16
CORES = mp.cpu_count() - 1


def sized(items, workers):
    return [
        ThreadPoolExecutor(8),  # -> CON401
        ThreadPoolExecutor(max_workers=WORKERS),  # -> CON401
        mp.Pool(processes=4),  # -> CON401
        ThreadPoolExecutor(1),
        ThreadPoolExecutor(workers),
        ThreadPoolExecutor(),
        ThreadPoolExecutor(len(items)),
        ProcessPoolExecutor(os.cpu_count()),  # -> CON402
        mp.Pool(CORES),  # -> CON402
        ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)),  # -> CON402
        mp.Pool(min(os.cpu_count(), len(items))),
        os.cpu_count(),
    ]
