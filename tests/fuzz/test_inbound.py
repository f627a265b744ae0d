"""Whatever the engine hands over is read into events that reach the daemon as they were sent."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sessions.address import Address, Jid
from sessions.events import Report
from sessions.protobuf import load
from sessions.protocol import FrameSplitter, Reported, pack, unpack_to_daemon
from sessions.worker.inbound import codes
from sessions.worker.inbound.context import Reading
from tests.fuzz.protobufs import damaged, made_up

neonize: Any = load("Neonize_pb2")
CASES = 150
KINDS = {
    0: "Device",
    2: "PairStatus",
    4: "KeepAliveTimeout",
    6: "LoggedOut",
    8: "TemporaryBan",
    9: "ConnectFailure",
    13: "HistorySync",
    17: "Message",
    18: "Receipt",
    19: "ChatPresence",
    20: "Presence",
    21: "JoinedGroup",
    22: "GroupInfoEvent",
    23: "Picture",
    25: "privacySettingsEvent",
    27: "OfflineSyncCompleted",
    30: "BlocklistEvent",
    32: "NewsletterJoin",
    33: "NewsletterLeave",
    34: "NewsletterMuteChange",
    35: "NewsletterLiveUpdate",
    36: "CallOffer",
    37: "CallAccept",
    40: "CallOfferNotice",
    42: "CallTerminate",
    44: "UndecryptableMessage",
}


def arrives(code: int, data: bytes) -> None:
    """Read it as the worker does, send it as the worker does, take it as the daemon does."""
    reading = Reading(me=Address(pn=Jid("15550000001"), lid=Jid("900", "lid")), history="full")
    events = codes.read_event(code, data, reading)
    reports = tuple(Report(session_id="ses_1", seq=1, received_at=0.0, event=event) for event in events)
    (body,) = FrameSplitter().feed(pack(Reported(reports=reports)))
    taken = unpack_to_daemon(body)
    assert isinstance(taken, Reported)
    assert len(taken.reports) == len(events)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_an_engine_event_with_any_contents_reaches_the_daemon(code: int) -> None:
    chance = random.Random(code)
    for _ in range(CASES):
        arrives(code, made_up(getattr(neonize, KINDS[code]), chance).SerializePartialToString())


@pytest.mark.parametrize("code", sorted(KINDS))
def test_a_damaged_engine_event_reaches_the_daemon_too(code: int) -> None:
    chance = random.Random(1000 + code)
    for _ in range(CASES):
        data = made_up(getattr(neonize, KINDS[code]), chance).SerializePartialToString()
        arrives(code, damaged(data, chance))
