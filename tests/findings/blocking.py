"""Blocking calls in coroutines, and what only looks so."""
import asyncio
import os
import select
import smtplib
import socket
import subprocess
import time
import urllib.request as rq
from pathlib import Path
from time import sleep as nap

import boto3
import httpx
import pandas as pd
import psycopg2
import redis
import redis.asyncio as aioredis
import requests


async def direct(path, sock):
    time.sleep(1)  # -> CON101
    nap(0.5)  # -> CON101
    time.sleep(0)
    requests.get("https://example.org")  # -> CON101
    rq.urlopen("https://example.org")  # -> CON101
    subprocess.run(["true"])  # -> CON101
    os.system("true")  # -> CON101
    socket.getaddrinfo("example.org", 80)  # -> CON101
    socket.getaddrinfo(path, 80, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
    select.select([], [], [], 0)
    pd.read_csv(path)  # -> CON101
    with open(path) as file:  # -> CON101
        file.read()
    Path(path).read_text()  # -> CON101
    await asyncio.sleep(1)
    await asyncio.to_thread(time.sleep, 1)
    await asyncio.get_running_loop().run_in_executor(None, requests.get, "https://example.org")
    asyncio.get_running_loop().call_later(1, lambda: time.sleep(1))

    def helper():
        time.sleep(1)

    return [requests.get(url) for url in path]  # -> CON101


async def instances(item):
    mail = smtplib.SMTP("localhost")
    mail.send_message(item)  # -> CON101
    session = requests.Session()
    session.get(item)  # -> CON101
    requests.Session().get(item)  # -> CON101
    with httpx.Client() as client:
        client.get(item)  # -> CON101
    async with httpx.AsyncClient() as client2:
        await client2.get(item)
    connection = psycopg2.connect("")  # -> CON101
    with connection.cursor() as cursor:
        cursor.execute("select 1")  # -> CON101
    cache = redis.Redis()
    cache.get(item)  # -> CON101
    pipe = cache.pipeline()
    pipe.get(item)
    pipe.execute()  # -> CON101
    other = aioredis.Redis()
    await other.get(item)
    s3 = boto3.client("s3")
    s3.get_object(Bucket=item, Key=item)  # -> CON101
    s3.generate_presigned_url("get_object")


async def suppressed():
    time.sleep(1)  # noqa
    time.sleep(1)  # noqa: CON101
    time.sleep(1)  # noqa: E501  # -> CON101


async def shadowed(time, requests, open):
    time.sleep(1)
    requests.get("https://example.org")
    open("x")


class Store:
    client: requests.Session

    def __init__(self, cache: "redis.Redis", session=None):
        self.cache = cache
        self.session = session or requests.Session()

    async def load(self, key):
        self.client.get(key)  # -> CON101
        return self.cache.get(key) or self.session.get(key)  # -> CON101

    def load_sync(self, key):
        time.sleep(1)
        return self.cache.get(key)


def no_coroutine():
    time.sleep(1)
