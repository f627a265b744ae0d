"""Linking a companion to an account: by the QR code it shows, or by the code its owner types on the phone."""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf.message import DecodeError

from sessions.protobuf import load
from sessions.sandbox.crypto.keys import KEY_SIZE, KEY_TYPE, KeyPair, SignedPreKey
from sessions.sandbox.linking import linkcode
from sessions.sandbox.linking.passkey import passkey_request
from sessions.sandbox.state import adv
from sessions.sandbox.state.directory import Account, Device, DeviceRecord, Directory
from sessions.sandbox.state.endpoint import DeviceChange
from sessions.sandbox.state.errors import CodeUnknownError, PairingFailedError, PasskeyDemandedError, QrUnknownError
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.wire.node import SERVER, Attrs, MalformedStanzaError, Node

_CODES = 6  # a client shows the first for a minute and each further one for twenty seconds
_ANSWER_SECONDS = 30.0
_RESTART = Node("stream:error", {"code": "515"})


class UnlinkedClient(Protocol):
    """A connection whose client is not linked to any account yet."""

    client_static: bytes
    payload: Any  #: its ClientPayload

    async def push(self, node: Node) -> None:
        """Send it a stanza."""

    async def end(self, last: Node | None = None) -> None:
        """Close the connection, with a last stanza."""


@dataclass
class _CodeRequest:
    """A client that shows a link code for this number."""

    number: str
    wrapped_ephemeral: bytes
    ref: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    finished: asyncio.Future[tuple[bytes, bytes]] | None = None


@dataclass
class _Candidate:
    """A client that waits to be linked."""

    client: UnlinkedClient
    refs: list[str]
    request: _CodeRequest | None = None


