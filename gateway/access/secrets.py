"""Makes the secrets that callers hold, and the digests of them that we keep."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX: Final = "wag_"
_RANDOM_LENGTH: Final = 30  # 178 bits
_CHECKSUM_LENGTH: Final = 6
_SHAPE: Final = re.compile(rf"{_PREFIX}([0-9A-Za-z]{{{_RANDOM_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})")
_HINT_LENGTH: Final = 8


def make_key() -> str:
    """A new API key. Its last six characters are a checksum, so that scanners and typing errors are told apart."""
    random_part = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{_PREFIX}{random_part}{_checksum(random_part)}"


def is_key(text: str) -> bool:
    """Whether a text can be one of our keys; most that are not ours are turned away without asking the store."""
    found = _SHAPE.fullmatch(text)
    return found is not None and secrets.compare_digest(found[2], _checksum(found[1]))


def hint_of(key: str) -> str:
    """The beginning of a key, by which people recognise it in a list."""
    return key[:_HINT_LENGTH]


def make_token() -> str:
    """A token for a cookie or a one-time link: 256 bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What we keep of a secret. It has too many bits to be guessed, so that a fast hash is enough."""
    # Headers may hold bytes that are no text; those are no secret of ours, but no fault either.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _checksum(random_part: str) -> str:
    value = zlib.crc32(random_part.encode())
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        value, index = divmod(value, len(_ALPHABET))
        digits.append(_ALPHABET[index])
    return "".join(reversed(digits))
