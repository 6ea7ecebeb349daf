"""Aggregates over a slice of a table in SQLite, a connection per thread; the library releases the GIL."""

import random
import sqlite3

from _kit import per_thread, prepared

LABEL = {"class": "cpu-bound", "about": "SQLite aggregates"}
ITEMS = range(100)


def fill(path):
    rng = random.Random(1)
    with sqlite3.connect(path) as base:
        base.execute("create table sale (id integer primary key, shop integer, price real, note text)")
        base.executemany(
            "insert into sale (shop, price, note) values (?, ?, ?)",
            ((rng.randrange(60), rng.random() * 100, f"note {rng.randrange(10**6)}") for _ in range(300_000)),
        )
    base.close()


def connect():
    return sqlite3.connect(prepared("sales.sqlite", fill))


def setup():
    prepared("sales.sqlite", fill)


def task(item):
    question = "select count(*), sum(price), max(length(note)) from sale where shop = ? and note like '%7%'"
    return [round(part, 3) for part in per_thread(connect).execute(question, (item % 60,)).fetchone()]


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
