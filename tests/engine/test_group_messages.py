"""Messages in groups between the real engine and scripted phones: sender keys, receipts, retries, requests to join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessions.address import Address, Jid
from sessions.commands import groups as say
from sessions.commands.messages import MarkRead
from sessions.content import Envelope, Text
from sessions.errors import RefusedError
from sessions.events import (
    GroupChanged,
    GroupJoined,
    MessageReceived,
    PictureChanged,
    ReceiptKind,
    ReceiptReceived,
)
from sessions.sandbox.state.groups import Group
from sessions.sandbox.wire.node import Node
from tests.engine.worlds import RealWorld, link, send, spec_for

pytestmark = pytest.mark.long

JPEG = b"\xff\xd8\xff\xe0" + bytes(64) + b"\xff\xd9"


class Bench:
    """One linked session, the phones of two others, and a group of them all that a phone has made."""

    def __init__(self, world: RealWorld, folder: Path) -> None:
        self.world = world
        self.spec = spec_for(folder)
        self.ana = self.ben = self.cara = ""
        self.group: Group

    async def prepare(self) -> None:
        self.ana, self.ben, self.cara = [await self.world.phone(name) for name in ("Ana", "Ben", "Cara")]
        await link(self.world, self.spec, self.ana)
        self.group = await self.phone(self.ben).groups.create("Bread", [self.ana, self.cara])
        await self.world.listener.until(lambda: self.world.listener.events(GroupJoined))

    @property
    def address(self) -> Address:
        return Address(other=self.group.jid)

    def phone(self, number: str) -> Any:
        return self.world.whatsapp.phones.get(number)

    async def ask(self, command: Any) -> Any:
        return await self.world.engine.call(self.spec.session_id, command, timeout_seconds=20)

    async def send(self, body: str) -> Any:
        message = Envelope(to=self.address, content=Text(body=body), secret=bytes(32))
        return await send(self.world, self.spec.session_id, message)

    def texts_at(self, number: str) -> list[str]:
        found = [one for one in self.phone(number).log if one.chat == str(self.group.jid) and one.type == "text"]
        return [one.fields["text"]["body"] for one in found]


@pytest.fixture
async def bench(real: RealWorld, tmp_path: Path) -> Bench:
    bench = Bench(real, tmp_path)
    await bench.prepare()
    return bench


async def test_a_message_reaches_every_member_and_each_of_them_says_so(bench: Bench, eventually: Any) -> None:
    sent = await bench.send("fresh at nine")

    await eventually(lambda: bench.texts_at(bench.ben) == bench.texts_at(bench.cara) == ["fresh at nine"])
    await bench.phone(bench.ben).mark_read()

    def receipts(kind: ReceiptKind) -> set[Address]:
        found = bench.world.listener.events(ReceiptReceived)
        return {one.by for one in found if sent.wa_id in one.wa_ids and one.receipt is kind}

    lids = {number: bench.phone(number).account.lid for number in (bench.ben, bench.cara)}
    await bench.world.listener.until(lambda: len(receipts(ReceiptKind.DELIVERED)) == 2)
    assert {one.lid for one in receipts(ReceiptKind.DELIVERED)} == set(lids.values())
    await bench.world.listener.until(lambda: receipts(ReceiptKind.READ))
    assert {one.lid for one in receipts(ReceiptKind.READ)} == {lids[bench.ben]}


async def test_what_members_write_arrives_with_group_and_writer_under_both_names(bench: Bench) -> None:
    for body in ("one", "two"):
        await bench.world.write(bench.ben, bench.spec.session_id, str(bench.group.jid), body)
    await bench.world.write(bench.cara, bench.spec.session_id, str(bench.group.jid), "three")

    await bench.world.listener.until(lambda: len(bench.world.listener.texts(bench.spec.session_id)) == 3)

    found = bench.world.listener.events(MessageReceived)
    assert [(one.content.body, one.sender.phone) for one in found if isinstance(one.content, Text)] == [
        ("one", bench.ben),
        ("two", bench.ben),
        ("three", bench.cara),
    ]
    assert {one.key.chat for one in found} == {bench.address}
    assert all(one.sender.lid and not one.key.from_me for one in found)


async def test_reading_in_a_group_is_told_to_who_wrote(bench: Bench, eventually: Any) -> None:
    wa_id = await bench.world.write(bench.ben, bench.spec.session_id, str(bench.group.jid), "one")
    arrived = (await bench.world.listener.until(lambda: bench.world.listener.events(MessageReceived)))[0]

    await bench.ask(MarkRead(chat=bench.address, wa_ids=(wa_id,), sender=arrived.sender))

    await eventually(lambda: bench.phone(bench.ben).log.find(wa_id).status == "read")


async def test_what_the_owner_writes_in_a_group_on_the_phone_is_reported(bench: Bench) -> None:
    await bench.world.write(bench.ana, bench.spec.session_id, str(bench.group.jid), "by hand")

    arrived = (await bench.world.listener.until(lambda: bench.world.listener.events(MessageReceived)))[0]

    assert arrived.key.from_me
    assert arrived.key.chat == bench.address


async def test_a_member_who_has_lost_the_sender_key_asks_for_the_message_again(bench: Bench, eventually: Any) -> None:
    await bench.send("one")
    await eventually(lambda: bench.texts_at(bench.cara) == ["one"])
    session = next(iter(bench.phone(bench.ana).account.companions))
    bench.phone(bench.cara)._cipher.forget(session)

    await bench.send("two")

    await eventually(lambda: bench.texts_at(bench.cara) == ["one", "two"])


async def test_the_session_asks_again_for_what_it_cannot_read(bench: Bench) -> None:
    await bench.world.write(bench.ben, bench.spec.session_id, str(bench.group.jid), "one")
    await bench.world.listener.until(lambda: bench.world.listener.texts(bench.spec.session_id) == ["one"])
    session = next(iter(bench.phone(bench.ana).account.companions))
    state = bench.phone(bench.ben)._cipher._signal._session(str(session.lid)).states[0]
    state.sending.key = bytes(32)
    bench.phone(bench.ben)._cipher._signal._memory.delete(f"own sender key {bench.group.jid}")

    await bench.world.write(bench.ben, bench.spec.session_id, str(bench.group.jid), "two")

    await bench.world.listener.until(lambda: "two" in bench.world.listener.texts(bench.spec.session_id))


async def test_where_only_admins_write_whatsapp_refuses_the_others(bench: Bench) -> None:
    await bench.ask(say.GetGroup(group=bench.address))
    await bench.phone(bench.ben).groups.change(bench.group, _node("announcement"))

    with pytest.raises(RefusedError):
        await bench.send("may I?")


async def test_admins_hear_who_asks_to_join_and_see_the_list(bench: Bench) -> None:
    dana = await bench.world.phone("Dana")
    await bench.phone(bench.ben).groups.people(bench.group, "promote", [bench.ana])
    await bench.phone(bench.ben).groups.change(
        bench.group, _node("membership_approval_mode", [_node("group_join", state="on")])
    )

    await bench.phone(dana).groups.join(bench.group.code)

    lid = bench.phone(dana).account.lid
    listener = bench.world.listener
    told = await listener.until(lambda: [one for one in listener.events(GroupChanged) if one.asked_to_join])
    asked = (await bench.ask(say.ListJoinRequests(group=bench.address))).requests
    assert told[0].asked_to_join[0].lid == lid
    assert [one.who.lid for one in asked] == [lid]
    assert asked[0].asked_at > 1_600_000_000


async def test_a_new_picture_of_a_group_is_reported(bench: Bench) -> None:
    await bench.phone(bench.ben).groups.set_picture(bench.group, JPEG)

    told = await bench.world.listener.until(lambda: bench.world.listener.events(PictureChanged))

    assert told[0].who == bench.address
    await bench.ask(say.SetGroupPicture(group=bench.address, jpeg=JPEG))


async def test_somebody_who_will_not_be_added_can_be_invited(bench: Bench, real: RealWorld) -> None:
    dana = await bench.world.phone("Dana")
    account = bench.phone(dana).account
    account.record.privacy["groupadd"] = "none"
    await bench.phone(bench.ben).groups.people(bench.group, "promote", [bench.ana])

    people = (Address.of(Jid.from_phone(dana)),)
    changed = await bench.ask(say.ChangeMembers(group=bench.address, action=say.MemberAction.ADD, members=people))

    (outcome,) = changed.outcomes
    assert outcome.code == 403
    assert outcome.invitation is not None
    assert outcome.invitation.code


def _node(tag: str, content: Any = None, **attrs: str) -> Any:
    return Node(tag, dict(attrs), content)
