"""Encrypts and authenticates a stream of any length, piece by piece, so that no piece can be changed, moved or left out.

The construction is STREAM, as in age: every chunk is sealed with AES-256-GCM under a key of this file alone, and its
nonce is the chunk's number with a last byte that is 1 for the final chunk only. The head is ``magic | cost | salt |
check``: scrypt makes 64 bytes of the secret and the salt, half of them the chunks' key and half of them the key of the
check (HMAC-SHA-256 of what stands before it), by which a wrong secret is told from a damaged file. A chunk on disk is
``length | sealed``, and what is sealed begins with a byte that says whether the rest is deflated.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import zlib
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.archives.errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveNewerError,
    ArchiveSecretError,
    ArchiveWrongKeyError,
)

CHUNK_BYTES: Final = 256 * 1024
LEAST_SECRET_BYTES: Final = 12
_NAME: Final = b"wagate archive "
_MAGIC: Final = _NAME + b"1\n"
_SALT_BYTES: Final = 16
_CHECK_BYTES: Final = 32
_TAG_BYTES: Final = 16
#: scrypt's cost: 2**15 rounds of 32 KiB take a tenth of a second and 32 MiB.
_COST: Final = 15
_HIGHEST_COST: Final = 20
_LENGTH: Final = struct.Struct(">I")
_STORED, _DEFLATED = b"\x00", b"\x01"
#: The fastest level: a store shrinks to a third or less, and a chunk takes a few milliseconds.
_LEVEL: Final = 1


class SealingWriter:
    """A file to write to; :meth:`close` seals the last chunk and leaves the target open."""

    def __init__(self, target: BinaryIO, secret: bytes) -> None:
        demand_secret(secret)
        salt = os.urandom(_SALT_BYTES)
        head = _MAGIC + bytes([_COST]) + salt
        chunk_key, check_key = _keys(secret, salt, _COST)
        self._target = target
        self._cipher = AESGCM(chunk_key)
        self._number = 0
        self._buffer = bytearray()
        target.write(head + _check(check_key, head))

    def write(self, data: bytes) -> int:
        """Take bytes; whole chunks go out at once."""
        self._buffer += data
        # A full chunk waits until more follows: only then it is known not to be the last.
        while len(self._buffer) > CHUNK_BYTES:
            self._seal(bytes(self._buffer[:CHUNK_BYTES]), is_last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        """Seal what is left as the last chunk."""
        self._seal(bytes(self._buffer), is_last=True)
        self._buffer.clear()

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        deflated = zlib.compress(plain, _LEVEL)
        body = _DEFLATED + deflated if len(deflated) < len(plain) else _STORED + plain
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), body, None)
        self._target.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1


class OpeningReader:
    """A file to read from. What it gives was sealed with this secret, in this order, and nothing is left out."""

    def __init__(self, source: BinaryIO, secret: bytes) -> None:
        self._source = source
        self._cipher = AESGCM(_read_head(source, secret))
        self._number = 0
        self._buffer = bytearray()
        self._following = source.read(_LENGTH.size)
        self._has_ended = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the end; everything that is left when negative."""
        while not self._has_ended and (size < 0 or len(self._buffer) < size):
            self._buffer += self._open_next()
        taken = bytes(self._buffer if size < 0 else self._buffer[:size])
        del self._buffer[: len(taken)]
        return taken

    def drain(self) -> None:
        """Read to the end: only there it is known that nothing was cut off."""
        while self.read(CHUNK_BYTES):
            pass

    def _open_next(self) -> bytes:
        if len(self._following) < _LENGTH.size:
            raise ArchiveDamagedError
        (length,) = _LENGTH.unpack(self._following)
        if not _TAG_BYTES < length <= CHUNK_BYTES + 1 + _TAG_BYTES:
            raise ArchiveDamagedError
        sealed = self._source.read(length)
        self._following = self._source.read(_LENGTH.size)
        self._has_ended = not self._following
        try:
            body = self._cipher.decrypt(_nonce(self._number, is_last=self._has_ended), sealed, None)
        except (InvalidTag, ValueError):
            raise ArchiveDamagedError from None
        self._number += 1
        return body[1:] if body[:1] == _STORED else zlib.decompressobj().decompress(body[1:], CHUNK_BYTES)


def demand_secret(secret: bytes) -> None:
    """Raise ArchiveSecretError for one that is guessed in no time."""
    if len(secret) < LEAST_SECRET_BYTES:
        raise ArchiveSecretError


def _read_head(source: BinaryIO, secret: bytes) -> bytes:
    """The chunks' key, when the secret is the right one."""
    head = source.read(len(_MAGIC) + 1 + _SALT_BYTES)
    if not head.startswith(_NAME):
        raise ArchiveError
    if not head.startswith(_MAGIC):
        raise ArchiveNewerError
    cost = head[len(_MAGIC)] if len(head) > len(_MAGIC) else 0
    if not 1 <= cost <= _HIGHEST_COST:
        raise ArchiveDamagedError
    chunk_key, check_key = _keys(secret, head[len(_MAGIC) + 1 :], cost)
    if not hmac.compare_digest(source.read(_CHECK_BYTES), _check(check_key, head)):
        raise ArchiveWrongKeyError
    return chunk_key


def _keys(secret: bytes, salt: bytes, cost: int) -> tuple[bytes, bytes]:
    made = hashlib.scrypt(secret, salt=salt, n=1 << cost, r=8, p=1, maxmem=1 << (cost + 11), dklen=64)
    return made[:32], made[32:]


def _check(key: bytes, head: bytes) -> bytes:
    return hmac.digest(key, head, "sha256")


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")
