"""A linked client of this process: links with real keys and signatures, then keeps what the service pushes to it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable
from typing import Any

from sessions.address import Jid
from sessions.protobuf import load
from sessions.sandbox.crypto.keys import KEY_TYPE, KeyPair, SignedPreKey
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.wire.node import SERVER, Node

DEADLINE = 5.0  # seconds

adv_proto = load("waAdv.WAAdv_pb2")


class Companion:
    """Plays the client's part of pairing, and is an endpoint afterwards."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.noise, self.identity, self.signed = KeyPair(), KeyPair(), KeyPair()
        self.adv_secret = secrets.token_bytes(32)
        self.client_static = self.noise.public
        self.payload = self._pairing_payload()
        self.received: list[Node] = []
        self.last: Node | None = None
        self.ended = False
        self._device: Device | None = None
        self._news = asyncio.Event()
        self._ids = itertools.count(1)

    @property
    def device(self) -> Device:
        assert self._device is not None
        return self._device

    async def push(self, node: Node) -> None:
        self.received.append(node)
        self._news.set()

    async def end(self, last: Node | None = None) -> None:
        self.last, self.ended = last, True
        self._news.set()

    # Pairing

    @property
    def signed_prekey(self) -> SignedPreKey:
        """The signed prekey with a true signature."""
        return SignedPreKey(1, self.signed.public, self.identity.sign(KEY_TYPE + self.signed.public))

    async def show_qr(self) -> str:
        """Connect unlinked; the answer is the text of the first QR code."""
        await self.service.pairing.open(self)
        offer = self.received[-1]
        ref = offer.require("pair-device").children[0].data.decode()
        keys = (self.noise.public, self.identity.public, self.adv_secret)
        return ",".join([ref, *(base64.b64encode(key).decode() for key in keys), "1"])

    async def answer_pairing(self, sign: Callable[[bytes], bytes] | None = None) -> None:
        """Check and sign the identity that the phone offers, as a true client does."""
        offer = await self.wait(lambda node: node.child("pair-success") is not None)
        answer = Node("iq", {"to": SERVER, "type": "result", "id": offer.text("id")})
        answer.content = [Node("pair-device-sign", {}, [self._signed_identity(offer, sign or self.identity.sign)])]
        await self.service.pairing.receive(self, answer)

    async def link(self, account: Account) -> Device:
        """Link to an account by QR code."""
        qr = await self.show_qr()
        scan = asyncio.create_task(self.service.scan(account, qr))
        await self.answer_pairing()
        self._device = await scan
        self.payload = self.login_payload()
        return self._device

    async def connect(self) -> None:
        """Connect as the linked device and ask for what has waited."""
        self.payload = self.login_payload()
        self.ended = False
        await self.service.login.open(self)
        if not self.ended:
            await self.ask("set", "passive", Node("active"))

    def log_in(self, device: Device) -> None:
        """The service has let us in as this device."""
        self._device = device

    def login_payload(self) -> Any:
        """What a linked client says of itself."""
        payload = load("waWa6.WAWebProtobufsWa6_pb2").ClientPayload(passive=True)
        payload.username = int(self.device.account.number)
        payload.device = self.device.index
        return payload

    # Afterwards

    async def ask(self, kind: str, space: str, *content: Node, to: Jid = SERVER, **attrs: Jid) -> Node:
        """Send an iq; the answer is the reply."""
        number = f"q{next(self._ids)}"
        stanza = Node("iq", {"type": kind, "xmlns": space, "to": to, "id": number, **attrs}, list(content) or None)
        await self.service.dispatch(self, stanza)
        return await self.wait(lambda node: node.tag == "iq" and node.text("id") == number)

    async def send(self, to: Account, body: bytes = b"cipher", *, message_id: str | None = None) -> str:
        """Send a message to every device of an account, by LID."""
        number = message_id or secrets.token_hex(8).upper()
        copies = [_copy(device.lid, body) for device in to.devices.values()]
        attrs = {"id": number, "to": to.lid, "type": "text"}
        await self.service.dispatch(self, Node("message", {**attrs}, [Node("participants", {}, copies)]))
        return number

    async def wait(self, matches: Callable[[Node], bool]) -> Node:
        """The first stanza that matches, among those that came and those that will."""
        async with asyncio.timeout(DEADLINE):
            while True:
                found = next((node for node in self.received if matches(node)), None)
                if found is not None:
                    return found
                self._news.clear()
                await self._news.wait()

    def all(self, tag: str) -> list[Node]:
        """Every stanza with this tag that came so far."""
        return [node for node in self.received if node.tag == tag]

    def _pairing_payload(self) -> Any:
        payload = load("waWa6.WAWebProtobufsWa6_pb2").ClientPayload(passive=False)
        data = payload.devicePairingData
        data.eRegid, data.eKeytype, data.eIdent = (7).to_bytes(4, "big"), KEY_TYPE, self.identity.public
        key = self.signed_prekey
        data.eSkeyID, data.eSkeyVal, data.eSkeySig = key.id.to_bytes(3, "big"), key.public, key.signature
        return payload

    def _signed_identity(self, offer: Node, sign: Callable[[bytes], bytes]) -> Node:
        sealed = adv_proto.ADVSignedDeviceIdentityHMAC.FromString(offer.require("pair-success", "device-identity").data)
        assert hmac.new(self.adv_secret, sealed.details, hashlib.sha256).digest() == sealed.HMAC
        identity = adv_proto.ADVSignedDeviceIdentity.FromString(sealed.details)
        details = adv_proto.ADVDeviceIdentity.FromString(identity.details)
        signed = b"\x06\x01" + identity.details + self.identity.public + identity.accountSignatureKey
        identity.deviceSignature = sign(signed)
        identity.ClearField("accountSignatureKey")
        return Node("device-identity", {"key-index": details.keyIndex}, identity.SerializeToString())


def _copy(jid: Jid, body: bytes) -> Node:
    return Node("to", {"jid": jid}, [Node("enc", {"v": "2", "type": "msg"}, body)])
