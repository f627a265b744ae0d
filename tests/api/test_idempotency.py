"""Idempotency-Key: a repeated call never happens twice, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.api.idempotency import Idempotency
from gateway.api.models import RememberedAnswer
from gateway.db.tx import Tx
from gateway.kit.ids import IdGenerator
from gateway.orgs.models import Org
from tests.api.toys import ToyRoutes
from tests.serving import ClientFactory, Parts, build_parts

BEAR = {"name": "bear", "due_at": "2026-03-01T12:00:00Z"}
KEY = {"Idempotency-Key": "order-4711"}


@pytest.fixture
def parts(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=any_database, clock=clock, ids=ids)


@pytest.fixture
def toys(parts: Parts) -> ToyRoutes:
    return ToyRoutes(database=parts.database)


@pytest.fixture
async def client(parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory) -> Any:
    client = await parts.serve(aiohttp_client, tables=[toys])
    client.session.headers["X-API-Key"] = await parts.make_key()
    return client


def count_toys(tx: Tx) -> int:
    return tx.session.scalar(select(func.count()).select_from(Org).where(Org.id >= 1000)) or 0


@pytest.mark.parametrize("path", ["/api/v1/toys", "/api/v1/careless-toys"])
async def test_a_repeat_gets_the_stored_answer_and_nothing_happens(client: Any, toys: ToyRoutes, path: str) -> None:
    first = await client.post(path, json=BEAR, headers=KEY)
    second = await client.post(path, json=BEAR, headers=KEY)

    assert first.status == second.status
    assert await first.read() == await second.read()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.content_type == "application/json"
    assert toys.made == 1


async def test_without_a_key_every_call_happens(client: Any, toys: ToyRoutes) -> None:
    await client.post("/api/v1/toys", json=BEAR)
    await client.post("/api/v1/toys", json=BEAR)

    assert toys.made == 2


async def test_the_same_key_with_another_body_is_refused(client: Any, toys: ToyRoutes) -> None:
    await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    answer = await client.post("/api/v1/toys", json={**BEAR, "size": 2}, headers=KEY)

    problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "idempotency_key_reused")
    assert toys.made == 1


async def test_a_key_means_something_only_for_its_caller_and_its_operation(
    parts: Parts, client: Any, toys: ToyRoutes
) -> None:
    other = {"X-API-Key": await parts.make_key()}

    await client.post("/api/v1/toys", json=BEAR, headers=KEY)
    by_other = await client.post("/api/v1/toys", json=BEAR, headers={**KEY, **other})
    elsewhere = await client.post("/api/v1/careless-toys", json=BEAR, headers=KEY)

    assert [by_other.status, elsewhere.status] == [202, 201]
    assert toys.made == 3


async def test_a_repeat_while_the_first_still_runs_is_told_to_wait(client: Any, toys: ToyRoutes) -> None:
    toys.gate.clear()
    first = asyncio.create_task(client.post("/api/v1/toys", json=BEAR, headers=KEY))
    await asyncio.wait_for(toys.entered.wait(), 10)

    second = await client.post("/api/v1/toys", json=BEAR, headers=KEY)
    toys.gate.set()

    assert (second.status, (await second.json())["code"]) == (409, "idempotency_in_progress")
    assert second.headers["Retry-After"] == "1"
    assert (await first).status == 202


async def test_a_crash_between_effect_and_answer_leaves_neither(parts: Parts, client: Any, toys: ToyRoutes) -> None:
    crashed = await client.post("/api/v1/toys", json={**BEAR, "name": "crash"}, headers=KEY)
    count = await parts.database.read(count_toys)
    again = await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    assert crashed.status == 500
    assert count == 0
    assert again.status == 202


async def test_an_answer_outlives_the_process_that_gave_it(
    parts: Parts, toys: ToyRoutes, client: Any, aiohttp_client: ClientFactory
) -> None:
    first = await client.post("/api/v1/toys", json=BEAR, headers=KEY)
    restarted = await parts.serve(
        aiohttp_client, tables=[toys], idempotency=Idempotency(database=parts.database, clock=parts.clock)
    )

    second = await restarted.post(
        "/api/v1/toys", json=BEAR, headers={**KEY, "X-API-Key": client.session.headers["X-API-Key"]}
    )

    assert await second.read() == await first.read()
    assert toys.made == 1


async def test_two_hosts_that_get_the_same_call_at_once_do_it_once(
    parts: Parts, toys: ToyRoutes, client: Any, aiohttp_client: ClientFactory
) -> None:
    other_toys = ToyRoutes(database=parts.database)
    other_toys.made = 500
    other = await parts.serve(
        aiohttp_client, tables=[other_toys], idempotency=Idempotency(database=parts.database, clock=parts.clock)
    )
    headers = {**KEY, "X-API-Key": client.session.headers["X-API-Key"]}
    toys.gate.clear()
    other_toys.gate.clear()

    calls = [asyncio.create_task(served.post("/api/v1/toys", json=BEAR, headers=headers)) for served in (client, other)]
    await asyncio.wait_for(asyncio.gather(toys.entered.wait(), other_toys.entered.wait()), 10)
    toys.gate.set()
    other_toys.gate.set()
    statuses = sorted([(await call).status for call in calls])

    assert statuses == [202, 409]
    assert await parts.database.read(count_toys) == 1


async def test_a_refusal_is_not_kept(client: Any, toys: ToyRoutes) -> None:
    refused = await client.post("/api/v1/toys", json={**BEAR, "name": "broken"}, headers=KEY)
    mended = await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    assert [refused.status, mended.status] == [409, 202]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin", "schlüssel"])
async def test_an_unsound_key_is_refused(client: Any, toys: ToyRoutes, key: str) -> None:
    answer = await client.post("/api/v1/toys", json=BEAR, headers={"Idempotency-Key": key})

    assert (answer.status, (await answer.json())["code"]) == (422, "idempotency_key_invalid")
    assert toys.made == 0


async def test_after_a_day_a_key_is_new_again(client: Any, toys: ToyRoutes, clock: Any) -> None:
    await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    clock.advance(24 * 3600)
    again = await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    assert "Idempotency-Replayed" not in again.headers
    assert toys.made == 2


async def test_the_key_itself_is_not_stored(parts: Parts, client: Any) -> None:
    await client.post("/api/v1/toys", json=BEAR, headers=KEY)

    row = await parts.database.read(lambda tx: tx.session.scalars(select(RememberedAnswer)).one())

    values = [str(getattr(row, column.key)) for column in RememberedAnswer.__table__.columns]
    assert not any(KEY["Idempotency-Key"] in value for value in values)
