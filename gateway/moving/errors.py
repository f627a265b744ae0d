"""Why a phone cannot be moved; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import ConflictError


class ArchiveStaleError(ConflictError):
    default_code = "session_archive_stale"
    title = "The phone has moved on since this archive was made: its keys are too old. Use the newest archive."


class ArchiveUsedError(ConflictError):
    default_code = "session_archive_used"
    title = "This archive was imported here before, and its keys were used since."


class ArchiveOfOtherKindError(ConflictError):
    default_code = "session_archive_other_kind"
    title = "Phones of a sandbox cannot move to a real gateway, nor the other way round."


class SessionInUseError(ConflictError):
    default_code = "session_in_use"
    title = "The session did not stop in time, so nothing was moved. Try again."


class KeysMissingError(ConflictError):
    default_code = "session_keys_missing"
    title = "The session's keys are not in the data folder, so they cannot be moved."
