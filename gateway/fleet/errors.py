"""What can go wrong with linked phones; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, GoneError, NotFoundError, UnavailableError


class SessionNotFoundError(NotFoundError):
    default_code = "session_not_found"
    title = "There is no such session."


class SessionNameTakenError(ConflictError):
    default_code = "session_name_taken"
    title = "Another session has this name already."


class SessionNotPairedError(ConflictError):
    default_code = "session_not_paired"
    title = "No phone is linked to this session. Ask for its QR code and scan it first."


class SessionBannedError(ConflictError):
    default_code = "session_banned"
    title = "WhatsApp has banned this number for a time. It connects by itself when the ban has ended."


class SessionAlreadyPairedError(ConflictError):
    default_code = "session_already_paired"
    title = "A phone is linked to this session already. Log it out first to link another."


class SessionAccountLinkedError(ConflictError):
    default_code = "session_account_linked"
    title = "This WhatsApp account is linked to another session here already."


class SessionNotConnectedError(ConflictError):
    default_code = "session_not_connected"
    title = "The session is not connected to WhatsApp just now."


class PairingFailedError(ConflictError):
    """An attempt ended without a link; the code is that of the reason."""

    default_code = "pairing_failed"
    title = "The phone could not be linked."


class NoQrYetError(UnavailableError):
    default_code = "qr_not_ready"
    title = "WhatsApp has not given a QR code yet. Try again in a few seconds."


class PairingLinkGoneError(GoneError):
    """``code`` says which of the three it is."""

    default_code = "pairing_link_expired"
    title = "This link has expired. Ask for a new one."
