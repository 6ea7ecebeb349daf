"""Queries that keep the server computing: the client only waits, and the server saturates this machine's cores."""

import psycopg
from _kit import Idle, address, per_loop, per_thread

LABEL = {"class": "io-bound", "about": "PostgreSQL, server computes 40 ms"}
NEEDS = ["postgres"]
ITEMS = range(50)
QUESTION = "select sum(sqrt(i + %s)) from generate_series(1, 200000) i"


def connect():
    connection = psycopg.connect(address("postgres"), autocommit=True)
    connection.execute("set max_parallel_workers_per_gather = 0")
    return connection


def task(item):
    return round(per_thread(connect).execute(QUESTION, (item,)).fetchone()[0], 3)


async def connections():
    idle = Idle(lambda: psycopg.AsyncConnection.connect(address("postgres"), autocommit=True))
    yield idle
    await idle.close()


async def atask(item):
    idle = await per_loop(connections)
    connection = await idle.take()
    answer = await (await connection.execute(QUESTION, (item,))).fetchone()
    idle.give(connection)
    return round(answer[0], 3)


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
