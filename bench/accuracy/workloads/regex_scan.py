"""Searches 150 KB of text by several patterns of the regex library."""

import regex

from _kit import words

LABEL = {"class": "cpu-bound", "about": "regex"}
ITEMS = range(80)
TEXT = words(25_000)
PATTERNS = [
    regex.compile(r"\b(\w)(\w)\w*\2\1\b"),
    regex.compile(r"(?:[aeiou]{2}[^aeiou\s]+){2}"),
    regex.compile(r"\b\w*st\w+\s+\w*er\b"),
]


def task(item):
    return sum(len(pattern.findall(TEXT, pos=item)) for pattern in PATTERNS)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
