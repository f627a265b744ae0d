"""Phones that talk to each other through the service."""

from __future__ import annotations

import asyncio
import base64
import copy
import os

import pytest

from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.media.crypto import MediaDamagedError
from sessions.sandbox.phones.inbox import Typing
from sessions.sandbox.phones.log import Status
from sessions.sandbox.phones.outbox import MessageUnknownError, RecipientUnknownError
from sessions.sandbox.phones.phone import Phone
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sandbox.state.errors import AccountUnknownError

ANNA, BEN = "15550000001", "15550000002"


def message(to: str, type: str = "text", **content: object) -> OutgoingMessage:
    return OutgoingMessage.model_validate({"to": to, "type": type, **content})


def text(to: str, body: str) -> OutgoingMessage:
    return message(to, text={"body": body})


def as_file(data: bytes, **about: object) -> dict[str, object]:
    return {"base64": base64.b64encode(data).decode(), **about}


@pytest.fixture
def anna(whatsapp) -> Phone:
    return whatsapp.phones.get(ANNA)


@pytest.fixture
def ben(whatsapp) -> Phone:
    return whatsapp.phones.get(BEN)


async def test_a_text_arrives_is_delivered_and_read(anna, ben, eventually):
    sent = await anna.send(text(BEN, "good morning"))

    received = await eventually(lambda: ben.log.find(sent.id))
    assert received.fields == {"text": {"body": "good morning"}}
    assert (received.sender, received.recipient, received.reached) == (ANNA, BEN, True)
    await eventually(lambda: sent.status is Status.DELIVERED)

    assert await ben.mark_read() == [sent.id]
    await eventually(lambda: sent.status is Status.READ)
    assert await ben.mark_read() == []


async def test_messages_arrive_in_the_order_they_were_sent_both_ways(anna, ben, eventually):
    for number in range(30):
        await anna.send(text(BEN, f"a{number}"))
        await ben.send(text(ANNA, f"b{number}"))

    await eventually(lambda: len(ben.log.reached(100)) == len(anna.log.reached(100)) == 30)
    assert [entry.fields["text"]["body"] for entry in ben.log.reached(100)] == [f"a{n}" for n in range(30)]
    assert [entry.fields["text"]["body"] for entry in anna.log.reached(100)] == [f"b{n}" for n in range(30)]


async def test_many_senders_at_once_lose_nothing(whatsapp, anna, ben, eventually):
    cara = whatsapp.phones.get("15550000003")

    await asyncio.gather(*(phone.send(text(BEN, str(n))) for n in range(40) for phone in (anna, cara)))

    await eventually(lambda: len(ben.log.reached(1000)) == 80)


@pytest.mark.parametrize("kind", ["image", "video", "audio", "voice", "document", "sticker"])
async def test_a_file_arrives_as_it_was_sent(anna, ben, eventually, kind):
    data = os.urandom(40_000)
    about = {"caption": "look"} if kind in ("image", "video", "document") else {}

    sent = await anna.send(message(BEN, kind, **{kind: as_file(data, **about)}))

    received = await eventually(lambda: ben.log.find(sent.id))
    assert received.type == kind
    assert received.fields[kind]["size"] == len(data)
    assert received.fields[kind].get("caption") == about.get("caption")
    assert (await ben.file_of(received.sequence))[0] == data


async def test_a_file_that_was_changed_on_the_media_host_is_refused(whatsapp, anna, ben, eventually):
    sent = await anna.send(message(BEN, "image", image=as_file(b"a picture")))
    received = await eventually(lambda: ben.log.find(sent.id))
    name = received.file.direct_path.partition("?")[0].rpartition("/")[2]
    (whatsapp.media._folder / name).write_bytes(b"something else")

    with pytest.raises(MediaDamagedError):
        await ben.file_of(received.sequence)


async def test_places_contacts_reactions_answers_and_changes_arrive(anna, ben, eventually):
    place = await anna.send(message(BEN, "location", location={"latitude": 48.2, "longitude": 16.4, "name": "Here"}))
    card = {"name": "Eve", "vcard": "BEGIN:VCARD\nEND:VCARD"}
    await anna.send(message(BEN, "contacts", contacts=[card]))
    await anna.send(message(BEN, "contacts", contacts=[card, card]))
    await anna.send(message(BEN, "edit", edit={"message_id": place.id, "body": "there"}))
    await anna.send(message(BEN, "revoke", revoke={"message_id": place.id}))
    await eventually(lambda: len(ben.log.reached(10)) == 5)
    await ben.send(message(ANNA, "reaction", reaction={"message_id": place.id, "emoji": "👍"}))
    await ben.send(message(ANNA, text={"body": "where?"}, reply_to=place.id))
    await eventually(lambda: len(anna.log.reached(10)) == 2)

    assert [entry.fields for entry in ben.log.reached(10)] == [
        {"location": {"latitude": 48.2, "longitude": 16.4, "name": "Here"}},
        {"contacts": [card]},
        {"contacts": [card, card]},
        {"edit": {"message_id": place.id}, "text": {"body": "there"}},
        {"revoke": {"message_id": place.id}},
    ]
    assert [entry.fields for entry in anna.log.reached(10)] == [
        {"reaction": {"message_id": place.id, "emoji": "👍"}},
        {"text": {"body": "where?"}, "reply_to": place.id},
    ]