class Pairing:
    """Clients that wait to be linked, and what the phone does to link them."""

    def __init__(self, *, directory: Directory, notices: Notices) -> None:
        self._directory = directory
        self._notices = notices
        self._candidates: dict[UnlinkedClient, _Candidate] = {}
        self._answers: dict[str, tuple[UnlinkedClient, asyncio.Future[Node]]] = {}
        self._ids = itertools.count(1)

    async def open(self, client: UnlinkedClient) -> None:
        """A client connected that wants to be linked: give it the codes to show."""
        if not _has_valid_keys(client.payload.devicePairingData):
            await client.end(Node("failure", {"reason": "400", "location": "frc"}))
            return
        refs = ["2@" + base64.b64encode(secrets.token_bytes(48)).decode() for _ in range(_CODES)]
        self._candidates[client] = _Candidate(client, refs)
        offer = Node("pair-device", {}, [Node("ref", {}, ref.encode()) for ref in refs])
        await client.push(self._iq(offer)[1])

    def closed(self, client: UnlinkedClient) -> None:
        """A client that waited to be linked has gone."""
        candidate = self._candidates.pop(client, None)
        if candidate and candidate.request and candidate.request.finished:
            candidate.request.finished.cancel()
        for asked, answer in list(self._answers.values()):
            if asked is client and not answer.done():
                answer.set_exception(PairingFailedError("the client disconnected before it was linked"))

    async def receive(self, client: UnlinkedClient, stanza: Node) -> None:
        """A stanza from a client that is not linked yet."""
        if stanza.tag != "iq":
            return
        if stanza.text("type") in ("result", "error"):
            waiting = self._answers.get(stanza.text("id"))
            if waiting and waiting[0] is client and not waiting[1].done():
                waiting[1].set_result(stanza)
            return
        await client.push(self._answer(client, stanza))

    async def scan(self, account: Account, qr_text: str) -> Device:
        """What the phone does when its owner scans the code."""
        candidate, adv_secret = self._showing(qr_text)
        return await self._link(account, candidate, adv_secret)

    async def demand_passkey(self, account: Account, qr_text: str | None = None) -> None:
        """Answer as for an account that links devices with a passkey only: the client is asked for it.

        Without a QR code the client is meant that waits for a link code on this number.
        """
        candidate = self._showing(qr_text)[0] if qr_text is not None else self._waiting_for_code(account)[0]
        attrs: Attrs = {"from": SERVER, "id": next(self._ids), "t": int(time.time())}
        await candidate.client.push(passkey_request(attrs))
        raise PasskeyDemandedError

    async def enter_code(self, account: Account, code: str) -> Device:
        """What the phone does when its owner types the 8-character link code."""
        code = linkcode.normalize(code)
        candidate, request = self._waiting_for_code(account)
        try:
            adv_secret = await self._exchange(account, candidate, request, code)
        except linkcode.WrongCodeError as error:
            raise CodeUnknownError("this is not the code that the client shows") from error
        return await self._link(account, candidate, adv_secret)

    def _waiting_for_code(self, account: Account) -> tuple[_Candidate, _CodeRequest]:
        """The newest client that shows a link code for this number."""
        for candidate in reversed(self._candidates.values()):
            if candidate.request and candidate.request.number == account.number:
                return candidate, candidate.request
        raise CodeUnknownError

    def _showing(self, qr_text: str) -> tuple[_Candidate, bytes]:
        """The client that shows this code, and the secret in the code."""
        ref, noise_key, identity_key, adv_secret = _parse_qr(qr_text)
        candidate = next((one for one in self._candidates.values() if ref in one.refs), None)
        if candidate is None or candidate.client.client_static != noise_key:
            raise QrUnknownError
        if candidate.client.payload.devicePairingData.eIdent != identity_key:
            raise QrUnknownError("this QR code does not fit the client that shows it")
        return candidate, adv_secret

    async def _exchange(self, account: Account, candidate: _Candidate, request: _CodeRequest, code: str) -> bytes:
        ephemeral = KeyPair()
        companion_ephemeral = await asyncio.to_thread(linkcode.unwrap_key, code, request.wrapped_ephemeral)
        wrapped = await asyncio.to_thread(linkcode.wrap_key, code, ephemeral.public)
        if request.finished is not None and not request.finished.done():
            request.finished.set_exception(CodeUnknownError("the code was typed again"))
        request.finished = asyncio.get_running_loop().create_future()
        await candidate.client.push(self._primary_hello(request.ref, wrapped, account.identity.public))
        bundle, identity = await self._wait(request.finished)
        return linkcode.open_bundle(
            ephemeral=ephemeral,
            identity=account.identity,
            companion_ephemeral=companion_ephemeral,
            companion_identity=identity,
            bundle=bundle,
        )

    async def _link(self, account: Account, candidate: _Candidate, adv_secret: bytes) -> Device:
        client = candidate.client
        # Nobody else can link this client from here on.
        self._candidates.pop(client, None)
        record = self._record(account, client)
        number, offer = self._iq(_pair_success(account, record, adv_secret))
        answer: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        self._answers[number] = (client, answer)
        try:
            await client.push(offer)
            record.signed_identity = _signed_by_both(account, record, await self._wait(answer))
        except PairingFailedError:
            await client.end()
            raise
        finally:
            del self._answers[number]
        device = self._directory.link(account, record)
        await self._notices.devices_changed(device, added=True)
        self._notices.announce(DeviceChange.LINKED, device)
        await client.end(_RESTART)
        return device

    def _record(self, account: Account, client: UnlinkedClient) -> DeviceRecord:
        keys = client.payload.devicePairingData
        record = self._directory.next_record(account)
        record.noise_key = client.client_static
        record.identity_key = keys.eIdent
        record.registration_id = int.from_bytes(keys.eRegid, "big")
        record.signed_prekey = SignedPreKey(int.from_bytes(keys.eSkeyID, "big"), keys.eSkeyVal, keys.eSkeySig)
        properties = _properties(keys.deviceProps)
        record.platform, record.wants_full_history = str(properties.os), bool(properties.requireFullSync)
        record.signed_identity = adv.sign_identity(account, record)
        return record

    @staticmethod
    async def _wait(answer: asyncio.Future[Any]) -> Any:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await answer
        except TimeoutError as error:
            raise PairingFailedError("the client did not answer in time") from error
        except asyncio.CancelledError:
            if answer.cancelled():
                raise PairingFailedError("the client disconnected before it was linked") from None
            raise

    def _answer(self, client: UnlinkedClient, stanza: Node) -> Node:
        reply = Node("iq", {"from": stanza.jid("to") or SERVER, "type": "result", "id": stanza.text("id")})
        candidate = self._candidates.get(client)
        registration = stanza.child("link_code_companion_reg")
        try:
            if candidate is None or registration is None or stanza.text("xmlns") != "md":
                raise MalformedStanzaError("only pairing is possible before a client is linked")
            if registration.text("stage") == "companion_hello":
                reply.content = [self._companion_hello(candidate, registration)]
            else:
                self._companion_finish(candidate, registration)
        except MalformedStanzaError:
            reply.attrs["type"] = "error"
            reply.content = [Node("error", {"code": "400", "text": "bad-request"})]
        return reply

    def _companion_hello(self, candidate: _Candidate, registration: Node) -> Node:
        number = registration.require_jid("jid").user
        wrapped = registration.require("link_code_pairing_wrapped_companion_ephemeral_pub").data
        candidate.request = _CodeRequest(number, wrapped)
        # The newest request of a number is the one that its phone is asked about.
        self._candidates[candidate.client] = self._candidates.pop(candidate.client)
        ref = Node("link_code_pairing_ref", {}, candidate.request.ref)
        return Node("link_code_companion_reg", {"stage": "companion_hello"}, [ref])

    def _companion_finish(self, candidate: _Candidate, registration: Node) -> None:
        request = candidate.request
        if request is None or request.finished is None or request.finished.done():
            raise MalformedStanzaError("nobody has typed the code yet")
        bundle = registration.require("link_code_pairing_wrapped_key_bundle").data
        request.finished.set_result((bundle, registration.require("companion_identity_public").data))

    def _iq(self, content: Node) -> tuple[str, Node]:
        number = str(next(self._ids))
        attrs: Attrs = {"from": SERVER, "type": "set", "id": number, "xmlns": "md", "t": int(time.time())}
        return number, Node("iq", attrs, [content])

    def _primary_hello(self, ref: bytes, wrapped_ephemeral: bytes, identity: bytes) -> Node:
        content = [
            Node("link_code_pairing_ref", {}, ref),
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped_ephemeral),
            Node("primary_identity_pub", {}, identity),
        ]
        kind = "link_code_companion_reg"
        attrs: Attrs = {"from": SERVER, "type": kind, "id": next(self._ids), "t": int(time.time())}
        return Node("notification", attrs, [Node(kind, {"stage": "primary_hello"}, content)])


