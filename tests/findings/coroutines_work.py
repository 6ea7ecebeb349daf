"""Work that keeps the processor, clients that are made for one request, and what only looks so."""
import asyncio
import bcrypt
import gzip
import hashlib
import json
import re
import zipfile
from time import sleep

import aiohttp
import asyncpg
import httpx
import pandas as pd
import requests
from fastapi import FastAPI
from PIL import Image

app = FastAPI()
HOST = "https://example.org"
TURNS = 10**6


async def computes(password, path, texts):
    bcrypt.checkpw(password, path)  # -> CON109
    hashlib.scrypt(password, salt=b"", n=2, r=8, p=1)  # -> CON109
    await asyncio.to_thread(bcrypt.checkpw, password, path)
    gzip.compress(path)  # -> CON109
    hashlib.sha256(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall()  # -> CON109
    picture = Image.open(path)
    picture.resize((10, 10))  # -> CON109
    json.load(path)  # -> CON109
    json.loads(path)
    table = pd.DataFrame(path)
    table.groupby("x")  # -> CON109
    for text in texts:
        re.search("x", text)  # -> CON109
    for text in texts:
        re.search("x", text)
        await asyncio.sleep(0)
    for text in texts:
        if text:
            return re.search("x", text)
    for _ in range(TURNS):  # -> CON109
        password += 1
    for row in range(2_000):  # -> CON109
        for column in range(0, 2_000):
            password += row * column
    for row in range(2_000):
        for column in range(2_000):
            password += row * column
        await asyncio.sleep(0)
    for row in range(100):
        password += row


def computes_elsewhere(password, path):
    bcrypt.checkpw(password, path)
    for _ in range(TURNS):
        password += 1


async def clients(urls):
    for url in urls:
        async with httpx.AsyncClient() as client:  # -> CON110
            await client.post(url)
    for url in urls:
        session = requests.Session()  # -> CON110
        print(session, url)
    for url in urls:
        async with aiohttp.ClientSession(url) as session:
            await session.post("/")
    for url in urls:
        own = requests.Session()
        own.headers["url"] = url
    for attempt in range(3):
        async with httpx.AsyncClient() as client:
            await client.post(HOST)
    while urls:
        async with httpx.AsyncClient() as client:
            await client.post(urls.pop())
    for url in urls:
        try:
            async with httpx.AsyncClient() as client:
                await client.post(url)
        except httpx.HTTPError:
            continue
    for url in urls:
        await post(url)  # -> CON110
    async with httpx.AsyncClient() as client:
        return [client.post(url) for url in urls], [httpx.AsyncClient() for _ in urls]


async def post(url):
    async with httpx.AsyncClient() as client:
        return await client.post(url)


@app.get("/prices")
async def prices(item: str, token: str):
    async with aiohttp.ClientSession() as session:  # -> CON110
        print(await session.post(item))
    connection = await asyncpg.connect(HOST)  # -> CON110
    await connection.execute("select 1")
    async with aiohttp.ClientSession(headers={"token": token}) as session:
        print(await session.post(item))


@app.on_event("startup")
async def start():
    app.state.client = httpx.AsyncClient()
    async with httpx.AsyncClient() as client:
        await client.post(HOST)


def test_clients(urls):
    for url in urls:
        with requests.Session() as session:
            session.post(url)


def wait():
    sleep(1)
