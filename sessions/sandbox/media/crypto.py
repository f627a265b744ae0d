"""How WhatsApp encrypts files: what lies on the media host, and the keys that travel in the message."""

from __future__ import annotations

import hashlib
import hmac
import os
from enum import StrEnum
from typing import NamedTuple

from sessions.sandbox.crypto.ciphers import CipherTextError, decrypt_cbc, encrypt_cbc
from sessions.sandbox.crypto.keys import authenticate, derive

MEDIA_KEY_BYTES = 32
_MAC_BYTES = 10


class MediaType(StrEnum):
    """What the keys of a file are derived for; stickers count as images, voice notes as audio."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    HISTORY = "history"


class MediaDamagedError(ValueError):
    """The file on the media host is not the one that the message names."""


class SealedFile(NamedTuple):
    """A file as the media host sees it, with what only the message tells."""

    body: bytes
    media_key: bytes
    sha256: bytes
    encrypted_sha256: bytes
    size: int


class _Keys(NamedTuple):
    iv: bytes
    cipher: bytes
    mac: bytes


def seal(plain: bytes, media_type: MediaType) -> SealedFile:
    """Encrypt a file with a fresh key."""
    media_key = os.urandom(MEDIA_KEY_BYTES)
    keys = _expand(media_key, media_type)
    secret = encrypt_cbc(keys.cipher, keys.iv, plain)
    body = secret + _mac(keys, secret)
    return SealedFile(
        body=body,
        media_key=media_key,
        sha256=hashlib.sha256(plain).digest(),
        encrypted_sha256=hashlib.sha256(body).digest(),
        size=len(plain),
    )


def unseal(body: bytes, *, media_key: bytes, media_type: MediaType, sha256: bytes, encrypted_sha256: bytes) -> bytes:
    """Decrypt a file, and refuse one that differs in any way from what its message promised."""
    if hashlib.sha256(body).digest() != encrypted_sha256:
        raise MediaDamagedError("the encrypted file has another hash")
    keys = _expand(media_key, media_type)
    secret, mac = body[:-_MAC_BYTES], body[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(keys, secret)):
        raise MediaDamagedError("the file was not encrypted with this key")
    try:
        plain = decrypt_cbc(keys.cipher, keys.iv, secret)
    except CipherTextError as error:
        raise MediaDamagedError("the file cannot be decrypted") from error
    if hashlib.sha256(plain).digest() != sha256:
        raise MediaDamagedError("the file has another hash")
    return plain


def _expand(media_key: bytes, media_type: MediaType) -> _Keys:
    info = f"WhatsApp {media_type.capitalize()} Keys".encode()
    material = derive(media_key, info=info, size=112)
    return _Keys(iv=material[:16], cipher=material[16:48], mac=material[48:80])


def _mac(keys: _Keys, secret: bytes) -> bytes:
    return authenticate(keys.mac, keys.iv, secret)[:_MAC_BYTES]
