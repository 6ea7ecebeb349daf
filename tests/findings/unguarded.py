"""Processes that are started when the file is imported."""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def square(item):
    return item * item


def main():
    with multiprocessing.Pool() as pool:
        return pool.map(square, range(10))


def later():
    return main()


if True:
    with ProcessPoolExecutor() as pool:  # -> CON204
        print(list(pool.map(square, range(10))))

main()  # -> CON204
workers = multiprocessing.Pool()  # -> CON204
lazy = ProcessPoolExecutor()
threads = ThreadPoolExecutor()
process = multiprocessing.Process(target=square)
process.start()  # -> CON204

if __name__ == "__main__":
    main()
    with ProcessPoolExecutor() as pool:
        print(list(pool.map(square, range(10))))
