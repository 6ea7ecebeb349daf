from concurrent.futures import ThreadPoolExecutor

WORKERS = {WORKERS}

with ThreadPoolExecutor(max_workers=WORKERS) as pool:
    results = list(pool.map(work, items))
