from concurrent.futures import InterpreterPoolExecutor  # CPython 3.14

WORKERS = {WORKERS}


def main():
    with InterpreterPoolExecutor(max_workers=WORKERS) as pool:
        results = list(pool.map(work, items{CHUNK}))


if __name__ == "__main__":
    main()
