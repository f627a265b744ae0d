"""Both stores keep the same promises."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.db.database import open_database
from gateway.db.errors import DatabaseUrlError
from gateway.db.tx import Tx
from gateway.db.url import parse_url


@pytest.fixture
async def store(any_database):
    await any_database.write(lambda tx: tx.execute(text("DROP TABLE IF EXISTS notes")))
    await any_database.write(lambda tx: tx.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")))
    yield any_database
    await any_database.write(lambda tx: tx.execute(text("DROP TABLE notes")))


def add(number: int, body: str = ""):
    def work(tx: Tx) -> int:
        tx.execute(text("INSERT INTO notes VALUES (:id, :body)"), {"id": number, "body": body})
        return number

    return work


def bodies(tx: Tx) -> list[str]:
    return list(tx.execute(text("SELECT body FROM notes ORDER BY id")).scalars())


async def test_a_value_comes_back_once_it_is_committed(store):
    assert await store.write(add(1, "kept")) == 1
    assert await store.read(bodies) == ["kept"]


async def test_an_error_rolls_its_own_work_back_and_reaches_its_caller(store):
    def work(tx: Tx) -> None:
        add(1)(tx)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.write(work)
    with pytest.raises(DBAPIError):
        await store.write(lambda tx: [add(2)(tx), add(2)(tx)])

    assert await store.read(bodies) == []


async def test_callbacks_come_on_the_loop_after_the_commit_and_not_after_a_rollback(store):
    seen: list[object] = []

    def work(tx: Tx, fail: bool) -> None:
        add(1)(tx)
        tx.after_commit(lambda: seen.append(threading.current_thread() is threading.main_thread()))
        if fail:
            raise LookupError

    with pytest.raises(LookupError):
        await store.write(lambda tx: work(tx, True))
    await store.write(lambda tx: work(tx, False))

    assert seen == [True]


async def test_a_reader_cannot_write(store):
    with pytest.raises(DBAPIError):
        await store.read(add(1))


async def test_many_callers_at_once_are_all_served(store):
    numbers = await asyncio.gather(*(store.write(add(number, "x")) for number in range(100)))

    assert numbers == list(range(100))
    assert len(await store.read(bodies)) == 100


async def test_work_knows_which_store_it_runs_on(store):
    assert await store.write(lambda tx: tx.dialect) in {"sqlite", "postgresql"}


@pytest.mark.postgres
@pytest.mark.parametrize("any_database_url", ["postgres"], indirect=True)
async def test_a_deadlock_is_tried_again_until_both_are_done(store):
    await store.write(lambda tx: [add(1, "a")(tx), add(2, "b")(tx)])
    tries: list[int] = []

    def update(first: int, second: int):
        def work(tx: Tx) -> None:
            tries.append(first)
            for number in (first, second):
                tx.execute(text("UPDATE notes SET body = body || 'x' WHERE id = :id"), {"id": number})
                tx.execute(text("SELECT pg_sleep(0.05)"))

        return work

    await asyncio.gather(store.write(update(1, 2)), store.write(update(2, 1)))

    assert len(tries) == 3
    assert await store.read(bodies) == ["axx", "bxx"]


@pytest.mark.parametrize("url", ["", "wagate.db", "sqlite://", "sqlite:///:memory:", "mysql://root@localhost/wagate"])
async def test_an_address_that_names_no_usable_store_is_refused_in_words(url):
    with pytest.raises(DatabaseUrlError, match="sqlite:///file"):
        await open_database(url)


def test_the_password_in_an_address_never_shows_in_its_text():
    assert "secret" not in str(parse_url("postgresql://wagate:secret@127.0.0.1/wagate"))