def _parse_qr(text: str) -> tuple[str, bytes, bytes, bytes]:
    fields = text.strip().rsplit("#", 1)[-1].split(",")
    if len(fields) < 4:
        raise QrUnknownError("this is not a WhatsApp linking code")
    try:
        keys = [base64.b64decode(part, validate=True) for part in fields[1:4]]
    except (binascii.Error, ValueError) as error:
        raise QrUnknownError("this is not a WhatsApp linking code") from error
    return fields[0], keys[0], keys[1], keys[2]


def _properties(properties: bytes) -> Any:
    """What the client says of itself: its name, shown in the list of linked devices, and how much history it wants."""
    kind = load("waCompanionReg.WAWebProtobufsCompanionReg_pb2").DeviceProps
    try:
        return kind.FromString(properties)
    except DecodeError:
        return kind()


def _has_valid_keys(data: Any) -> bool:
    if data.eKeytype != KEY_TYPE or len(data.eIdent) != KEY_SIZE or len(data.eSkeyVal) != KEY_SIZE:
        return False
    prekey = SignedPreKey(int.from_bytes(data.eSkeyID, "big"), data.eSkeyVal, data.eSkeySig)
    return prekey.is_signed_by(data.eIdent)


def _pair_success(account: Account, record: DeviceRecord, adv_secret: bytes) -> Node:
    business = account.record.business
    device = Device(account, record)
    content = [
        Node("device-identity", {}, adv.seal_identity(record.signed_identity, adv_secret)),
        Node("platform", {"name": "smba" if business else "android"}),
        Node("device", {"jid": device.pn, "lid": device.lid}),
    ]
    if business:
        content.insert(1, Node("biz", {"name": business}))
    return Node("pair-success", {}, content)


def _signed_by_both(account: Account, record: DeviceRecord, answer: Node) -> bytes:
    identity = answer.child("pair-device-sign", "device-identity")
    if answer.text("type") != "result" or identity is None:
        raise PairingFailedError("the client refused to be linked")
    if identity.text("key-index") != str(record.key_index):
        raise PairingFailedError("the client answered for another key index")
    try:
        return adv.accept_answer(account, record, identity.data)
    except adv.DeviceSignatureError as error:
        raise PairingFailedError(str(error)) from error
