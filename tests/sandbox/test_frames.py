"""Single frames: what a linked device is sent as it stands."""

from __future__ import annotations

import pytest

from sessions.sandbox.control.client import ControlError
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.wire.node import Node
from tests.sandbox.engine_seat import Seat

ANNA, BEN = "15550000001", "15550000002"


async def test_what_was_sealed_is_read_out_of_a_frame_that_is_sent_as_it_stands(whatsapp, client, codec, tmp_path):
    seat = Seat(whatsapp=whatsapp, folder=tmp_path / "session")
    await seat.supervisor.start()
    try:
        await seat.pair(ANNA)
        plain = E2E.Message(conversation="hello").SerializeToString()

        ((kind, data),) = await client.seal(BEN, ANNA, [plain])
        attrs = {"from": whatsapp.phones.get(BEN).account.lid, "id": "3A01", "type": "text", "t": 1_790_000_000}
        frame = codec.encode(Node("message", attrs, [Node("enc", {"v": "2", "type": kind}, data)]))

        assert await client.send_frames(ANNA, [b"\0no stanza", frame]) == 1
        arrived = await seat.message("3A01")
        assert (arrived.content.body, arrived.sender.lid) == ("hello", whatsapp.phones.get(BEN).account.lid)
    finally:
        await seat.supervisor.stop()


async def test_without_a_device_nobody_is_sent_a_frame_and_nothing_is_sealed(client):
    assert await client.send_frames(ANNA, [b"\0"]) == 0
    assert await client.seal(BEN, ANNA, [b"hello"]) == []


async def test_frames_come_in_numbers_that_can_be_sent(client):
    with pytest.raises(ControlError) as refused:
        await client.send_frames(ANNA, [])
    assert (refused.value.status, refused.value.code) == (422, "invalid")
