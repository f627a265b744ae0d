"""What the loopback WhatsApp refuses, each with a stable code.

SandboxError
├── AccountUnknownError   nobody has this number
├── DeviceUnknownError    the account has no such companion
├── QrUnknownError        no client shows this QR code
├── CodeUnknownError      no client waits for this link code
├── PairingFailedError    the client did not complete the pairing
├── ChannelUnknownError   there is no such channel
├── NotTheOwnerError      only its owner publishes in a channel
├── MessageUnknownHereError  the channel has no such message
└── PasskeyDemandedError  the account links devices with a passkey only
"""

from __future__ import annotations

from typing import ClassVar


class SandboxError(Exception):
    """Base of the tree; ``str()`` is one sentence without personal data."""

    code: ClassVar[str] = "sandbox_error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (self.__doc__ or "").strip())


class AccountUnknownError(SandboxError):
    """Nobody has this number."""

    code = "account_unknown"


class DeviceUnknownError(SandboxError):
    """The account has no such linked device."""

    code = "device_unknown"


class QrUnknownError(SandboxError):
    """No client shows this QR code now; it may have expired."""

    code = "qr_unknown"


class CodeUnknownError(SandboxError):
    """No client waits for this link code on this number."""

    code = "code_unknown"


class PairingFailedError(SandboxError):
    """The client did not complete the pairing."""

    code = "pairing_failed"


class ChannelUnknownError(SandboxError):
    """There is no such channel."""

    code = "channel_unknown"


class NotTheOwnerError(SandboxError):
    """Only its owner publishes in a channel."""

    code = "not_the_owner"


class MessageUnknownHereError(SandboxError):
    """The channel has no such message."""

    code = "message_unknown"


class PasskeyDemandedError(SandboxError):
    """WhatsApp asks the client for a passkey before it links it to this account."""

    code = "passkey_demanded"
