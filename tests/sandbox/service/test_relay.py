"""Messages and receipts between devices: answered, delivered once, kept until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.endpoint import AckVerdict
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion
from tests.sandbox.service.stand_ins import SettableFaults

Link = Callable[[Account], Awaitable[Companion]]


@pytest.fixture
async def sender(ana: Account, linked: Link) -> Companion:
    return await linked(ana)


@pytest.fixture
async def receiver(ben: Account, linked: Link) -> Companion:
    return await linked(ben)


async def receipt(reader: Companion, message: Node, kind: str | None = None) -> None:
    """Answer a message with a receipt."""
    attrs = {"id": message.text("id"), "to": message.jid("from"), "type": kind}
    await reader.service.dispatch(reader, Node("receipt", {**attrs}))


async def test_a_message_is_answered_and_reaches_the_other_side(
    sender: Companion, receiver: Companion, ben: Account
) -> None:
    number = await sender.send(ben, b"sealed")

    (answer,) = sender.all("ack")
    (message,) = receiver.all("message")
    assert (answer.text("id"), answer.text("class"), answer.text("error")) == (number, "message", "")
    assert message.jid("from") == sender.device.lid
    assert message.jid("sender_pn") == sender.device.account.pn
    assert message.require("enc").data == b"sealed"
    assert message.text("notify") == "Ana"


async def test_a_repeated_message_is_answered_again_and_delivered_once(
    sender: Companion, receiver: Companion, ben: Account
) -> None:
    number = await sender.send(ben)
    await sender.send(ben, message_id=number)

    assert [node.text("id") for node in sender.all("ack")] == [number, number]
    assert len(receiver.all("message")) == 1


async def test_an_unknown_recipient_is_refused(service: Service, sender: Companion) -> None:
    stranger = Jid("404404404404404", LID_SERVER)

    await service.dispatch(sender, Node("message", {"id": "A", "to": stranger, "type": "text"}, []))

    assert sender.all("ack")[-1].text("error") == "404"


async def test_a_copy_for_a_third_party_is_not_delivered(
    service: Service, sender: Companion, receiver: Companion, ana: Account, ben: Account, linked: Link
) -> None:
    third = await linked(service.directory.register("12025550133", "Cara"))
    copies = [Node("to", {"jid": one.device.lid}, [Node("enc", {}, b"x")]) for one in (receiver, third)]

    await service.dispatch(
        sender, Node("message", {"id": "B", "to": ben.lid, "type": "text"}, [Node("participants", {}, copies)])
    )

    assert len(receiver.all("message")) == 1
    assert third.all("message") == []


async def test_the_senders_other_devices_learn_whom_it_wrote_to(
    sender: Companion, receiver: Companion, ana: Account, ben: Account, linked: Link, service: Service
) -> None:
    other = await linked(ana)
    copies = [Node("to", {"jid": one.device.lid}, [Node("enc", {}, b"x")]) for one in (receiver, other)]

    await service.dispatch(
        sender, Node("message", {"id": "C", "to": ben.lid, "type": "text"}, [Node("participants", {}, copies)])
    )

    (copy,) = other.all("message")
    assert (copy.jid("from"), copy.jid("recipient")) == (sender.device.lid, ben.lid)
    assert copy.jid("peer_recipient_pn") == ben.pn


async def test_a_sender_that_forgot_a_device_is_told_by_the_hash(
    sender: Companion, receiver: Companion, ben: Account, linked: Link
) -> None:
    before = list(ben.devices.values())
    await linked(ben)
    copies = [Node("to", {"jid": device.lid}, [Node("enc", {}, b"x")]) for device in before]

    await sender.service.dispatch(
        sender, Node("message", {"id": "D", "to": ben.lid, "type": "text"}, [Node("participants", {}, copies)])
    )

    assert sender.all("ack")[-1].text("phash").startswith("2:")


async def test_the_identity_travels_with_first_messages_only(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    for kind in ("pkmsg", "msg"):
        copies = [Node("to", {"jid": receiver.device.lid}, [Node("enc", {"type": kind}, b"x")])]
        content = [Node("participants", {}, copies), Node("device-identity", {}, b"signed")]
        await service.dispatch(sender, Node("message", {"id": kind, "to": ben.lid, "type": "text"}, content))

    first, second = receiver.all("message")
    assert first.require("device-identity").data == b"signed"
    assert second.child("device-identity") is None


async def test_a_blocked_sender_is_answered_but_not_heard(
    service: Service, sender: Companion, receiver: Companion, ana: Account, ben: Account
) -> None:
    await receiver.ask("set", "blocklist", Node("item", {"action": "block", "jid": ana.lid}))

    await sender.send(ben)

    assert sender.all("ack")[-1].text("error") == ""
    assert receiver.all("message") == []


async def test_a_message_waits_until_it_is_acknowledged(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    await sender.send(ben)
    before = service.delivery.waiting(receiver.device)

    await receipt(receiver, receiver.all("message")[0])

    assert (before, service.delivery.waiting(receiver.device)) == (1, 0)


async def test_reading_alone_does_not_acknowledge(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    await sender.send(ben)

    await receipt(receiver, receiver.all("message")[0], "read")

    assert service.delivery.waiting(receiver.device) == 1


async def test_receipts_travel_back_and_wait_for_their_own_acknowledgement(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    number = await sender.send(ben)
    await receipt(receiver, receiver.all("message")[0])
    await receipt(receiver, receiver.all("message")[0], "read")

    delivered, read = sender.all("receipt")
    assert (delivered.text("type"), read.text("type")) == ("", "read")
    assert delivered.jid("from") == receiver.device.lid
    for node in (delivered, read):
        attrs = {"class": "receipt", "id": number, "to": node.jid("from"), "type": node.text("type")}
        await service.dispatch(sender, Node("ack", {**attrs}))
    assert service.delivery.waiting(sender.device) == 0


async def test_a_retry_receipt_reaches_only_the_device_that_encrypted(
    sender: Companion, receiver: Companion, ana: Account, ben: Account, linked: Link
) -> None:
    other = await linked(ana)
    await sender.send(ben)

    await receipt(receiver, receiver.all("message")[0], "retry")

    assert [node.text("type") for node in sender.all("receipt")] == ["retry"]
    assert other.all("receipt") == []


async def test_what_one_device_has_read_its_others_learn(
    sender: Companion, receiver: Companion, ben: Account, linked: Link
) -> None:
    other = await linked(ben)
    await sender.send(ben)

    await receipt(receiver, receiver.all("message")[0], "read")

    assert [node.text("type") for node in other.all("receipt")] == ["read-self"]


async def test_an_answer_to_a_retry_is_delivered_although_its_id_is_old(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    number = await sender.send(ben)
    again = {"id": number, "to": receiver.device.lid, "type": "text"}

    await service.dispatch(sender, Node("message", {**again}, [Node("enc", {"type": "pkmsg", "count": "1"}, b"y")]))

    assert [node.require("enc").data for node in receiver.all("message")] == [b"cipher", b"y"]


async def test_a_refused_message_is_delivered_to_nobody(
    sender: Companion, receiver: Companion, ben: Account, faults: SettableFaults
) -> None:
    faults.verdict = AckVerdict(error=463)

    number = await sender.send(ben)
    faults.verdict = AckVerdict()
    await sender.send(ben, message_id=number)

    assert [node.text("error") for node in sender.all("ack")] == ["463", ""]
    assert len(receiver.all("message")) == 1


async def test_an_answer_can_be_missing_while_the_message_arrives(
    sender: Companion, receiver: Companion, ben: Account, faults: SettableFaults
) -> None:
    faults.verdict = AckVerdict(send=False)

    await sender.send(ben)

    assert sender.all("ack") == []
    assert len(receiver.all("message")) == 1


async def test_an_answer_can_be_late(sender: Companion, ben: Account, faults: SettableFaults) -> None:
    faults.verdict = AckVerdict(delay=0.05)

    await sender.send(ben)
    early = sender.all("ack")

    assert early == []
    assert (await sender.wait(lambda node: node.tag == "ack")).text("class") == "message"


async def test_a_deaf_service_takes_everything_and_answers_nothing(
    sender: Companion, receiver: Companion, ben: Account, faults: SettableFaults
) -> None:
    faults.deaf = True

    await sender.send(ben)

    assert sender.all("ack") == receiver.all("message") == []


async def test_typing_reaches_who_is_there_and_is_not_kept(
    service: Service, sender: Companion, receiver: Companion, ana: Account, ben: Account
) -> None:
    await service.dispatch(sender, Node("chatstate", {"to": ben.lid}, [Node("composing")]))
    await service.detach(receiver)
    await service.dispatch(sender, Node("chatstate", {"to": ben.lid}, [Node("paused")]))

    (typing,) = receiver.all("chatstate")
    assert (typing.jid("from"), typing.children[0].tag) == (ana.lid, "composing")
    assert service.delivery.waiting(receiver.device) == 0


async def test_a_subscriber_sees_somebody_come_and_go(
    service: Service, sender: Companion, receiver: Companion, ana: Account
) -> None:
    await service.dispatch(receiver, Node("presence", {"type": "subscribe", "to": ana.lid}))
    await service.dispatch(sender, Node("presence", {"type": "available", "name": "Ana Shop"}))
    await service.detach(sender)

    states = [(node.text("type"), node.text("last")) for node in receiver.all("presence")]
    assert [kind for kind, _ in states] == ["unavailable", "", "unavailable"]
    assert (states[0][1], states[2][1].isdecimal()) == ("deny", True)
    assert ana.name == "Ana Shop"


async def test_a_rejected_call_is_answered_and_reaches_the_caller(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    reject = Node("reject", {"call-id": "C1", "call-creator": ben.lid, "count": "0"})

    await service.dispatch(sender, Node("call", {"id": "9", "to": ben.lid}, [reject]))

    (answer,), (call,) = sender.all("ack"), receiver.all("call")
    assert (answer.text("class"), answer.text("type")) == ("call", "reject")
    assert (call.jid("from"), call.children) == (sender.device.lid, [reject])


async def test_a_stanza_that_breaks_its_handler_breaks_nothing_else(
    service: Service, sender: Companion, receiver: Companion, ben: Account
) -> None:
    await service.dispatch(sender, Node("message", {"id": "broken"}))
    await service.dispatch(sender, Node("receipt", {"id": "broken"}))

    await asyncio.wait_for(sender.send(ben), 1)

    assert len(receiver.all("message")) == 1
