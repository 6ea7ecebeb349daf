"""One committed row per task into one SQLite file: every writer waits for the same lock and for the disk."""

import os
import sqlite3

from _kit import data, per_thread

LABEL = {"class": "io-bound", "about": "SQLite commits, one file"}
ITEMS = range(400)


def connect():
    base = sqlite3.connect(data("writes.sqlite"), timeout=60, isolation_level=None)
    base.execute("pragma journal_mode = wal")
    base.execute("pragma synchronous = full")
    base.execute("create table if not exists entry (item integer, who integer)")
    return base


def setup():
    connect().close()


def task(item):
    base = per_thread(connect)
    base.execute("begin immediate")
    base.execute("insert into entry values (?, ?)", (item, os.getpid()))
    base.execute("commit")
    return item


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
