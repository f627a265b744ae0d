"""Links to files that work without a key until they expire: what they name is signed, nothing of them is stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.kit.clock import Clock
from gateway.media.errors import MediaLinkExpiredError, MediaNotFoundError

_CLAIM: Final = struct.Struct(">BQQQ")  # version, organization, file, end in seconds
_VERSION: Final = 1
_SIGNATURE_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True)
class LinkClaim:
    """What a valid link is for."""

    org_id: int
    media_id: int
    expires_at: datetime


class MediaLinks:
    """Makes and reads the last part of a link. ``key`` is a secret of this gateway alone."""

    def __init__(self, *, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def make(self, *, org_id: int, media_id: int, expires_at: datetime) -> str:
        """A token that opens one file until then."""
        claim = _CLAIM.pack(_VERSION, org_id, media_id, int(expires_at.timestamp()))
        return base64.urlsafe_b64encode(claim + self._sign(claim)).rstrip(b"=").decode()

    def read(self, token: str) -> LinkClaim:
        """What the token is for; raises MediaNotFoundError for what nobody here signed, MediaLinkExpiredError."""
        raw = _bytes_of(token)
        claim, signature = raw[: _CLAIM.size], raw[_CLAIM.size :]
        if not hmac.compare_digest(signature, self._sign(claim)):
            raise MediaNotFoundError
        version, org_id, media_id, ends = _CLAIM.unpack(claim)
        assert version == _VERSION, "we sign no other version"
        expires_at = datetime.fromtimestamp(ends, UTC)
        if expires_at <= self._clock.now():
            raise MediaLinkExpiredError
        return LinkClaim(org_id=org_id, media_id=media_id, expires_at=expires_at)

    def _sign(self, claim: bytes) -> bytes:
        return hmac.new(self._key, claim, hashlib.sha256).digest()


def _bytes_of(token: str) -> bytes:
    """Exactly as many bytes as a token has, and only one way of writing them."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError) as error:
        raise MediaNotFoundError from error
    is_canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if len(raw) != _CLAIM.size + _SIGNATURE_BYTES or not is_canonical:
        raise MediaNotFoundError
    return raw
