"""Small indexed reads, by psycopg one after another and by asyncpg on an event loop: round trips and little else."""

import asyncpg
import psycopg
from _kit import Idle, address, per_loop, per_thread

LABEL = {"class": "mixed", "about": "PostgreSQL reads, psycopg or asyncpg"}
NEEDS = ["postgres"]
ITEMS = range(4000)


def connect():
    return psycopg.connect(address("postgres"), autocommit=True)


def setup():
    with connect() as base:
        base.execute("create table if not exists item (id int primary key, name text)")
        base.execute("insert into item select i, 'item ' || i from generate_series(0, 9999) i on conflict do nothing")


def task(item):
    return per_thread(connect).execute("select name from item where id = %s", (item,)).fetchone()[0]


async def connections():
    where = dict(part.split("=") for part in address("postgres").split())
    idle = Idle(lambda: asyncpg.connect(
        host=where["host"], port=int(where["port"]), user=where["user"], database=where["dbname"]
    ))
    yield idle
    await idle.close()


async def atask(item):
    idle = await per_loop(connections)
    connection = await idle.take()
    name = await connection.fetchval("select name from item where id = $1", item)
    idle.give(connection)
    return name


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
