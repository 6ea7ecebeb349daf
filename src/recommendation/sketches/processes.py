{IMPORT}from concurrent.futures import ProcessPoolExecutor

WORKERS = {WORKERS}


def main():
    with ProcessPoolExecutor(max_workers=WORKERS{CONTEXT}) as pool:
        results = list(pool.map(work, items{CHUNK}))


# Without this line, a worker that imports the program would start the program again.
if __name__ == "__main__":
    main()
