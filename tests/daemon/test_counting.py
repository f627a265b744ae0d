"""The metrics know every session, whenever it came to its status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.assembly.counting import SessionCensus
from gateway.kit.ids import IdGenerator
from tests.fleet.rig import CALLER, build_rig

pytestmark = pytest.mark.long


async def test_sessions_are_counted_once_and_then_followed(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> None:
    fleet = build_rig(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    for name in ("first", "second", "gone"):
        await fleet.create(name)
    await any_database.write(lambda tx: fleet.sessions.remove(tx, fleet.sessions.get(tx, CALLER, "gone")))
    census = SessionCensus(database=any_database, sessions=fleet.sessions)
    fleet.events.subscribe(census.note)

    await census.take()
    found = dict(census.by_status())
    await fleet.create("third")
    await any_database.write(lambda tx: fleet.sessions.remove(tx, fleet.sessions.get(tx, CALLER, "first")))
    await any_database.write(
        lambda tx: fleet.sessions.set_status(tx, fleet.sessions.get(tx, CALLER, "second"), "connected", live=True)
    )

    assert found == {"stopped": 2}
    assert census.by_status() == {"stopped": 1, "connected": 1}
    await fleet.engine.stop()


async def test_after_a_restart_the_metrics_show_sessions_that_nothing_has_happened_to(
    launch: Any, command: Any
) -> None:
    gateway = await launch()
    code, key, complaint = await command(gateway, "key", "create", "test", "--plain")
    assert code == 0, complaint
    headers = {"X-API-Key": key.split()[-1]}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{gateway.url}/api/v1/sessions", json={"name": "shop"}) as answer,
    ):
        assert answer.status == 201, await answer.text()
    await gateway.end()

    again = await launch()

    async with aiohttp.ClientSession() as http, http.get(f"{again.url}/metrics") as answer:
        assert 'wagate_sessions{status="stopped"} 1.0' in await answer.text()


async def test_restrictions_are_counted_by_kind_and_followed(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> None:
    fleet = build_rig(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    for name in ("first", "second"):
        await fleet.create(name)
    at = clock.now()

    def lock(name: str) -> Any:
        return lambda tx: fleet.sessions.note_timelock(tx, fleet.sessions.get(tx, CALLER, name), at)

    await any_database.write(lock("first"))
    census = SessionCensus(database=any_database, sessions=fleet.sessions)
    fleet.events.subscribe(census.note)
    await census.take()
    before = dict(census.by_restriction())
    await any_database.write(lock("second"))
    both = dict(census.by_restriction())
    await any_database.write(lambda tx: fleet.sessions.lift_timelock(tx, fleet.sessions.get(tx, CALLER, "first")))
    await any_database.write(lambda tx: fleet.sessions.remove(tx, fleet.sessions.get(tx, CALLER, "second")))

    assert (before, both) == ({"timelock": 1}, {"timelock": 2})
    assert census.by_restriction() == {}
    await fleet.engine.stop()
