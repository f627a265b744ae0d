"""The server side of the Noise_XX handshake that opens every connection, and the certificates it shows."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from sessions.protobuf import load
from sessions.sandbox.crypto.keys import KEY_SIZE, KeyPair, derive

#: "WA", the protocol's magic number and the dictionary's version: what a client sends before its first frame.
HEADER = b"WA\x06\x03"

_PATTERN = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
_DAY = 86_400  # seconds
_VALID_DAYS = 3650
_ROOT_SERIAL, _INTERMEDIATE_SERIAL, _LEAF_SERIAL = 0, 1, 2


class HandshakeError(ValueError):
    """The client does not speak the handshake, or trusts another root."""


class NoiseIdentity(msgspec.Struct, frozen=True):
    """The keys by which clients know this service: root, intermediate, and the static key of the handshake."""

    root: bytes
    intermediate: bytes
    static: bytes

    @classmethod
    def generate(cls) -> NoiseIdentity:
        """New keys."""
        return cls(*(KeyPair().private for _ in range(3)))

    @property
    def root_key(self) -> bytes:
        """The public key that a client must trust."""
        return KeyPair(self.root).public

    def certificates(self) -> bytes:
        """The chain from the root to the static key, fresh and valid from yesterday on."""
        proto = load("waCert.WACert_pb2")
        root, intermediate, static = KeyPair(self.root), KeyPair(self.intermediate), KeyPair(self.static)
        chain = proto.CertChain()
        details = _details(proto, _INTERMEDIATE_SERIAL, _ROOT_SERIAL, intermediate.public)
        chain.intermediate.details, chain.intermediate.signature = details, root.sign(details)
        details = _details(proto, _LEAF_SERIAL, _INTERMEDIATE_SERIAL, static.public)
        chain.leaf.details, chain.leaf.signature = details, intermediate.sign(details)
        return bytes(chain.SerializeToString())


def _details(proto: Any, serial: int, issuer: int, key: bytes) -> bytes:
    now = int(time.time())
    details = proto.CertChain.NoiseCertificate.Details(
        serial=serial, issuerSerial=issuer, key=key, notBefore=now - _DAY, notAfter=now + _VALID_DAYS * _DAY
    )
    return bytes(details.SerializeToString())


class NoiseServer:
    """What all handshakes of one service share: its static key and its certificates."""

    def __init__(self, identity: NoiseIdentity) -> None:
        self.static = KeyPair(identity.static)
        self.certificates = identity.certificates()

    def handshake(self) -> Handshake:
        """The handshake of one new connection."""
        return Handshake(static=self.static, certificates=self.certificates)


class Cipher:
    """One direction of an open connection: AES-GCM under a counter."""

    __slots__ = ("_aead", "_count")

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._count = 0

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt the next frame."""
        return self._aead.encrypt(self._nonce(), plaintext, None)

    def open(self, ciphertext: bytes) -> bytes:
        """Decrypt the next frame; raise HandshakeError where it was not sealed with our key."""
        try:
            return self._aead.decrypt(self._nonce(), ciphertext, None)
        except InvalidTag as error:
            raise HandshakeError("a frame that was not encrypted for this connection") from error

    def _nonce(self) -> bytes:
        nonce = bytes(8) + self._count.to_bytes(4, "big")
        self._count += 1
        return nonce


class Handshake:
    """One handshake: client hello, server hello, client finish. Afterwards both ciphers are ready."""

    def __init__(self, *, static: KeyPair, certificates: bytes) -> None:
        self._static = static
        self._certificates = certificates
        self._proto = load("waWa6.WAWebProtobufsWa6_pb2")
        self._hash = self._salt = _PATTERN
        self._key = _PATTERN
        self._count = 0
        self._ephemeral = KeyPair()
        self.client_static = b""
        self._mix_hash(HEADER)

    def hello(self, client_hello: bytes) -> bytes:
        """Answer the client's first frame with ours."""
        ephemeral = self._parse(client_hello).clientHello.ephemeral
        if len(ephemeral) != KEY_SIZE:
            raise HandshakeError("a client hello without a key")
        self._mix_hash(ephemeral)
        self._mix_hash(self._ephemeral.public)
        self._mix_secret(self._agree(self._ephemeral, ephemeral))
        static = self._seal(self._static.public)
        self._mix_secret(self._agree(self._static, ephemeral))
        answer = self._proto.HandshakeMessage()
        answer.serverHello.ephemeral = self._ephemeral.public
        answer.serverHello.static = static
        answer.serverHello.payload = self._seal(self._certificates)
        return bytes(answer.SerializeToString())

    def finish(self, client_finish: bytes) -> Any:
        """Take the client's second frame; return its ClientPayload."""
        finish = self._parse(client_finish).clientFinish
        self.client_static = self._open(finish.static)
        self._mix_secret(self._agree(self._ephemeral, self.client_static))
        payload = self._open(finish.payload)
        try:
            return self._proto.ClientPayload.FromString(payload)
        except DecodeError as error:
            raise HandshakeError("a client payload that cannot be read") from error

    def ciphers(self) -> tuple[Cipher, Cipher]:
        """The ciphers of the connection: what comes from the client, and what goes to it."""
        keys = derive(b"", salt=self._salt, info=b"", size=64)
        return Cipher(keys[:32]), Cipher(keys[32:])

    def _parse(self, frame: bytes) -> Any:
        try:
            return self._proto.HandshakeMessage.FromString(frame)
        except DecodeError as error:
            raise HandshakeError("a handshake frame that cannot be read") from error

    @staticmethod
    def _agree(pair: KeyPair, public: bytes) -> bytes:
        try:
            return pair.agree(public)
        except ValueError as error:
            raise HandshakeError("a key that no secret can be agreed with") from error

    def _mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.sha256(self._hash + data).digest()

    def _mix_secret(self, secret: bytes) -> None:
        keys = derive(secret, salt=self._salt, info=b"", size=64)
        self._salt, self._key, self._count = keys[:32], keys[32:], 0

    def _seal(self, plaintext: bytes) -> bytes:
        sealed = AESGCM(self._key).encrypt(self._nonce(), plaintext, self._hash)
        self._mix_hash(sealed)
        return sealed

    def _open(self, sealed: bytes) -> bytes:
        try:
            plaintext = AESGCM(self._key).decrypt(self._nonce(), sealed, self._hash)
        except InvalidTag as error:
            raise HandshakeError("a handshake that does not fit together") from error
        self._mix_hash(sealed)
        return plaintext

    def _nonce(self) -> bytes:
        nonce = bytes(8) + self._count.to_bytes(4, "big")
        self._count += 1
        return nonce
