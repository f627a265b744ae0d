"""Sender keys of the Signal protocol: one chain per sender in a group, told to each member pairwise."""

from __future__ import annotations

import os
import secrets

import msgspec

from sessions.sandbox.crypto import xeddsa
from sessions.sandbox.crypto.ciphers import CipherTextError, decrypt_cbc, encrypt_cbc
from sessions.sandbox.crypto.keys import KEY_TYPE, KeyPair, authenticate, derive
from sessions.sandbox.signal.errors import BadMessageError, DuplicateMessageError, MalformedMessageError
from sessions.sandbox.signal.ratchet import MOST_SKIPPED, VERSION, plain_key
from sessions.sandbox.signal.wirefields import (
    MalformedFieldsError,
    bytes_field,
    decode_fields,
    encode_fields,
    number_field,
)


class SenderChain(msgspec.Struct):
    """The chain that gives a key for each message of one sender."""

    key: bytes
    iteration: int = 0

    def step(self) -> bytes:
        """The seed of the next message's keys."""
        seed = authenticate(self.key, b"\x01")
        self.key = authenticate(self.key, b"\x02")
        self.iteration += 1
        return seed


class OwnSenderKey(msgspec.Struct):
    """What this device encrypts with in one group."""

    key_id: int
    chain: SenderChain
    signing_private: bytes

    @classmethod
    def create(cls) -> OwnSenderKey:
        """A fresh key that nobody has been told yet."""
        return cls(secrets.randbits(31), SenderChain(os.urandom(32)), KeyPair().private)

    def distribution(self) -> bytes:
        """What the other members need to read everything from here on."""
        public = KeyPair(self.signing_private).public
        return VERSION + encode_fields(
            {1: self.key_id, 2: self.chain.iteration, 3: self.chain.key, 4: KEY_TYPE + public}
        )

    def encrypt(self, plain: bytes) -> bytes:
        """One message for all members who were told the key."""
        iteration = self.chain.iteration
        key, iv = _message_key(self.chain.step())
        body = VERSION + encode_fields({1: self.key_id, 2: iteration, 3: encrypt_cbc(key, iv, plain)})
        return body + KeyPair(self.signing_private).sign(body)


class TheirSenderKey(msgspec.Struct):
    """What another member's messages in one group are read with."""

    key_id: int
    chain: SenderChain
    signing_public: bytes
    skipped: dict[int, bytes] = {}

    @classmethod
    def parse(cls, distribution: bytes) -> TheirSenderKey:
        """Read what the other member told."""
        fields = _fields(distribution)
        try:
            chain = SenderChain(bytes_field(fields, 3), number_field(fields, 2, 0))
            return cls(number_field(fields, 1), chain, plain_key(bytes_field(fields, 4)))
        except MalformedFieldsError as error:
            raise MalformedMessageError("not a sender key") from error

    def decrypt(self, message: bytes) -> bytes:
        """The plain text of one of the sender's messages, each of them once."""
        body, signature = message[: -xeddsa.SIGNATURE_SIZE], message[-xeddsa.SIGNATURE_SIZE :]
        if not xeddsa.verify(self.signing_public, body, signature):
            raise BadMessageError("not signed by the sender")
        fields = _fields(body)
        try:
            key, iv = _message_key(self._seed(number_field(fields, 2, 0)))
            return decrypt_cbc(key, iv, bytes_field(fields, 3))
        except (MalformedFieldsError, CipherTextError) as error:
            raise BadMessageError("the message cannot be decrypted") from error

    def _seed(self, iteration: int) -> bytes:
        if iteration < self.chain.iteration:
            seed = self.skipped.pop(iteration, None)
            if seed is None:
                raise DuplicateMessageError("this message was decrypted before")
            return seed
        if iteration - self.chain.iteration > MOST_SKIPPED:
            raise BadMessageError("too far in the future")
        while self.chain.iteration < iteration:
            position = self.chain.iteration
            self.skipped[position] = self.chain.step()
        while len(self.skipped) > MOST_SKIPPED:
            del self.skipped[min(self.skipped)]
        return self.chain.step()


def key_id_of(message: bytes) -> int:
    """Which of the sender's keys a group message was encrypted with."""
    try:
        return number_field(_fields(message[: -xeddsa.SIGNATURE_SIZE]), 1)
    except MalformedFieldsError as error:
        raise MalformedMessageError("not a group message") from error


def _fields(data: bytes) -> dict[int, int | bytes]:
    if data[:1] != VERSION:
        raise MalformedMessageError("not a message of version 3")
    try:
        return decode_fields(data[1:])
    except MalformedFieldsError as error:
        raise MalformedMessageError("not a Signal message") from error


def _message_key(seed: bytes) -> tuple[bytes, bytes]:
    material = derive(seed, info=b"WhisperGroup", size=48)
    return material[16:], material[:16]