async def test_only_what_can_be_played_is_played(anna, ben, eventually):
    voice = await anna.send(message(BEN, "voice", voice=as_file(b"ogg", seconds=2)))
    words = await anna.send(text(BEN, "hello"))
    await eventually(lambda: ben.log.find(words.id))

    assert await ben.mark_read(played=True) == [voice.id]

    await eventually(lambda: voice.status is Status.PLAYED)
    await eventually(lambda: words.status is Status.DELIVERED)


async def test_what_a_phone_cannot_read_is_asked_for_again_and_arrives_once(whatsapp, anna, ben, eventually):
    first = await anna.send(text(BEN, "first"))
    await eventually(lambda: ben.log.find(first.id))
    ben._cipher.forget(anna.device)

    sent = await anna.send(text(BEN, "after the loss"))

    await eventually(lambda: ben.log.find(sent.id))
    answer = await ben.send(text(ANNA, "healed"))
    await eventually(lambda: anna.log.find(answer.id))
    assert [entry.fields["text"]["body"] for entry in ben.log.reached(10)] == ["first", "after the loss"]


async def test_a_sender_whose_keys_have_gone_back_to_an_earlier_state_is_understood_again(anna, ben, eventually):
    sent = await anna.send(text(BEN, "one"))
    await eventually(lambda: ben.log.find(sent.id))
    sessions = anna._cipher._signal._sessions
    earlier = copy.deepcopy(sessions[str(ben.device.lid)])
    sent = await anna.send(text(BEN, "two"))
    await eventually(lambda: ben.log.find(sent.id))

    sessions[str(ben.device.lid)] = earlier
    sent = await anna.send(text(BEN, "three"))

    await eventually(lambda: ben.log.find(sent.id))
    await eventually(lambda: sent.status is Status.DELIVERED)
    assert [entry.fields["text"]["body"] for entry in ben.log.reached(10)] == ["one", "two", "three"]


async def test_typing_is_seen_by_the_other_side(whatsapp, anna):
    with whatsapp.phones.news() as news:
        await anna.type_to(BEN, Typing.RECORDING)
        async with asyncio.timeout(5):
            event = await news.get()

    assert event == (BEN, "typing", {"from": ANNA, "state": "recording"})


async def test_a_message_that_the_service_does_not_know_where_to_take_is_refused(anna):
    with pytest.raises(RecipientUnknownError):
        await anna.send(text("15559999999", "hello"))
    with pytest.raises(RecipientUnknownError):
        await anna.send(text("nobody", "hello"))
    with pytest.raises(MessageUnknownError):
        await anna.send(message(BEN, "reaction", reaction={"message_id": "none", "emoji": "👍"}))


async def test_everything_survives_a_restart_and_the_chat_goes_on(tmp_path, people, eventually):
    first = LoopbackWhatsApp(folder=tmp_path / "kept", people=people)
    await first.start()
    sent = await first.phones.get(ANNA).send(text(BEN, "before"))
    await eventually(lambda: sent.status is Status.DELIVERED)
    await first.stop()

    second = LoopbackWhatsApp(folder=tmp_path / "kept")
    await second.start()
    anna, ben = second.phones.get(ANNA), second.phones.get(BEN)
    later = await ben.send(text(ANNA, "after"))
    await eventually(lambda: anna.log.find(later.id))

    assert [phone.account.number for phone in second.phones] == [person.number for person in people]
    assert anna.log.find(sent.id).status is Status.DELIVERED
    assert (first.root_key, first.ca_file.read_bytes()) == (second.root_key, second.ca_file.read_bytes())
    assert anna.log.find(later.id).fields == {"text": {"body": "after"}}
    await second.stop()


async def test_a_killed_process_repeats_no_key_and_loses_no_message(tmp_path, people, eventually):
    # The first WhatsApp is never stopped: what the second one finds is what a kill would have left.
    first = LoopbackWhatsApp(folder=tmp_path / "kept", people=people)
    await first.start()
    for number in range(5):
        sent = await first.phones.get(ANNA).send(text(BEN, str(number)))
    await eventually(lambda: sent.status is Status.DELIVERED)
    for phone in first.phones:
        phone._worker.cancel()

    second = LoopbackWhatsApp(folder=tmp_path / "kept")
    await second.start()
    sent = await second.phones.get(ANNA).send(text(BEN, "after the kill"))
    ben = second.phones.get(BEN)
    await eventually(lambda: ben.log.find(sent.id))

    assert [entry.fields["text"]["body"] for entry in ben.log.reached(10)] == [*"01234", "after the kill"]
    await second.stop()
    await first.stop()


async def test_phones_are_found_however_their_number_is_written(whatsapp):
    assert whatsapp.phones.get("+1 555-000-0001").account.number == ANNA
    for number in ("15559999999", "nobody", ""):
        with pytest.raises(AccountUnknownError):
            whatsapp.phones.get(number)
