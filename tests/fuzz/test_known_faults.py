"""What the engine cannot stand: the smallest stanzas of each kind, and that neither the gateway nor a message falls with it.

Some it reads and cannot put into words of its own: it goes deaf, says so, and gets a new process. Some are no stanzas at
all, which nobody but WhatsApp itself could send: the process dies of them. Nothing of ours stands between the wire and the
engine, so all that can be done is what is asserted here: the daemon says it, starts the worker anew and loses nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.address import Jid
from sessions.sandbox.wire.node import SERVER, Node
from sessions.sandbox.wire.tokens import read_tokens
from sessions.sandbox.wire.wabinary import Codec
from tests.journeys.house import House, Line, poll

pytestmark = pytest.mark.long

OTHER, GROUP = Jid("15550000002"), Jid("120363000000000077", "g.us")
DEAFENING = {
    "a receipt of an unknown kind": Node("receipt", {"from": OTHER, "id": "1", "t": 1, "type": "x"}),
    "typing of an unknown kind": Node("chatstate", {"from": OTHER}, [Node("x")]),
    "typing in an unknown medium": Node("chatstate", {"from": OTHER}, [Node("composing", {"media": "x"})]),
    "an unknown change of the list of the blocked": Node(
        "notification",
        {"from": SERVER, "id": "2", "type": "account_sync", "t": 1},
        [Node("blocklist", {"action": "x"})],
    ),
    "somebody who is neither blocked nor unblocked": Node(
        "notification",
        {"from": SERVER, "id": "3", "type": "account_sync", "t": 1},
        [Node("blocklist", {}, [Node("item", {"jid": Jid("15550000002"), "action": "x"})])],
    ),
}
DEADLY = {
    "an empty frame": b"",
    "an element without a tag": b"\x00\xf8\x01\x00",
    "packed text without a digit, less one": b"\x00\xf8\x01\xff\x80",
    "an address inside an address": b"\x00\xf8\x03\x03\x03\xfa\xfa\x00\x03\x03",
}


async def test_the_engine_goes_deaf_and_nothing_is_lost(house: House) -> None:
    codec = Codec(read_tokens())
    line = await house.link("deafened")
    for stanza in DEAFENING.values():
        await _stands(house, line, codec.encode(stanza), "engine_deaf")
    await line.send((await house.phone("Ana")), "the line still sends")


async def test_the_engine_dies_and_nothing_is_lost(house: House) -> None:
    line = await house.link("killed")
    for frame in DEADLY.values():
        await _stands(house, line, frame, "worker_crashed")
    await line.send((await house.phone("Ana")), "the line still sends")


async def test_what_is_nested_too_deep_is_put_aside_and_nothing_is_lost(house: House) -> None:
    line, friend = await house.link("deep"), await house.phone("Ana")
    change = Node("x")
    for _ in range(150):
        change = Node("x", {}, [change])
    frame = Codec(read_tokens()).encode(
        Node("notification", {"from": GROUP, "id": "4", "type": "w:gp2", "participant": OTHER, "t": 1}, [change])
    )
    put_aside = Path(house.sandbox.rig.data) / "gateway" / "sessions" / line.id / "quarantine"

    await house.phones.send_frames(line.phone.number, [frame])
    await house.phones.send_text(friend.number, line.phone.number, "behind it")
    (received,) = await line.received(1)

    assert received["text"]["body"] == "behind it"
    assert [path.suffix for path in put_aside.iterdir()] == [".bin"]
    assert await _struck(line, "engine_deaf") == await _struck(line, "worker_crashed") == []


async def _stands(house: House, line: Line, frame: bytes, reason: str) -> None:
    """The frame does what it is known for; a message behind it arrives, and the gateway is the same process."""
    gateway = house.sandbox.rig.pids["gateway"]
    before = len(await _struck(line, reason))

    async def sent() -> bool:
        return await house.phones.send_frames(line.phone.number, [frame]) == 1

    await poll(sent, timeout_seconds=60)
    friend = await house.phone("Bo")
    await house.phones.send_text(friend.number, line.phone.number, friend.number)
    await house.api.until(
        f"/messages?session={line.id}&direction=in&limit=50",
        lambda page: any((item.get("text") or {}).get("body") == friend.number for item in page["items"]),
        timeout_seconds=60,
    )
    await line.becomes("connected", timeout_seconds=60)
    assert len(await _struck(line, reason)) == before + 1, f"the engine stands {frame!r}"
    assert house.sandbox.rig.pids["gateway"] == gateway


async def _struck(line: Line, reason: str) -> list[str]:
    """Every time that the session was given this reason."""
    events = await line.house.api.all(f"/events?types=session.status&session={line.id}")
    return [event["id"] for event in events if ((event["data"].get("reason") or {}).get("code")) == reason]
