"""Votes and answers to appointments, which WhatsApp seals under the secret of the message that they are about.

Whoever has that message can open them and nobody else: the key is made of its secret, its id, its author and whoever
answers. WhatsApp knows people under two names, and does not say which of them went into the key; so all are tried.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sessions.address import Address, Jid
from sessions.content import EventAnswer, Sealed

_VOTE = "Poll Vote"
_EVENT_REPLY = "Event Response"
_IV_BYTES = 12
_KEY_BYTES = 32
_ANSWERS: dict[int, EventAnswer] = {1: "going", 2: "not_going", 3: "maybe"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


class Opener:
    """Seals and opens what is about one message."""

    def __init__(self, *, secret: bytes, wa_id: str, author: Address) -> None:
        self._secret = secret
        self._wa_id = wa_id
        self._author = author

    def seal_vote(self, options: Iterable[str], *, voter: Address) -> Sealed:
        """A vote for these options."""
        plain = b"".join(_field(1, _BYTES, _hash(option)) for option in options)
        return self._seal(_VOTE, plain, voter)

    def open_vote(self, sealed: Sealed, *, voter: Address, options: Iterable[str]) -> tuple[str, ...] | None:
        """Which of the poll's options were chosen; None where the vote cannot be opened."""
        plain = self._open(_VOTE, sealed, voter)
        if plain is None:
            return None
        chosen = {value for number, value in _fields(plain) if number == 1}
        return tuple(option for option in options if _hash(option) in chosen)

    def seal_reply(self, answer: EventAnswer, *, guests: int, at: float, guest: Address) -> Sealed:
        """An answer to an appointment."""
        number = next(number for number, name in _ANSWERS.items() if name == answer)
        plain = _field(1, _VARINT, number) + _field(2, _VARINT, int(at * 1000))
        return self._seal(_EVENT_REPLY, plain + (_field(3, _VARINT, guests) if guests else b""), guest)

    def open_reply(self, sealed: Sealed, *, guest: Address) -> tuple[EventAnswer, int] | None:
        """The answer to an appointment and how many others come along; None where it cannot be opened."""
        plain = self._open(_EVENT_REPLY, sealed, guest)
        if plain is None:
            return None
        found = dict(_fields(plain))
        answer, guests = _ANSWERS.get(_number(found.get(1))), _number(found.get(3))
        return (answer, guests) if answer is not None else None

    def _seal(self, purpose: str, plain: bytes, by: Address) -> Sealed:
        iv = os.urandom(_IV_BYTES)
        key, data = self._key(purpose, self._author.primary, by.primary)
        return Sealed(payload=AESGCM(key).encrypt(iv, plain, data), iv=iv)

    def _open(self, purpose: str, sealed: Sealed, by: Address) -> bytes | None:
        if len(sealed.iv) != _IV_BYTES:
            return None
        for author, other in itertools.product(_names(self._author), _names(by)):
            key, data = self._key(purpose, author, other)
            try:
                return AESGCM(key).decrypt(sealed.iv, sealed.payload, data)
            except InvalidTag:
                continue
        return None

    def _key(self, purpose: str, author: Jid, by: Jid) -> tuple[bytes, bytes]:
        info = f"{self._wa_id}{author}{by}{purpose}".encode()
        key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._secret)
        return key, f"{self._wa_id}\0{by}".encode()


def _names(address: Address) -> list[Jid]:
    return [jid for jid in (address.lid, address.pn) if jid is not None]


def _hash(option: str) -> bytes:
    return hashlib.sha256(option.encode()).digest()


def _field(number: int, kind: int, value: int | bytes) -> bytes:
    head = _varint(number << 3 | kind)
    return head + (_varint(value) if isinstance(value, int) else _varint(len(value)) + value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _fields(plain: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message, as far as it can be read."""
    position = 0
    try:
        while position < len(plain):
            tag, position = _read_varint(plain, position)
            number, kind = tag >> 3, tag & 7
            if kind == _VARINT:
                value, position = _read_varint(plain, position)
                yield number, value
                continue
            if kind == _BYTES:
                length, position = _read_varint(plain, position)
            else:
                length = _FIXED[kind]
            yield number, plain[position : position + length]
            position += length
    except (IndexError, KeyError):
        return


def _read_varint(plain: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = plain[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _number(value: int | bytes | None) -> int:
    return value if isinstance(value, int) else 0
