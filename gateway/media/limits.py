"""What is accepted as a file."""

from __future__ import annotations

import msgspec

MEBIBYTE = 1024 * 1024


class MediaLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on files, from the configuration."""

    max_bytes: int = 100 * MEBIBYTE
    max_pixels: int = 50_000_000
    fetch_seconds: float = 60.0
    convert_seconds: float = 60.0
