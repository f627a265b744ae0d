"""What every test may ask for: a store, a clock, ids, and a way to wait for a condition."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.db.database import AnyDatabase, open_database
from gateway.db.migrate import on_connection, upgrade
from gateway.db.sqlite import SqliteDatabase
from gateway.db.tables import is_declared, load_tables
from gateway.db.tx import Tx
from gateway.db.url import parse_url
from gateway.kit.ids import IdGenerator
from gateway.orgs.models import Org

T = TypeVar("T")

#: ``pytest --hypothesis-profile=long``: property tests play for hours instead of seconds.
LONG = "long"
settings.register_profile(LONG, max_examples=10_000, stateful_step_count=50, deadline=None)
# How fast a machine is at this moment says nothing about what is tested.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")


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


def missing(what: str, reason: str) -> NoReturn:
    """Skip the test; fail it where WAGATE_REQUIRE says that this machine must have it."""
    if what in os.environ.get("WAGATE_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, and WAGATE_REQUIRE demands {what}")
    pytest.skip(reason)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest, or ``-n 3`` would end with one of them alone."""
    longest: dict[Path, float] = {}
    for item in items:
        limit = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0.0), float(limit.args[0]) if limit else 0.0)
    items.sort(key=lambda item: -longest[item.path])


#: What WAGATE_REQUIRE calls the things that marked tests need.
NEEDS = {"browser": "chromium", "postgres": "postgres"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test proves nothing: on a machine that must have what it needs, it fails, whoever skipped it."""
    report = yield
    required = set(os.environ.get("WAGATE_REQUIRE", "").split(","))
    needed = {NEEDS[mark.name] for mark in item.iter_markers() if mark.name in NEEDS}
    if report.skipped and needed & required and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped ({report.longrepr}), and WAGATE_REQUIRE demands {', '.join(needed & required)}"
    return report


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
    url = f"sqlite:///{path}"
    _run_apart(upgrade(url))
    changed = _run_apart(on_connection(url, _differences))
    assert changed == [], "the models differ from the migrations; see gateway/db/draft.py"
    return path


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"include_object": is_declared})
    return list(compare_metadata(context, load_tables()))


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A store of this test's own, on SQLite."""
    path = tmp_path / "wagate.db"
    shutil.copy(sqlite_template, path)
    opened = await SqliteDatabase.open(path)
    yield opened
    await opened.close()


@pytest.fixture
async def org(database: SqliteDatabase, clock: SettableClock) -> Org:
    """The organization with id 1, in ``database``."""
    return await database.write(lambda tx: add_org(tx, clock))


def add_org(tx: Tx, clock: SettableClock, *, org_id: int = 1) -> Org:
    """Insert an organization."""
    row = Org(id=org_id, name=f"Organization {org_id}", created_at=clock.now(), updated_at=clock.now())
    tx.add(row)
    return row


@pytest.fixture
async def any_org(any_database: AnyDatabase, clock: SettableClock) -> Org:
    """The organization with id 1, in ``any_database``."""
    return await any_database.write(lambda tx: add_org(tx, clock))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of this run's own on the server that WAGATE_TEST_POSTGRES names, with the whole schema."""
    admin_url = _postgres_server()
    url = _run_apart(_make_database(admin_url, f"wagate_test_{os.getpid()}"))
    _run_apart(upgrade(url))
    yield url
    _run_apart(_execute(admin_url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)"))


def _postgres_server() -> str:
    url = os.environ.get("WAGATE_TEST_POSTGRES")
    if url is None:
        missing("postgres", "WAGATE_TEST_POSTGRES names no PostgreSQL server")
    return url


async def _make_database(admin_url: str, name: str) -> str:
    await _execute(admin_url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


def _run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own in a thread, out of the way of the tests' loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _execute(url: str, *statements: str) -> None:
    engine = create_async_engine(parse_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_database_url(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty store with the whole schema, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "wagate.db")
        return f"sqlite:///{tmp_path / 'wagate.db'}"
    url: str = request.getfixturevalue("postgres_url")
    names = ", ".join(f'"{table}"' for table in load_tables().tables)
    _run_apart(_execute(url, f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def any_migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an empty store made by the migrations, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'migrated.db'}"
        await upgrade(url)
        yield url
        return
    admin_url = _postgres_server()
    url = await _make_database(admin_url, f"wagate_migrated_{os.getpid()}")
    await upgrade(url)
    yield url
    await _execute(admin_url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@pytest.fixture
async def new_postgres() -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """``await new_postgres()``: the address of a database of this test's own that is wholly empty."""
    admin_url = _postgres_server()
    made: list[str] = []

    async def make() -> str:
        made.append(await _make_database(admin_url, f"wagate_empty_{os.getpid()}_{len(made)}"))
        return made[-1]

    yield make
    for url in made:
        await _execute(admin_url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@pytest.fixture
async def any_database(any_database_url: str) -> AsyncIterator[AnyDatabase]:
    """The same test on both stores; PostgreSQL where WAGATE_TEST_POSTGRES names a server."""
    opened = await open_database(any_database_url)
    yield opened
    await opened.close()
