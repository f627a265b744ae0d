"""Why a message cannot be read or written by the Signal layer.

SignalError
├── MalformedMessageError   the bytes are no message at all
├── NoSessionError          no session with that device, so nothing to read it with
├── UnknownKeyError         it uses a prekey or sender key that is not, or no longer, held
├── BadMessageError         the session or key does not fit
├── BadBundleError          a device's published keys are not signed by it
└── DuplicateMessageError   it was read before
"""

from __future__ import annotations

from typing import ClassVar


class SignalError(Exception):
    """Something the Signal layer cannot do; `code` is stable."""

    code: ClassVar[str] = "signal_error"


class MalformedMessageError(SignalError):
    """The bytes are no message at all."""

    code = "malformed_message"


class NoSessionError(SignalError):
    """No session with that device."""

    code = "no_session"


class UnknownKeyError(SignalError):
    """The message uses a prekey or sender key that is not held."""

    code = "unknown_key"


class BadMessageError(SignalError):
    """The session or key does not fit the message."""

    code = "bad_message"


class BadBundleError(SignalError):
    """The keys a device published are not signed by its identity."""

    code = "bad_bundle"


class DuplicateMessageError(SignalError):
    """The message was read before."""

    code = "duplicate_message"
