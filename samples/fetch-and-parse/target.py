"""Pages that are fetched (a sleep) and then parsed in pure Python, in about equal parts.

Right advice: both halves at once. Threads overlap the waits but parse on one core; processes, more than there are CPUs,
overlap the waits and parse on all of them; or an event loop for the waits with processes for the parsing.
"""

import time

PAGE = "<p>" + "</p><p>".join("word%d" % i for i in range(24_000)) + "</p>"


def fetch(i):
    time.sleep(0.04)
    return PAGE + str(i)


def parse(page):
    counts = {}
    word = []
    for char in page:
        if char.isalnum():
            word.append(char)
        elif word:
            key = "".join(word)
            counts[key] = counts.get(key, 0) + 1
            word.clear()
    return len(counts)


def main():
    print([sum(parse(fetch(i)) for _ in range(8)) for i in range(3)])


if __name__ == "__main__":
    main()
