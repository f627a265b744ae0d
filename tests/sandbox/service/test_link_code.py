"""Linking by the code that a client shows and its owner types on the phone."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sessions.sandbox.crypto.keys import KeyPair, derive
from sessions.sandbox.linking import linkcode
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.state.errors import CodeUnknownError
from sessions.sandbox.wire.node import SERVER, Attrs, Node
from tests.sandbox.service.companion import Companion

CODE = "1A2B3C4D"
_INFO = b"link_code_pairing_key_bundle_encryption_key"


@dataclass
class CodeClient:
    """A client that shows a link code, and its part of the key exchange."""

    companion: Companion
    ephemeral: KeyPair
    ref: bytes = b""

    async def show(self, account: Account) -> None:
        await self.companion.show_qr()
        wrapped = linkcode.wrap_key(CODE, self.ephemeral.public)
        content = [Node("link_code_pairing_wrapped_companion_ephemeral_pub", {}, wrapped)]
        reply = await self._ask({"jid": account.pn, "stage": "companion_hello"}, content)
        self.ref = reply.require("link_code_companion_reg", "link_code_pairing_ref").data

    async def finish(self, *, identity: bytes | None = None) -> Node:
        """Answer what the phone says once the code is typed."""
        hello = await self.companion.wait(lambda node: node.text("type") == "link_code_companion_reg")
        part = hello.require("link_code_companion_reg")
        wrapped = part.require("link_code_pairing_wrapped_primary_ephemeral_pub").data
        phone_identity = part.require("primary_identity_pub").data
        own = self.companion.identity
        try:
            shared = self.ephemeral.agree(linkcode.unwrap_key(CODE, wrapped))
        except ValueError:
            shared = bytes(32)
        salt, nonce, random = os.urandom(32), os.urandom(12), os.urandom(32)
        key = derive(shared, salt=salt, info=_INFO, size=32)
        sealed = AESGCM(key).encrypt(nonce, (identity or own.public) + phone_identity + random, None)
        secret = shared + own.agree(phone_identity) + random
        self.companion.adv_secret = derive(secret, info=b"adv_secret", size=32)
        content = [
            Node("link_code_pairing_wrapped_key_bundle", {}, salt + nonce + sealed),
            Node("companion_identity_public", {}, own.public),
            Node("link_code_pairing_ref", {}, self.ref),
        ]
        return await self._ask({"stage": "companion_finish"}, content)

    async def _ask(self, attrs: Attrs, content: list[Node]) -> Node:
        number = os.urandom(4).hex()
        stanza = Node("iq", {"type": "set", "xmlns": "md", "to": SERVER, "id": number})
        stanza.content = [Node("link_code_companion_reg", attrs, content)]
        await self.companion.service.pairing.receive(self.companion, stanza)
        return await self.companion.wait(lambda node: node.text("id") == number)


@pytest.fixture
async def client(service: Service, ana: Account) -> CodeClient:
    client = CodeClient(Companion(service), KeyPair())
    await client.show(ana)
    return client


def type_code(service: Service, account: Account, code: str) -> asyncio.Task[Device]:
    """Start to type a code on the phone."""
    return asyncio.create_task(service.enter_code(account, code))


@pytest.mark.parametrize("code", [CODE, "1a2b-3c4d", " 1A2B 3C4D "])
async def test_the_code_links_however_it_is_written(
    service: Service, ana: Account, client: CodeClient, code: str
) -> None:
    typing = type_code(service, ana, code)
    await client.finish()
    await client.companion.answer_pairing()

    assert (await typing).account is ana
    assert client.companion.last == Node("stream:error", {"code": "515"})


async def test_a_wrong_code_links_nothing_and_the_right_one_still_does(
    service: Service, ana: Account, client: CodeClient
) -> None:
    wrong = type_code(service, ana, "9Z9Z9Z9Z")
    await client.finish()
    with pytest.raises(CodeUnknownError):
        await wrong

    client.companion.received.clear()
    right = type_code(service, ana, CODE)
    await client.finish()
    await client.companion.answer_pairing()

    assert (await right).index == 1


async def test_a_code_for_another_number_is_unknown(service: Service, ben: Account, client: CodeClient) -> None:
    with pytest.raises(CodeUnknownError):
        await service.enter_code(ben, CODE)


async def test_a_client_that_seals_another_identity_is_not_linked(
    service: Service, ana: Account, client: CodeClient
) -> None:
    typing = type_code(service, ana, CODE)
    await client.finish(identity=KeyPair().public)

    with pytest.raises(CodeUnknownError):
        await typing
    assert ana.companions == []


async def test_an_answer_before_anybody_typed_is_a_bad_request(client: CodeClient) -> None:
    reply = await client._ask({"stage": "companion_finish"}, [])

    assert reply.require("error").text("code") == "400"
