"""One chat per person and session, one per group and session."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.service import Sessions
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator
from gateway.messages.chat_list import list_chats
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, Jid

EVERYTHING = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
ANNA = Address.of(Jid.from_phone("+4915110000002"))
GROUP = Address.of(Jid.parse("120363000000000001@g.us"))


class Desk:
    """Chats and what they stand on."""

    def __init__(self, database: Any, clock: Any, ids: IdGenerator) -> None:
        events = EventLog(clock=clock, check_payloads=True)
        self.database, self.clock = database, clock
        self.sessions = Sessions(clock=clock, ids=ids, events=events)
        self.contacts = Contacts(ids=ids, clock=clock, events=events)
        self.chats = Chats(ids=ids, clock=clock, contacts=self.contacts)

    async def session(self, name: str) -> int:
        row = await self.database.write(lambda tx: self.sessions.create(tx, EVERYTHING, name=name))
        return int(row.id)

    async def open(self, session_id: int, address: Address, title: str | None = None) -> Chat:
        def work(tx: Tx) -> Chat:
            contact = None if address.other else self.contacts.identify(tx, org_id=1, address=address)
            return self.chats.open(
                tx,
                org_id=1,
                session_id=session_id,
                address=address,
                contact_id=contact.id if contact else None,
                title=title,
            )

        return await self.database.write(work)

    async def note(self, chat: Chat, message_id: int) -> None:
        now = self.clock.now()
        await self.database.write(
            lambda tx: self.chats.note_message(tx, chat, message_id=message_id, at=now, unread=True)
        )


@pytest.fixture
def desk(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator) -> Desk:
    return Desk(any_database, clock, ids)


async def test_a_person_has_one_chat_on_each_session(desk: Desk) -> None:
    first, second = await desk.session("first"), await desk.session("second")

    chats = [await desk.open(session_id, ANNA) for session_id in (first, first, second)]

    assert chats[0].id == chats[1].id
    assert chats[0].id != chats[2].id
    assert (chats[0].kind, chats[0].jid) == ("person", None)


async def test_a_group_is_known_by_its_address_and_takes_new_titles(desk: Desk) -> None:
    session_id = await desk.session("first")
    before = await desk.open(session_id, GROUP, "Family")

    after = await desk.open(session_id, GROUP, "Family and friends")

    assert before.id == after.id
    assert (after.kind, after.jid, after.title) == ("group", str(GROUP.primary), "Family and friends")


async def test_many_at_once_open_one_chat(desk: Desk) -> None:
    session_id = await desk.session("first")

    chats = await asyncio.gather(*(desk.open(session_id, GROUP) for _ in range(15)))

    assert len({chat.id for chat in chats}) == 1


async def test_the_chat_with_the_newest_message_comes_first(desk: Desk, clock: Any) -> None:
    session_id = await desk.session("first")
    one, two = await desk.open(session_id, ANNA), await desk.open(session_id, GROUP)
    never_used = await desk.open(session_id, Address.of(Jid.from_phone("+4915110000003")))
    for message_id, chat in ((10, one), (20, two), (30, one)):
        await desk.note(chat, message_id)
        clock.advance(1)

    listed = await desk.database.read(lambda tx: list_chats(tx, EVERYTHING, limit=10))
    following = await desk.database.read(lambda tx: list_chats(tx, EVERYTHING, limit=10, before_message_id=30))

    assert [entry.chat.id for entry in listed] == [one.id, two.id]
    assert [entry.chat.id for entry in following] == [two.id]
    assert [entry.chat.unread for entry in listed] == [2, 1]
    assert never_used.last_message_id is None


async def test_an_old_message_does_not_become_the_last_one(desk: Desk, clock: Any) -> None:
    chat = await desk.open(await desk.session("first"), ANNA)
    now = clock.now()
    await desk.database.write(lambda tx: desk.chats.note_message(tx, chat, message_id=20, at=now, unread=False))

    await desk.database.write(
        lambda tx: desk.chats.note_message(tx, chat, message_id=10, at=now - timedelta(days=1), unread=False)
    )

    [listed] = await desk.database.read(lambda tx: list_chats(tx, EVERYTHING, limit=10))
    assert (listed.chat.last_message_id, listed.chat.last_message_at) == (20, now)


async def test_chats_of_other_organizations_and_sessions_are_not_there(desk: Desk) -> None:
    first, second = await desk.session("first"), await desk.session("second")
    chat = await desk.open(first, ANNA)
    strangers = (
        Principal(org_id=2, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",)),
        Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=1, scopes=("*",), session_ids=frozenset({second})),
    )

    for stranger in strangers:
        with pytest.raises(NotFoundError) as refused:
            await desk.database.read(lambda tx, who=stranger: desk.chats.get(tx, who, chat.id))
        assert refused.value.code == "chat_not_found"
