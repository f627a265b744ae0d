"""What can go wrong with a session. Each error says whether trying again helps and whether WhatsApp may have seen it.

SessionError
├── NotRunningError        no worker holds the session
├── NotConnectedError      the worker is up, WhatsApp is not
├── NotPairedError         no phone is linked
├── PairingError           a pairing attempt ended without a link
├── RecipientUnknownError  nobody on WhatsApp under that address
├── InvalidRequestError    refused before it reached the engine
├── RefusedError           WhatsApp said no
│   ├── NewChatsRefusedError   463: new chats are time-locked for this account
│   └── BusyError              429, 5xx: later, slower
├── OutcomeUnknownError    written to the wire or maybe not; no answer came
├── WorkerLostError        the worker died before it answered
├── MediaUnreachableError  the file to send cannot be had just now
├── MediaUnavailableError  WhatsApp's media host no longer has the file
├── StoreError             the key store is locked, unreadable or broken
├── EngineUnsupportedError this engine build cannot do it
└── EngineError            anything else the engine said
"""

from __future__ import annotations

from typing import ClassVar, Literal

Wire = Literal["no", "maybe", "yes"]


class SessionError(Exception):
    """Base of the tree; ``code`` is stable, ``str()`` is one sentence without personal data."""

    code: ClassVar[str] = "session_error"
    retryable: ClassVar[bool] = False
    wire: ClassVar[Wire] = "no"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (self.__doc__ or "").strip())


class NotRunningError(SessionError):
    """The session is not running."""

    code = "session_not_running"
    retryable = True


class NotConnectedError(SessionError):
    """The session is not connected to WhatsApp."""

    code = "session_not_connected"
    retryable = True


class NotPairedError(SessionError):
    """No phone is linked to this session."""

    code = "session_not_paired"


class PairingError(SessionError):
    """The phone could not be linked."""

    code = "pairing_failed"


class RecipientUnknownError(SessionError):
    """Nobody is on WhatsApp under this address."""

    code = "recipient_unknown"


class InvalidRequestError(SessionError):
    """The engine cannot be asked this."""

    code = "invalid_request"


class RefusedError(SessionError):
    """WhatsApp refused the message."""

    code = "refused"
    wire = "yes"


class NewChatsRefusedError(RefusedError):
    """WhatsApp does not let this account start new chats for now."""

    code = "new_chats_refused"


class BusyError(RefusedError):
    """WhatsApp asks to slow down."""

    code = "whatsapp_busy"
    retryable = True


class OutcomeUnknownError(SessionError):
    """No answer came; the message may have been sent."""

    code = "outcome_unknown"
    wire = "maybe"


class WorkerLostError(SessionError):
    """The session's process ended before it answered."""

    code = "worker_lost"
    wire = "maybe"
    retryable = True


class MediaUnavailableError(SessionError):
    """WhatsApp no longer has the file."""

    code = "media_unavailable"


class MediaUnreachableError(SessionError):
    """The file to send cannot be read from where files are kept."""

    code = "media_unreachable"
    retryable = True


class StoreError(SessionError):
    """The session's key store cannot be used."""

    code = "store_unusable"


class EngineUnsupportedError(SessionError):
    """The engine cannot do this."""

    code = "engine_unsupported"


class EngineError(SessionError):
    """The engine reported an error that we do not know."""

    code = "engine_error"
    wire = "maybe"


def by_code() -> dict[str, type[SessionError]]:
    """Every error class under its code, so that an error crosses the process boundary as its code."""
    found: dict[str, type[SessionError]] = {}
    pending: list[type[SessionError]] = [SessionError]
    while pending:
        error = pending.pop()
        found[error.code] = error
        pending.extend(error.__subclasses__())
    return found
