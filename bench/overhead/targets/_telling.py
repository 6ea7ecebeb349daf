"""Times a workload from inside, and tells the file that the benchmark named on the command line."""

import json
import os
import sys
import threading
import time


def tell(work) -> None:
    """Runs `work`; writes its wall time, and the CPU time of this process and the children it waited for."""
    start = time.perf_counter()
    work()
    wall = time.perf_counter() - start
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"wall_s": wall, "cpu_s": sum(os.times()[:4])}, out)


def in_threads(count: int, work) -> None:
    """Runs `work` in that many threads at once."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
