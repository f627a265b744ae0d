"""Phones leave one machine and come up on another, by archive or by backup, without pairing again and without doubles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox.rig import free_port
from tests.journeys.house import House, Line, Phone, poll
from tests.journeys.neighbour import Neighbour, Rig

pytestmark = pytest.mark.long


@pytest.fixture
async def neighbour(house: House, tmp_path: Path) -> AsyncIterator[Neighbour]:
    """Another gateway that does not run yet."""
    rig = Rig(control=house.sandbox.rig.control, loopback_file=Path(house.sandbox.rig.data) / "loopback.json")
    made = Neighbour(data=tmp_path / "neighbour", port=free_port(), rig=rig)
    await made.make_key()
    yield made
    await made.stop()


async def texts_at(house: House, phone: Phone) -> list[str]:
    return [message["text"]["body"] for message in await house.phones.messages(phone.number)]


async def test_a_phone_moves_to_another_gateway_without_pairing_again(
    house: House, line: Line, neighbour: Neighbour, tmp_path: Path
) -> None:
    anna = await house.phone("Anna")
    await line.send(anna, "before the move")
    archive, loopback = str(tmp_path / "archive"), ("--loopback-file", str(neighbour.rig.loopback_file))
    here = {"WAGATE_STORE__DATA_FOLDER": f"{house.sandbox.rig.data}/gateway"}

    await neighbour.command("session", "export", line.name, "--to", archive, *loopback, **here)
    left = await line.becomes("logged_out")
    await house.phones.send_text(anna.number, to=line.phone.number, body="while nobody was linked")
    await neighbour.command("session", "import", archive, *loopback)
    await neighbour.start()
    abroad = neighbour.house()
    [session] = (await abroad.api.get("/sessions"))["items"]
    moved = Line(house=abroad, id=session["id"], name=session["name"], phone=line.phone)

    await moved.becomes("connected")
    assert [message["text"]["body"] for message in await moved.received(1)] == ["while nobody was linked"]
    await moved.send(anna, "after the move")
    await house.phones.send_text(anna.number, to=line.phone.number, body="to the new place")
    assert [message["text"]["body"] for message in await moved.received(2)][1] == "to the new place"
    assert (left["paired"], left["reason"]["code"]) == (False, "moved_away")
    assert (await line.becomes("logged_out"))["paired"] is False
    await abroad.close()


async def test_a_gateway_comes_back_from_a_backup_with_its_phone_linked_and_sends_nothing_twice(
    house: House, neighbour: Neighbour, tmp_path: Path
) -> None:
    """The worst case: made beside the running gateway, sent from afterwards, and gone on with by force."""
    anna, backup, old = await house.phone("Anna"), str(tmp_path / "backup"), neighbour.data
    await neighbour.start()
    home = neighbour.house()
    line = await home.link("shop", await house.phone("Shop"))
    await line.send(anna, "one")
    await home.api.post(f"/sessions/{line.id}/stop")
    await line.becomes("stopped")
    waiting = await line.queue(anna, "two")
    await neighbour.command("backup", backup)
    await home.api.post(f"/sessions/{line.id}/start")
    await line.follow(waiting["id"], "delivered")
    await neighbour.stop()

    neighbour.data = tmp_path / "by-the-book"
    told = await neighbour.command("restore", backup)
    neighbour.data = tmp_path / "by-force"
    await neighbour.command("restore", backup, "--force-sessions")
    await neighbour.start()
    await home.api.post(f"/sessions/{line.id}/start")
    await line.becomes("connected")

    assert old.exists()
    assert "must be linked again, since their keys moved on: 1" in told
    restored = await home.api.get(f"/messages/{waiting['id']}")
    assert (restored["state"], restored["waiting_for"]["code"]) == ("queued", "restored")
    await home.api.post(f"/sessions/{line.id}/queue/clear", {})
    await home.api.post(f"/sessions/{line.id}/queue/resume")
    await line.send(anna, "three")
    await poll(lambda: _has(house, anna, "three"))
    assert await texts_at(house, anna) == ["one", "two", "three"]
    await home.close()


async def _has(house: House, phone: Phone, text: str) -> bool:
    return text in await texts_at(house, phone)
