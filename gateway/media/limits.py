"""What is accepted as a file."""

from __future__ import annotations

import msgspec

MEBIBYTE = 1024 * 1024


class MediaLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on files, from the configuration. 0 as a limit of one type means that of all files."""

    max_bytes: int = 100 * MEBIBYTE
    max_image_bytes: int = 0
    max_video_bytes: int = 0
    max_audio_bytes: int = 0
    max_document_bytes: int = 0
    max_pixels: int = 50_000_000
    max_side: int = 10_000
    quota_bytes: int = 0  #: of all files of an organization; 0: no limit
    unused_days: int = 30  #: how long a file is kept that nothing refers to; 0: for ever
    fetch_seconds: float = 60.0
    convert_seconds: float = 60.0

    def most_bytes(self, mimetype: str) -> int:
        """The largest file of this type."""
        family = mimetype.partition("/")[0]
        of_type = {
            "image": self.max_image_bytes,
            "video": self.max_video_bytes,
            "audio": self.max_audio_bytes,
        }.get(family, self.max_document_bytes)
        return min(of_type or self.max_bytes, self.max_bytes)
