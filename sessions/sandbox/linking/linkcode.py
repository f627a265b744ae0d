"""The phone's side of linking by an 8-character code, and the key exchange behind it."""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sessions.sandbox.crypto.keys import KEY_SIZE, KeyPair, derive

_SALT = 32
_VECTOR = 16
_NONCE = 12
_ROUNDS = 131_072  # of PBKDF2; what makes guessing a code slow
_WRAPPED = _SALT + _VECTOR + KEY_SIZE
_BUNDLE_INFO = b"link_code_pairing_key_bundle_encryption_key"


class WrongCodeError(ValueError):
    """The code does not fit the keys that the companion sent."""


def normalize(code: str) -> str:
    """The code as the companion uses it: upper case, without dash or spaces."""
    return "".join(character for character in code.upper() if character.isalnum())


def wrap_key(code: str, public: bytes) -> bytes:
    """Encrypt a public key under the code."""
    salt, vector = os.urandom(_SALT), os.urandom(_VECTOR)
    return salt + vector + _stream(code, salt, vector, public)


def unwrap_key(code: str, wrapped: bytes) -> bytes:
    """Decrypt a public key that was encrypted under the code. A wrong code yields a wrong key, not an error."""
    if len(wrapped) != _WRAPPED:
        raise WrongCodeError("the companion's key has a wrong length")
    return _stream(code, wrapped[:_SALT], wrapped[_SALT : _SALT + _VECTOR], wrapped[_SALT + _VECTOR :])


def open_bundle(
    *, ephemeral: KeyPair, identity: KeyPair, companion_ephemeral: bytes, companion_identity: bytes, bundle: bytes
) -> bytes:
    """Open what the companion finishes with; return the secret under which its identity is sealed."""
    shared = ephemeral.agree(companion_ephemeral)
    salt, nonce, sealed = bundle[:_SALT], bundle[_SALT : _SALT + _NONCE], bundle[_SALT + _NONCE :]
    key = derive(shared, salt=salt, info=_BUNDLE_INFO, size=32)
    try:
        content = AESGCM(key).decrypt(nonce, sealed, None)
    except (InvalidTag, ValueError) as error:
        raise WrongCodeError("the companion's keys were not made with this code") from error
    if content[:KEY_SIZE] != companion_identity or content[KEY_SIZE : 2 * KEY_SIZE] != identity.public:
        raise WrongCodeError("the companion's keys do not belong together")
    secret = shared + identity.agree(companion_identity) + content[2 * KEY_SIZE :]
    return derive(secret, info=b"adv_secret", size=32)


def _stream(code: str, salt: bytes, vector: bytes, text: bytes) -> bytes:
    key = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, _ROUNDS, 32)
    return Cipher(algorithms.AES(key), modes.CTR(vector)).encryptor().update(text)
