"""Whatever the engine hands over is read, crosses to the daemon and is taken over by it.

A seed makes up protobufs of every kind of event that we ask the engine for, with anything their types allow. Asserted is:
each whole one is read without an `Unparsed`; each damaged one is read or told of as `Unparsed`; all that comes of either
fits in a frame and is decoded as it was at the daemon's end; and the daemon commits it without putting any in quarantine.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.access.service import EVERYTHING
from gateway.assembly.parts import build_parts
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.database import AnyDatabase
from gateway.fleet.models import QuarantinedReport
from gateway.kit.ids import render_id
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, Jid
from sessions.events import Event, MessageReceived, Report, Unparsed
from sessions.protobuf import load
from sessions.protocol import FrameSplitter, Reported, pack, unpack_to_daemon
from sessions.worker.inbound import codes
from sessions.worker.inbound.context import Reading
from tests.conftest import add_org
from tests.fuzz.protobufs import damaged, made_up, with_field

pytestmark = pytest.mark.long

US = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=EVERYTHING)
BATCH = 50
neonize: Any = load("Neonize_pb2")
e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
ME = Address(pn=Jid("15550000001"), lid=Jid("900", "lid"))
MESSAGE, HISTORY = 17, 13
CASES = 40
KINDS = {
    0: "Device",
    2: "PairStatus",
    3: "Connected",
    4: "KeepAliveTimeout",
    5: "KeepAliveRestored",
    6: "LoggedOut",
    7: "StreamReplaced",
    8: "TemporaryBan",
    9: "ConnectFailure",
    10: "ClientOutdated",
    11: "StreamError",
    12: "Disconnected",
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
CONTENTS = [field.name for field in e2e.Message.DESCRIPTOR.fields]


def made_up_event(code: int, case: int, chance: random.Random) -> bytes:
    """One event of this kind; messages, and those in a history, say each thing that a message can say in turn."""
    event = made_up(getattr(neonize, KINDS[code]), chance)
    content = CONTENTS[case % len(CONTENTS)]
    if code == MESSAGE:
        with_field(event.Message, content, chance)
    elif code == HISTORY:
        for conversation in event.Data.conversations:
            conversation.ID = chance.choice(("15550000002@s.whatsapp.net", "120363000000000001@g.us", "900@lid"))
            for stored in conversation.messages:
                with_field(stored.message.message, content, chance)
    return bytes(event.SerializePartialToString())


def read(code: int, data: bytes) -> list[Event]:
    return codes.read_event(code, data, Reading(me=ME, history="full"))


def crosses(events: list[Event]) -> tuple[Report, ...]:
    """The reports as they are at the daemon's end of the socket pair."""
    sent = tuple(Report(session_id="ses_1", seq=1, received_at=0.0, event=event) for event in events)
    (body,) = FrameSplitter().feed(pack(Reported(reports=sent)))
    arrived = unpack_to_daemon(body)
    assert isinstance(arrived, Reported)
    assert repr(arrived.reports) == repr(sent)  # not by ==: what is no number equals nothing
    return arrived.reports


def test_every_kind_that_is_asked_for_is_made_up_here() -> None:
    assert set(KINDS) == {codes.DEVICE, *codes.subscribed(typing=True, channels=True)}


@pytest.mark.parametrize("code", KINDS, ids=KINDS.values())
def test_an_event_with_any_contents_is_read_and_crosses_to_the_daemon(code: int) -> None:
    chance = random.Random(code)
    for case in range(len(CONTENTS)):
        data = made_up_event(code, case, chance)
        events = read(code, data)
        assert not [event for event in events if isinstance(event, Unparsed)], data
        crosses(events)


@pytest.mark.parametrize("code", KINDS, ids=KINDS.values())
def test_a_damaged_event_is_read_or_told_of(code: int) -> None:
    chance = random.Random(1000 + code)
    told = 0
    for case in range(CASES):
        data = damaged(made_up_event(code, case, chance), chance)
        told += len(crosses(read(code, data)))
    assert told or code in (MESSAGE, HISTORY)


def test_what_a_message_says_is_reached() -> None:
    chance = random.Random(7)
    found = Counter(
        type(event.content).__name__
        for case in range(3 * len(CONTENTS))
        for event in read(MESSAGE, made_up_event(MESSAGE, case, chance))
        if isinstance(event, MessageReceived)
    )

    assert len(found) > 15, found


@pytest.mark.parametrize("code", KINDS, ids=KINDS.values())
async def test_the_daemon_takes_over_all_that_is_made_up(
    any_database: AnyDatabase, clock: Any, tmp_path: Path, code: int
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare(FolderKind.PRODUCTION)
    parts = build_parts(config=Config.model_construct(), loopback=None, folder=folder, database=any_database)
    session = await any_database.write(
        lambda tx: (add_org(tx, clock), parts.fleet.sessions.create(tx, US, name="line"))[1]
    )
    chance = random.Random(2000 + code)
    cases = len(CONTENTS) if code == MESSAGE else CASES
    events = [event for case in range(cases) for event in read(code, made_up_event(code, case, chance))]

    for at in range(0, len(events), BATCH):
        await parts.fleet.intake.on_reports(
            [
                Report(session_id=render_id("ses", session.id), seq=at + place + 1, received_at=0.0, event=event)
                for place, event in enumerate(events[at : at + BATCH])
            ]
        )

    await parts.calling.decliner.stop()  # it looks each call up, and must not do so in a store that is closed
    put_aside = await any_database.read(lambda tx: tx.session.scalars(select(QuarantinedReport)).all())
    # Who is named by no address at all cannot be filed. Everything else is, however odd.
    assert {(row.kind, row.error) for row in put_aside if row.error != "InvalidJidError"} == set()
