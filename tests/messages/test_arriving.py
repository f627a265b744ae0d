"""What arrives is filed once, under one contact, and told to everybody."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.models import EarlyReceipt
from sessions.address import Address, Jid
from sessions.content import (
    Content,
    Edit,
    Image,
    MessageKey,
    Reaction,
    Revoke,
    Text,
)
from sessions.errors import NotConnectedError
from sessions.events import (
    HistoryReceived,
    MessageReceived,
    MessageUndecryptable,
    PushNames,
    ReceiptKind,
    ReceiptReceived,
)
from tests.media.samples import jpeg
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of, poll

GROUP = Address.of(Jid.parse("120363000000000001@g.us"))


async def test_a_message_is_filed_with_its_contact_and_chat_and_told_once(any_world: World, any_shop: Session) -> None:
    world, shop = any_world, any_shop

    wa_id = world.engine.incoming(name_of(shop), ANNA, Text(body="Are you open?"))

    [entry] = await world.incoming()
    assert entry.contact is not None
    assert (entry.contact.phone, entry.contact.push_name) == (ANNA, "Anna")
    assert (entry.message.state, entry.message.wa_id, entry.message.body) == ("received", wa_id, "Are you open?")
    assert (entry.chat.kind, entry.chat.unread, entry.chat.last_message_id) == ("person", 1, entry.message.id)
    [event] = await world.told("message.received")
    assert event.data["text"] == {"body": "Are you open?"}
    assert event.data["from"]["phone"] == ANNA
    assert event.data["from"]["name"] == "Anna"
    assert event.session_id == shop.id


async def test_the_same_message_offered_twice_is_filed_once(any_world: World, any_shop: Session) -> None:
    world, shop = any_world, any_shop

    for _ in range(2):
        world.engine.incoming(name_of(shop), ANNA, Text(body="once"), wa_id="3EB0SAME")
    world.engine.incoming(name_of(shop), ANNA, Text(body="after"))

    found = await world.incoming(2)
    assert [entry.message.body for entry in found] == ["once", "after"]
    assert len(await world.told("message.received")) == 2
    assert found[0].chat.unread == 2


async def test_two_people_may_use_the_same_whatsapp_id_without_hiding_each_other(world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="from Anna"), wa_id="3EB0SAME")
    world.engine.incoming(name_of(shop), BEN, Text(body="from Ben"), wa_id="3EB0SAME")

    assert len(await world.incoming(2)) == 2


async def test_a_person_seen_under_two_addresses_becomes_one_contact_with_one_chat(
    any_world: World, any_shop: Session
) -> None:
    world, shop = any_world, any_shop
    anna = world.engine.phone(ANNA).address
    only_pn, only_lid = Address(pn=anna.pn), Address(lid=anna.lid)
    say(world, shop, Text(body="by number"), chat=only_pn, wa_id="A1")
    say(world, shop, Text(body="by lid"), chat=only_lid, wa_id="A2")
    before = await world.incoming(2)
    assert before[0].chat.id != before[1].chat.id

    say(world, shop, Text(body="by both"), chat=anna, wa_id="A3")

    after = await world.incoming(3)
    assert len({entry.chat.id for entry in after}) == 1
    assert len({entry.message.contact_id for entry in after}) == 1
    assert [entry.message.body for entry in after] == ["by number", "by lid", "by both"]
    assert after[0].chat.unread == 3
    [merged] = await world.told("contact.merged")
    assert merged.data["phone"] == ANNA
    found = await world.database.read(
        lambda tx: world.contacts.get(tx, org_id=1, contact_id=before[1].message.contact_id or 0)
    )
    assert found.id == after[0].message.contact_id


async def test_what_the_owner_types_on_the_phone_is_history_too(world: World, shop: Session) -> None:
    anna = world.engine.phone(ANNA).address
    say(world, shop, Text(body="typed"), chat=anna, wa_id="P1", from_me=True)

    [entry] = await poll(lambda: world.all(direction="out"))

    assert (entry.message.origin, entry.message.state) == ("phone", "sent")
    assert entry.contact is not None
    assert entry.contact.phone == ANNA
    assert entry.chat.unread == 0
    [event] = await world.told("message.sent")
    assert event.data["to"]["phone"] == ANNA


async def test_a_receipt_that_overtakes_the_answer_to_its_message_is_not_lost(
    any_world: World, any_shop: Session
) -> None:
    world, shop = any_world, any_shop
    entry = await world.queue()
    engine_call = world.engine.call

    async def answer_late(session_id: str, command: Any, **more: Any) -> Any:
        result = await engine_call(session_id, command, **more)
        wa_id = world.engine.sent(session_id)[-1][1].wa_id
        world.engine.receipt(session_id, wa_id, ReceiptKind.READ)
        await poll(lambda: _early(world, shop, wa_id))
        return result

    world.engine.call = answer_late  # type: ignore[method-assign]
    await world.start()

    await world.when(entry.message.id, "read")
    assert [event.data["state"] for event in await world.told("message.status")] == ["sent", "delivered", "read"]
    assert not await _early(world, shop, (await world.find(entry.message.id)).message.wa_id or "")


async def test_a_receipt_in_whole_seconds_does_not_seem_to_come_before_the_sending(world: World, shop: Session) -> None:
    await world.start()
    world.advance(0.9)
    entry = await world.queue()
    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.sent_at is not None
    whole_second = sent.message.sent_at.replace(microsecond=0).timestamp()
    anna = world.engine.phone(ANNA).address

    world.engine.report(
        name_of(shop),
        ReceiptReceived(
            chat=anna,
            by=anna,
            wa_ids=(sent.message.wa_id or "",),
            receipt=ReceiptKind.READ,
            timestamp=whole_second,
        ),
    )

    read = (await world.when(entry.message.id, "read")).message
    assert read.sent_at is not None
    assert read.delivered_at is not None
    assert read.read_at is not None
    assert read.sent_at <= read.delivered_at <= read.read_at


async def test_receipts_never_move_a_message_back(world: World, shop: Session) -> None:
    await world.start()
    entry = await world.queue()
    wa_id = (await world.when(entry.message.id, "delivered")).message.wa_id or ""
    world.engine.receipt(name_of(shop), wa_id, ReceiptKind.PLAYED)
    await world.when(entry.message.id, "played")

    for kind in (ReceiptKind.READ, ReceiptKind.DELIVERED):
        world.engine.receipt(name_of(shop), wa_id, kind)
    world.engine.incoming(name_of(shop), ANNA, Text(body="later"))
    await world.incoming()

    played = (await world.find(entry.message.id)).message
    assert played.state == "played"
    assert [event.data["state"] for event in await world.told("message.status")] == ["sent", "delivered", "played"]


async def test_reading_on_the_phone_reads_here(world: World, shop: Session) -> None:
    wa_id = world.engine.incoming(name_of(shop), ANNA, Text(body="one"))
    world.engine.incoming(name_of(shop), ANNA, Text(body="two"))
    await world.incoming(2)
    anna = world.engine.phone(ANNA).address

    receipt = ReceiptReceived(chat=anna, by=anna, wa_ids=(wa_id,), receipt=ReceiptKind.READ_BY_SELF, timestamp=1.8e9)
    world.engine.report(name_of(shop), receipt)
    world.engine.report(name_of(shop), receipt)

    first = await poll(lambda: _read(world, wa_id))
    assert first.chat.unread == 1


async def test_a_reaction_is_kept_with_its_message_and_taken_back(world: World, shop: Session) -> None:
    await world.start()
    entry = await world.queue(body="Sale!")
    sent = await world.when(entry.message.id, "delivered")
    anna = world.engine.phone(ANNA).address
    target = MessageKey(chat=anna, wa_id=sent.message.wa_id or "", from_me=True)

    say(world, shop, Reaction(target=target, emoji="👍"), chat=anna, wa_id="R1", timestamp=1.0e9)
    [first] = await poll(lambda: world.told("message.reaction"))
    say(world, shop, Reaction(target=target, emoji=""), chat=anna, wa_id="R2", timestamp=1.1e9)
    await poll(lambda: _told(world, "message.reaction", 2))

    assert first.data["emoji"] == "👍"
    assert first.data["by"] == first.data["who"]["contact"] == render_id("con", sent.message.contact_id or 0)
    assert first.data["who"]["phone"] == ANNA
    assert first.data["who"]["lid"] == first.data["who"]["jid"]
    assert first.subject_id == entry.message.id
    left = await world.database.read(lambda tx: store.list_reactions(tx, org_id=1, message_id=entry.message.id))
    assert left == []
    assert len(await world.all()) == 1


async def test_an_edit_changes_the_words_and_keeps_the_old_ones(any_world: World, any_shop: Session) -> None:
    world, shop = any_world, any_shop
    anna = world.engine.phone(ANNA).address
    say(world, shop, Text(body="I come at 5"), chat=anna, wa_id="E1", timestamp=1.0e9)
    [entry] = await world.incoming()
    target = MessageKey(chat=anna, wa_id="E1", from_me=False)

    for _ in range(2):
        say(world, shop, Edit(target=target, body="I come at 6"), chat=anna, wa_id="E2", timestamp=1.1e9)
    [event] = await poll(lambda: world.told("message.edited"))

    edited = await world.find(entry.message.id)
    assert edited.message.body == "I come at 6"
    assert event.data["text"] == {"body": "I come at 6"}
    versions = await world.database.read(lambda tx: store.list_versions(tx, org_id=1, message_id=entry.message.id))
    assert [version.body for version in versions] == ["I come at 5"]


async def test_nobody_may_edit_what_another_wrote(world: World, shop: Session) -> None:
    anna, ben = world.engine.phone(ANNA).address, world.engine.phone(BEN).address
    say(world, shop, Text(body="mine"), chat=GROUP, sender=anna, wa_id="G1")
    await world.incoming()
    target = MessageKey(chat=GROUP, wa_id="G1", from_me=False, participant=anna)

    say(world, shop, Edit(target=target, body="forged"), chat=GROUP, sender=ben, wa_id="G2")
    say(world, shop, Text(body="end"), chat=GROUP, sender=ben, wa_id="G3")

    first, _ = await world.incoming(2)
    assert first.message.body == "mine"
    assert await world.told("message.edited") == []


async def test_a_message_deleted_for_everyone_says_so(world: World, shop: Session) -> None:
    anna = world.engine.phone(ANNA).address
    say(world, shop, Text(body="oops"), chat=anna, wa_id="D1")
    [entry] = await world.incoming()

    say(world, shop, Revoke(target=MessageKey(chat=anna, wa_id="D1", from_me=False)), chat=anna, wa_id="D2")

    await world.when(entry.message.id, "revoked")
    [event] = await world.told("message.revoked")
    assert event.data["revoked_at"] is not None


async def test_group_messages_have_the_group_as_chat_and_their_writers_as_contacts(world: World, shop: Session) -> None:
    for wa_id, number in (("G1", ANNA), ("G2", BEN)):
        say(world, shop, Text(body="hi"), chat=GROUP, sender=world.engine.phone(number).address, wa_id=wa_id)

    found = await world.incoming(2)

    assert len({entry.chat.id for entry in found}) == 1
    assert [entry.contact.phone for entry in found if entry.contact] == [ANNA, BEN]
    assert found[0].chat.jid == str(GROUP.primary)
    event = (await world.told("message.received"))[0]
    assert event.data["from"]["group"] == str(GROUP.primary)


async def test_history_is_filed_among_its_own_days_and_told_to_nobody(any_world: World, any_shop: Session) -> None:
    world, shop = any_world, any_shop
    anna = world.engine.phone(ANNA).address
    world.engine.incoming(name_of(shop), ANNA, Text(body="today"))
    await world.incoming()

    old = [message(Text(body=body), chat=anna, wa_id=body, timestamp=at) for body, at in
           [("b", 1.75e9), ("a", 1.74e9), ("ancient", 1.5e9)]]  # fmt: skip
    for _ in range(2):
        world.engine.report(name_of(shop), HistoryReceived(messages=tuple(old), progress=100))

    found = await world.incoming(4)
    assert [entry.message.body for entry in found] == ["ancient", "a", "b", "today"]
    assert len(await world.told("message.received")) == 1
    assert found[0].chat.unread == 1
    assert found[0].chat.last_message_id == found[-1].message.id


async def test_an_undecryptable_message_is_filled_in_when_it_comes_again(world: World, shop: Session) -> None:
    anna = world.engine.phone(ANNA).address
    key = MessageKey(chat=anna, wa_id="U1", from_me=False)
    world.engine.report(name_of(shop), MessageUndecryptable(key=key, sender=anna, timestamp=1.8e9))
    [entry] = await world.incoming()
    assert entry.message.type == "unsupported"

    say(world, shop, Text(body="now you can read it"), chat=anna, wa_id="U1")

    filled = await poll(lambda: _with_body(world, entry.message.id, "now you can read it"))
    assert filled.message.type == "text"
    assert len(await world.told("message.undecryptable")) == 1
    assert len(await world.told("message.received")) == 1
    assert len(await world.incoming()) == 1


async def test_a_null_character_from_outside_stops_nothing(any_world: World, any_shop: Session) -> None:
    any_world.engine.incoming(name_of(any_shop), ANNA, Text(body="a\x00b"))

    [entry] = await any_world.incoming()

    assert entry.message.body == "ab"


async def test_push_names_name_known_contacts_and_make_no_new_ones(world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="hi"))
    [entry] = await world.incoming()
    known, stranger = world.engine.phone(ANNA).address, Address.of(Jid.from_phone("+4915119999999"))

    world.engine.report(name_of(shop), PushNames(names=((known, "Anna B."), (stranger, "Nobody"))))

    await poll(lambda: _named(world, entry.message.contact_id or 0, "Anna B."))
    assert len(await world.database.read(lambda tx: world.contacts.page(tx, org_id=1, limit=10))) == 1


async def test_the_file_of_a_picture_is_fetched_as_soon_as_it_arrives(world: World, shop: Session) -> None:
    await world.start()
    picture = jpeg(640, 480)
    file = world.engine.keep_file(picture, "image/jpeg")

    world.engine.incoming(name_of(shop), ANNA, Image(file=file, caption="look"))

    [event] = await poll(lambda: world.told("media.available"))
    assert event.data["image"]["media_state"] == "available"
    assert event.data["image"]["caption"] == "look"
    [entry] = await world.incoming()
    media = await world.database.read(lambda tx: world.library.get(tx, org_id=1, media_id=entry.message.media_id or 0))
    assert world.library.path_of(media).read_bytes() == picture
    assert (media.width, media.height) == (640, 480)
    [received] = await world.told("message.received")
    assert received.data["image"]["media_state"] == "pending"


async def test_a_file_that_whatsapp_no_longer_has_is_given_up_with_a_reason(world: World, shop: Session) -> None:
    await world.start()
    file = world.engine.keep_file(b"x", "image/jpeg")
    world.engine.lose_files()

    world.engine.incoming(name_of(shop), ANNA, Image(file=file))

    [event] = await poll(lambda: world.told("media.failed"))
    assert event.data["image"]["media_error"] == "media_unavailable"


async def test_a_download_that_fails_for_now_is_tried_again(
    world: World, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = world.engine.keep_file(jpeg(10, 10), "image/jpeg")
    working = world.engine.call

    async def refuse(*_arguments: Any, **_more: Any) -> Any:
        raise NotConnectedError

    monkeypatch.setattr(world.engine, "call", refuse)
    world.downloader.finished.watch()
    await world.start()
    world.engine.incoming(name_of(shop), ANNA, Image(file=file))
    message_id = await world.downloader.finished.wait()
    assert (await world.find(message_id)).message.media_state == "pending"

    monkeypatch.setattr(world.engine, "call", working)
    world.advance(60)
    world.downloader.wake()

    await poll(lambda: world.told("media.available"))


async def test_marking_a_chat_read_empties_its_count(world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="hi"))
    [entry] = await world.incoming()

    await world.database.write(lambda tx: world.chats.mark_read(tx, world.chats.get(tx, PRINCIPAL, entry.chat.id)))

    assert (await world.find(entry.message.id)).chat.unread == 0


def message(
    content: Content,
    *,
    chat: Address,
    wa_id: str,
    sender: Address | None = None,
    from_me: bool = False,
    timestamp: float = 1.79e9,
) -> MessageReceived:
    key = MessageKey(chat=chat, wa_id=wa_id, from_me=from_me, participant=sender)
    return MessageReceived(key=key, sender=sender or chat, push_name="", timestamp=timestamp, content=content)


def say(world: World, shop: Session, content: Content, **more: Any) -> None:
    """Let a message of any kind arrive."""
    world.engine.report(name_of(shop), message(content, **more))


async def _early(world: World, shop: Session, wa_id: str) -> bool:
    def read(tx: Any) -> bool:
        rows = tx.session.query(EarlyReceipt).filter_by(session_id=shop.id, wa_id=wa_id).all()
        return {"delivered", "read"} <= {row.kind for row in rows}

    return await world.database.read(read)


async def _read(world: World, wa_id: str) -> Any:
    entry = await world.database.read(
        lambda tx: store.find_by_wa_id(tx, org_id=1, session_id=_session_of(tx), wa_id=wa_id)
    )
    return entry if entry and entry.message.read_at else None


def _session_of(tx: Any) -> int:
    return tx.session.query(Session).one().id


async def _told(world: World, kind: str, count: int) -> bool:
    return len(await world.told(kind)) >= count


async def _with_body(world: World, message_id: int, body: str) -> Any:
    entry = await world.find(message_id)
    return entry if entry.message.body == body else None


async def _named(world: World, contact_id: int, name: str) -> bool:
    contact = await world.database.read(lambda tx: world.contacts.get(tx, org_id=1, contact_id=contact_id))
    return contact.push_name == name
