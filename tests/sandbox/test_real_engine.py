"""The real engine, linked to the loopback WhatsApp: what the whole product stands on."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import pytest

from sessions.commands.files import DownloadFile
from sessions.commands.presence import SetTyping
from sessions.content import Image, OutgoingFile
from sessions.events import Ended, PairingEnded, Typing
from sessions.sandbox.faults.kinds import parse_fault
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.inbox import Typing as PhoneTyping
from sessions.sandbox.phones.log import Status
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sandbox.state.errors import PasskeyDemandedError
from sessions.status import Reason, SessionStatus
from tests.sandbox.engine_seat import Seat, address

pytestmark = pytest.mark.long

ANNA, BEN = "15550000001", "15550000002"


@pytest.fixture
async def seat(whatsapp: LoopbackWhatsApp, tmp_path) -> AsyncIterator[Seat]:
    """A session of the real engine that is not linked yet."""
    seat = Seat(whatsapp=whatsapp, folder=tmp_path / "session")
    await seat.supervisor.start()
    yield seat
    await seat.supervisor.stop()


def text(to: str, body: str) -> OutgoingMessage:
    return OutgoingMessage.model_validate({"to": to, "text": {"body": body}})


async def test_it_is_linked_by_qr_and_writes_and_is_answered(whatsapp, seat, eventually):
    anna, ben = whatsapp.phones.get(ANNA), whatsapp.phones.get(BEN)
    await seat.pair(ANNA)

    sent = await seat.send_text(BEN, "hello")
    received = await eventually(lambda: ben.log.find(sent.wa_id))
    copy = await eventually(lambda: anna.log.find(sent.wa_id))
    await seat.receipt(sent, "delivered")
    await ben.mark_read()
    await seat.receipt(sent, "read")
    answer = await ben.send(text(ANNA, "hello back"))
    arrived = await seat.message(answer.id)

    assert (received.sender, received.fields) == (ANNA, {"text": {"body": "hello"}})
    assert (copy.sender, copy.recipient, copy.direction) == (ANNA, BEN, "out")
    assert arrived.content.body == "hello back"
    await eventually(lambda: answer.status is Status.DELIVERED)
    assert anna.log.find(answer.id).fields == {"text": {"body": "hello back"}}


async def test_what_the_owner_writes_on_the_phone_shows_on_the_linked_device(whatsapp, seat):
    await seat.pair(ANNA)

    sent = await whatsapp.phones.get(ANNA).send(text(BEN, "typed on the phone"))

    arrived = await seat.message(sent.id)
    assert arrived.key.from_me
    assert arrived.content.body == "typed on the phone"


async def test_it_is_linked_by_a_typed_code(whatsapp, seat, eventually):
    await seat.pair_by_code(ANNA)

    sent = await seat.send_text(BEN, "hello")

    await eventually(lambda: whatsapp.phones.get(BEN).log.find(sent.wa_id))


async def test_files_go_both_ways_unharmed(whatsapp, seat, eventually, tmp_path):
    ben = whatsapp.phones.get(BEN)
    data = os.urandom(100_000)
    (tmp_path / "picture.jpg").write_bytes(data)
    file = OutgoingFile(
        path=str(tmp_path / "picture.jpg"),
        size=len(data),
        mimetype="image/jpeg",
        sha256=hashlib.sha256(data).hexdigest(),
    )
    await seat.pair(ANNA)

    sent = await seat.send(BEN, Image(file=file, caption="look"))
    received = await eventually(lambda: ben.log.find(sent.wa_id))
    assert (await ben.file_of(received.sequence))[0] == data
    assert received.fields["image"]["caption"] == "look"

    back = await ben.send(
        OutgoingMessage.model_validate(
            {"to": ANNA, "type": "document", "document": {"base64": "aGVsbG8=", "filename": "a.txt"}}
        )
    )
    arrived = await seat.message(back.id)
    await seat.call(DownloadFile(kind="document", file=arrived.content.file, path=str(tmp_path / "a.txt")))
    assert (tmp_path / "a.txt").read_bytes() == b"hello"


async def test_typing_is_shown_both_ways(whatsapp, seat):
    await seat.pair(ANNA)
    await seat.send_text(BEN, "hello")

    with whatsapp.phones.news() as news:
        await seat.call(SetTyping(chat=address(BEN), state="composing"))
        while (event := await news.get()) and event.kind != "typing":
            pass
    await whatsapp.phones.get(BEN).type_to(ANNA, PhoneTyping.RECORDING)

    assert event == (BEN, "typing", {"from": ANNA, "state": "composing"})
    assert (await seat.fact(Typing)).state == "recording"


async def test_messages_that_one_side_cannot_read_are_sent_again_and_arrive(whatsapp, seat, eventually):
    ben = whatsapp.phones.get(BEN)
    await seat.pair(ANNA)
    first = await seat.send_text(BEN, "first")
    await eventually(lambda: ben.log.find(first.wa_id))
    companion = whatsapp.phones.get(ANNA).account.companions[0]

    ben._cipher.forget(companion)
    lost_by_phone = await seat.send_text(BEN, "the phone forgot its keys")
    await eventually(lambda: ben.log.find(lost_by_phone.wa_id))
    ben._cipher._signal._session(str(companion.lid)).states[0].sending.key = os.urandom(32)
    lost_by_engine = await ben.send(text(ANNA, "with a wrong key"))

    assert (await seat.message(lost_by_engine.id)).content.body == "with a wrong key"


async def test_messages_sent_while_the_device_is_away_wait_for_it(whatsapp, seat):
    await seat.pair(ANNA)
    await whatsapp.faults.inject(parse_fault({"kind": "outage"}))
    await seat.status(SessionStatus.RECONNECTING)

    sent = await whatsapp.phones.get(BEN).send(text(ANNA, "are you there?"))
    whatsapp.faults.clear()

    assert (await seat.message(sent.id)).content.body == "are you there?"


async def test_an_ack_that_never_comes_is_made_up_for_after_the_connection_broke(whatsapp, seat, eventually):
    ben = whatsapp.phones.get(BEN)
    await seat.pair(ANNA)
    first = await seat.send_text(BEN, "first")
    await eventually(lambda: ben.log.find(first.wa_id))
    await whatsapp.faults.inject(parse_fault({"kind": "no_ack", "count": 1}))

    sending = asyncio.create_task(seat.send_text(BEN, "once"))
    await eventually(lambda: len(ben.log.reached(10)) == 2)
    await whatsapp.faults.inject(parse_fault({"kind": "drop"}))
    sent = await sending

    # Whatever the engine repeated has been delivered before its answer, so before this one.
    last = await whatsapp.phones.get(ANNA).send(text(BEN, "last"))
    await eventually(lambda: ben.log.find(last.id))
    assert [entry.id for entry in ben.log.reached(10)] == [first.wa_id, sent.wa_id, last.id]


async def test_the_phone_can_log_the_device_out(whatsapp, seat):
    await seat.pair(ANNA)

    await whatsapp.phones.get(ANNA).unlink()

    await seat.fact(Ended, lambda ended: ended.reason is Reason.UNLINKED_FROM_PHONE)
    await seat.status(SessionStatus.LOGGED_OUT)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "ban", "expire": 60}, SessionStatus.BANNED),
        ({"kind": "replaced"}, SessionStatus.REPLACED),
        ({"kind": "outdated"}, SessionStatus.OUTDATED),
        ({"kind": "logged_out"}, SessionStatus.LOGGED_OUT),
    ],
)
async def test_the_engine_is_told_what_is_wrong_with_its_session(whatsapp, seat, fault, status):
    await seat.pair(ANNA)

    await whatsapp.faults.inject(parse_fault({**fault, "number": ANNA}))

    assert (await seat.status(status)).reason is not None


async def test_an_account_that_wants_a_passkey_is_told_apart(whatsapp, seat):
    await whatsapp.faults.inject(parse_fault({"kind": "passkey", "number": ANNA}))
    qr = await seat.show_qr()

    with pytest.raises(PasskeyDemandedError):
        await whatsapp.phones.get(ANNA).scan(qr)

    ended = await seat.fact(PairingEnded)
    assert ended.reason is Reason.PASSKEY_DEMANDED
    await seat.status(SessionStatus.PASSKEY_REQUIRED)


async def test_a_link_outlives_a_restart_of_this_whatsapp(people, tmp_path, eventually):
    first = LoopbackWhatsApp(folder=tmp_path / "kept", people=people)
    await first.start()
    port = first.server.port
    seat = Seat(whatsapp=first, folder=tmp_path / "session")
    await seat.pair(ANNA)
    await first.stop()
    await seat.status(SessionStatus.RECONNECTING)

    second = LoopbackWhatsApp(folder=tmp_path / "kept")
    await second.start(port)
    await seat.status(SessionStatus.CONNECTED)
    sent = await seat.send_text(BEN, "after the restart")
    await eventually(lambda: second.phones.get(BEN).log.find(sent.wa_id))

    await seat.supervisor.stop()
    assert second.service.unknown_iqs == []
    await second.stop()
