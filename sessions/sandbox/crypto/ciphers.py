"""AES-CBC with padding, which messages, media and app state share."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7


class CipherTextError(ValueError):
    """The text cannot have been encrypted with this key."""


def encrypt_cbc(key: bytes, iv: bytes, plain: bytes) -> bytes:
    """AES-256-CBC with PKCS#7 padding."""
    padder = PKCS7(AES.block_size).padder()
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def decrypt_cbc(key: bytes, iv: bytes, secret: bytes) -> bytes:
    """Undo :func:`encrypt_cbc`."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        padded = decryptor.update(secret) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise CipherTextError("cannot be decrypted") from error
