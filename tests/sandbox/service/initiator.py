"""A client's side of the Noise_XX handshake, written from its description."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sessions.protobuf import load
from sessions.sandbox.crypto.keys import KeyPair, derive
from sessions.sandbox.wire.noise import HEADER

proto = load("waWa6.WAWebProtobufsWa6_pb2")


class Initiator:
    """A client's side of the handshake."""

    def __init__(self) -> None:
        self.static, self.ephemeral = KeyPair(), KeyPair()
        self.hash = self.salt = self.key = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
        self.count = 0
        self.server_static = b""
        self.certificates = b""
        self._take(HEADER)

    def hello(self) -> bytes:
        self._take(self.ephemeral.public)
        message = proto.HandshakeMessage()
        message.clientHello.ephemeral = self.ephemeral.public
        return bytes(message.SerializeToString())

    def finish(self, server_hello: bytes, payload: bytes) -> bytes:
        hello = proto.HandshakeMessage.FromString(server_hello).serverHello
        self._take(hello.ephemeral)
        self._mix(self.ephemeral.agree(hello.ephemeral))
        self.server_static = self._open(hello.static)
        self._mix(self.ephemeral.agree(self.server_static))
        self.certificates = self._open(hello.payload)
        message = proto.HandshakeMessage()
        message.clientFinish.static = self._seal(self.static.public)
        self._mix(self.static.agree(hello.ephemeral))
        message.clientFinish.payload = self._seal(payload)
        return bytes(message.SerializeToString())

    def keys(self) -> tuple[bytes, bytes]:
        both = derive(b"", salt=self.salt, info=b"", size=64)
        return both[:32], both[32:]

    def _take(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def _mix(self, secret: bytes) -> None:
        both = derive(secret, salt=self.salt, info=b"", size=64)
        self.salt, self.key, self.count = both[:32], both[32:], 0

    def _nonce(self) -> bytes:
        self.count += 1
        return (self.count - 1).to_bytes(12, "big")

    def _seal(self, plain: bytes) -> bytes:
        sealed = AESGCM(self.key).encrypt(self._nonce(), plain, self.hash)
        self._take(sealed)
        return sealed

    def _open(self, sealed: bytes) -> bytes:
        plain = AESGCM(self.key).decrypt(self._nonce(), sealed, self.hash)
        self._take(sealed)
        return plain
