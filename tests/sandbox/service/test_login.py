"""Logging in: who may, what waits for them, and who has to leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sessions.sandbox.crypto.keys import KeyPair
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion
from tests.sandbox.service.stand_ins import SettableFaults

Link = Callable[[Account], Awaitable[Companion]]


def reason(client: Companion) -> str:
    """Why the service sent a client away."""
    assert client.last is not None
    return client.last.text("reason") or client.last.text("code")


async def test_a_linked_client_is_welcomed_with_its_lid(ana: Account, linked: Link) -> None:
    client = await linked(ana)

    success = await client.wait(lambda node: node.tag == "success")

    assert success.jid("lid") == client.device.lid


async def test_only_the_first_login_finds_the_account_changed(ana: Account, linked: Link) -> None:
    client = await linked(ana)
    first = [ib.children[0].tag for ib in client.all("ib")]
    client.received.clear()

    await client.connect()

    assert "dirty" in first
    assert "dirty" not in [ib.children[0].tag for ib in client.all("ib")]


async def test_another_noise_key_is_logged_out(service: Service, ana: Account, linked: Link) -> None:
    client = await linked(ana)
    client.client_static = KeyPair().public

    await client.connect()

    assert reason(client) == "401"


async def test_a_device_that_was_removed_is_logged_out(service: Service, ana: Account, linked: Link) -> None:
    client = await linked(ana)
    await service.unlink(client.device)
    told = client.last

    await client.connect()

    assert told == Node("stream:error", {"code": "401"}, [Node("conflict", {"type": "device_removed"})])
    assert reason(client) == "401"


async def test_a_second_connection_replaces_the_first(service: Service, ana: Account, linked: Link) -> None:
    first = await linked(ana)
    second = Companion(service)
    second.client_static, second._device = first.client_static, first.device

    await second.connect()
    await service.detach(first)

    assert first.last == Node("stream:error", {}, [Node("conflict", {"type": "replaced"})])
    assert service.delivery.endpoint(first.device) is second


async def test_a_fault_decides_over_a_login(ana: Account, linked: Link, faults: SettableFaults) -> None:
    client = await linked(ana)
    faults.failure = Node("failure", {"reason": "402", "code": "101", "expire": "60"})

    await client.connect()

    assert reason(client) == "402"


async def test_what_came_while_away_is_delivered_in_order_between_its_brackets(
    service: Service, ana: Account, ben: Account, linked: Link
) -> None:
    sender, receiver = await linked(ana), await linked(ben)
    await service.detach(receiver)
    ids = [await sender.send(ben) for _ in range(3)]

    receiver.received.clear()
    await receiver.connect()

    brackets = [node for ib in receiver.all("ib") for node in ib.children if node.tag.startswith("offline")]
    assert [(node.tag, node.text("count")) for node in brackets] == [("offline_preview", "3"), ("offline", "3")]
    assert brackets[0].text("message") == "3"
    assert [node.text("id") for node in receiver.all("message")] == ids
    assert {node.text("offline") for node in receiver.all("message")} == {"1"}


async def test_nothing_is_delivered_before_the_client_is_active(
    service: Service, ana: Account, ben: Account, linked: Link
) -> None:
    sender, receiver = await linked(ana), await linked(ben)
    receiver.received.clear()
    await service.login.open(receiver)
    await sender.send(ben)
    before = receiver.all("message")

    await receiver.ask("set", "passive", Node("active"))

    assert before == []
    assert len(receiver.all("message")) == 1


async def test_a_client_can_remove_itself(service: Service, ana: Account, linked: Link) -> None:
    client = await linked(ana)

    reply = await client.ask("set", "md", Node("remove-companion-device", {"jid": client.device.pn}))

    assert reply.text("type") == "result"
    assert ana.companions == []
