"""The group-commit writer keeps what it promised and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, event, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.db.errors import StoreBusyError, StoreClosedError, StoreFailedError
from gateway.db.sqlite import SqliteDatabase, make_write_engine
from gateway.db.turns import OWN_IN_A_ROW
from gateway.db.tx import Tx

metadata = MetaData()
parents = Table("parents", metadata, Column("id", Integer, primary_key=True), Column("name", String, unique=True))
children = Table(
    "children",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", Integer, ForeignKey("parents.id", deferrable=True, initially="DEFERRED")),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    engine = make_write_engine(path)
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(path, queue_limit=400)
    yield opened
    await opened.close()


def add(name: str):
    return lambda tx: tx.execute(insert(parents).values(name=name)).inserted_primary_key[0]


@asynccontextmanager
async def held(store: SqliteDatabase) -> AsyncIterator[None]:
    """The writer is busy for the length of the block, so that what is queued in it shares one commit."""
    begun, release = threading.Event(), threading.Event()

    def wait(tx: Tx) -> None:
        begun.set()
        release.wait(10)

    blocker = asyncio.create_task(store.write(wait))
    await asyncio.to_thread(begun.wait, 10)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        release.set()
        await blocker


def names(tx: Tx) -> list[str]:
    return list(tx.execute(select(parents.c.name).order_by(parents.c.id)).scalars())


async def test_what_was_written_is_read_back_by_a_reader_and_by_another_process(store, path):
    await store.write(add("ada"))

    assert await store.read(names) == ["ada"]
    with sqlite3.connect(path) as outsider:
        assert outsider.execute("select name from parents").fetchall() == [("ada",)]
    outsider.close()


async def test_a_failing_unit_takes_nothing_else_of_its_commit_along(store):
    async with held(store):
        units = [asyncio.ensure_future(store.write(add(name))) for name in ("ada", "bob", "ada", "cleo")]

    results = await asyncio.gather(*units, return_exceptions=True)

    assert isinstance(results[2], IntegrityError)
    assert [isinstance(result, int) for result in results] == [True, True, False, True]
    assert await store.read(names) == ["ada", "bob", "cleo"]


async def test_a_unit_that_raises_after_writing_leaves_nothing(store):
    def write_then_fail(tx: Tx) -> None:
        tx.execute(insert(parents).values(name="ghost"))
        raise LookupError("changed my mind")

    with pytest.raises(LookupError, match="changed my mind"):
        await store.write(write_then_fail)

    assert await store.read(names) == []


async def test_when_the_commit_fails_everybody_in_it_is_told_and_the_next_commit_works(store):
    called: list[str] = []

    def innocent(tx: Tx) -> None:
        tx.execute(insert(parents).values(name="ada"))
        tx.after_commit(lambda: called.append("ada"))

    def orphan(tx: Tx) -> None:
        tx.execute(insert(children).values(parent_id=999))

    async with held(store):
        together = [asyncio.ensure_future(store.write(work)) for work in (innocent, orphan)]
    results = await asyncio.gather(*together, return_exceptions=True)
    await store.write(add("bob"))

    assert [type(result) for result in results] == [StoreFailedError, StoreFailedError]
    assert called == []
    assert await store.read(names) == ["bob"]


async def test_when_the_commit_of_a_lone_unit_fails_it_is_told_and_the_next_commit_works(store):
    with pytest.raises(StoreFailedError):
        await store.write(lambda tx: tx.execute(insert(children).values(parent_id=999)).rowcount)
    await store.write(add("bob"))

    assert await store.read(names) == ["bob"]


async def test_when_sqlite_gives_up_the_transaction_nobody_is_told_that_it_worked(store):
    def lose_everything(tx: Tx) -> None:
        driver = tx.session.connection().connection.driver_connection
        driver.execute("ROLLBACK")
        raise OperationalError("insert", {}, Exception("disk full"))

    async with held(store):
        works = (add("before"), lose_everything, add("afterwards"))
        together = [asyncio.ensure_future(store.write(work)) for work in works]
    results = await asyncio.gather(*together, return_exceptions=True)
    await store.write(add("next"))

    assert [type(result) for result in results[:2]] == [StoreFailedError] * 2
    assert isinstance(results[2], int), "its turn had not come yet"
    assert await store.read(names) == ["afterwards", "next"]


async def test_a_full_disk_is_an_error_for_its_callers_and_loses_nothing_that_was_kept(path):
    store = await SqliteDatabase.open(path)
    await store.write(add("kept"))
    await store.write(lambda tx: tx.execute(text("PRAGMA max_page_count=1")).scalar())

    with pytest.raises((OperationalError, StoreFailedError)):
        await store.write(add("x" * 5_000_000))
    kept = await store.read(names)
    await store.close()

    assert kept == ["kept"]


async def test_callbacks_run_after_the_commit_on_the_event_loop_before_the_answer(store, path):
    seen: list[object] = []

    def work(tx: Tx) -> str:
        tx.execute(insert(parents).values(name="ada"))
        tx.after_commit(lambda: seen.append(threading.current_thread() is threading.main_thread()))
        tx.after_commit(lambda: seen.append(sqlite3.connect(path).execute("select count(*) from parents").fetchone()))
        return "answer"

    answer = await store.write(work)

    assert (answer, seen) == ("answer", [True, (1,)])


async def test_callbacks_of_a_rolled_back_unit_never_run(store):
    seen: list[str] = []

    def work(tx: Tx) -> None:
        tx.after_commit(lambda: seen.append("ran"))
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(work)
    await store.write(lambda tx: None)

    assert seen == []


async def test_a_failing_callback_keeps_nobody_from_the_answer(store):
    def work(tx: Tx) -> int:
        tx.after_commit(lambda: 1 // 0)
        return 7

    assert await store.write(work) == 7


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(path):
    store = await SqliteDatabase.open(path)
    pending = [asyncio.ensure_future(store.write(add(f"n{number}"))) for number in range(300)]
    await asyncio.sleep(0)

    await store.close()

    assert len(await asyncio.gather(*pending)) == 300
    with pytest.raises(StoreClosedError):
        await store.write(add("late"))
    await store.close()


async def test_a_queue_that_is_full_says_so(store):
    async with held(store):
        waiting = [asyncio.ensure_future(store.write(add(f"n{number}"))) for number in range(600)]
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(result) for result in results[400:]] == [StoreBusyError] * 200
    assert len(await store.read(names)) == 400


async def test_work_whose_caller_gave_up_before_its_turn_is_not_done(store):
    async with held(store):
        given_up = asyncio.ensure_future(store.write(add("unwanted")))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)

    assert await store.read(names) == []


async def test_a_reader_cannot_write(store):
    with pytest.raises(OperationalError, match="readonly"):
        await store.read(add("sneaky"))


async def test_a_reader_sees_one_moment_however_many_statements_it_runs(store):
    await store.write(add("ada"))
    started, written = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[list[str], list[str]]:
        first = names(tx)
        started.set()
        written.wait(5)
        return first, names(tx)

    reading = asyncio.create_task(_read_in_thread(store, look_twice))
    await asyncio.to_thread(started.wait, 5)
    await store.write(add("bob"))
    written.set()

    assert await reading == (["ada"], ["ada"])


async def _read_in_thread(store: SqliteDatabase, work):
    """Block a reader, not this test's event loop: the work waits inside a loop of its own."""

    async def visit():
        path = store._write_engine.url.database
        visitor = await SqliteDatabase.open(Path(path), guest=True)
        try:
            return await visitor.read(work)
        finally:
            await visitor.close()

    return await asyncio.to_thread(asyncio.run, visit())


