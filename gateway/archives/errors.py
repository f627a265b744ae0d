"""What can be wrong with an archive; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import InvalidError


class ArchiveError(InvalidError):
    """Base of what is wrong with a sealed file."""

    default_code = "archive_unreadable"
    title = "This is no archive of wagate."


class ArchiveNewerError(ArchiveError):
    default_code = "archive_newer"
    title = "The archive was made by a newer version of wagate. Use that version, or a later one."


class ArchiveWrongKeyError(ArchiveError):
    default_code = "archive_wrong_key"
    title = "The key or passphrase does not open this archive."


class ArchiveDamagedError(ArchiveError):
    default_code = "archive_damaged"
    title = "The archive is damaged or cut short. Nothing of it can be trusted."


class ArchiveSecretError(InvalidError):
    default_code = "archive_secret_weak"
    title = "The key or passphrase of an archive needs at least 12 characters."
