"""Whatever a client sends, the service answers or ignores it, and never stumbles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.address import GROUP_SERVER, LID_SERVER, PN_SERVER, Jid
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion

_SPACES = ["encrypt", "usync", "privacy", "w:m", "w:profile:picture", "md", "passive", "blocklist", "w:g2", "status"]
_SPACES += ["disappearing_mode", "w", "abt", "w:p", "no such namespace"]
_TAGS = ["count", "key", "user", "usync", "query", "list", "privacy", "category", "tokens", "token", "item", "picture"]
_TAGS += ["registration", "identity", "skey", "id", "value", "signature", "rotate", "digest", "devices", "contact"]
_TAGS += ["participants", "to", "enc", "status", "disappearing_mode", "participating", "x"]
_NAMES = ["jid", "type", "id", "name", "value", "action", "duration", "t", "mode", "target", "recipient", "category"]


@pytest.fixture
async def hostile(ana: Account, linked: Callable[[Account], Awaitable[Companion]]) -> Companion:
    """A linked client that will say anything."""
    return await linked(ana)


_jids = st.builds(
    Jid,
    st.sampled_from(["12025550111", "12025550122", "404", ""]),
    st.sampled_from([PN_SERVER, LID_SERVER, GROUP_SERVER, "broadcast"]),
    st.integers(0, 3),
)
_values = st.one_of(_jids, st.sampled_from(["all", "block", "available", "subscribe", "retry", "read", "-1", "é"]))
_attrs = st.dictionaries(st.sampled_from(_NAMES), _values, max_size=3)
_leaves = st.builds(
    Node, st.sampled_from(_TAGS), _attrs, st.one_of(st.none(), st.binary(max_size=40), st.sampled_from(["text", ""]))
)
_parts = st.recursive(
    _leaves,
    lambda inner: st.builds(Node, st.sampled_from(_TAGS), _attrs, st.lists(inner, max_size=3)),
    max_leaves=6,
)
_content = st.one_of(st.none(), st.binary(max_size=20), st.lists(_parts, max_size=5))


def _stanza(tag: str, attrs: dict[str, object], to: object, space: str, kind: str, content: object) -> Node:
    addressed = {"to": to} if to is not None else {}
    extra = {"xmlns": space, "type": kind} if tag == "iq" else {}
    return Node(tag, {"id": "1", **attrs, **addressed, **extra}, content)  # type: ignore[arg-type, dict-item]


_stanzas = st.builds(
    _stanza,
    st.sampled_from(["iq", "iq", "iq", "message", "receipt", "ack", "presence", "chatstate", "call", "ib", "other"]),
    _attrs,
    st.one_of(st.none(), _jids, st.just("not an address")),
    st.sampled_from(_SPACES),
    st.sampled_from(["get", "set", "result", "error", ""]),
    _content,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=200,
    deadline=None,
)
@given(stanzas=st.lists(_stanzas, min_size=1, max_size=4))
async def test_no_stanza_makes_the_service_stumble(
    service: Service, hostile: Companion, ben: Account, stanzas: list[Node]
) -> None:
    for stanza in stanzas:
        await service.dispatch(hostile, stanza)
    hostile.received.clear()

    assert service.failures == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(stanza=_stanzas)
async def test_no_stanza_of_an_unlinked_client_breaks_pairing(service: Service, stanza: Node) -> None:
    client = Companion(service)
    await client.show_qr()

    await service.pairing.receive(client, stanza)

    service.pairing.closed(client)


async def test_numbers_that_are_too_big_are_a_bad_request(
    ana: Account, linked: Callable[[Account], Awaitable[Companion]]
) -> None:
    client = await linked(ana)
    key = Node("key", {}, [Node("id", {}, b"\xff" * 9), Node("value", {}, bytes(32))])
    signed = client.signed_prekey
    parts = [Node("id", {}, b"\0\0\1"), Node("value", {}, signed.public), Node("signature", {}, signed.signature)]
    identity = Node("identity", {}, client.identity.public)
    content = [Node("registration", {}, b"\xff" * 5), identity, Node("list", {}, [key]), Node("skey", {}, parts)]

    reply = await client.ask("set", "encrypt", *content)

    assert reply.require("error").text("code") == "400"
