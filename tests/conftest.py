"""What every test may ask for: a store, a clock, ids, and a way to wait for a condition."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.db.database import AnyDatabase, open_database, parse_url
from gateway.db.sqlite import SqliteDatabase, make_write_engine
from gateway.db.tables import load_tables
from gateway.kit.ids import IdGenerator


class SettableClock:
    """A clock that moves only when told; wall time and monotonic time move together."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> None:
    """Log through the standard library, so that pytest shows the lines of a failing test and ``caplog`` has them."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def ids(clock: SettableClock) -> IdGenerator:
    return IdGenerator(clock=clock, chance=random.Random(7))


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    """``await eventually(condition)``: the condition's first true value; it may be a coroutine function."""

    async def wait_for(condition: Callable[[], Any], *, timeout_seconds: float = 10.0) -> Any:
        async with asyncio.timeout(timeout_seconds):
            while True:
                value = condition()
                if asyncio.iscoroutine(value):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(0.005)

    return wait_for


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store with the whole schema; tests work on copies."""
    path = tmp_path_factory.mktemp("template") / "wagate.db"
    engine = make_write_engine(path)
    load_tables().create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A store of this test's own, on SQLite."""
    path = tmp_path / "wagate.db"
    shutil.copy(sqlite_template, path)
    opened = await SqliteDatabase.open(path)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A database of this run's own on the server that WAGATE_TEST_POSTGRES names, with the whole schema."""
    admin_url = os.environ.get("WAGATE_TEST_POSTGRES")
    if not admin_url:
        pytest.skip("WAGATE_TEST_POSTGRES names no PostgreSQL server")
    name = f"wagate_test_{os.getpid()}"
    await _run_alone(admin_url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    url = make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    engine = create_async_engine(parse_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(load_tables().create_all)
    await engine.dispose()
    yield url
    await _run_alone(admin_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _run_alone(url: str, *statements: str) -> None:
    engine = create_async_engine(parse_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def any_database(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Any]:
    """The same test on both stores; PostgreSQL where WAGATE_TEST_POSTGRES names a server."""
    url = await _fresh_url(request, sqlite_template, tmp_path)
    opened: AnyDatabase = await open_database(url)
    yield opened
    await opened.close()


async def _fresh_url(request: pytest.FixtureRequest, template: Path, folder: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(template, folder / "wagate.db")
        return f"sqlite:///{folder / 'wagate.db'}"
    url: str = request.getfixturevalue("postgres_url")
    names = ", ".join(f'"{table}"' for table in load_tables().tables)
    if names:
        await _run_alone(url, f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    return url
