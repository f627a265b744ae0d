"""Secrets at rest: sealed with a key that lives beside the store, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"


class VaultError(Exception):
    """The key is missing or wrong, or what was sealed is not what was opened."""


class Vault:
    """AES-256-GCM. The context (which row a secret belongs to) is authenticated: sealed values cannot be swapped."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise VaultError(f"the key must be {_KEY_BYTES} bytes long")
        self._cipher = AESGCM(key)
        self._key = key

    @classmethod
    def at(cls, path: Path) -> Vault:
        """The vault whose key is kept in this file; a new key is made when there is no file yet."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(_read_key(path))
        key = os.urandom(_KEY_BYTES)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
        return cls(key)

    def derive(self, purpose: str) -> bytes:
        """A key of its own for one purpose; it says nothing about the vault's key or about other purposes."""
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(self._key)

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """The sealed form, safe to store."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """What was sealed under this context; raises VaultError when key, context or bytes differ."""
        if sealed[:1] != _VERSION:
            raise VaultError("sealed by a version of this program that is not this one")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, context.encode())
        except (InvalidTag, ValueError):
            raise VaultError("cannot be opened with this key") from None


def _read_key(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o077
    if mode:
        raise VaultError(f"{path} can be read by others; run: chmod 600 {path}")
    return path.read_bytes()


def _sync_folder(folder: Path) -> None:
    """A key whose name is lost in a power cut would make every sealed value unreadable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
