"""The double ratchet of the Signal protocol (version 3): one pairwise session between two devices."""

from __future__ import annotations

import hmac

import msgspec

from sessions.sandbox.crypto.ciphers import CipherTextError, decrypt_cbc, encrypt_cbc
from sessions.sandbox.crypto.keys import KEY_TYPE, KeyPair, authenticate, derive
from sessions.sandbox.signal.errors import BadMessageError, DuplicateMessageError, MalformedMessageError
from sessions.sandbox.signal.wirefields import (
    MalformedFieldsError,
    bytes_field,
    decode_fields,
    encode_fields,
    number_field,
)

VERSION = b"\x33"
MAC_BYTES = 8
MOST_SKIPPED = 2_000
MOST_RECEIVING_CHAINS = 5


class Chain(msgspec.Struct):
    """A symmetric chain: the key that gives the next message key, and that message's number."""

    key: bytes
    index: int = 0

    def step(self) -> MessageKeys:
        """The keys of the next message; the chain moves on and cannot give them again."""
        seed = authenticate(self.key, b"\x01")
        self.key = authenticate(self.key, b"\x02")
        self.index += 1
        return MessageKeys.from_seed(seed)


class MessageKeys(msgspec.Struct, frozen=True):
    """What encrypts and authenticates exactly one message."""

    cipher: bytes
    mac: bytes
    iv: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> MessageKeys:
        """Expand a chain's output."""
        material = derive(seed, info=b"WhisperMessageKeys", size=80)
        return cls(cipher=material[:32], mac=material[32:64], iv=material[64:])


class ReceivingChain(msgspec.Struct):
    """What the other side sends under one of its ratchet keys, with the keys of messages still on their way."""

    ratchet_key: bytes
    chain: Chain
    skipped: dict[int, MessageKeys] = {}

    def copy(self) -> ReceivingChain:
        """An independent chain, so that a message that fails leaves no trace."""
        return ReceivingChain(self.ratchet_key, Chain(self.chain.key, self.chain.index), dict(self.skipped))

    def keys_for(self, index: int) -> MessageKeys:
        """The keys of message `index`, which may come early, in order or late, but only once."""
        if index < self.chain.index:
            keys = self.skipped.pop(index, None)
            if keys is None:
                raise DuplicateMessageError("this message was decrypted before")
            return keys
        if index - self.chain.index > MOST_SKIPPED:
            raise BadMessageError("too far in the future")
        while self.chain.index < index:
            position = self.chain.index
            self.skipped[position] = self.chain.step()
        while len(self.skipped) > MOST_SKIPPED:
            del self.skipped[min(self.skipped)]
        return self.chain.step()


class Opening(msgspec.Struct, frozen=True):
    """What the first messages of a session carry until the other side has answered."""

    registration_id: int
    signed_prekey_id: int
    base_key: bytes
    prekey_id: int | None = None


class RatchetState(msgspec.Struct, kw_only=True):
    """One pairwise session: it turns plain text into messages and back, and is its own serialised form."""

    own_identity: bytes
    their_identity: bytes
    root_key: bytes
    ratchet_private: bytes
    sending: Chain
    base_key: bytes
    previous_count: int = 0
    receiving: list[ReceivingChain] = []
    opening: Opening | None = None

    def encrypt(self, plain: bytes) -> tuple[str, bytes]:
        """The message and its kind: `pkmsg` until the other side has answered, then `msg`."""
        index = self.sending.index
        keys = self.sending.step()
        ratchet = KeyPair(self.ratchet_private)
        body = VERSION + encode_fields(
            {
                1: KEY_TYPE + ratchet.public,
                2: index,
                3: self.previous_count,
                4: encrypt_cbc(keys.cipher, keys.iv, plain),
            }
        )
        message = body + self._mac(keys, self.own_identity, self.their_identity, body)
        return ("pkmsg", self._opened(message)) if self.opening else ("msg", message)

    def decrypt(self, message: bytes) -> bytes:
        """The plain text of a `msg`; a message that cannot be read changes nothing."""
        body, mac = message[:-MAC_BYTES], message[-MAC_BYTES:]
        ratchet_key, index, secret = _parse(body)
        trial = self._copy()
        keys = trial._chain_of(ratchet_key).keys_for(index)
        if not hmac.compare_digest(mac, self._mac(keys, self.their_identity, self.own_identity, body)):
            raise BadMessageError("the message does not belong to this session")
        try:
            plain = decrypt_cbc(keys.cipher, keys.iv, secret)
        except CipherTextError as error:
            raise BadMessageError("the message cannot be decrypted") from error
        self._become(trial)
        self.opening = None
        return plain

    def _opened(self, message: bytes) -> bytes:
        assert self.opening is not None
        return VERSION + encode_fields(
            {
                5: self.opening.registration_id,
                1: self.opening.prekey_id,
                6: self.opening.signed_prekey_id,
                2: KEY_TYPE + self.opening.base_key,
                3: KEY_TYPE + self.own_identity,
                4: message,
            }
        )

    def _chain_of(self, ratchet_key: bytes) -> ReceivingChain:
        for chain in self.receiving:
            if chain.ratchet_key == ratchet_key:
                return chain
        return self._turn(ratchet_key)

    def _turn(self, ratchet_key: bytes) -> ReceivingChain:
        """The other side shows a new ratchet key: a receiving chain for it, and a new sending chain of our own."""
        chain = ReceivingChain(ratchet_key, self._next_chain(ratchet_key))
        self.receiving = [*self.receiving, chain][-MOST_RECEIVING_CHAINS:]
        self.previous_count = max(self.sending.index - 1, 0)
        self.ratchet_private = KeyPair().private
        self.sending = self._next_chain(ratchet_key)
        return chain

    def _next_chain(self, ratchet_key: bytes) -> Chain:
        secret = KeyPair(self.ratchet_private).agree(ratchet_key)
        material = derive(secret, salt=self.root_key, info=b"WhisperRatchet", size=64)
        self.root_key = material[:32]
        return Chain(material[32:])

    def _copy(self) -> RatchetState:
        return msgspec.structs.replace(self, receiving=[chain.copy() for chain in self.receiving])

    def _become(self, other: RatchetState) -> None:
        for field in self.__struct_fields__:
            setattr(self, field, getattr(other, field))

    @staticmethod
    def _mac(keys: MessageKeys, sender: bytes, receiver: bytes, body: bytes) -> bytes:
        return authenticate(keys.mac, KEY_TYPE + sender, KEY_TYPE + receiver, body)[:MAC_BYTES]


def plain_key(typed: bytes) -> bytes:
    """The 32 bytes of a public key as messages carry it: with its type in front."""
    if len(typed) != 33 or typed[:1] != KEY_TYPE:
        raise MalformedMessageError("not a Curve25519 public key")
    return typed[1:]


def _parse(body: bytes) -> tuple[bytes, int, bytes]:
    if body[:1] != VERSION:
        raise MalformedMessageError("not a message of version 3")
    try:
        fields = decode_fields(body[1:])
        return plain_key(bytes_field(fields, 1)), number_field(fields, 2, 0), bytes_field(fields, 4)
    except MalformedFieldsError as error:
        raise MalformedMessageError("not a Signal message") from error