async def test_the_file_is_durable_and_enforces_foreign_keys(store):
    def settings(tx: Tx) -> list[object]:
        wanted = ("journal_mode", "synchronous", "foreign_keys")
        return [tx.execute(text(f"PRAGMA {name}")).scalar() for name in wanted]

    assert await store.write(settings) == ["wal", 2, 1]


async def test_many_writers_share_commits(store):
    commits: list[int] = []
    event.listen(store._write_engine, "commit", lambda connection: commits.append(1))

    async with held(store):
        waiting = [asyncio.ensure_future(store.write(add(f"n{number}"))) for number in range(256)]
    await asyncio.gather(*waiting)

    assert len(await store.read(names)) == 256
    assert len(commits) < 64


async def test_the_gateways_own_work_goes_before_what_callers_ask_for(store):
    async with held(store):
        asked = [asyncio.ensure_future(store.front().write(add(f"asked {number}"))) for number in range(3)]
        own = [asyncio.ensure_future(store.write(add(f"own {number}"))) for number in range(3)]
    await asyncio.gather(*asked, *own)

    assert await store.read(names) == ["own 0", "own 1", "own 2", "asked 0", "asked 1", "asked 2"]


async def test_a_flood_of_own_work_locks_no_caller_out(store):
    async with held(store):
        own = [asyncio.ensure_future(store.write(add(f"own {number}"))) for number in range(100)]
        asked = asyncio.ensure_future(store.front().write(add("asked")))
    await asyncio.gather(*own, asked)

    assert (await store.read(names)).index("asked") == OWN_IN_A_ROW - 1, "the writer had been busy with one already"


async def test_a_flood_of_requests_keeps_own_work_waiting_for_one_commit_at_most(store):
    """Each request takes so long that a commit has room for one or two."""
    order: list[str] = []

    def slowly(tx: Tx) -> None:
        order.append("asked")
        threading.Event().wait(0.03)

    async with held(store):
        asked = [asyncio.ensure_future(store.front().write(slowly)) for _ in range(20)]
    await asked[0]
    await store.write(lambda tx: order.append("own"))
    await asyncio.gather(*asked)

    assert order.index("own") < 10


async def test_a_full_queue_of_requests_refuses_none_of_the_gateways_own_work(store):
    async with held(store):
        asked = [asyncio.ensure_future(store.front().write(add(f"asked {number}"))) for number in range(500)]
        await asyncio.sleep(0)
        own = asyncio.ensure_future(store.write(add("own")))
    results = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(await own, int)
    assert [type(result) for result in results[400:]] == [StoreBusyError] * 100
