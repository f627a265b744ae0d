"""The bare limits: what this machine allows, measured with nothing of ours in the way."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import aiohttp
from aiohttp import web


async def http_round_trips(count: int) -> list[float]:
    """Seconds of ``count`` small POSTs to an empty aiohttp server in this process, one after the other."""
    app = web.Application()

    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"ok": True}, status=202)

    app.router.add_post("/", accept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as http:
            return [await _one_post(http, f"http://127.0.0.1:{port}/") for _ in range(count)]
    finally:
        await runner.cleanup()


async def _one_post(http: aiohttp.ClientSession, url: str) -> float:
    begun = time.perf_counter()
    async with http.post(url, json={"text": "x" * 64}) as answer:
        await answer.read()
    return time.perf_counter() - begun


def durable_commits(folder: Path, count: int) -> list[float]:
    """Seconds of ``count`` one-row transactions on SQLite, each on the disk before the next (WAL, FULL)."""
    file = folder / "bare.db"
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
        return [_one_commit(connection) for _ in range(count)]
    finally:
        connection.close()


def _one_commit(connection: sqlite3.Connection) -> float:
    begun = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO rows (body) VALUES (?)", ("x" * 64,))
    connection.execute("COMMIT")
    return time.perf_counter() - begun


async def accepted_and_settled(folder: Path, count: int) -> list[float]:
    """The least that POST to sent can take: one HTTP round trip and two durable commits (accepted, sending)."""
    trips = await http_round_trips(count)
    commits = await asyncio.to_thread(durable_commits, folder, 2 * count)
    return [trip + first + second for trip, first, second in zip(trips, commits[::2], commits[1::2], strict=True)]


async def stored_and_pushed(folder: Path, count: int) -> list[float]:
    """The least that phone to webhook can take: one durable commit and one HTTP round trip."""
    trips = await http_round_trips(count)
    commits = await asyncio.to_thread(durable_commits, folder, count)
    return [trip + commit for trip, commit in zip(trips, commits, strict=True)]


async def process_starts(count: int, at_once: int) -> float:
    """Seconds to start ``count`` empty Python processes, ``at_once`` at a time, and see them end."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "import asyncio, ctypes")
            await process.wait()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - begun
