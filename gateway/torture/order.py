"""Counts what overtakes what: a million messages through the daemon's own parts, and a share through the real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial

from gateway.assembly.parts import Parts, build_parts
from gateway.config.settings import Config
from gateway.db.tx import Tx
from gateway.fleet.render import session_id
from gateway.messages.filters import Filters
from gateway.orgs.service import DEFAULT_ORG_ID
from gateway.principal import Principal, PrincipalKind
from gateway.startup import open_store, prepare_folder
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.daemon_kills import customer
from gateway.torture.inbound_kills import friends_of_a_line, inbound_claims
from gateway.torture.verdicts import outgoing_claims
from gateway.torture.world import faults_in_log, open_world
from sessions.address import Address, Jid
from sessions.content import MessageKey, Text
from sessions.delivery import Delivery
from sessions.events import MessageReceived, Report

MESSAGES = 1_000_000
CHATS = 200
REAL_MESSAGES = 20_000
_FRAME = 64  #: reports that a worker sends at once
_AHEAD = 20_000  #: reports that may wait
_PAGE = 1000
_REAL_PER_SECOND = 40.0
_CUT_EVERY_SECONDS = 5.0
_CALLER = Principal(org_id=DEFAULT_ORG_ID, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """The many first, then the real ones."""
    return [*await _through_the_daemon(ordeal), *await _through_the_engine(ordeal)]


async def _through_the_daemon(ordeal: Ordeal) -> list[Claim]:
    """Report messages of many chats as workers do, some of them again as after a crash, and read them back."""
    config = Config.model_validate({"store": {"data_folder": ordeal.folder / "many"}})
    folder = prepare_folder(config, None)
    database = await open_store(config)
    try:
        parts = build_parts(config=config, loopback=None, folder=folder, database=database)
        await database.write(parts.platform.orgs.ensure_default)
        session = await database.write(lambda tx: parts.fleet.sessions.create(tx, _CALLER, name="many"))
        count, begun = ordeal.times(MESSAGES), time.monotonic()
        await _report(parts, session_id(session), count, ordeal)
        seconds = time.monotonic() - begun
        kept, inversions = await _read_back(parts)
    finally:
        await database.close()
    note = f"through intake and store, without an engine; {CHATS} chats, {count / seconds:.0f} a second"
    return [
        Claim(name="messages reported", measured=count, note=note),
        Claim(name="missing or kept twice", measured=abs(count - kept), at_most=0),
        Claim(name="inversions within a chat", measured=inversions, at_most=0),
    ]


async def _report(parts: Parts, session: str, count: int, ordeal: Ordeal) -> None:
    delivery = Delivery(session_id=session, listener=parts.fleet.intake)
    last: Report | None = None
    for frame in _frames(session, count, ordeal):
        delivery.put_reports(frame)
        if last is not None and ordeal.chance.random() < 0.05:
            delivery.put_reports([last])
        last = frame[-1]
        if last.seq % _AHEAD < _FRAME:
            await delivery.close(3600.0)
            delivery = Delivery(session_id=session, listener=parts.fleet.intake)
            ordeal.tell(f"{last.seq} messages reported")
    await delivery.close(3600.0)


def _frames(session: str, count: int, ordeal: Ordeal) -> Iterator[list[Report]]:
    now, written = time.time(), [0] * CHATS
    for start in range(1, count + 1, _FRAME):
        frame = []
        for seq in range(start, min(start + _FRAME, count + 1)):
            chat = ordeal.chance.randrange(CHATS)
            written[chat] += 1
            frame.append(_message(session, seq, now, chat, written[chat]))
        yield frame


def _message(session: str, seq: int, now: float, chat: int, number: int) -> Report:
    who = Address.of(Jid.from_phone(f"+1555030{chat:04d}"))
    event = MessageReceived(
        key=MessageKey(chat=who, wa_id=f"3A{seq:016X}", from_me=False),
        sender=who,
        push_name="",
        timestamp=now,
        content=Text(body=f"{chat} {number}"),
    )
    return Report(session_id=session, seq=seq, received_at=now, event=event)


async def _read_back(parts: Parts) -> tuple[int, int]:
    """How many there are, and how many stand on the wrong side of their neighbour, from the newest to the oldest."""
    before, kept, inversions = None, 0, 0
    following: dict[str, int] = {}
    while page := await parts.ground.database.read(partial(_page, parts, before)):
        for message_id, body in page:
            chat, _, number = body.partition(" ")
            inversions += int(number) >= following.get(chat, int(number) + 1)
            following[chat] = int(number)
            before = message_id
        kept += len(page)
    return kept, inversions


def _page(parts: Parts, before: int | None, tx: Tx) -> list[tuple[int, str]]:
    entries = parts.messaging.messages.page(tx, _CALLER, filters=Filters(), limit=_PAGE, before_id=before)
    return [(entry.message.id, entry.message.body or "") for entry in entries]


async def _through_the_engine(ordeal: Ordeal) -> list[Claim]:
    """Both directions at once, while connections are cut again and again."""
    count = ordeal.times(REAL_MESSAGES)
    async with open_world(ordeal.folder) as world:
        customers = [await customer(world, ordeal.chance, _REAL_PER_SECOND)]
        friends = [await friends_of_a_line(world, _REAL_PER_SECOND)]
        is_over, begun, cuts = asyncio.Event(), time.monotonic(), 0
        async with asyncio.TaskGroup() as flowing:
            flowing.create_task(customers[0].run(is_over))
            flowing.create_task(friends[0].run(is_over))
            while len(customers[0].accepted) + len(friends[0].written) < count:
                await asyncio.sleep(ordeal.chance.uniform(0.0, _CUT_EVERY_SECONDS))
                await world.client.control("POST", "/faults", {"kind": "drop"})
                cuts += 1
            is_over.set()
        seconds = time.monotonic() - begun
        claims = await outgoing_claims(world, customers, kills=[])
        claims += await inbound_claims(world, friends, seconds=seconds, interruptions=cuts, allowed=0.0)
        return [Claim(name="cuts, through the real engine", measured=cuts), *claims, faults_in_log(world)]


TORTURE = Torture(
    name="order",
    sentence="a million messages of 200 chats through the daemon, and a share through the real engine under cuts",
    run=run,
)
