"""One gateway has a store. A second one is refused, wherever it runs, and one that lost its claim hears of it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from gateway.db import claim as module
from gateway.db.claim import StoreClaim, StoreClaimedError
from gateway.db.migrate import on_connection


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.2)


def make_claim(url: str, lost: asyncio.Event | None = None) -> StoreClaim:
    return StoreClaim(url=url, on_lost=(lost or asyncio.Event()).set, interval_seconds=0.05)


async def cut_connections(url: str) -> None:
    """As a restart of the server does."""

    def cut(connection):
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wagate claim'")
        )
        connection.commit()

    await on_connection(url, cut)


async def test_a_second_gateway_is_refused_until_the_first_has_ended(any_database_url):
    first, second = make_claim(any_database_url), make_claim(any_database_url)
    await first.start()

    with pytest.raises(StoreClaimedError, match="in use by another wagate"):
        await second.start()
    await first.stop()
    await second.start()

    await second.stop()


@pytest.mark.postgres
async def test_who_was_killed_a_moment_ago_is_waited_for(postgres_url, monkeypatch):
    """The server notices only after a while that a connection is gone."""
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 10.0)
    first, second = make_claim(postgres_url), make_claim(postgres_url)
    await first.start()

    starting = asyncio.create_task(second.start())
    await asyncio.wait([starting], timeout=0.2)
    assert not starting.done()
    await first.stop()
    await starting

    await second.stop()


@pytest.mark.postgres
async def test_a_connection_that_is_cut_is_made_anew(postgres_url, eventually):
    lost = asyncio.Event()
    first, second = make_claim(postgres_url, lost), make_claim(postgres_url)
    await first.start()

    await cut_connections(postgres_url)

    async def is_claimed() -> bool:
        try:
            await second.start()
        except StoreClaimedError:
            return True
        await second.stop()
        return False

    await eventually(is_claimed)
    assert not lost.is_set()
    await first.stop()


@pytest.mark.postgres
async def test_who_finds_another_in_its_place_hears_of_it(postgres_url, eventually):
    lost = asyncio.Event()
    first = StoreClaim(url=postgres_url, on_lost=lost.set, interval_seconds=60.0)
    second = make_claim(postgres_url)
    await first.start()
    await cut_connections(postgres_url)
    await second.start()

    def has_heard() -> bool:
        first.wake()
        return lost.is_set()

    await eventually(has_heard)
    await first.stop()
    await second.stop()
