"""A query that takes the server 25 ms without computing, by psycopg, synchronous and asynchronous."""

import psycopg
from _kit import Idle, address, per_loop, per_thread

LABEL = {"class": "io-bound", "about": "PostgreSQL by psycopg, 25 ms"}
NEEDS = ["postgres"]
ITEMS = range(80)
QUESTION = "select pg_sleep(0.025), %s::int * 2"


def connect():
    return psycopg.connect(address("postgres"), autocommit=True)


def task(item):
    return per_thread(connect).execute(QUESTION, (item,)).fetchone()[1]


async def connections():
    idle = Idle(lambda: psycopg.AsyncConnection.connect(address("postgres"), autocommit=True))
    yield idle
    await idle.close()


async def atask(item):
    idle = await per_loop(connections)
    connection = await idle.take()
    answer = await (await connection.execute(QUESTION, (item,))).fetchone()
    idle.give(connection)
    return answer[1]


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
