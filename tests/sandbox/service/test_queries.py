"""What clients ask the service: keys, addresses, settings, media, and things nobody has heard of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from sessions.address import PN_SERVER, Jid
from sessions.sandbox.crypto.keys import KEY_TYPE, KeyPair
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.node import GROUPS, Node
from tests.sandbox.service.companion import Companion
from tests.sandbox.service.stand_ins import Pictures

_JPEG = b"\xff\xd8\xffjpeg"

Link = Callable[[Account], Awaitable[Companion]]


@pytest.fixture
async def asker(ana: Account, linked: Link) -> Companion:
    return await linked(ana)


@pytest.fixture
async def other(ben: Account, linked: Link) -> Companion:
    return await linked(ben)


def error_code(reply: Node) -> str:
    return reply.require("error").text("code")


async def upload(client: Companion, *, count: int, first: int = 1, signature: bytes | None = None) -> Node:
    """Publish one-time keys, as a client does after linking."""
    signed = client.signed_prekey
    keys = [
        Node("key", {}, [Node("id", {}, number.to_bytes(3, "big")), Node("value", {}, KeyPair().public)])
        for number in range(first, first + count)
    ]
    signed_parts = [
        Node("id", {}, signed.id.to_bytes(3, "big")),
        Node("value", {}, signed.public),
        Node("signature", {}, signature or signed.signature),
    ]
    content = [
        Node("registration", {}, b"\0\0\0\7"),
        Node("type", {}, KEY_TYPE),
        Node("identity", {}, client.identity.public),
        Node("list", {}, keys),
        Node("skey", {}, signed_parts),
    ]
    return await client.ask("set", "encrypt", *content)


async def bundle(asker: Companion, jid: Jid) -> Node:
    """Ask for the keys of one device."""
    reply = await asker.ask("get", "encrypt", Node("key", {}, [Node("user", {"jid": jid})]))
    return reply.require("list", "user")


async def usync(asker: Companion, protocols: list[Node], *users: Node) -> list[Node]:
    """Ask about users; the answer is one node each."""
    question = Node("usync", {"sid": "9", "mode": "query", "context": "interactive"})
    question.content = [Node("query", {}, protocols), Node("list", {}, list(users))]
    reply = await asker.ask("get", "usync", question)
    return reply.require("usync", "list").children


# Keys


async def test_published_keys_are_handed_out_once_each(asker: Companion, other: Companion) -> None:
    await upload(other, count=2)

    bundles = [await bundle(asker, other.device.lid) for _ in range(3)]

    ids = [node.require("key", "id").number if node.child("key") else None for node in bundles]
    assert ids == [1, 2, None]
    assert {node.require("identity").data for node in bundles} == {other.identity.public}
    assert (await other.ask("get", "encrypt", Node("count"))).require("count").text("value") == "0"


async def test_keys_that_are_not_signed_by_their_owner_are_refused(asker: Companion) -> None:
    reply = await upload(asker, count=1, signature=KeyPair().sign(b"anything"))

    assert error_code(reply) == "406"
    assert len(asker.device.prekeys) == 0


async def test_a_device_cannot_change_its_identity(asker: Companion) -> None:
    asker.identity = KeyPair()

    assert error_code(await upload(asker, count=1)) == "406"


async def test_a_device_whose_keys_run_low_is_asked_for_more(asker: Companion, other: Companion) -> None:
    await upload(other, count=10)

    await bundle(asker, other.device.pn)

    notice = await other.wait(lambda node: node.text("type") == "encrypt")
    assert notice.require("count").text("value") == "9"


async def test_a_device_that_does_not_exist_has_no_keys(asker: Companion, ben: Account) -> None:
    missing = await bundle(asker, Jid(ben.lid.user, ben.lid.server, 9))

    assert error_code(missing) == "404"


async def test_a_digest_lists_what_is_published(asker: Companion) -> None:
    before = await asker.ask("get", "encrypt", Node("digest"))
    await upload(asker, count=3)

    digest = (await asker.ask("get", "encrypt", Node("digest"))).require("digest")

    assert error_code(before) == "404"
    assert [node.number for node in digest.require("list").children] == [1, 2, 3]


# Addresses


async def test_a_number_is_found_under_both_addresses(asker: Companion, ben: Account) -> None:
    contact = Node("user", {}, [Node("contact", {}, f"+{ben.number}".encode())])

    (by_lid,) = await usync(asker, [Node("contact", {"addressing_mode": "lid"})], contact)
    (by_number,) = await usync(asker, [Node("contact")], contact)

    assert (by_lid.jid("jid"), by_lid.jid("pn_jid")) == (ben.lid, ben.pn)
    assert by_number.jid("jid") == ben.pn
    assert by_lid.require("contact").text("type") == "in"


async def test_a_number_that_is_not_on_whatsapp_is_said_to_be_out(asker: Companion) -> None:
    (user,) = await usync(asker, [Node("contact")], Node("user", {}, [Node("contact", {}, b"+19995550000")]))

    assert user.require("contact").text("type") == "out"


async def test_devices_are_listed_with_their_key_indexes(asker: Companion, other: Companion, ben: Account) -> None:
    user = Node("user", {"jid": ben.pn})

    (found,) = await usync(asker, [Node("devices", {"version": "2"}), Node("lid"), Node("status")], user)

    devices = found.require("devices", "device-list").children
    assert [(node.text("id"), node.text("key-index")) for node in devices] == [("1", "1")]
    assert found.require("lid").attrs["val"] == ben.lid
    assert found.require("devices", "key-index-list").data
    assert found.require("status").data == ben.record.about.encode()


async def test_the_devices_of_a_stranger_are_an_error(asker: Companion) -> None:
    (found,) = await usync(asker, [Node("devices")], Node("user", {"jid": Jid("19995550000", PN_SERVER)}))

    assert error_code(found.require("devices")) == "404"


# Settings


async def test_privacy_is_kept_and_the_other_devices_are_told(asker: Companion, ana: Account, linked: Link) -> None:
    second = await linked(ana)

    change = Node("privacy", {}, [Node("category", {"name": "last", "value": "none"})])
    await asker.ask("set", "privacy", change)

    reply = await second.ask("get", "privacy", Node("privacy"))
    values = {node.text("name"): node.text("value") for node in reply.require("privacy").children}
    assert (values["last"], values["readreceipts"]) == ("none", "all")
    assert (await second.wait(lambda node: node.text("type") == "account_sync")).child("privacy") is not None


async def test_an_unknown_privacy_value_is_refused(asker: Companion) -> None:
    change = Node("privacy", {}, [Node("category", {"name": "last", "value": "everyone"})])

    assert error_code(await asker.ask("set", "privacy", change)) == "400"


async def test_blocked_contacts_are_listed_until_they_are_unblocked(asker: Companion, ben: Account) -> None:
    listed = await asker.ask("set", "blocklist", Node("item", {"action": "block", "jid": ben.lid}))
    await asker.ask("set", "blocklist", Node("item", {"action": "unblock", "jid": ben.lid}))

    assert [node.jid("jid") for node in listed.require("list").children] == [ben.lid]
    assert (await asker.ask("get", "blocklist")).require("list").children == []


async def test_a_trusted_contact_gets_the_token_that_proves_it(asker: Companion, other: Companion) -> None:
    token = Node("token", {"jid": other.device.account.lid, "t": "1700000000", "type": "trusted_contact"})
    await asker.ask("set", "privacy", Node("tokens", {}, [token]))

    notice = await other.wait(lambda node: node.text("type") == "privacy_token")
    assert notice.jid("from") == asker.device.account.lid
    assert notice.require("tokens", "token").data


async def test_an_about_text_is_seen_by_others(asker: Companion, other: Companion, ana: Account) -> None:
    await asker.ask("set", "status", Node("status", {}, b"at work"))

    (user,) = await usync(other, [Node("status")], Node("user", {"jid": ana.lid}))
    assert user.require("status").data == b"at work"


# Pictures and media


async def test_a_profile_picture_has_an_address_until_it_is_removed(
    asker: Companion, other: Companion, ana: Account, pictures: Pictures
) -> None:
    question = Node("picture", {"type": "image", "query": "url"})
    missing = await other.ask("get", "w:profile:picture", question, target=ana.pn)
    await asker.ask("set", "w:profile:picture", Node("picture", {"type": "image"}, _JPEG), target=ana.pn)

    found = (await other.ask("get", "w:profile:picture", question, target=ana.pn)).require("picture")
    known = Node("picture", {**question.attrs, "id": found.text("id")})
    unchanged = await other.ask("get", "w:profile:picture", known, target=ana.pn)
    await asker.ask("set", "w:profile:picture", target=ana.pn)

    assert error_code(missing) == "404"
    assert found.text("url") == f"https://pps.whatsapp.net{found.text('direct_path')}"
    assert pictures.kept[found.text("direct_path").removeprefix("/pp/")] == _JPEG
    assert unchanged.children == []
    assert ana.record.picture_id == ""


async def test_nobody_changes_the_picture_of_another(asker: Companion, ben: Account) -> None:
    reply = await asker.ask("set", "w:profile:picture", Node("picture", {}, _JPEG), target=ben.pn)

    assert error_code(reply) == "406"


async def test_the_media_host_is_named_with_a_token(asker: Companion) -> None:
    connection = (await asker.ask("set", "w:m", Node("media_conn"))).require("media_conn")

    assert connection.text("auth") == "token"
    assert connection.require("host").text("hostname").endswith(".whatsapp.net")


# Everything else


@pytest.mark.parametrize(
    ("kind", "space", "content"),
    [
        ("get", "w:p", []),
        ("get", "w:p", [Node("ping")]),
        ("get", "w", [Node("props", {"protocol": "2", "hash": ""})]),
        ("get", "abt", [Node("props", {"protocol": "1"})]),
        ("set", "urn:xmpp:whatsapp:dirty", [Node("clean", {"type": "account_sync", "timestamp": "1"})]),
        ("set", "urn:xmpp:whatsapp:push", [Node("config", {"platform": "web"})]),
        ("get", "blocklist", []),
        ("get", "privacy", [Node("privacy")]),
        ("set", "passive", [Node("passive")]),
    ],
)
async def test_what_clients_ask_at_login_is_answered(
    service: Service, asker: Companion, kind: str, space: str, content: list[Node]
) -> None:
    reply = await asker.ask(kind, space, *content)

    assert reply.text("type") == "result"
    assert service.unknown_iqs == []


async def test_an_account_without_groups_is_in_none(asker: Companion) -> None:
    reply = await asker.ask("get", "w:g2", Node("participating", {}, [Node("participants")]), to=GROUPS)

    assert reply.require("groups").children == []
    assert reply.jid("from") == GROUPS


async def test_a_question_that_nobody_answers_is_refused_and_recorded(service: Service, asker: Companion) -> None:
    reply = await asker.ask("get", "w:news", Node("weather"))

    assert error_code(reply) == "501"
    assert service.unknown_iqs == ["get w:news weather"]


async def test_a_question_that_lacks_its_parts_is_a_bad_request(asker: Companion) -> None:
    assert error_code(await asker.ask("set", "encrypt", Node("registration"))) == "400"
