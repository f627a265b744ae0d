"""Namespace ``encrypt``: devices publish their keys and ask for those of others."""

from __future__ import annotations

import hashlib

from sessions.sandbox.crypto.keys import KEY_SIZE, SignedPreKey
from sessions.sandbox.state.directory import Bundle, Device, Directory
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.traffic.queries.registry import NOT_ACCEPTABLE, NOT_FOUND, Query, Routes
from sessions.sandbox.wire.node import MalformedStanzaError, Node

_REGISTRATION_BYTES = 4
_KEY_ID_BYTES = 3
_KEY_TYPE = Node("type", {}, b"\x05")
_ENOUGH_KEYS = 10  # below this a device is asked for more


class KeyQueries:
    """Uploads, counts, digests and bundles."""

    def __init__(self, *, directory: Directory, notices: Notices) -> None:
        self._directory = directory
        self._notices = notices

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("get", "encrypt", "count"): self._count,
            ("get", "encrypt", "key"): self._bundles,
            ("get", "encrypt", "digest"): self._digest,
            ("set", "encrypt", "registration"): self._upload,
            ("set", "encrypt", "rotate"): self._rotate,
        }

    async def take_bundle(self, device: Device) -> Bundle | None:
        """Hand out the keys to start a session with a device; ask it for more when they run low."""
        bundle = self._directory.take_bundle(device)
        if bundle is not None and bundle.prekey is not None and len(device.prekeys) < _ENOUGH_KEYS:
            await self._notices.keys_run_low(device)
        return bundle

    async def _count(self, query: Query) -> list[Node]:
        return [Node("count", {"value": len(query.device.prekeys)})]

    async def _upload(self, query: Query) -> list[Node]:
        stanza = query.stanza
        identity = _key(stanza.require("identity"))
        signed = _signed_prekey(stanza.require("skey"))
        if not signed.is_signed_by(identity):
            raise NOT_ACCEPTABLE
        if query.device.record.identity_key not in (b"", identity):
            raise NOT_ACCEPTABLE
        self._directory.publish_keys(
            query.device,
            registration_id=_number(stanza.require("registration"), _REGISTRATION_BYTES),
            identity_key=identity,
            signed_prekey=signed,
            prekeys=[
                (_number(key.require("id"), _KEY_ID_BYTES), _key(key.require("value")))
                for key in stanza.require("list").children
            ],
        )
        return []

    async def _rotate(self, query: Query) -> list[Node]:
        signed = _signed_prekey(query.child.require("skey"))
        record = query.device.record
        if not signed.is_signed_by(record.identity_key):
            raise NOT_ACCEPTABLE
        record.signed_prekey = signed
        self._directory.save_device(query.device)
        return []

    async def _digest(self, query: Query) -> list[Node]:
        device = query.device
        signed = device.record.signed_prekey
        if signed is None or not device.prekeys:
            raise NOT_FOUND
        hashed = device.record.identity_key + signed.public + signed.signature + b"".join(device.prekeys.values())
        content = [
            Node("registration", {}, device.record.registration_id.to_bytes(_REGISTRATION_BYTES, "big")),
            _KEY_TYPE,
            Node("identity", {}, device.record.identity_key),
            _signed_prekey_node(signed),
            Node("list", {}, [_id(number) for number in device.prekeys]),
            Node("hash", {}, hashlib.sha1(hashed, usedforsecurity=False).digest()),
        ]
        return [Node("digest", {}, content)]

    async def _bundles(self, query: Query) -> list[Node]:
        users = []
        for user in query.child.all("user"):
            jid = user.require_jid("jid")
            device = self._directory.device(jid)
            bundle = await self.take_bundle(device) if device else None
            missing = [Node("error", {"code": "404", "text": "item-not-found"})]
            users.append(Node("user", {"jid": jid}, _bundle_nodes(bundle, device) if bundle and device else missing))
        return [Node("list", {}, users)]


def _bundle_nodes(bundle: Bundle, device: Device) -> list[Node]:
    nodes = [
        Node("registration", {}, bundle.registration_id.to_bytes(_REGISTRATION_BYTES, "big")),
        _KEY_TYPE,
        Node("identity", {}, bundle.identity_key),
        _signed_prekey_node(bundle.signed_prekey),
    ]
    if bundle.prekey is not None:
        nodes.append(Node("key", {}, [_id(bundle.prekey.id), Node("value", {}, bundle.prekey.public)]))
    if not device.is_phone:
        nodes.append(Node("device-identity", {}, bundle.signed_identity))
    return nodes


def _signed_prekey_node(key: SignedPreKey) -> Node:
    content = [_id(key.id), Node("value", {}, key.public), Node("signature", {}, key.signature)]
    return Node("skey", {}, content)


def _id(number: int) -> Node:
    return Node("id", {}, number.to_bytes(_KEY_ID_BYTES, "big"))


def _signed_prekey(node: Node) -> SignedPreKey:
    return SignedPreKey(
        _number(node.require("id"), _KEY_ID_BYTES), _key(node.require("value")), node.require("signature").data
    )


def _number(node: Node, size: int) -> int:
    if not 0 < len(node.data) <= size:
        raise MalformedStanzaError(f"<{node.tag}> is not a number of {size} bytes")
    return node.number


def _key(node: Node) -> bytes:
    if len(node.data) != KEY_SIZE:
        raise MalformedStanzaError(f"<{node.tag}> is not a key of {KEY_SIZE} bytes")
    return node.data
