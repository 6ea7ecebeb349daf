"""Numbers looked at in a Python loop."""

ITEMS = range(24)


def count(item):
    found = 0
    for number in range(2, 140 + item % 3):
        for divisor in range(2, number):
            if number % divisor == 0 and divisor * divisor <= number:
                break
        else:
            found += 1
    for step in range(280_000):
        found = (found * 31 + step) & 0xFFFF
    return found


def task(item):
    return count(item)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
