"""Counts primes by trial division: pure Python, the articles' CPU-bound task."""

LABEL = {"class": "cpu-bound", "about": "pure Python, 40 ms"}
ITEMS = range(50)


def task(item):
    found = 0
    for number in range(3, 50_000 + item, 2):
        step = 3
        while step * step <= number:
            if number % step == 0:
                break
            step += 2
        else:
            found += 1
    return found


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
