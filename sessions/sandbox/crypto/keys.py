"""Curve25519 key pairs and key derivation, shared by the handshake, pairing and the Signal layer."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sessions.sandbox.crypto import xeddsa

#: The byte that Signal puts before a Curve25519 public key.
KEY_TYPE = b"\x05"
KEY_SIZE = 32


class KeyPair:
    """A Curve25519 key pair that agrees on secrets and signs (XEdDSA)."""

    __slots__ = ("_key", "private", "public")

    def __init__(self, private: bytes | None = None) -> None:
        key = X25519PrivateKey.from_private_bytes(private) if private else X25519PrivateKey.generate()
        self._key = key
        self.private = key.private_bytes_raw()
        self.public = key.public_key().public_bytes_raw()

    def agree(self, public: bytes) -> bytes:
        """The secret shared with the owner of this public key (Diffie-Hellman)."""
        return self._key.exchange(X25519PublicKey.from_public_bytes(public))

    def sign(self, message: bytes) -> bytes:
        """An XEdDSA signature of 64 bytes."""
        return xeddsa.sign(self.private, message)


class SignedPreKey(NamedTuple):
    """A device's medium-term key, signed with its identity key."""

    id: int
    public: bytes
    signature: bytes

    def is_signed_by(self, identity: bytes) -> bool:
        """Whether the signature was made with the private half of this identity key."""
        return xeddsa.verify(identity, KEY_TYPE + self.public, self.signature)


class PreKey(NamedTuple):
    """A key that starts one Signal session and is then used up."""

    id: int
    public: bytes


def derive(secret: bytes, *, info: bytes, size: int, salt: bytes | None = None) -> bytes:
    """HKDF with SHA-256."""
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(secret)


def authenticate(key: bytes, *parts: bytes) -> bytes:
    """HMAC with SHA-256 over the parts, one after the other."""
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()
