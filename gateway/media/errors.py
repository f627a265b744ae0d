"""What can be wrong with a file; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    MediaTypeError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
)


class MediaTooLargeError(TooLargeError):
    default_code = "media_too_large"
    title = "The file is larger than this gateway accepts."


class MediaQuotaExceededError(TooLargeError):
    default_code = "media_quota_exceeded"
    title = "There is no room left for this file: the limit for all files together is reached."


class MediaTypeRefusedError(MediaTypeError):
    default_code = "media_type_refused"
    title = "The file is not what it is declared to be, or not of a type that fits here."


class MediaEmptyError(InvalidError):
    default_code = "media_empty"
    title = "The file is empty."


class MediaNotFoundError(NotFoundError):
    default_code = "media_not_found"
    title = "There is no such file."


class MediaFetchError(InvalidError):
    default_code = "media_url_failed"
    title = "The file could not be fetched from this URL."


class MediaLinkExpiredError(GoneError):
    default_code = "media_link_expired"
    title = "This link has expired. Ask whoever gave it to you for another one."


class MediaInUseError(ConflictError):
    default_code = "media_in_use"
    title = "The file is still to be sent."


class MediaStoreError(UnavailableError):
    default_code = "media_store_unavailable"
    title = "The place where files are kept does not answer, or has no room."


class VoiceNeedsOpusError(UnsupportedError):
    default_code = "voice_needs_opus"
    title = (
        "A voice note must be Ogg Opus; nothing here can convert it: neither ffmpeg nor the extra `media` is installed."
    )
