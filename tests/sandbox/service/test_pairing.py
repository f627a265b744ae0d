"""Linking a client: by QR code, with every signature checked on the way, and what others learn of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable

import pytest

from sessions.sandbox.crypto.keys import KeyPair
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.endpoint import DeviceChange
from sessions.sandbox.state.errors import CodeUnknownError, PairingFailedError, QrUnknownError
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion

Link = Callable[[Account], Awaitable[Companion]]


async def test_a_scanned_client_becomes_a_device_and_is_told_to_connect_anew(service: Service, ana: Account) -> None:
    client = Companion(service)

    device = await client.link(ana)

    assert ana.companions == [device]
    assert (device.index, device.record.key_index) == (1, 1)
    assert client.last == Node("stream:error", {"code": "515"})


async def test_the_address_around_a_qr_text_does_not_matter(service: Service, ana: Account) -> None:
    client = Companion(service)
    qr = await client.show_qr()

    scan = asyncio.create_task(service.scan(ana, f"https://wa.me/settings/linked_devices#{qr} "))
    await client.answer_pairing()

    assert (await scan).account is ana


@pytest.mark.parametrize("text", ["", "hello", "2@x,y,z", "2@x,AA==,AA==,AA==", "https://example.org/#a,b,c,d"])
async def test_a_code_that_nobody_shows_is_refused(service: Service, ana: Account, text: str) -> None:
    with pytest.raises(QrUnknownError):
        await service.scan(ana, text)


async def test_a_code_with_a_strangers_key_is_refused(service: Service, ana: Account) -> None:
    client = Companion(service)
    fields = (await client.show_qr()).split(",")
    fields[2] = base64.b64encode(KeyPair().public).decode()

    with pytest.raises(QrUnknownError):
        await service.scan(ana, ",".join(fields))
    assert ana.companions == []


async def test_a_client_that_signs_with_another_key_is_not_linked(service: Service, ana: Account) -> None:
    client = Companion(service)
    qr = await client.show_qr()

    scan = asyncio.create_task(service.scan(ana, qr))
    await client.answer_pairing(sign=KeyPair().sign)

    with pytest.raises(PairingFailedError, match="signature"):
        await scan
    assert ana.companions == []


async def test_a_client_that_goes_away_while_being_linked_is_not_linked(service: Service, ana: Account) -> None:
    client = Companion(service)
    qr = await client.show_qr()

    scan = asyncio.create_task(service.scan(ana, qr))
    await client.wait(lambda node: node.child("pair-success") is not None)
    service.pairing.closed(client)

    with pytest.raises(PairingFailedError, match="disconnected"):
        await scan
    with pytest.raises(QrUnknownError):
        await service.scan(ana, qr)


async def test_a_client_whose_signed_prekey_is_not_its_own_is_sent_away(service: Service) -> None:
    client = Companion(service)
    client.payload.devicePairingData.eSkeySig = KeyPair().sign(b"something else")

    await service.pairing.open(client)

    assert client.last is not None
    assert client.last.tag == "failure"


async def test_a_link_code_that_nobody_waits_for_is_refused(service: Service, ana: Account) -> None:
    with pytest.raises(CodeUnknownError):
        await service.enter_code(ana, "ABCD-1234")


async def test_an_unlinked_client_may_ask_nothing_but_to_be_linked(service: Service) -> None:
    client = Companion(service)
    await client.show_qr()

    await service.pairing.receive(client, Node("iq", {"type": "get", "xmlns": "privacy", "id": "7"}, [Node("privacy")]))

    assert client.received[-1].text("type") == "error"


async def test_indexes_are_never_given_twice(service: Service, ana: Account) -> None:
    first = await Companion(service).link(ana)
    await service.unlink(first)

    second = await Companion(service).link(ana)

    assert (second.index, second.record.key_index) == (2, 2)


async def test_who_keeps_a_list_of_devices_hears_of_new_and_removed_ones(
    service: Service, ana: Account, ben: Account, linked: Link
) -> None:
    watcher = await linked(ben)
    await watcher.ask("get", "usync", _devices_query(ana))

    device = await Companion(service).link(ana)
    await service.unlink(device)

    added, removed = (node.children[0] for node in watcher.all("notification") if node.text("type") == "devices")
    assert (added.tag, removed.tag) == ("add", "remove")
    assert added.require("device").jid("jid") == device.lid
    assert added.text("device_hash") != removed.text("device_hash")


async def test_the_other_companions_of_the_account_get_the_new_list(
    service: Service, ana: Account, linked: Link
) -> None:
    first = await linked(ana)

    second = await Companion(service).link(ana)

    notice = await first.wait(lambda node: node.text("type") == "account_sync")
    assert second.pn in [node.jid("jid") for node in notice.require("devices").children]


async def test_watchers_follow_a_device_from_link_to_unlink(service: Service, ana: Account) -> None:
    seen: list[DeviceChange] = []
    stop = service.watch(lambda change, device: seen.append(change))
    client = Companion(service)

    device = await client.link(ana)
    await client.connect()
    await service.unlink(device)
    stop()
    await Companion(service).link(ana)

    assert seen == [
        DeviceChange.LINKED,
        DeviceChange.ONLINE,
        DeviceChange.ACTIVE,
        DeviceChange.OFFLINE,
        DeviceChange.UNLINKED,
    ]


def _devices_query(account: Account) -> Node:
    query = Node("query", {}, [Node("devices", {"version": "2"})])
    users = Node("list", {}, [Node("user", {"jid": account.lid})])
    return Node("usync", {"sid": "1", "mode": "query", "context": "message"}, [query, users])
