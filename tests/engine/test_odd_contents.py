"""What somebody writes with a tool of their own is read as far as it makes sense, and is never lost for its oddest part."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.kit.times import from_epoch, render_time
from sessions.address import Address, InvalidJidError, Jid
from sessions.content import Document, Location, Text
from sessions.events import MessageReceived
from sessions.protobuf import load
from sessions.worker.inbound import codes
from sessions.worker.inbound.context import Reading

neonize: Any = load("Neonize_pb2")
e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
ANA = neonize.JID(User="15550000002", Server="s.whatsapp.net", RawAgent=0, Device=0, Integrator=0, IsEmpty=False)


def arrived(**content: Any) -> MessageReceived:
    source = neonize.MessageSource(Chat=ANA, Sender=ANA, IsFromMe=False, IsGroup=False)
    info = neonize.MessageInfo(ID="A", MessageSource=source, Timestamp=1)
    data = neonize.Message(Info=info, Message=e2e.Message(**content)).SerializePartialToString()
    (event,) = codes.read_event(17, data, Reading())
    assert isinstance(event, MessageReceived)
    return event


@pytest.mark.parametrize(
    "jid", ["1:" + "9" * 5000 + "@lid", "1:99999999999@lid", "1:٣@lid", "x@lid", "-1@s.whatsapp.net"]
)
def test_a_mention_of_nobody_there_can_be_is_left_out_and_the_text_is_read(jid: str) -> None:
    context = e2e.ContextInfo(mentionedJID=[jid, "77@lid"])

    event = arrived(extendedTextMessage=e2e.ExtendedTextMessage(text="hello", contextInfo=context))

    assert event.content == Text(body="hello")
    assert event.mentions == (Address(lid=Jid("77", "lid")),)
    with pytest.raises(InvalidJidError):
        Jid.parse(jid)


def test_a_place_that_is_no_number_is_read_as_one_that_can_be_written_down() -> None:
    event = arrived(locationMessage=e2e.LocationMessage(degreesLatitude=float("nan"), degreesLongitude=float("inf")))

    assert event.content == Location(latitude=0.0, longitude=0.0)


def test_a_file_that_claims_more_bytes_than_stores_can_count_is_read() -> None:
    event = arrived(documentMessage=e2e.DocumentMessage(fileLength=2**64 - 1, caption="big\x00"))

    assert isinstance(event.content, Document)
    assert event.content.file.size == 2**63 - 1
    assert event.content.caption == "big"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (float("nan"), "1970-01-01T00:00:00.000Z"),
        (-1e18, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
        (1e18, "2080-01-01T00:00:00.000Z"),
        (float("inf"), "2080-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_that_is_none_becomes_the_nearest_that_is(seconds: float, told: str) -> None:
    assert render_time(from_epoch(seconds)) == told
